/** Our engine, as a worker runs it: sessions over the program of a module, with replies that are read back into results. */
import { readFileSync } from 'node:fs'
import { asBuffer, toBase64url } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { TxId } from '../../src/base/ids.ts'
import { prepareProgram } from '../../src/guests/formats.ts'
import type { GuestEnv, GuestFiles, GuestLimits, GuestMessage, GuestModule, GuestProgram } from '../../src/guests/guest.ts'
import { GuestSession, type Outcome } from '../../src/guests/guest-session.ts'
import { noFiles } from '../../src/guests/host-files.ts'
import { encodeValue, ValueReader } from '../../src/guests/value-codec.ts'
import { ENV, PROCESS } from './messages.ts'
import type { RawResult, ReferenceModule } from './reference.ts'

/** Those of the modules are lower; gas is not what these tests are about. */
const LIMITS: GuestLimits = { memoryBytesMax: 4 * 2 ** 30, gasMax: 2 ** 50, resultBytesMax: 64 * 2 ** 20 }

/** What the loader fails to read as JSON. */
const NO_REPLY = /^the program returned (nothing|what is no JSON)/

export interface Subject {
  evaluate(message: GuestMessage): RawResult
  dryRun(message: GuestMessage): RawResult
  snapshot(): Uint8Array
  close(): void
}

export interface SubjectProgram {
  spawn(env?: GuestEnv): Subject
  thaw(snapshot: Uint8Array): Subject
}

export function prepareSubject({ path, format }: ReferenceModule): SubjectProgram {
  const bytes = readFileSync(path)
  return subjectOf({ id: toBase64url(sha256(bytes)) as TxId, format, bytes }) // Programs of a thread are told apart by their ids.
}

export function subjectOf(module: GuestModule, files: GuestFiles = noFiles): SubjectProgram {
  return subjectsOf(prepareProgram(module, LIMITS, { files }))
}

function subjectsOf(program: GuestProgram): SubjectProgram {
  const open = (session: GuestSession): Subject => ({
    evaluate: (message) => rawResult(session.evaluate(encodeValue(message))),
    dryRun: (message) => rawResult(session.dryRun(encodeValue(message))),
    snapshot: () => session.snapshot(),
    close: () => session.close(),
  })
  return {
    spawn: (env = ENV) => open(new GuestSession(program.spawn(PROCESS, env))),
    thaw: (snapshot) => open(new GuestSession(program.thaw(snapshot, ENV))),
  }
}

function rawResult(outcome: Outcome): RawResult {
  if (outcome.ok) return readResult(outcome.values)
  if (outcome.values !== undefined) return readResult(outcome.values)
  const isReply = outcome.kind !== 'trap' && outcome.kind !== 'stack' && !NO_REPLY.test(outcome.text)
  return isReply ? { thrown: outcome.text } : { broken: `${outcome.kind}: ${outcome.text}` }
}

function readResult(values: Uint8Array): RawResult {
  const reader = new ValueReader(values)
  const read = (): unknown => asText(reader.value())
  return { Output: read(), Messages: read(), Spawns: read(), Assignments: read(), Error: read() }
}

/** Bytes that are not UTF-8 stay as they are here, where the loader gives U+FFFD. */
function asText(value: unknown): unknown {
  if (value instanceof Uint8Array) return asBuffer(value).toString('utf8')
  if (Array.isArray(value)) return value.map(asText)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, asText(entry)]))
}
