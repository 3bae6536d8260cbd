/**
 * Programs of the module format `heddle-lua-1`: Lua 5.3 source that defines `handle(msg, env)`.
 *
 * Invariants  The source runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             math.random. Nothing but the process id, the messages and the module decides what a process computes.
 */

import { utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { VALUE_DEPTH_MAX } from '../../base/limits.ts'
import type { GuestEnv, GuestInstance, GuestLimits, GuestModule, GuestProgram, Reply } from '../guest.ts'
import { packSnapshot, type SnapshotOrigin, unpackSnapshot } from '../snapshot.ts'
import { encodeValue } from '../value-codec.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { LUA_ENGINE, LuaMachine, started } from './lua-machine.ts'
import { OP, preludeSource, REPLY } from './prelude.ts'

export const LUA_FORMAT = 'heddle-lua-1'

export function prepareLuaProgram(module: GuestModule, limits: GuestLimits): GuestProgram {
  const sizes = { resultBytesMax: limits.resultBytesMax, depthMax: VALUE_DEPTH_MAX }
  const machine = new LuaMachine(limits)
  machine.boot(preludeSource({ kind: 'process', hasLuerlOrder: false }, sizes))
  started(module.id, () => machine.call(OP.load, module.bytes, { isLarge: true }))
  const template = machine.capture(new ImageBuffer())
  const origin = { module: module.id, format: LUA_FORMAT, engine: LUA_ENGINE }
  const from = (image: StateImage): LuaInstance => new LuaInstance(limits, { origin, template, image })
  return {
    module: module.id,
    spawn(process, env) {
      const instance = from(template)
      instance.identify(module.id, process, env)
      return instance
    },
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax, template)),
  }
}

interface LuaBirth {
  readonly origin: SnapshotOrigin
  /** What the module is right after it has started. */
  readonly template: StateImage
  readonly image: StateImage
}

class LuaInstance implements GuestInstance {
  readonly #machine: LuaMachine
  readonly #origin: SnapshotOrigin
  readonly #template: StateImage

  constructor(limits: GuestLimits, { origin, template, image }: LuaBirth) {
    this.#origin = origin
    this.#template = template
    this.#machine = new LuaMachine(limits)
    this.#machine.apply(image)
  }

  get gasUsed(): number {
    return this.#machine.gasUsed
  }

  get stateBytes(): number {
    return this.#machine.stateBytes
  }

  /** Tells a fresh copy of the template which process it is. */
  identify(module: TxId, process: TxId, env: GuestEnv): void {
    const seed = new DataView(sha256(utf8(process)).buffer).getUint32(0, true)
    started(module, () => this.#machine.call(OP.identify, encodeValue({ env, seed })))
  }

  handle(message: Uint8Array): Reply {
    const reply = this.#machine.call(OP.handle, message)
    return { values: reply.subarray(1), isError: reply[0] === REPLY.doneWithError }
  }

  capture(buffer: ImageBuffer): StateImage {
    return this.#machine.capture(buffer)
  }

  apply(image: StateImage): void {
    this.#machine.apply(image)
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return packSnapshot(this.#origin, this.#machine.capture(new ImageBuffer()), this.#template)
  }
}
