/**
 * Checks a log as a scheduler signed it: signatures of assignments and messages, the hash chain, slots without gaps, rising timestamps, ticks that
 * are on the schedule of the process's own crons.
 *
 * Invariants  A scheduler may leave ticks out, as it does when it was not running; it cannot make any up.
 *             What comes out follows from signed bytes alone, but for `origin` and `depth`, which nobody signs; they decide only what is sent on.
 */
import { equalBytes, toBase64url } from '../../base/bytes.ts'
import { errorText } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import { type DataItem, decodeDataItem, verifyDataItem } from '../../codec/data-item.ts'
import { dataRootOf } from '../../codec/data-tree.ts'
import { findTag, type TextTag, toTextTags } from '../../codec/tags.ts'
import { verifyTransaction } from '../../codec/transaction.ts'
import { type Moment, scheduleProblem } from '../../rules/cron.ts'
import { CRON_TAG, firstHashChain, nextHashChain } from './assignment.ts'
import { cronHead } from './cron-ticks.ts'
import type { CronHead, LogRecord } from './records.ts'
import { messageOfItem, messageOfTransaction, type SourceMessage } from './sources.ts'
import type { StoredEntry, StoredTransaction, VerifySource } from './verify-source.ts'

/** Something is not as it was signed, or not as it must be. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch'
}

export interface VerifiedEntry {
  readonly record: LogRecord
  readonly source: SourceMessage
}

/** What was signed of a slot, with signatures that hold. */
export interface SignedEntry {
  readonly entry: StoredEntry
  readonly assignment: DataItem
  /** Null for a tick. */
  readonly source: SourceMessage | null
}

/** Signatures that are checked ahead of the slot that is computed. */
const AHEAD = 64

/** An entry whose signatures are being checked: rejects with Mismatch when one does not hold. */
export interface ComingEntry {
  readonly signed: Promise<SignedEntry>
}

/** One log, its signatures checked side by side. */
export async function* signedEntries(process: TxId, source: VerifySource): AsyncIterable<ComingEntry> {
  const coming: ComingEntry[] = []
  for await (const entry of source.entries(process)) {
    const signed = signedEntry(entry, source)
    signed.catch(() => {}) // Heard of when it is its turn.
    coming.push({ signed })
    if (coming.length > AHEAD) yield coming.shift()!
  }
  yield* coming
}

async function signedEntry(entry: StoredEntry, source: VerifySource): Promise<SignedEntry> {
  const signed = signedItem(entry.assignment, 'the assignment')
  signed.catch(() => {}) // Heard of below.
  const isTick = cronOf(decodeDataItem(entry.assignment)) !== undefined
  const [assignment, message] = await Promise.all([signed, isTick ? null : messageOf(entry, source)])
  return { entry, assignment, source: message }
}

/** Which cron this is a tick of. An assignment that names a message is of the message. */
function cronOf({ tags }: DataItem): string | undefined {
  const texts = toTextTags(tags)
  return findTag(texts, 'Message') === undefined ? findTag(texts, CRON_TAG) : undefined
}

async function messageOf({ messageId, message }: StoredEntry, source: VerifySource): Promise<SourceMessage> {
  if (message === null) {
    const found = await source.transaction(messageId)
    if (found === null) throw new Mismatch(`message ${messageId} is gone`)
    await checkTransaction(found, messageId)
    return messageOfTransaction(found.transaction, found.data)
  }
  const item = await signedItem(message, 'the message')
  if (item.id !== messageId) throw new Mismatch(`the message is ${item.id}, assigned was ${messageId}`)
  return messageOfItem(item)
}

/** Walks one log; give it the slots in order. */
export class LogVerifier {
  readonly #process: TxId
  #last: LogRecord | null = null
  /** Public key of the scheduler. */
  #scheduler: Uint8Array | null = null
  /** That of slot 0. */
  #source: SourceMessage | null = null
  #cron: CronHead | null = null
  /** By cron, where its last tick stood. */
  readonly #ticks = new Map<string, Moment>()

  constructor(process: TxId) {
    this.#process = process
  }

  /** Throws Mismatch. */
  verify({ entry, assignment, source }: SignedEntry): VerifiedEntry {
    const slot = this.#last === null ? 0 : this.#last.slot + 1
    if (entry.slot !== slot) throw new Mismatch(`the log goes on with slot ${entry.slot}`)
    const record = this.#record(entry, assignment)
    const signed = source ?? this.#process0(slot)
    if (slot === 0) this.#begin(signed, record)
    if (record.cron !== undefined) this.#checkTick(record, record.cron)
    this.#last = record
    return { record, source: signed }
  }

  #begin(source: SourceMessage, record: LogRecord): void {
    this.#source = source
    try {
      this.#cron = cronHead(source.tags, record)
    } catch (error) {
      throw new Mismatch(`no scheduler takes it: ${errorText(error)}`)
    }
  }

  /** What stands for the message of a tick. */
  #process0(slot: number): SourceMessage {
    if (this.#source === null) throw new Mismatch(`slot ${slot} is a tick, and not the process itself`)
    return this.#source
  }

  #checkTick(record: LogRecord, key: string): void {
    if (this.#cron === null) throw new Mismatch(`it is a tick of ${key}, and the process has no crons`)
    const problem = scheduleProblem(this.#cron, key, record, this.#ticks.get(key) ?? this.#cron.origin)
    if (problem !== null) throw new Mismatch(problem)
    this.#ticks.set(key, record)
  }

  #record({ slot, origin, depth, messageId }: StoredEntry, item: DataItem): LogRecord {
    this.#scheduler ??= item.owner
    if (!equalBytes(this.#scheduler, item.owner)) throw new Mismatch('the assignment is signed by another key than those before it')
    const tags = toTextTags(item.tags)
    const last = this.#last
    const hashChain = last === null ? firstHashChain(this.#process) : nextHashChain(last.assignment, last.hashChain)
    expectTag(tags, 'Type', 'Assignment')
    expectTag(tags, 'Process', this.#process)
    expectTag(tags, 'Nonce', String(slot))
    expectTag(tags, 'Hash-Chain', hashChain)
    const cron = slot === 0 ? undefined : cronOf(item)
    if (slot === 0) expectId(messageId, this.#process, 'slot 0 is not the process itself')
    else if (cron !== undefined) expectId(messageId, item.id, 'a tick is known by its assignment')
    else expectTag(tags, 'Message', messageId)
    const timestampMs = numberTag(tags, 'Timestamp')
    if (last !== null && timestampMs <= last.timestampMs)
      throw new Mismatch(`the timestamp ${timestampMs} is not after ${last.timestampMs}`)
    const height = numberTag(tags, 'Block-Height')
    const exclude = tags.filter(({ name }) => name === 'Exclude').map(({ value }) => value)
    const place = { slot, assignment: item.id, message: messageId, timestampMs, height, hashChain, exclude }
    return cron === undefined ? { ...place, origin, depth } : { ...place, cron, origin: `cron:${item.id}`, depth: 0 }
  }
}

/** The item in these bytes. Throws Mismatch when its signature does not hold. */
export async function signedItem(raw: Uint8Array, what: string): Promise<DataItem> {
  const item = decodeDataItem(raw)
  if (!(await verifyDataItem(item))) throw new Mismatch(`the signature of ${what} ${item.id} does not match its content`)
  return item
}

export async function checkTransaction({ transaction, data }: StoredTransaction, id: TxId): Promise<void> {
  if (transaction.id !== id || !(await verifyTransaction(transaction)))
    throw new Mismatch(`the signature of transaction ${id} does not hold`)
  if (transaction.format === 1) return // Its data is part of what is signed.
  const roots = data.length === 0 ? [] : (['client', 'node'] as const).map((split) => dataRootOf(data, split))
  const isWhole =
    BigInt(data.length) === transaction.dataBytes && (data.length === 0 || roots.some((root) => equalBytes(root, transaction.dataRoot)))
  if (!isWhole) throw new Mismatch(`the data of transaction ${id} does not match its data root ${toBase64url(transaction.dataRoot)}`)
}

function expectTag(tags: readonly TextTag[], name: string, wanted: string): void {
  const found = findTag(tags, name)
  if (found !== wanted) throw new Mismatch(`the assignment says ${name} ${found ?? '(none)'}, expected ${wanted}`)
}

function expectId(found: TxId, wanted: TxId, problem: string): void {
  if (found !== wanted) throw new Mismatch(`${problem}: ${found} instead of ${wanted}`)
}

function numberTag(tags: readonly TextTag[], name: string): number {
  const text = findTag(tags, name) ?? ''
  if (!/^[0-9]{1,15}$/.test(text)) throw new Mismatch(`the assignment has no ${name}`)
  return Number(text)
}

/** Of what a node says is an id. */
export function wireId(text: unknown): TxId {
  if (typeof text === 'string' && isTxId(text)) return text
  throw new Mismatch(`"${String(text)}" is not an id`)
}
