/**
 * Pages of results, the way compute units give them.
 *
 * Wire        Cursor: standard base64 of JSON {"timestamp":ms,"ordinate":"<slot>","cron"?,"sort":"ASC"|"DESC"}, in this key order: the aos command
 *             line decodes it. `from` is exclusive, `to` inclusive, both are lower and upper bounds whatever the order; each is a cursor or a timestamp.
 *             The sort inside a cursor counts before that of the query. Results with an error are left out.
 *             A page of large results ends before its limit. Pages of cron results have those of ticks only, always ascending.
 * Source      permaweb/ao servers/cu (readResults, utils parseCursor)
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { PAGE_BYTES_MAX, PAGE_SIZE_MAX } from '../../base/limits.ts'
import type { ProcessLog, SlotRange } from './process-log.ts'
import type { ResultRecord } from './records.ts'
import type { ResultRange, ResultStore, ScannedResult } from './result-store.ts'

export type Sort = 'ASC' | 'DESC'

export interface Cursor {
  readonly timestamp: number
  /** The slot. Absent in a bare timestamp. */
  readonly ordinate?: string
  readonly cron?: string | null
  readonly sort?: Sort
}

export interface ResultsQuery {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly limit?: number | undefined
  readonly sort?: Sort | undefined
}

export interface ResultsPage {
  readonly edges: readonly { readonly cursor: string; readonly node: ResultRecord }[]
  readonly hasNextPage: boolean
}

export interface PageSource {
  readonly process: TxId
  readonly log: Pick<ProcessLog, 'slotAt' | 'ticks'>
  readonly results: Pick<ResultStore, 'scan' | 'lastSlot' | 'findSized'>
}

const LIMIT_DEFAULT = 25
const TICKS_BATCH = 100

export async function readResults(source: PageSource, query: ResultsQuery): Promise<ResultsPage> {
  return readPage(source, query, { scan: (range) => source.results.scan(source.process, range) })
}

/** Of ticks alone. */
export async function readCronResults(source: PageSource, query: Omit<ResultsQuery, 'sort'>): Promise<ResultsPage> {
  return readPage(source, query, { scan: (range) => ticksIn(source, range), sort: 'ASC' })
}

interface Reading {
  readonly scan: (range: ResultRange) => AsyncIterable<ScannedResult>
  /** Whatever query and cursors say. */
  readonly sort?: Sort
}

async function readPage({ process, log, results }: PageSource, query: ResultsQuery, reading: Reading): Promise<ResultsPage> {
  const from = query.from === undefined ? null : parseCursor(query.from)
  const to = query.to === undefined ? null : parseCursor(query.to)
  const sort = reading.sort ?? from?.sort ?? to?.sort ?? query.sort ?? 'ASC'
  const limit = Math.min(query.limit ?? LIMIT_DEFAULT, PAGE_SIZE_MAX)
  const last = await results.lastSlot(process)
  const slotOf = async (cursor: Cursor): Promise<number> =>
    cursor.ordinate === undefined ? log.slotAt(process, cursor.timestamp, last) : Number(cursor.ordinate)
  const range = { after: from === null ? -1 : await slotOf(from), upTo: to === null ? last : await slotOf(to), reverse: sort === 'DESC' }
  const found: ResultRecord[] = []
  let bytes = 0
  let hasNextPage = false
  for await (const { result, sizeBytes } of reading.scan(range)) {
    if (result.error !== undefined) continue
    bytes += sizeBytes
    hasNextPage = found.length === limit || (found.length > 0 && bytes > PAGE_BYTES_MAX)
    if (hasNextPage) break
    found.push(result)
  }
  return { edges: found.map((node) => ({ cursor: cursorOf(node, sort), node })), hasNextPage }
}

/** The results of ticks by their slots, without a look at those of messages between them. */
async function* ticksIn({ process, log, results }: PageSource, { after, upTo }: ResultRange): AsyncIterable<ScannedResult> {
  const range = (last: number): SlotRange => ({ after: last, upTo, limit: TICKS_BATCH })
  for (let slots = await log.ticks(process, range(after)); slots.length > 0; slots = await log.ticks(process, range(slots.at(-1)!))) {
    for (const slot of slots) {
      const found = await results.findSized(process, slot)
      if (found !== null) yield found
    }
  }
}

function cursorOf({ timestampMs, slot, cron }: ResultRecord, sort: Sort): string {
  return encodeCursor({ timestamp: timestampMs, ordinate: String(slot), ...(cron === undefined ? {} : { cron }), sort })
}

export function encodeCursor({ timestamp, ordinate, cron, sort }: Cursor): string {
  return Buffer.from(JSON.stringify({ timestamp, ordinate, cron, sort })).toString('base64')
}

/** A cursor, or a timestamp in milliseconds. */
export function parseCursor(text: string): Cursor {
  if (/^[0-9]{1,15}$/.test(text)) return { timestamp: Number(text) }
  const value = parseJson(Buffer.from(text, 'base64').toString('utf8'))
  const { timestamp, ordinate, sort } = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const slot = ordinate === undefined || ordinate === null ? null : /^[0-9]{1,15}$/.test(String(ordinate)) ? String(ordinate) : undefined
  if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp) || slot === undefined) throw badCursor(text)
  return { timestamp, ...(slot === null ? {} : { ordinate: slot }), ...(sort === 'ASC' || sort === 'DESC' ? { sort } : {}) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function badCursor(text: string): HeddleError<'request-invalid'> {
  return new HeddleError(
    'request-invalid',
    { field: 'cursor' },
    `"${clip(text)}" is neither a cursor of an earlier page nor a timestamp in milliseconds`,
  )
}
