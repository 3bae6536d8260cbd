/**
 * GET /cron/{process}?from&to&limit=500 -> 200 {pageInfo:{hasNextPage}, edges:[{node, cursor}]}: results of ticks only, ascending, after those that
 * are due by now were given their slots and evaluated.
 *
 * Source  permaweb/ao servers/cu (routes/cron)
 */
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Route } from '../route.ts'
import { optional, parseId, parseLimit } from './parameters.ts'
import { outcomeJson } from './shapes.ts'

const LIMIT_DEFAULT = 500

export function cron(machine: Pick<Machine, 'cronResults'>): Route {
  return {
    method: 'GET',
    path: '/cron/:process',
    async handle(request) {
      const process = parseId(request.params['process'], 'process')
      const query = { from: optional(request, 'from'), to: optional(request, 'to'), limit: parseLimit(request, LIMIT_DEFAULT) }
      const { edges, hasNextPage } = await machine.cronResults(process, query, request.signal)
      return json(200, { pageInfo: { hasNextPage }, edges: edges.map(({ node, cursor }) => ({ node: outcomeJson(node), cursor })) })
    },
  }
}
