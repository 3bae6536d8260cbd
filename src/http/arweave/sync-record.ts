/**
 * Which parts of the weave this node holds, as intervals (start, end] of whole 256-KiB buckets, ascending.
 *
 * Wire    GET /data_sync_record, /data_sync_record/{start}/{limit}, /data_sync_record/{start}/{end}/{limit} -> [{"<end>":"<start>"},…];
 *         400 {"error":"invalid_start_encoding" | "invalid_end_encoding" | "invalid_limit_value" | "limit_too_big" | "invalid_range"}
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, ar_intervals.erl, release 92. Always JSON; nodes speak Erlang terms unless asked.
 */
import { SYNC_RECORD_INTERVALS_MAX } from '../../base/limits.ts'
import type { Weave } from '../../services/weave/weave.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findNatural } from './parts.ts'

export function syncRecordRoutes({ weave }: ArweaveDeps): Route[] {
  return [
    { method: 'GET', path: '/data_sync_record', handle: () => record(weave, 0n, null, SYNC_RECORD_INTERVALS_MAX) },
    { method: 'GET', path: '/data_sync_record/:start/:limit', handle: (request) => parsed(weave, request) },
    { method: 'GET', path: '/data_sync_record/:start/:end/:limit', handle: (request) => parsed(weave, request) },
  ]
}

async function parsed(weave: Weave, { params }: Request): Promise<Response> {
  const start = findNatural(params['start'])
  const end = params['end'] === undefined ? null : findNatural(params['end'])
  const limit = findNatural(params['limit'])
  if (start === null) return json(400, { error: 'invalid_start_encoding' })
  if (params['end'] !== undefined && end === null) return json(400, { error: 'invalid_end_encoding' })
  if (limit === null || limit === 0n) return json(400, { error: 'invalid_limit_value' })
  if (limit > SYNC_RECORD_INTERVALS_MAX) return json(400, { error: 'limit_too_big' })
  if (end !== null && end <= start) return json(400, { error: 'invalid_range' })
  return record(weave, start, end, Number(limit))
}

async function record(weave: Weave, start: bigint, end: bigint | null, limit: number): Promise<Response> {
  const intervals = await weave.syncRecord(start, end, limit)
  return json(
    200,
    intervals.map((interval) => ({ [String(interval.endOffset)]: String(interval.startOffset) })),
  )
}
