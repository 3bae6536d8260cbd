/**
 * Entry of the query index's threads. SQLite's interface is synchronous, so neither writing nor reading may happen on the thread that serves HTTP.
 *
 * Wire  in {seq, call, args}; out {seq, value} or {seq, failure: {code, facts, message}} or {seq, isTooSlow} or {seq, bug}
 */
import { parentPort, workerData } from 'node:worker_threads'
import { HeddleError } from '../../base/errors.ts'
import { IndexReader, TooSlow } from './sqlite-index-reader.ts'
import { IndexWriter } from './sqlite-index-writer.ts'
import type { RawPage } from './sqlite-page.ts'
import { openForReading, openForWriting } from './sqlite-schema.ts'

export interface WorkerSetup {
  readonly file: string
  /** A writer reads too when the index is in memory, since no other connection could. */
  readonly role: 'writer' | 'reader'
}

/** What the threads can be asked. */
export interface IndexCalls {
  position: () => number
  apply: IndexWriter['apply']
  clear: IndexWriter['clear']
  transactions: IndexReader['transactions']
  transaction: IndexReader['transaction']
  block: IndexReader['block']
  blocks: IndexReader['blocks']
  close: () => void
}

export interface WorkerCall {
  readonly seq: number
  readonly call: keyof IndexCalls
  readonly args: readonly unknown[]
}

export type WorkerAnswer = { readonly seq: number } & (
  | { readonly value: unknown }
  | { readonly failure: Pick<HeddleError, 'code' | 'facts' | 'message'> }
  | { readonly isTooSlow: true }
  | { readonly bug: unknown }
)

const { file, role } = workerData as WorkerSetup
// Opened at the first call, so that a failure to open is an answer.
const db = once(() => (role === 'writer' ? openForWriting(file) : openForReading(file)))
const writer = once(() => new IndexWriter(db()))
const reader = once(() => new IndexReader(db()))

const calls: IndexCalls = {
  position: () => writer().position(),
  apply: (packed, position) => writer().apply(packed, position),
  clear: () => writer().clear(),
  transactions: (query, options) => reader().transactions(query, options),
  transaction: (id) => reader().transaction(id),
  block: (hash) => reader().block(hash),
  blocks: (query) => reader().blocks(query),
  close: () => db().close(),
}

parentPort!.on('message', ({ seq, call, args }: WorkerCall) => {
  const answer = attempt(seq, () => (calls[call] as (...args: readonly unknown[]) => unknown)(...args))
  const bodies = ('value' in answer ? (answer.value as Partial<RawPage> | null | undefined) : null)?.bodies
  parentPort!.postMessage(answer, bodies === undefined ? [] : [bodies.buffer])
})

function attempt(seq: number, run: () => unknown): WorkerAnswer {
  try {
    return { seq, value: run() }
  } catch (error) {
    if (error instanceof TooSlow) return { seq, isTooSlow: true }
    if (error instanceof HeddleError) return { seq, failure: { code: error.code, facts: error.facts, message: error.message } }
    return { seq, bug: error }
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
