/**
 * GET /heddle/processes?after&limit=100 -> 200 {"processes":[id], "next": id | null}: all of this node, in the order of their ids
 * GET /heddle/processes/{process} -> 200 {process, module, slot, evaluated, authority, fork: {of, at} | null, env}
 *
 * Wire    slot: the last in the log. evaluated: the last with a result, -1 for none. authority: the address that this node adds to the
 *         Authority tags, null for none. env: what the program sees of itself; of a fork that is the original's.
 */
import type { Machine } from '../../services/machine/machine.ts'
import { optional, parseId, parseLimit } from '../ao-legacy/parameters.ts'
import { json, type Route } from '../route.ts'

const LIMIT_DEFAULT = 100

export function processes(machine: Pick<Machine, 'processes'>): Route {
  return {
    method: 'GET',
    path: '/heddle/processes',
    async handle(request) {
      const after = optional(request, 'after')
      const limit = parseLimit(request, LIMIT_DEFAULT)
      const found = await machine.processes(after === undefined ? null : parseId(after, 'after'), limit)
      return json(200, { processes: found, next: found.length < limit ? null : found.at(-1) })
    },
  }
}

export function process(machine: Pick<Machine, 'getHead' | 'facts' | 'evaluatedSlot'>): Route {
  return {
    method: 'GET',
    path: '/heddle/processes/:process',
    async handle({ params }) {
      const id = parseId(params['process'], 'process')
      const { slot, module, authority } = await machine.getHead(id)
      const [{ fork, env }, evaluated] = await Promise.all([machine.facts(id), machine.evaluatedSlot(id)])
      return json(200, { process: id, module, slot, evaluated, authority, fork, env })
    },
  }
}
