/** POST /heddle/processes/{process}/revert {"to": slot} -> 200 {process, slot, forgotten}: the slots after it never were. Development networks only. */
import { toText } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { JSON_BODY_BYTES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { parseId } from '../ao-legacy/parameters.ts'
import { json, type Route } from '../route.ts'

export function revert(machine: Pick<Machine, 'revert'>, isDevelopment: boolean): Route {
  return {
    method: 'POST',
    path: '/heddle/processes/:process/revert',
    async handle(request) {
      if (!isDevelopment)
        throw new HeddleError(
          'not-allowed',
          { what: 'revert' },
          'only nodes of a development network revert processes; fork this one instead',
        )
      const process = parseId(request.params['process'], 'process')
      const slot = parseSlot(toText(await request.body(JSON_BODY_BYTES_MAX)))
      return json(200, { process, slot, forgotten: await machine.revert(process, slot) })
    },
  }
}

function parseSlot(body: string): number {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new HeddleError('encoding-invalid', { format: 'json', at: 0 }, 'the body is not JSON', { cause })
  }
  const to = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['to'] : undefined
  if (typeof to === 'number' && Number.isSafeInteger(to) && to >= 0) return to
  throw new HeddleError('request-invalid', { field: 'to' }, 'the body says no slot; write it like {"to": 7}')
}
