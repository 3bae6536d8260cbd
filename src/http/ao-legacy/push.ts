/**
 * POST /push/{message}/{number}?process-id=P -> 202 {"message":"Processing Message Result","id"}: sends an entry of an outbox again.
 *
 * Wire    number: place in the outbox, messages first, then spawns, then assignments, as `Undelivered` of the result counts. An entry that was
 *         delivered, or is on its way, is left alone: the answer is the same. 400 for what is no number, and for an entry that cannot be sent at all.
 * Source  permaweb/ao servers/mu (routes/push, api/pushMsg), which sends it again each time
 */
import { HeddleError } from '../../base/errors.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Route } from '../route.ts'
import { parseId } from './parameters.ts'

const NUMBER = /^[0-9]{1,9}$/

export function pushAgain(machine: Pick<Machine, 'retryPush' | 'processOf'>): Route {
  return {
    method: 'POST',
    path: '/push/:message/:number',
    async handle({ params, query, signal }) {
      const number = params['number'] ?? ''
      if (!NUMBER.test(number)) throw new HeddleError('request-invalid', { field: 'number' }, "'number' parameter must be a valid number")
      const id = parseId(params['message'], 'message')
      const named = query.get('process-id')
      const process = named === null ? await machine.processOf(id) : parseId(named, 'process-id')
      if (process === null)
        throw new HeddleError('not-found', { what: 'message', id }, `message ${id} has no slot in any process here; send it first`)
      await machine.retryPush(process, id, Number(number), signal)
      return json(202, { message: 'Processing Message Result', id })
    },
  }
}
