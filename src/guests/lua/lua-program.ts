/**
 * Programs of the module format `heddle-lua-1`: Lua 5.3 source that defines `handle(msg, env)`.
 *
 * Invariants  The source runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             math.random. Nothing but the process id, the messages and the module decides what a process computes.
 */
import type { TxId } from '../../base/ids.ts'
import { concat, toText, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { HeddleError } from '../../base/errors.ts'
import { VALUE_DEPTH_MAX } from '../../base/limits.ts'
import { type GuestEnv, GuestFault, type GuestInstance, type GuestLimits, type GuestModule, type GuestProgram } from '../guest.ts'
import { packSnapshot, unpackSnapshot } from '../snapshot.ts'
import { encodeValue } from '../value-codec.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { applyImage, ImageBuffer, type Range, rangeBytes, type StateImage } from '../wasm/state-image.ts'
import { LUA_BINARY_SHA256, LUA_HEAP_END_ADDRESS, LUA_STACK_BYTES } from './lua-binary.ts'
import { LuaEngine } from './lua-engine.ts'
import { MAILBOX_BYTES, MAILBOX_HEADER_BYTES, OP, PRELUDE_VERSION, preludeSource } from './prelude.ts'

export const LUA_FORMAT = 'heddle-lua-1'
const ENGINE = `lua-5.3.6:${LUA_BINARY_SHA256.slice(0, 16)}:meter-${METER_VERSION}:prelude-${PRELUDE_VERSION}`
const MULTIPLE_RESULTS = -1
/** Slots of the Lua stack that stay: the function that the host calls, and the mailbox. */
const DISPATCH = 1
const MAILBOX = 2
const LUA_ERROR_IN_MEMORY = 4

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
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin)),
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
    const reply = this.#call(OP.load, source)
    if (reply[0] !== 1) throw this.#unsupported(toText(reply.subarray(1)))
  }

  /** Tells a fresh copy of the template which process it is. */
  identify(process: TxId, env: GuestEnv): void {
    const seed = new DataView(sha256(utf8(process)).buffer).getUint32(0, true)
    const reply = this.#call(OP.identify, encodeValue({ env, seed }))
    if (reply[0] !== 1) throw this.#unsupported(toText(reply.subarray(1)))
  }

  handle(message: Uint8Array): Uint8Array {
    return this.#call(OP.handle, message)
  }

  capture(buffer: ImageBuffer): StateImage {
    const { exports, bytes } = this.#engine
    return buffer.capture(bytes, {
      ranges: this.#ranges(),
      globals: [BigInt(exports.stackPointer.value)],
      anchors: [this.#state, this.#sizeCell, this.#mailbox],
    })
  }

  apply(image: StateImage): void {
    const end = image.ranges.at(-1)?.end ?? 0
    this.#engine.growTo(end)
    applyImage(this.#engine.bytes, image, this.#heapEnd())
    this.#engine.exports.stackPointer.value = Number(image.globals[0] ?? 0n)
    const [state = 0, sizeCell = 0, mailbox = 0] = image.anchors
    this.#state = state
    this.#sizeCell = sizeCell
    this.#mailbox = mailbox
  }

  snapshot(): Uint8Array {
    return packSnapshot({ module: this.#module, format: LUA_FORMAT, engine: ENGINE }, this.capture(new ImageBuffer()))
  }

  #ranges(): Range[] {
    const stackTop = this.#stackTop
    return [
      { start: 0, end: stackTop - LUA_STACK_BYTES },
      { start: stackTop, end: this.#heapEnd() },
    ]
  }

  #heapEnd(): number {
    return this.#engine.words[LUA_HEAP_END_ADDRESS >>> 2]!
  }
}
