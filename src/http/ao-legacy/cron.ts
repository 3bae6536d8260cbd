/**
 * GET /cron/{process}?from&limit -> 200 {pageInfo, edges}: results of cron messages only.
 * Processes get no cron messages from this node yet, so the page of a known process is empty.
 */
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Route } from '../route.ts'
import { parseId } from './parameters.ts'

export function cron(machine: Pick<Machine, 'getHead'>): Route {
  return {
    method: 'GET',
    path: '/cron/:process',
    async handle({ params }) {
      await machine.getHead(parseId(params['process'], 'process'))
      return json(200, { pageInfo: { hasNextPage: false }, edges: [] })
    },
  }
}
