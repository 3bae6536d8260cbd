/**
 * The query index of a node with gateways behind it: what is asked for by its id and is not here is fetched first, so that clients which look a
 * module up before they use it find it. All other queries show what is here.
 */
import { isTxId, type TxId } from '../base/ids.ts'
import { UPSTREAM_IDS_MAX } from '../base/limits.ts'
import type { IndexReader } from '../store/index-store.ts'
import type { Upstream } from './upstream.ts'

export interface UpstreamIndexDeps {
  readonly index: IndexReader
  readonly upstream: Pick<Upstream, 'bring'>
  /** Which of these are on this node? */
  readonly known: (ids: readonly TxId[]) => Promise<ReadonlySet<TxId>>
}

export function upstreamIndex({ index, upstream, known }: UpstreamIndexDeps): IndexReader {
  return {
    blocks: (query) => index.blocks(query),
    block: (hash) => index.block(hash),
    async transaction(id) {
      const found = await index.transaction(id)
      if (found !== null) return found
      return (await upstream.bring(id)) ? index.transaction(id) : null
    },
    async transactions(query) {
      const ids = query.ids?.filter(isTxId) ?? []
      if (ids.length > 0 && ids.length <= UPSTREAM_IDS_MAX && query.after === null) {
        const here = await known(ids)
        await Promise.all(ids.filter((id) => !here.has(id)).map((id) => upstream.bring(id)))
      }
      return index.transactions(query)
    },
  }
}
