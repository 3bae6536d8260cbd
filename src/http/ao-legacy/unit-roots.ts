/**
 * What `/` is where a unit has a port to itself, and what else only such a port answers.
 *
 * Wire        messenger: GET / -> text `ao messenger unit`; POST / is that of post-item.ts.
 *             scheduler: GET / -> 200 {"timestamp":"<ms>","address"}; POST / with a data item, or ?process-id&assign[&base-layer][&exclude] -> 200
 *             {"timestamp":<ms>,"id":<message, process or assignment>}; GET /{id} with page parameters of no process here, and no process-id: 400 as
 *             text; GET /{no process here}/latest: 400.
 *             compute: GET / -> 200 {"address","timestamp":<ms>}
 * Source      permaweb/ao servers/{mu,su,cu}. With `debug` a messenger's `GET /` is that of debug.ts.
 */
import { HeddleError } from '../../base/errors.ts'
import { type Address, isTxId } from '../../base/ids.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Request, type Response, type Route, type Surface, text } from '../route.ts'
import { aoFailure, schedulerFailure } from './failures.ts'
import { assign, type PostItemDeps, type Refusal, schedule } from './post-item.ts'
import { isPageRequest } from './scheduled.ts'

export interface UnitRootDeps extends PostItemDeps {
  readonly machine: PostItemDeps['machine'] & Pick<Machine, 'chain' | 'units' | 'findHead'>
  /** The node's wallet. */
  readonly address: Address
}

export function messengerRoot(): Surface {
  const hello: Route = {
    method: 'GET',
    path: '/',
    handle: async ({ query }) => (query.has('debug') ? null : text(200, 'ao messenger unit')),
  }
  return { name: 'ao-legacy', routes: [hello], failure: aoFailure }
}

export function schedulerRoot(deps: UnitRootDeps): Surface {
  const { machine } = deps
  const hello = async (): Promise<Response> =>
    json(200, { timestamp: String(machine.chain.timestampMs()), address: machine.units.scheduler })
  return {
    name: 'ao-scheduler',
    routes: [
      { method: 'GET', path: '/', handle: hello },
      { method: 'POST', path: '/', handle: (request) => post(request, deps) },
      { method: 'GET', path: '/:id', handle: (request) => refuseUnnamed(request, machine) },
      { method: 'GET', path: '/:id/latest', handle: (request) => refuseUnknown(request, machine) },
    ],
    failure: schedulerFailure,
  }
}

/** Asked after everything else: what names a process, but no id that one could have. */
export function schedulerRest(): Surface {
  const refuse = async ({ params, query }: Request): Promise<Response | null> => {
    if (!query.has('process-id')) return null
    throw new HeddleError(
      'not-found',
      { what: 'message', id: params['id'] ?? '' },
      `Message or Process not found: ${params['id']} is no id`,
    )
  }
  return { name: 'ao-scheduler', routes: [{ method: 'GET', path: '/:id', handle: refuse }], failure: schedulerFailure }
}

export function computeRoot({ machine, address }: Pick<UnitRootDeps, 'machine' | 'address'>): Surface {
  const hello = async (): Promise<Response> => json(200, { address, timestamp: machine.chain.timestampMs() })
  return { name: 'ao-legacy', routes: [{ method: 'GET', path: '/', handle: hello }, nothingToPost], failure: aoFailure }
}

/** Elsewhere this path takes messages: who meant that should hear where it is. */
const nothingToPost: Route = {
  method: 'POST',
  path: '/',
  handle: async () => {
    const problem = 'a compute unit takes no messages; post them to the messenger unit, two ports below'
    throw new HeddleError('request-invalid', { field: 'path' }, problem)
  },
}

const refusalOfScheduler: Refusal = (field, tags) => {
  const isThere = tags.some(({ name }) => name === field)
  if (field === 'Data-Protocol') return isThere ? "Data-Protocol tag is not 'ao'" : 'Data-Protocol tag not present'
  return isThere ? 'Unsupported Type tag value' : 'Type tag not present'
}

async function post(request: Request, deps: UnitRootDeps): Promise<Response> {
  const { query } = request
  if (query.has('process-id') !== query.has('assign')) {
    const field = query.has('assign') ? 'process-id' : 'assign'
    throw new HeddleError('request-invalid', { field }, 'If sending assign or process-id, you must send both.')
  }
  const id = query.has('assign') ? await assign(request, deps) : await schedule(request, deps, refusalOfScheduler)
  return json(200, { timestamp: deps.machine.chain.timestampMs(), id })
}

/** Elsewhere this may be a path in a manifest. */
async function refuseUnknown({ params }: Request, machine: UnitRootDeps['machine']): Promise<null> {
  const id = params['id'] ?? ''
  if (isTxId(id) && (await machine.findHead(id)) !== null) return null
  throw new HeddleError('not-found', { what: 'process', id }, `Latest message not available: ${id} was never spawned here`)
}

/** Upstream demands process-id of everybody; here it may be left out where the id itself is a process. */
async function refuseUnnamed(request: Request, machine: UnitRootDeps['machine']): Promise<Response | null> {
  const id = request.params['id'] ?? ''
  if (!isTxId(id) || request.query.has('process-id') || !isPageRequest(request)) return null
  return (await machine.findHead(id)) === null ? text(400, 'Query deserialize error: missing field `process-id`') : null
}
