/**
 * GET /results/{process}?from&to&limit=25&sort=ASC|DESC -> 200 {pageInfo:{hasNextPage}, edges:[{node, cursor}]}: what was evaluated so far.
 *
 * Source  permaweb/ao servers/cu (routes/results)
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { Sort } from '../../services/machine/results-page.ts'
import { json, type Request, type Route } from '../route.ts'
import { optional, parseId, parseLimit } from './parameters.ts'
import { outcomeJson } from './shapes.ts'

const LIMIT_DEFAULT = 25

export function results(machine: Pick<Machine, 'results'>): Route {
  return {
    method: 'GET',
    path: '/results/:process',
    async handle(request) {
      const query = {
        from: optional(request, 'from'),
        to: optional(request, 'to'),
        limit: parseLimit(request, LIMIT_DEFAULT),
        sort: parseSort(request),
      }
      const { edges, hasNextPage } = await machine.results(parseId(request.params['process'], 'process'), query)
      return json(200, { pageInfo: { hasNextPage }, edges: edges.map(({ node, cursor }) => ({ node: outcomeJson(node), cursor })) })
    },
  }
}

function parseSort(request: Request): Sort {
  const text = (optional(request, 'sort') ?? 'ASC').toUpperCase()
  if (text === 'ASC' || text === 'DESC') return text
  throw new HeddleError('request-invalid', { field: 'sort' }, `sort is "${clip(text)}"; expected ASC or DESC`)
}
