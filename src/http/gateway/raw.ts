/** GET /raw/{id}: bytes as stored. A manifest is not resolved and nothing redirects. */
import { isTxId } from '../../base/ids.ts'
import type { Route } from '../route.ts'
import { type GatewayDeps, invalidId, notFound } from './data.ts'

export function rawRoute({ data, elsewhere }: GatewayDeps): Route {
  return {
    method: 'GET',
    path: '/raw/:id',
    async handle(request) {
      const id = request.params['id'] ?? ''
      if (!isTxId(id)) return invalidId(id)
      const served = await data.serve(id, request, { raw: true })
      if (served !== null) return served
      const other = await elsewhere(id, request)
      return (other === null ? null : await data.serve(other, request, { raw: true })) ?? notFound()
    },
  }
}
