/**
 * GET /heddle/processes/{process}/log?from=0&limit=100 -> 200 {"entries":[{slot, origin, depth, assignment, messageId, message}], "next": slot | null}
 *
 * Wire    assignment and message: the signed data items as base64url; message is null for a transaction, which GET /tx/{id} has, and for a tick of a
 *         cron, which the assignment names in its tag Cron, and whose messageId is the assignment's.
 *         origin: the message from outside that set this one off, depth: how many pushes lie between. A page of large messages ends sooner.
 */
import { toBase64url } from '../../base/bytes.ts'
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { parseId, parseLimit, parseNatural } from '../ao-legacy/parameters.ts'
import { json, type Route } from '../route.ts'

const LIMIT_DEFAULT = 100

export function log(machine: Pick<Machine, 'getHead' | 'records' | 'signed'>): Route {
  return {
    method: 'GET',
    path: '/heddle/processes/:process/log',
    async handle(request) {
      const id = parseId(request.params['process'], 'process')
      const from = parseNatural(request, 'from') ?? 0
      const { slot: last } = await machine.getHead(id)
      const entries: object[] = []
      let bytes = 0
      let next = from
      for (const record of await machine.records(id, { after: from - 1, upTo: last, limit: parseLimit(request, LIMIT_DEFAULT) })) {
        const { assignment, message } = await machine.signed(record)
        bytes += assignment.length + (message?.length ?? 0)
        if (entries.length > 0 && bytes > PAGE_BYTES_MAX) break
        const { slot, origin, depth, message: messageId } = record
        const signed = { assignment: toBase64url(assignment), messageId, message: message === null ? null : toBase64url(message) }
        entries.push({ slot, origin, depth, ...signed })
        next = slot + 1
      }
      return json(200, { entries, next: next > last ? null : next })
    },
  }
}
