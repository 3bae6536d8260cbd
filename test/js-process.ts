/** A JavaScript process in this thread, for tests: what a session of a worker does, without the worker. */
import { utf8 } from '../src/base/bytes.ts'
import { parseTxId, type TxId } from '../src/base/ids.ts'
import { evaluationOf } from '../src/guests/evaluation.ts'
import type { Evaluation, GuestEnv, GuestInstance, GuestLimits, GuestMessage, GuestProgram } from '../src/guests/guest.ts'
import { GuestSession, type Outcome } from '../src/guests/guest-session.ts'
import { prepareJsProgram } from '../src/guests/js/js-program.ts'
import { JS_FORMAT } from '../src/guests/js/js-source.ts'
import { stateHashOf } from '../src/guests/snapshot.ts'
import { encodeValue } from '../src/guests/value-codec.ts'

export const LIMITS: GuestLimits = { memoryBytesMax: 64 * 1024 * 1024, gasMax: 50_000_000, resultBytesMax: 1024 * 1024 }
export const TIMESTAMP = 1_700_000_000_123
export const MODULE = id('module')
export const PROCESS = id('process')
export const OWNER = id('owner')

export function id(name: string): TxId {
  return parseTxId(`${name.padEnd(42, '_')}A`)
}

export function envOf(process: TxId = PROCESS): GuestEnv {
  return {
    Process: { Id: process, Owner: OWNER, Tags: [{ name: 'Name', value: 'Tést' }] },
    Module: { Id: MODULE, Owner: id('author'), Tags: [] },
  }
}

/** `source`: one module as text, or files by name, the first of them the main one. */
export function jsProgram(source: string | Readonly<Record<string, string>>, limits = LIMITS): GuestProgram {
  const text = typeof source === 'string' ? source : JSON.stringify({ main: Object.keys(source)[0], files: source })
  return prepareJsProgram({ id: MODULE, format: JS_FORMAT, bytes: utf8(text) }, limits)
}

export class JsProcess {
  readonly instance: GuestInstance
  readonly #session: GuestSession
  #nonce: number

  /** `nonce`: how many messages it had. */
  constructor(instance: GuestInstance, nonce = 0) {
    this.instance = instance
    this.#nonce = nonce
    this.#session = new GuestSession(instance)
  }

  /** A message of the owner, with these fields; `Tags` may be an object. */
  send(fields: GuestMessage = {}): Evaluation {
    return shown(this.#session.evaluate(this.encode(fields)))
  }

  dryRun(fields: GuestMessage = {}): Evaluation {
    return shown(this.#session.dryRun(this.encode(fields)))
  }

  /** A message with an action; its result must be a success. */
  act(action: string, tags: Readonly<Record<string, string>> = {}, fields: GuestMessage = {}): Evaluation {
    const evaluation = this.send({ ...fields, Tags: { Action: action, ...tags } })
    if (!evaluation.ok) throw new Error(String(evaluation.result.Error))
    return evaluation
  }

  /** What an Eval of the owner prints. */
  run(source: string): unknown {
    return (this.act('Eval', {}, { Data: source }).result.Output as { data?: unknown }).data
  }

  error(source: string): unknown {
    const { ok, result } = this.send({ Tags: { Action: 'Eval' }, Data: source })
    return ok ? null : result.Error
  }

  hash(): string {
    return stateHashOf(this.instance.snapshot())
  }

  encode(fields: GuestMessage): Uint8Array {
    this.#nonce += 1
    const { Tags = [], ...others } = fields
    return encodeValue({
      Id: id(`message-${this.#nonce}`),
      From: OWNER,
      Owner: OWNER,
      Target: PROCESS,
      Data: ' ',
      Timestamp: TIMESTAMP + this.#nonce,
      'Block-Height': 7,
      Nonce: this.#nonce,
      ...others,
      Tags: Array.isArray(Tags) ? Tags : Object.entries(Tags as Record<string, string>).map(([name, value]) => ({ name, value })),
    })
  }
}

export function spawnJs(source: Parameters<typeof jsProgram>[0], process: TxId = PROCESS): JsProcess {
  return new JsProcess(jsProgram(source).spawn(process, envOf(process)))
}

/** Name -> value, of what a process sent. */
export function tagsOf(entry: unknown): Record<string, string> {
  const { Tags } = entry as { readonly Tags: readonly { readonly name: string; readonly value: string }[] }
  return Object.fromEntries(Tags.map(({ name, value }) => [name, value]))
}

function shown(outcome: Outcome): Evaluation {
  const payload = outcome.ok ? outcome.values : (outcome.values ?? utf8(outcome.text))
  const status = outcome.ok ? 'ok' : outcome.values === undefined ? outcome.kind : 'reported'
  return evaluationOf({ job: 0, status, gasUsed: outcome.gasUsed, unitsUsed: outcome.unitsUsed, timeMs: 0, stateBytes: 0, payload })
}
