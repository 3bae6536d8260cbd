/**
 * GET /result/{message id | assignment id | process id | slot}?process-id=P[&no-busy] -> 200 result, after waiting for the evaluation.
 * POST does the same. Waiting never ends with "busy", so `no-busy` changes nothing.
 *
 * Wire    headers slot, timestamp, block-height: where the result stands
 * Source  permaweb/ao servers/cu (routes/result); POST and slots: HyperBEAM genesis-wasm@1.0
 */
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { parseId } from './parameters.ts'
import { resultJson } from './shapes.ts'

export type ResultDeps = Pick<Machine, 'result' | 'processOf'>

export function resultRoutes(machine: ResultDeps): Route[] {
  const handle = async (request: Request): Promise<Response> => {
    const id = request.params['id'] ?? ''
    const process = await processOf(request, id, machine)
    const result = await machine.result(process, id, request.signal)
    return json(200, resultJson(result), { slot: result.slot, timestamp: result.timestampMs, 'block-height': result.height })
  }
  return [
    { method: 'GET', path: '/result/:id', handle },
    { method: 'POST', path: '/result/:id', handle },
  ]
}

async function processOf({ query }: Request, id: string, machine: ResultDeps): Promise<TxId> {
  if (query.has('process-id') || !isTxId(id)) return parseId(query.get('process-id'), 'process-id')
  const process = await machine.processOf(id)
  if (process !== null) return process
  throw new HeddleError('not-found', { what: 'message', id }, `message ${id} has no slot in any process here; send it first`)
}
