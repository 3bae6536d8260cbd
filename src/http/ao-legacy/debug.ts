/**
 * GET /?debug=1&process=P[&message | spawn | assign=ID][&page=1][&page-size=10] -> 200 {pageInfo: {hasNextPage}, edges: [{node, cursor}]}: traces.
 *
 * Wire    node: {relation: root | ancestor | descendant, id, messageId, processId, wallet, ip, parentId, timestamp, type: MESSAGE | SPAWN | ASSIGN}.
 *         With an id: what it is, what led to it, nearest first, and what followed. Without: the messages of the process, newest first.
 *         wallet is the address of who signed it; ip is null, since this node keeps none. 422 for more than one id.
 * Source  permaweb/ao servers/mu (routes/root, clients/tracer), which forgets traces after two hours. `/heddle/traces/{message}` tells more.
 */
import type { TxId } from '../../base/ids.ts'
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PUSH_DEPTH_MAX, TRACE_NODES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { aoAddress } from '../../services/machine/protocol.ts'
import type { LogRecord } from '../../services/machine/records.ts'
import type { TraceNode } from '../../services/machine/trace.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { parseId, parseNatural } from './parameters.ts'

export type DebugDeps = Pick<Machine, 'trace' | 'causeOf' | 'findRecord' | 'getHead' | 'records' | 'entry'>

interface Row {
  readonly relation: 'root' | 'ancestor' | 'descendant'
  readonly id: string
  readonly messageId: string
  readonly processId: string
  readonly wallet: string
  readonly ip: null
  readonly parentId: string | null
  readonly timestamp: number | null
  readonly type: 'MESSAGE' | 'SPAWN' | 'ASSIGN'
}

interface Page {
  readonly from: number
  readonly size: number
}

const SELECTORS = ['message', 'spawn', 'assign'] as const

export function debugTrace(machine: DebugDeps): Route {
  return {
    method: 'GET',
    path: '/',
    async handle(request) {
      if (!request.query.get('debug')) return null // Whatever else is on this path.
      const process = parseId(request.query.get('process'), 'process')
      const named = SELECTORS.filter((name) => request.query.has(name))
      if (named.length > 1) return json(422, { error: 'Only one of message, assign, or spawn query parameters can be provided' })
      const [selector] = named
      const page = parsePage(request)
      if (selector === undefined) return connection(await latest(process, page, machine), page.size)
      const rows = await around(process, parseId(request.query.get(selector), selector), machine)
      return connection(rows.slice(page.from, page.from + page.size + 1), page.size)
    },
  }
}

async function around(process: TxId, id: TxId, machine: DebugDeps): Promise<Row[]> {
  const query = { process, limit: TRACE_NODES_MAX, depth: PUSH_DEPTH_MAX, after: -1 }
  const { roots } = await machine.trace(id, query)
  const [root] = roots
  if (root === undefined) return []
  const record = root.slot === null ? null : await machine.findRecord(process, root.slot)
  const ancestors = record === null ? [] : await ancestorsOf(record, machine)
  const parentId = ancestors[0]?.messageId ?? null
  return [nodeRow('root', root, parentId), ...ancestors, ...descendantsOf(root)]
}

async function ancestorsOf(record: LogRecord, machine: DebugDeps): Promise<Row[]> {
  const rows: Row[] = []
  let cause = await machine.causeOf(record)
  while (cause !== null && rows.length < PUSH_DEPTH_MAX) {
    const { process, slot } = cause
    const above = await machine.findRecord(process, slot)
    if (above === null) break
    cause = await machine.causeOf(above)
    rows.push(await recordRow('ancestor', process, above, cause?.message ?? null, machine))
  }
  return rows
}

function descendantsOf({ id, children }: TraceNode): Row[] {
  return children.flatMap((child) => [nodeRow('descendant', child, id), ...descendantsOf(child)])
}

async function latest(process: TxId, { from, size }: Page, machine: DebugDeps): Promise<Row[]> {
  const { slot } = await machine.getHead(process)
  const records = await machine.records(process, { after: -1, upTo: slot - from, limit: size + 1, reverse: true })
  return Promise.all(
    records.map(async (record) => recordRow('root', process, record, (await machine.causeOf(record))?.message ?? null, machine)),
  )
}

async function recordRow(
  relation: Row['relation'],
  process: TxId,
  record: LogRecord,
  parentId: string | null,
  machine: DebugDeps,
): Promise<Row> {
  const { message, assignment } = await machine.entry(record)
  const type = record.slot === 0 ? 'SPAWN' : message === null || message.target === process ? 'MESSAGE' : 'ASSIGN'
  return row({
    relation,
    messageId: record.message,
    processId: process,
    wallet: aoAddress((message ?? assignment).owner),
    parentId,
    timestamp: record.timestampMs,
    type,
  })
}

function nodeRow(relation: Row['relation'], { id, process, target, owner, assignedAtMs, kind }: TraceNode, parentId: string | null): Row {
  const type = kind === 'spawn' ? 'SPAWN' : kind === 'assignment' ? 'ASSIGN' : 'MESSAGE'
  return row({ relation, messageId: id, processId: process ?? target, wallet: owner, parentId, timestamp: assignedAtMs, type })
}

function row(fields: Omit<Row, 'id' | 'ip'>): Row {
  const { relation, messageId, processId, wallet, parentId, timestamp, type } = fields
  return { relation, id: `${messageId}-${processId}`, messageId, processId, wallet, ip: null, parentId, timestamp, type }
}

function connection(rows: readonly Row[], size: number): Response {
  const edges = rows.slice(0, size).map((node) => ({ node, cursor: node.id }))
  return json(200, { pageInfo: { hasNextPage: rows.length > size }, edges })
}

function parsePage(request: Request): Page {
  const page = parseNatural(request, 'page') || 1
  const size = Math.min(parseNatural(request, 'page-size') || PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
  return { from: (page - 1) * size, size }
}
