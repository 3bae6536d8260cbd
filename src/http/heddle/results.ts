/**
 * GET /heddle/processes/{process}/results?from=0&limit=100 -> 200 {"results":[record], "next": slot | null}: everything that is stored of each slot.
 *
 * Wire    records as `services/machine/records.ts` has them, errors and failures of the node included. Bytes that are not text are
 *         {"$bytes": base64url}, in a record that says "packed". A page of large results ends sooner. Nothing is evaluated for it.
 */
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { packResult } from '../../services/machine/result-store.ts'
import { parseId, parseLimit, parseNatural } from '../ao-legacy/parameters.ts'
import { json, type Route } from '../route.ts'

const LIMIT_DEFAULT = 100

export function results(machine: Pick<Machine, 'getHead' | 'evaluatedSlot' | 'resultsBetween'>): Route {
  return {
    method: 'GET',
    path: '/heddle/processes/:process/results',
    async handle(request) {
      const id = parseId(request.params['process'], 'process')
      await machine.getHead(id)
      const from = parseNatural(request, 'from') ?? 0
      const limit = parseLimit(request, LIMIT_DEFAULT)
      const last = await machine.evaluatedSlot(id)
      const found: object[] = []
      let bytes = 0
      let next = from
      for await (const { result, sizeBytes } of machine.resultsBetween(id, { after: from - 1, upTo: last, reverse: false })) {
        bytes += sizeBytes
        if (found.length === limit || (found.length > 0 && bytes > PAGE_BYTES_MAX)) break
        found.push(packResult(result))
        next = result.slot + 1
      }
      return json(200, { results: found, next: found.length === 0 || next > last ? null : next })
    },
  }
}
