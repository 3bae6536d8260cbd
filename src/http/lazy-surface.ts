/** A surface whose code is loaded when a request first gets as far as it, so that a node need not wait for it when it starts. */
import { HeddleError } from '../base/errors.ts'
import { METHODS, type Request, type Response, type Route, type Surface, text } from './route.ts'

/** `load` gives the same surface each time; its routes are for all paths, one for each method at most. */
export function lazySurface(name: string, load: () => Promise<Surface>): Surface {
  let loaded: Surface | null = null
  const handle = async (method: Route['method'], request: Request): Promise<Response | null> => {
    loaded ??= await load()
    return loaded.routes.find((route) => route.method === method)?.handle(request) ?? null
  }
  return {
    name,
    routes: METHODS.map((method) => ({ method, path: '/*', handle: (request) => handle(method, request) })),
    failure: (error, request) => loaded?.failure(error, request) ?? notLoaded(error),
  }
}

function notLoaded(error: unknown): Response {
  return error instanceof HeddleError ? text(503, error.message, { 'retry-after': 1 }) : text(500, 'Internal server error')
}
