/**
 * GET /heddle/traces/{message}?process&limit=200&depth=256&after -> 200 {id, origin, cause, settled, cut, count, roots: [node]}: what a message caused.
 *
 * Wire    {message}: the id of a message, of an assignment, or of a process (its spawn). Without `process` there is a root for each process that has
 *         it. node: {id, kind: message|spawn|assignment|tick, state: evaluated|waiting|stored|gone, process, target, slot, index, from, owner,
 *         action, assignedAt (ms), tookMs, gas, error, output, undelivered: [{index, reason}], toSend, repeat, next, children: [node]}.
 *         index: place in the outbox that it comes from. settled: all that is shown has its result, and nothing of it waits to be sent.
 *         cut: more than `limit` nodes, or deeper than `depth`. A node with `next` has children that are not here: ask for it by its id and
 *         process, with `after` set to `next`.
 */
import { PUSH_DEPTH_MAX, TRACE_NODES_MAX } from '../../base/limits.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { Trace, TraceNode } from '../../services/machine/trace.ts'
import { optional, parseId, parseNatural } from '../ao-legacy/parameters.ts'
import { json, type Route } from '../route.ts'

const NODES_DEFAULT = 200

export function traces(machine: Pick<Machine, 'trace'>): Route {
  return {
    method: 'GET',
    path: '/heddle/traces/:message',
    async handle(request) {
      const process = optional(request, 'process')
      const query = {
        process: process === undefined ? null : parseId(process, 'process'),
        limit: Math.min(parseNatural(request, 'limit') || NODES_DEFAULT, TRACE_NODES_MAX),
        depth: Math.min(parseNatural(request, 'depth') ?? PUSH_DEPTH_MAX, PUSH_DEPTH_MAX),
        after: parseNatural(request, 'after') ?? -1,
      }
      return json(200, traceJson(await machine.trace(parseId(request.params['message'], 'message'), query)))
    },
  }
}

function traceJson({ id, origin, cause, isSettled, isCut, count, roots }: Trace): object {
  return { id, origin, cause, settled: isSettled, cut: isCut, count, roots: roots.map(nodeJson) }
}

function nodeJson({ assignedAtMs, isRepeat, children, ...node }: TraceNode): object {
  return { ...node, assignedAt: assignedAtMs, repeat: isRepeat, children: children.map(nodeJson) }
}
