/**
 * GET /{message id | assignment id}?process-id=P -> 200 {message, assignment}
 * GET /{process}?process-id=P[&from&to][&from-nonce&to-nonce][&limit=100][&show-anchor] -> 200 {page_info:{has_next_page}, edges:[{node, cursor}]}
 *
 * Wire    `from` is exclusive, `to` inclusive. They and the cursors are timestamps, or nonces when either nonce parameter is there.
 *         The first page begins with the process itself; a page of large messages ends before its limit. Without any of these parameters the path is the gateway's.
 * Source  permaweb/ao servers/su. Client: aoconnect 0.0.98 getMessages leaves out process-id.
 */
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { SlotRange } from '../../services/machine/process-log.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { parseId, parseLimit, parseNumber } from './parameters.ts'
import { nodeJson } from './shapes.ts'

export type ScheduledDeps = Pick<Machine, 'findHead' | 'findRecord' | 'records' | 'entry' | 'slotAt'>

const SELECTORS = ['process-id', 'from', 'to', 'limit', 'from-nonce', 'to-nonce']
const LIMIT_DEFAULT = 100

export function scheduled(machine: ScheduledDeps): Route {
  return {
    method: 'GET',
    path: '/:id',
    async handle(request) {
      const id = request.params['id'] ?? ''
      if (!isTxId(id) || !isPageRequest(request)) return null
      const isAsked = request.query.has('process-id')
      const process = isAsked ? parseId(request.query.get('process-id'), 'process-id') : id
      const found = (await nodeOf(request, { process, id, machine })) ?? (await pageOf(request, id, machine))
      if (found !== null || !isAsked) return found // Without process-id these may be parameters of a page on the gateway.
      throw new HeddleError('not-found', { what: 'message', id }, `Message or Process not found: ${id} has no slot in process ${process}`)
    },
  }
}

/** Does it ask for more than the bytes behind an id? */
export function isPageRequest({ query }: Request): boolean {
  return SELECTORS.some((name) => query.has(name))
}

interface NodeTarget {
  readonly process: TxId
  readonly id: TxId
  readonly machine: ScheduledDeps
}

async function nodeOf(request: Request, { process, id, machine }: NodeTarget): Promise<Response | null> {
  const record = id === process ? null : await machine.findRecord(process, id)
  return record === null ? null : json(200, nodeJson(process, await machine.entry(record), request.query.has('show-anchor')))
}

async function pageOf(request: Request, process: TxId, machine: ScheduledDeps): Promise<Response | null> {
  const head = await machine.findHead(process)
  if (head === null) return null
  const byNonce = request.query.has('from-nonce') || request.query.has('to-nonce')
  const range = byNonce ? nonceRange(request, head.slot) : await timeRange(request, { process, last: head.slot, machine })
  const limit = parseLimit(request, LIMIT_DEFAULT)
  const records = await machine.records(process, { ...range, limit: limit + 1 })
  const showAnchor = request.query.has('show-anchor')
  const edges: { readonly node: object; readonly cursor: string }[] = []
  let bytes = 0
  for (const record of records.slice(0, limit)) {
    const entry = await machine.entry(record)
    bytes += entry.message?.data.length ?? 0
    if (edges.length > 0 && bytes > PAGE_BYTES_MAX) break
    edges.push({ node: nodeJson(process, entry, showAnchor), cursor: String(byNonce ? record.slot : record.timestampMs) })
  }
  return json(200, { page_info: { has_next_page: records.length > edges.length }, edges })
}

function nonceRange(request: Request, last: number): Omit<SlotRange, 'limit'> {
  return { after: Math.max(parseNumber(request, 'from-nonce') ?? -1, -1), upTo: parseNumber(request, 'to-nonce') ?? last }
}

async function timeRange(request: Request, at: { process: TxId; last: number; machine: ScheduledDeps }): Promise<Omit<SlotRange, 'limit'>> {
  const from = parseNumber(request, 'from')
  const to = parseNumber(request, 'to')
  const slotAt = (timestampMs: number): Promise<number> => at.machine.slotAt(at.process, timestampMs, at.last)
  return { after: from === null ? -1 : await slotAt(from), upTo: to === null ? at.last : await slotAt(to) }
}
