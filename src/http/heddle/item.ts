/** GET /heddle/items/{id} -> 200 application/octet-stream: a data item as it was signed, header and all. */
import { HeddleError } from '../../base/errors.ts'
import { MODULE_BYTES_MAX } from '../../base/limits.ts'
import { itemHeaderBytesMax } from '../../codec/data-item.ts'
import type { Archive } from '../../services/archive.ts'
import { parseId } from '../ao-legacy/parameters.ts'
import { bytes, type Route } from '../route.ts'

export function item(archive: Pick<Archive, 'itemRaw'>): Route {
  return {
    method: 'GET',
    path: '/heddle/items/:id',
    async handle({ params }) {
      const id = parseId(params['id'], 'id')
      const raw = await archive.itemRaw(id, MODULE_BYTES_MAX + itemHeaderBytesMax())
      if (raw === null) throw new HeddleError('not-found', { what: 'data item', id }, `no data item ${id} is on this node`)
      return bytes(200, raw)
    },
  }
}
