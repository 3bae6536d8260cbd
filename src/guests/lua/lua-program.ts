/**
 * Programs of the module format `heddle-lua-1`: Lua 5.3 source that defines `handle(msg, env)`.
 *
 * Invariants  A program may read the files of WeaveDrive with io.open; for the module itself, which runs before, there are none.
 *             The source runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             math.random. Nothing but the process id, the messages and the module decides what a process computes.
 */

import { utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { VALUE_DEPTH_MAX } from '../../base/limits.ts'
import type { GuestEnv, GuestHost, GuestInstance, GuestLimits, GuestModule, GuestProgram, Reply } from '../guest.ts'
import { noFiles } from '../host-files.ts'
import { unpackSnapshot } from '../snapshot.ts'
import { started, TemplateInstance } from '../template-instance.ts'
import { encodeValue } from '../value-codec.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { LUA_ENGINE, LuaMachine } from './lua-machine.ts'
import { OP, preludeSource, REPLY } from './prelude.ts'

export const LUA_FORMAT = 'heddle-lua-1'

export function prepareLuaProgram(module: GuestModule, limits: GuestLimits, { files }: GuestHost = { files: noFiles }): GuestProgram {
  const sizes = { resultBytesMax: limits.resultBytesMax, depthMax: VALUE_DEPTH_MAX }
  const machine = new LuaMachine(limits)
  machine.boot(preludeSource({ kind: 'process', hasLuerlOrder: false }, sizes))
  started(module.id, () => machine.call(OP.load, module.bytes, { isLarge: true }))
  const template = machine.capture(new ImageBuffer())
  const origin = { module: module.id, format: LUA_FORMAT, engine: LUA_ENGINE }
  const from = (image: StateImage, fresh: { readonly id: TxId; readonly env: GuestEnv } | null): GuestInstance => {
    const own = new LuaMachine(limits, files)
    own.apply(image)
    if (fresh !== null) identify(own, module.id, fresh.id, fresh.env)
    return new TemplateInstance(own, { origin, template }, (message) => replyOf(own.call(OP.handle, message)))
  }
  return {
    module: module.id,
    spawn: (id, env) => from(template, { id, env }),
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax, template), null),
  }
}

/** Tells a fresh copy of the template which process it is. */
function identify(machine: LuaMachine, module: TxId, process: TxId, env: GuestEnv): void {
  const seed = new DataView(sha256(utf8(process)).buffer).getUint32(0, true)
  started(module, () => machine.call(OP.identify, encodeValue({ env, seed })))
}

function replyOf(reply: Uint8Array): Reply {
  return { values: reply.subarray(1), isError: reply[0] === REPLY.doneWithError }
}
