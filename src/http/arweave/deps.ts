import type { Clock } from '../../base/clock.ts'
import type { TxId } from '../../base/ids.ts'
import type { Weave } from '../../services/weave/weave.ts'
import type { Request } from '../route.ts'

/** What the node API needs from the rest of the program. */
export interface ArweaveDeps {
  readonly weave: Weave
  readonly clock: Clock
  /** More members of GET /info: the gateway's, the bundler's and `heddle`. */
  readonly info: () => Readonly<Record<string, unknown>>
  /** Addresses of other nodes; this one's own stands in when there are none. */
  readonly peers: () => readonly string[]
  /** GET /reset: clears every service, not only the weave. Null where it is not allowed. */
  readonly reset: (() => Promise<void>) | null
  /** What GET /tx/{id}/status says of a data item; null when it is none of this node's. */
  readonly itemStatus: (id: TxId) => Promise<Readonly<Record<string, unknown>> | 'pending' | null>
  /** Fetches from elsewhere what is not here; resolves to true when it is here now. */
  readonly bring?: (id: TxId, request: Request) => Promise<boolean>
}
