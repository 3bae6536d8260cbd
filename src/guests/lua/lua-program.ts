/**
 * Programs of the module format `heddle-lua-1`: Lua 5.3 source that defines `handle(msg, env)`.
 *
 * Invariants  The source runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             math.random. Nothing but the process id, the messages and the module decides what a process computes.
 */

import { concat, toText, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { VALUE_DEPTH_MAX } from '../../base/limits.ts'
import {
  type GuestEnv,
  GuestFault,
  type GuestInstance,
  type GuestLimits,
  type GuestModule,
  type GuestProgram,
  type Reply,
} from '../guest.ts'
import { packSnapshot, unpackSnapshot } from '../snapshot.ts'
import { encodeValue } from '../value-codec.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { applyImage, ImageBuffer, type Range, rangeBytes, type StateImage } from '../wasm/state-image.ts'
import { LUA_BINARY_SHA256, LUA_CONSTANTS_END } from './lua-binary.ts'
import { LuaEngine } from './lua-engine.ts'
import { MAILBOX_BYTES, MAILBOX_HEADER_BYTES, OP, PRELUDE_VERSION, preludeSource, REPLY } from './prelude.ts'

export const LUA_FORMAT = 'heddle-lua-1'
const ENGINE = `lua-5.3.6:${LUA_BINARY_SHA256.slice(0, 16)}:meter-${METER_VERSION}:prelude-${PRELUDE_VERSION}`
/** Slots of the Lua stack that stay: the function that the host calls, and the mailbox. */
const DISPATCH = 1
const MAILBOX = 2
const TOP = -1
const LONG_STRING_BYTES_MIN = 64
const LUA_OUT_OF_MEMORY = 4
const OUT_OF_MEMORY = /not enough memory( for buffer allocation)?$/
/** After a rollback an instance whose memory holds more than this beyond its state is replaced, since memory never shrinks. */
const UNUSED_BYTES_MAX = 32 * 1024 * 1024
/** Makes room for the prelude's source in a string, and compiles it from there: a chunk loaded directly would keep its source as its name. */
const LOADER = 'local text = string.rep("\\0", 16384) return function() return load(text:match("^[^\\0]+"), "=heddle", "t")() end, text'

export function prepareLuaProgram(module: GuestModule, limits: GuestLimits): GuestProgram {
  const template = new LuaInstance(module.id, limits)
  template.bootSource(module.bytes)
  const image = template.capture(new ImageBuffer())
  const origin = { module: module.id, format: LUA_FORMAT, engine: ENGINE }
  const from = (state: StateImage): LuaInstance => {
    const instance = new LuaInstance(module.id, limits)
    instance.apply(state)
    return instance
  }
  return {
    module: module.id,
    spawn(process, env) {
      const instance = from(image)
      instance.identify(process, env)
      return instance
    },
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax)),
  }
}

class LuaInstance implements GuestInstance {
  readonly #module: TxId
  readonly #limits: GuestLimits
  #engine: LuaEngine
  /** Addresses in the guest: Lua state, four bytes for sizes, contents of the mailbox. */
  #state = 0
  #sizeCell = 0
  #mailbox = 0
  #gasUsed = 0

  constructor(module: TxId, limits: GuestLimits) {
    this.#module = module
    this.#limits = limits
    this.#engine = new LuaEngine(limits.memoryBytesMax)
  }

  get gasUsed(): number {
    return this.#gasUsed
  }

  get stateBytes(): number {
    return rangeBytes(this.#ranges())
  }

  /** From nothing to a loaded module. */
  bootSource(source: Uint8Array): void {
    const { exports } = this.#engine
    exports.callConstructors()
    this.#state = exports.newState()
    exports.openLibs(this.#state)
    this.#sizeCell = exports.malloc(16)
    this.#runPrelude()
    this.#boot(OP.load, source, true)
  }

  /** Tells a fresh copy of the template which process it is. */
  identify(process: TxId, env: GuestEnv): void {
    const seed = new DataView(sha256(utf8(process)).buffer).getUint32(0, true)
    this.#boot(OP.identify, encodeValue({ env, seed }))
  }

  handle(message: Uint8Array): Reply {
    const reply = this.#call(OP.handle, message)
    return { values: reply.subarray(1), isError: reply[0] === REPLY.doneWithError }
  }

  capture(buffer: ImageBuffer): StateImage {
    return buffer.capture(this.#engine.bytes, {
      ranges: this.#ranges(),
      globals: [], // The stack pointer is the only one, and at rest always the same.
      anchors: [this.#state, this.#sizeCell, this.#mailbox],
    })
  }

  apply(image: StateImage): void {
    const end = image.ranges.at(-1)?.end ?? 0
    if (this.#engine.heapEnd - end > UNUSED_BYTES_MAX) this.#engine = new LuaEngine(this.#limits.memoryBytesMax)
    this.#engine.growTo(end)
    applyImage(this.#engine.bytes, image, this.#engine.heapEnd)
    this.#engine.clearStack()
    const [state = 0, sizeCell = 0, mailbox = 0] = image.anchors
    this.#state = state
    this.#sizeCell = sizeCell
    this.#mailbox = mailbox
  }

  snapshot(): Uint8Array {
    return packSnapshot({ module: this.#module, format: LUA_FORMAT, engine: ENGINE }, this.capture(new ImageBuffer()))
  }

  #ranges(): Range[] {
    const { stackTop, heapEnd } = this.#engine
    return [
      { start: 0, end: LUA_CONSTANTS_END },
      { start: stackTop, end: heapEnd },
    ]
  }

  #runPrelude(): void {
    const { exports } = this.#engine
    const source = preludeSource({ resultBytesMax: this.#limits.resultBytesMax, depthMax: VALUE_DEPTH_MAX })
    this.#loadText(LOADER)
    this.#engine.bytes.set(utf8(source), this.#stringAt(MAILBOX).address)
    exports.pushValue(this.#state, DISPATCH)
    this.#protect(() => exports.pcallK(this.#state, 0, 2, 0, 0, 0))
    exports.copy(this.#state, MAILBOX + 1, DISPATCH)
    exports.copy(this.#state, MAILBOX + 2, MAILBOX)
    exports.setTop(this.#state, MAILBOX)
    this.#mailbox = this.#stringAt(MAILBOX).address
  }

  /** Runs a short chunk that gives two values. */
  #loadText(text: string): void {
    const { exports } = this.#engine
    const bytes = utf8(`${text}\0`)
    const stack = exports.stackSave()
    const address = exports.stackAlloc(bytes.length)
    this.#engine.bytes.set(bytes, address)
    this.#protect(() => exports.loadString(this.#state, address))
    this.#protect(() => exports.pcallK(this.#state, 0, 2, 0, 0, 0))
    exports.stackRestore(stack)
  }

  /** A start-up step: what fails here is the module's fault. */
  #boot(op: number, input: Uint8Array, isLarge = false): void {
    try {
      this.#call(op, input, isLarge)
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error
      const message = `module ${this.#module} does not start: ${error.message}`
      throw new HeddleError('module-unsupported', { module: this.#module, reason: error.message }, message, { cause: error })
    }
  }

  /** One exchange with the Lua side. */
  #call(op: number, input: Uint8Array, isLarge = input.length > MAILBOX_BYTES - MAILBOX_HEADER_BYTES): Uint8Array {
    const { exports } = this.#engine
    const { gasMax } = this.#limits
    exports.gas.value = BigInt(gasMax)
    try {
      const reply = this.#exchange(op, input, isLarge)
      if (this.#engine.hasStackOverflow) throw new GuestFault('stack', 'stack overflow')
      if (reply[0] !== REPLY.failed) return reply
      throw this.#luaError(toText(reply.subarray(1)))
    } catch (thrown) {
      throw this.#fault(thrown)
    } finally {
      this.#gasUsed = Math.min(gasMax, gasMax - Number(exports.gas.value))
      this.#engine.clearStack()
    }
  }

  #exchange(op: number, input: Uint8Array, isLarge: boolean): Uint8Array {
    if (isLarge) this.#placeLarge(input)
    else this.#engine.bytes.set(input, this.#mailbox + MAILBOX_HEADER_BYTES)
    const { address, size } = this.#dispatch(op, isLarge ? 1 : 0)
    const { bytes } = this.#engine
    const reply = bytes.slice(address, address + size)
    this.#engine.exports.setTop(this.#state, MAILBOX)
    bytes.fill(0, this.#mailbox, this.#mailbox + MAILBOX_HEADER_BYTES + (isLarge ? 4 : input.length)) // No trace in the state.
    return reply
  }

  /** Has the Lua side make a string of the right size, and fills it. Short ones are padded: Lua shares equal short strings. */
  #placeLarge(short: Uint8Array): void {
    const input = short.length >= LONG_STRING_BYTES_MIN ? short : concat([short, new Uint8Array(LONG_STRING_BYTES_MIN).fill(0x20)])
    const size = new DataView(new ArrayBuffer(4))
    size.setUint32(0, input.length, true)
    this.#engine.bytes.set(new Uint8Array(size.buffer), this.#mailbox + MAILBOX_HEADER_BYTES)
    const large = this.#dispatch(OP.reserve, 0)
    if (large.size !== input.length) throw this.#luaError('not enough memory')
    this.#engine.bytes.set(input, large.address)
    this.#engine.exports.setTop(this.#state, MAILBOX)
  }

  /** The reply stays on the Lua stack. */
  #dispatch(op: number, place: number): { readonly address: number; readonly size: number } {
    const { exports, bytes } = this.#engine
    bytes[this.#mailbox] = op
    bytes[this.#mailbox + 1] = place
    exports.pushValue(this.#state, DISPATCH)
    this.#protect(() => exports.pcallK(this.#state, 0, 1, 0, 0, 0))
    return this.#stringAt(TOP)
  }

  #protect(run: () => number): void {
    const status = run()
    if (status === 0) return
    const { address, size } = this.#stringAt(TOP)
    const text = toText(this.#engine.bytes.slice(address, address + size))
    throw this.#luaError(status === LUA_OUT_OF_MEMORY ? 'not enough memory' : text)
  }

  #stringAt(index: number): { readonly address: number; readonly size: number } {
    const address = this.#engine.exports.toLString(this.#state, index, this.#sizeCell)
    return { address, size: address === 0 ? 0 : this.#engine.words[this.#sizeCell >>> 2]! }
  }

  #luaError(text: string): GuestFault {
    if (OUT_OF_MEMORY.test(text)) return new GuestFault('memory', `${text} (limit ${this.#limits.memoryBytesMax} bytes)`)
    return new GuestFault('error', text)
  }

  /** Why the program stopped, from whatever came out of it. */
  #fault(thrown: unknown): unknown {
    if (this.#engine.exports.gas.value < 0n) return new GuestFault('gas', `out of gas: limit ${this.#limits.gasMax}`)
    if (thrown instanceof RangeError && thrown.message.includes('call stack'))
      return new GuestFault('stack', 'stack overflow', { cause: thrown })
    if (thrown instanceof WebAssembly.RuntimeError)
      return new GuestFault('trap', `the program crashed: ${thrown.message}`, { cause: thrown })
    return thrown
  }
}
