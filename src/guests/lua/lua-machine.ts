/**
 * One Lua state under its prelude: boots, exchanges messages with the Lua side, and is copied, put back and continued.
 *
 * Wire        see prelude.ts
 * Invariants  All state is in the ranges that `capture` copies. Nothing of an exchange stays in the state but what the program keeps.
 *             After a call that met the end of its memory Lua collects its garbage, since its string buffers, unlike the rest, fail without trying.
 */
import { concat, EMPTY, toText, utf8 } from '../../base/bytes.ts'
import { GuestFault, type GuestFiles, type GuestLimits } from '../guest.ts'
import { noFiles } from '../host-files.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { applyImage, type ImageBuffer, type Range, rangeBytes, type StateImage } from '../wasm/state-image.ts'
import { LUA_BINARY_SHA256, LUA_CONSTANTS_END } from './lua-binary.ts'
import { LuaEngine } from './lua-engine.ts'
import { MAILBOX_BYTES, MAILBOX_HEADER_BYTES, OP, PRELUDE_BYTES_MAX, PRELUDE_VERSION, REPLY } from './prelude.ts'

/** What made a state, and is needed to continue it. */
export const LUA_ENGINE = `lua-5.3.6:${LUA_BINARY_SHA256.slice(0, 16)}:meter-${METER_VERSION}:prelude-${PRELUDE_VERSION}`
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
const LOADER = `local text = string.rep("\\0", ${PRELUDE_BYTES_MAX}) return function() return load(text:match("^[^\\0]+"), "=heddle", "t")() end, text`

export interface LuaCall {
  /** The input goes into a string of its own, whatever its size. */
  readonly isLarge?: boolean
  /** When it is less than the limit: what is left of it. */
  readonly gas?: number
}

export class LuaMachine {
  readonly #limits: GuestLimits
  readonly #files: GuestFiles
  #engine: LuaEngine
  /** Addresses in the guest: Lua state, four bytes for sizes, contents of the mailbox. */
  #state = 0
  #sizeCell = 0
  #mailbox = 0
  #gasUsed = 0

  constructor(limits: GuestLimits, files: GuestFiles = noFiles) {
    this.#limits = limits
    this.#files = files
    this.#engine = new LuaEngine(limits.memoryBytesMax, files)
  }

  /** Gas that the last call took. */
  get gasUsed(): number {
    return this.#gasUsed
  }

  get stateBytes(): number {
    return rangeBytes(this.#ranges())
  }

  /** From nothing to a state that knows the operations of the prelude. */
  boot(prelude: string): void {
    const { exports } = this.#engine
    exports.callConstructors()
    this.#state = exports.newState()
    exports.openLibs(this.#state)
    this.#sizeCell = exports.malloc(16)
    this.#runPrelude(utf8(prelude))
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
    if (this.#engine.heapEnd - end > UNUSED_BYTES_MAX) this.#engine = new LuaEngine(this.#limits.memoryBytesMax, this.#files)
    this.#engine.growTo(end)
    applyImage(this.#engine.bytes, image, this.#engine.heapEnd)
    this.#engine.clearStack()
    const [state = 0, sizeCell = 0, mailbox = 0] = image.anchors
    this.#state = state
    this.#sizeCell = sizeCell
    this.#mailbox = mailbox
  }

  /** One exchange with the Lua side. Throws GuestFault when it failed: the state is then undefined until `apply`. */
  call(op: number, input: Uint8Array, { isLarge = false, gas = this.#limits.gasMax }: LuaCall = {}): Uint8Array {
    const { exports } = this.#engine
    exports.gas.value = BigInt(gas)
    this.#engine.takeDenial()
    this.#engine.closeFiles()
    try {
      const reply = this.#exchange(op, input, isLarge || input.length > MAILBOX_BYTES - MAILBOX_HEADER_BYTES)
      if (this.#engine.hasStackOverflow) throw new GuestFault('stack', 'stack overflow')
      if (reply[0] === REPLY.failed) throw this.#luaError(toText(reply.subarray(1)))
      if (this.#engine.takeDenial()) this.#exchange(OP.collect, EMPTY, false)
      return reply
    } catch (thrown) {
      throw this.#fault(thrown)
    } finally {
      this.#gasUsed = Math.min(gas, gas - Number(exports.gas.value))
      this.#engine.clearStack()
    }
  }

  #luaError(text: string): GuestFault {
    const kind = failureKindOf(text)
    return new GuestFault(kind, kind === 'memory' ? `${text} (limit ${this.#limits.memoryBytesMax} bytes)` : text)
  }

  #ranges(): Range[] {
    const { stackTop, heapEnd } = this.#engine
    return [
      { start: 0, end: LUA_CONSTANTS_END },
      { start: stackTop, end: heapEnd },
    ]
  }

  #runPrelude(source: Uint8Array): void {
    const { exports } = this.#engine
    if (source.length >= PRELUDE_BYTES_MAX) throw new Error(`the prelude has ${source.length} bytes, its place ${PRELUDE_BYTES_MAX}`)
    this.#loadText(LOADER)
    this.#engine.bytes.set(source, this.#stringAt(MAILBOX).address)
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

/** What an error of Lua is about: Lua itself tells only by the text. */
export function failureKindOf(problem: unknown): 'error' | 'memory' {
  return typeof problem === 'string' && OUT_OF_MEMORY.test(problem) ? 'memory' : 'error'
}
