/** A process of a Lua program in this thread, and what its messages give. */
import { utf8 } from '../src/base/bytes.ts'
import { parseTxId, type TxId } from '../src/base/ids.ts'
import { evaluationOf } from '../src/guests/evaluation.ts'
import type { Evaluation, GuestEnv, GuestInstance, GuestMessage } from '../src/guests/guest.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { LUA_FORMAT, prepareLuaProgram } from '../src/guests/lua/lua-program.ts'
import { readSnapshotHeader } from '../src/guests/snapshot.ts'
import { encodeValue } from '../src/guests/value-codec.ts'

export const MODULE = id('module')
export const LIMITS = { memoryBytesMax: 128 * 1024 * 1024, gasMax: 50_000_000, resultBytesMax: 1024 * 1024 }
export const TIMESTAMP = 1_700_000_000_123

export function id(name: string): TxId {
  return parseTxId(`${name.padEnd(42, '_')}A`)
}

export function envOf(process: TxId): GuestEnv {
  return {
    Process: { Id: process, Owner: id('owner'), Tags: [{ name: 'Name', value: 'Tést' }] },
    Module: { Id: MODULE, Owner: id('author'), Tags: [] },
  }
}

/** A process that evaluates its messages' Data: the value is the Output. */
export const EVAL = `
function handle(msg, env)
  local chunk, problem = load(msg.Data, "=data")
  if not chunk then return { ok = false, response = problem } end
  local output = chunk(msg, env)
  return { ok = true, response = { Output = { value = output } } }
end`

export function program(source: string, limits = LIMITS): ReturnType<typeof prepareLuaProgram> {
  return prepareLuaProgram({ id: MODULE, format: LUA_FORMAT, bytes: utf8(source) }, limits)
}

export const evalProgram = program(EVAL)

export class Process {
  readonly instance: GuestInstance
  readonly session: GuestSession

  constructor(instance: GuestInstance) {
    this.instance = instance
    this.session = new GuestSession(instance)
  }

  send(fields: GuestMessage): Evaluation {
    const outcome = this.session.evaluate(encodeValue({ Timestamp: TIMESTAMP, ...fields }))
    const payload = outcome.ok ? outcome.values : (outcome.values ?? utf8(outcome.text))
    const status = outcome.ok ? 'ok' : outcome.values === undefined ? outcome.kind : 'reported'
    return evaluationOf({ job: 0, status, gasUsed: outcome.gasUsed, unitsUsed: outcome.unitsUsed, timeMs: 0, stateBytes: 0, payload })
  }

  /** Output of an Eval that must succeed. */
  run(data: string, fields: GuestMessage = {}): unknown {
    const { ok, result } = this.send({ ...fields, Data: data })
    if (!ok) throw new Error(String(result.Error))
    return (result.Output as { value?: unknown }).value
  }

  error(data: string): unknown {
    const { ok, result } = this.send({ Data: data })
    if (ok) throw new Error(`no error: ${data}`)
    return result.Error
  }

  hash(): string {
    return readSnapshotHeader(this.instance.snapshot()).stateHash
  }
}

export function spawn(source?: string, process = id('process')): Process {
  return new Process((source === undefined ? evalProgram : program(source)).spawn(process, envOf(process)))
}
