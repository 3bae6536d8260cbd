/**
 * Traces: the tree of what a message caused, from the durable records of what was sent (trace-record.ts), scheduled (the log) and computed (results).
 *
 * Invariants  Children are in the order of the outbox that they come from. A slot appears once: where it would come again, or was not caused from here,
 *             it stands without its children. Nothing is evaluated for a trace. `isSettled` is true only when all that is shown has its result and
 *             nothing of it waits to be sent. What does not fit is named: `next` where children are missing.
 */
import { clip, toBase64url, toText } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { bytesToId, ID_BYTES, idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { PUSH_FANOUT_MAX, TRACE_TEXT_CHARS_MAX } from '../../base/limits.ts'
import { findTag, type TextTag, toTextTags } from '../../codec/tags.ts'
import { ownerOf } from '../../codec/transaction.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Heads } from './heads.ts'
import type { ProcessLog } from './process-log.ts'
import { aoAddress, senderOf } from './protocol.ts'
import { type LogRecord, outboxKey, type ResultRecord, type Undelivered } from './records.ts'
import type { ResultStore } from './result-store.ts'
import type { MessageArchive } from './sources.ts'
import { positionOf, readTraces, type TraceEntry, type TraceKind } from './trace-record.ts'

export interface TraceDeps {
  readonly kv: Pick<KvStore, 'scan'>
  readonly log: ProcessLog
  readonly heads: Heads
  readonly results: Pick<ResultStore, 'find'>
  readonly archive: Pick<MessageArchive, 'itemHeader' | 'transaction'>
}

export interface TraceQuery {
  /** Only there; null for wherever it has a slot. */
  readonly process: TxId | null
  /** Nodes in all. */
  readonly limit: number
  /** Levels below the roots. */
  readonly depth: number
  /** Of the roots, only children behind this position; -1 for all. */
  readonly after: number
}

/** stored: for a wallet, which gets no slot. gone: its process was taken back to an earlier slot. */
export type TraceState = 'evaluated' | 'waiting' | 'stored' | 'gone'

export interface TraceNode {
  readonly id: TxId
  readonly kind: TraceKind | 'tick'
  readonly state: TraceState
  /** The process that got it; null when a wallet did. */
  readonly process: TxId | null
  /** Whom it is for: a process or a wallet. */
  readonly target: string
  readonly slot: number | null
  /** Its place in the outbox that it comes from; null for a root. */
  readonly index: number | null
  readonly from: string
  /** Who signed it. */
  readonly owner: string
  readonly action: string | null
  readonly assignedAtMs: number | null
  readonly tookMs: number | null
  readonly gas: number | null
  readonly error: string | null
  readonly output: string | null
  readonly undelivered: readonly Undelivered[]
  /** Entries of its outbox that still wait to be sent. */
  readonly toSend: number
  /** It has a slot there already, which something else caused. */
  readonly isRepeat: boolean
  readonly children: TraceNode[]
  /** When not all of its children are here: the `after` with which a trace of this node goes on; null when they are. */
  next: number | null
}

export interface Trace {
  readonly id: TxId
  /** What set off the whole that this is part of: the id of an item from outside, or `cron:` and the assignment of a tick. */
  readonly origin: string
  /** The slot that caused the first root; null for what came from outside. */
  readonly cause: { readonly process: TxId; readonly slot: number; readonly message: TxId } | null
  readonly isSettled: boolean
  readonly isCut: boolean
  readonly count: number
  readonly roots: readonly TraceNode[]
}

interface Facts {
  readonly tags: readonly TextTag[]
  readonly owner: string
  /** "" when none. */
  readonly target: string
}

/** Where a node stands before it is read. */
interface Place {
  readonly process: TxId
  readonly record: LogRecord
  readonly entry: TraceEntry | null
  /** `<process>/<slot>` of the parent. */
  readonly parent: string | null
}

const PROCESSES_OF_ONE_MESSAGE_MAX = 100
const OUTPUT_READ_MAX = 64 * 1024

/** Throws `not-found` for ids that no process ever got and that no process sent. */
export async function readTrace(id: TxId, query: TraceQuery, deps: TraceDeps): Promise<Trace> {
  const places = await placesOf(id, query.process, deps)
  const first = places[0]
  if (first === undefined) return storedTrace(id, deps)
  const tree = new TraceTree(query, deps)
  const roots = await tree.grow(places)
  const { origin } = first.record
  return { id, origin, cause: await causeOf(first.record, deps), ...tree.summary(), roots }
}

/** The slot that made this node send it; null for what came from outside, and for what was taken back. */
export async function causeOf({ cause }: LogRecord, { log }: Pick<TraceDeps, 'log'>): Promise<Trace['cause']> {
  const [process = '', slot] = cause?.split('/') ?? []
  if (!isTxId(process)) return null
  const record = await log.record(process, Number(slot))
  return record === null ? null : { process, slot: record.slot, message: record.message }
}

class TraceTree {
  readonly #query: TraceQuery
  readonly #deps: TraceDeps
  readonly #seen = new Set<string>()
  #count = 0
  #isSettled = true
  #isCut = false

  constructor(query: TraceQuery, deps: TraceDeps) {
    this.#query = query
    this.#deps = deps
  }

  summary(): Pick<Trace, 'isSettled' | 'isCut' | 'count'> {
    return { isSettled: this.#isSettled, isCut: this.#isCut, count: this.#count }
  }

  /** Level by level, so that what is cut lies deepest. */
  async grow(places: readonly Place[]): Promise<TraceNode[]> {
    const roots: TraceNode[] = []
    for (const place of places) {
      if (this.#seen.has(nameOf(place))) continue // It came from a root before it.
      const root = await this.#node(place)
      roots.push(root)
      let level = [root]
      for (let depth = 0; level.length > 0; depth++) {
        const next: TraceNode[] = []
        for (const node of level) next.push(...(await this.#addChildren(node, depth)))
        level = next
      }
    }
    return roots
  }

  /** Resolves to those that may have children of their own. */
  async #addChildren(node: TraceNode, depth: number): Promise<TraceNode[]> {
    const { process, slot } = node
    if (process === null || slot === null || node.isRepeat || node.state !== 'evaluated') return []
    const after = depth === 0 ? this.#query.after : -1
    const room = depth >= this.#query.depth ? 0 : Math.max(0, this.#query.limit - this.#count)
    const found = await readTraces(this.#deps.kv, process, slot, { after, limit: room + 1 })
    const shown = found.slice(0, room)
    if (shown.length < found.length) {
      this.#isCut = true
      const last = shown.at(-1)
      node.next = last === undefined ? after : positionOf(last)
    }
    const children = await Promise.all(shown.map((entry) => this.#child(entry, `${process}/${slot}`)))
    node.children.push(...children)
    return children
  }

  async #child(entry: TraceEntry, parent: string): Promise<TraceNode> {
    const { log, heads } = this.#deps
    const { id, kind, target } = entry
    const slot = await log.slotOf(target, id)
    const record = slot === null ? null : await log.record(target, slot)
    if (record !== null) return this.#node({ process: target, record, entry, parent })
    this.#count += 1
    const isProcess = (await heads.find(target)) !== null
    const unslotted = bareNode(entry, await factsOf(id, this.#deps))
    return { ...unslotted, kind, state: isProcess ? 'gone' : 'stored', process: isProcess ? target : null }
  }

  async #node(place: Place): Promise<TraceNode> {
    const { process, record, entry, parent } = place
    const { kv, results } = this.#deps
    this.#count += 1
    const isRepeat = this.#seen.has(nameOf(place)) || (parent !== null && record.cause !== parent)
    this.#seen.add(nameOf(place))
    // The result before the outbox, and that before the children: what is sent meanwhile is seen in one of them.
    const isTick = record.cron !== undefined // It has no message, and comes from the owner of its process.
    const [facts, result] = await Promise.all([factsOf(isTick ? process : record.message, this.#deps), results.find(process, record.slot)])
    const toSend = await waitingToBeSent(kv, process, record.slot)
    if (!isRepeat && (result === null || toSend > 0)) this.#isSettled = false
    return {
      ...bareNode({ id: record.message, target: process, index: entry?.index ?? null }, facts),
      kind: entry?.kind ?? kindOf(process, record, facts),
      state: result === null ? 'waiting' : 'evaluated',
      process,
      slot: record.slot,
      action: record.cron ?? findTag(facts.tags, 'Action') ?? null,
      assignedAtMs: record.timestampMs,
      ...outcomeOf(result),
      toSend,
      isRepeat,
    }
  }
}

/** Wherever the message or assignment has a slot, in the order in which it got there. */
async function placesOf(id: TxId, only: TxId | null, { kv, log }: TraceDeps): Promise<Place[]> {
  const places: Place[] = []
  for await (const { key } of kv.scan('slots', { prefix: idBytes(id), limit: PROCESSES_OF_ONE_MESSAGE_MAX })) {
    const process = bytesToId(key.subarray(ID_BYTES))
    if (only !== null && process !== only) continue
    const slot = await log.slotOf(process, id)
    const record = slot === null ? null : await log.record(process, slot)
    if (record !== null) places.push({ process, record, entry: null, parent: null })
  }
  return places.sort((a, b) => a.record.depth - b.record.depth || a.record.timestampMs - b.record.timestampMs)
}

/** Of what a process sent to a wallet: it is stored, and that is all. */
async function storedTrace(id: TxId, deps: TraceDeps): Promise<Trace> {
  const header = await deps.archive.itemHeader(id)
  const facts = await factsOf(id, deps)
  const { tags, target } = facts
  if (!isTxId(target) || findTag(tags, 'From-Process') === undefined) {
    const isHere = header !== null || (await deps.archive.transaction(id)) !== null
    const problem = isHere ? 'is on this node, but no process got it, so nothing followed from it' : 'is not on this node; send it first'
    throw new HeddleError('not-found', { what: 'trace', id }, `${id} ${problem}`)
  }
  const node = bareNode({ id, target, index: null }, facts)
  const origin = findTag(tags, 'Pushed-For') ?? id
  return { id, origin, cause: null, isSettled: true, isCut: false, count: 1, roots: [{ ...node, state: 'stored' }] }
}

function bareNode({ id, target, index }: { id: TxId; target: string; index: number | null }, { tags, owner }: Facts): TraceNode {
  return {
    id,
    kind: 'message',
    state: 'gone',
    process: null,
    target,
    slot: null,
    index,
    from: senderOf(tags, owner).from,
    owner,
    action: findTag(tags, 'Action') ?? null,
    assignedAtMs: null,
    tookMs: null,
    gas: null,
    error: null,
    output: null,
    undelivered: [],
    toSend: 0,
    isRepeat: false,
    children: [],
    next: null,
  }
}

function outcomeOf(result: ResultRecord | null): Pick<TraceNode, 'tookMs' | 'gas' | 'error' | 'output' | 'undelivered'> {
  if (result === null) return { tookMs: null, gas: null, error: null, output: null, undelivered: [] }
  const { tookMs, gasUsed, error, output, undelivered } = result
  const text = outputText(output)
  return {
    tookMs: tookMs ?? null,
    gas: gasUsed,
    error: error === undefined ? null : clip(error, TRACE_TEXT_CHARS_MAX),
    output: text === '' ? null : clip(text, TRACE_TEXT_CHARS_MAX),
    undelivered,
  }
}

/** What the program printed, in the shapes of aos 2, of aos 1, and of anything else. */
function outputText(output: unknown): string {
  if (typeof output === 'string') return output
  if (output instanceof Uint8Array) return toText(output.subarray(0, OUTPUT_READ_MAX))
  if (typeof output !== 'object' || output === null) return output === undefined || output === null ? '' : String(output)
  const { data, output: inner } = output as { readonly data?: unknown; readonly output?: unknown }
  if (data !== undefined) return outputText(data)
  return inner === undefined ? JSON.stringify(output) : outputText(inner)
}

async function factsOf(id: TxId, { archive }: TraceDeps): Promise<Facts> {
  const header = await archive.itemHeader(id)
  if (header !== null)
    return {
      tags: toTextTags(header.tags),
      owner: aoAddress(header.owner),
      target: header.target === null ? '' : toBase64url(header.target),
    }
  const tx = await archive.transaction(id)
  if (tx === null) return { tags: [], owner: '', target: '' }
  return { tags: toTextTags(tx.tags), owner: aoAddress(ownerOf(tx)), target: toBase64url(tx.target) }
}

async function waitingToBeSent(kv: Pick<KvStore, 'scan'>, process: TxId, slot: number): Promise<number> {
  let count = 0
  const range = { gte: outboxKey(process, slot, 0), lt: outboxKey(process, slot + 1, 0), limit: PUSH_FANOUT_MAX }
  for await (const _ of kv.scan('outbox', range)) count += 1
  return count
}

function kindOf(process: TxId, { slot, cron }: LogRecord, { target }: Facts): TraceNode['kind'] {
  if (cron !== undefined) return 'tick'
  if (slot === 0) return 'spawn'
  return target === process ? 'message' : 'assignment'
}

function nameOf({ process, record }: Place): string {
  return `${process}/${record.slot}`
}
