/** The upload service: signed data items in, receipts out. Speaks to arbundles, Turbo and Irys clients and to AO units. */
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import type { SigningKey } from '../../codec/keys.ts'
import type { Intake } from '../../services/intake.ts'
import { type Response, type Surface, text } from '../route.ts'
import { infoRoutes } from './info.ts'
import { statusRoute } from './status.ts'
import { uploadRoutes } from './upload.ts'

/** What became of an item: waiting, in a transaction, in a block. */
export interface ItemStatus {
  readonly id: TxId
  readonly bundleId: TxId | null
  /** Null while no block holds it. */
  readonly height: number | null
  readonly confirmations: number
  readonly payloadBytes: number
  readonly payloadType: string | null
}

export interface BundlerDeps {
  readonly intake: Intake
  readonly status: (id: TxId) => Promise<ItemStatus | null>
  /** RSA key with salt length 0: signs receipts. */
  readonly key: SigningKey
  readonly version: string
}

export function bundlerSurface(deps: BundlerDeps): Surface {
  return { name: 'bundler', routes: [...uploadRoutes(deps), statusRoute(deps), ...infoRoutes(deps)], failure }
}

/** A path part that names a token (`arweave`, `ethereum` …) rather than an id. */
export function isToken(part: string): boolean {
  return /^[a-z][a-z0-9-]{1,31}$/.test(part) && !isTxId(part)
}

/** Plain text, as upload services answer. */
function failure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return text(500, 'Internal Server Error')
  switch (error.code) {
    case 'encoding-invalid':
    case 'signature-invalid':
    case 'request-invalid':
    case 'module-unsupported':
      return text(400, `Invalid Data Item! ${error.message}`)
    case 'process-unknown':
    case 'module-unknown':
    case 'not-found':
      return text(404, error.message)
    case 'too-large':
      return text(413, error.message)
    case 'limit-reached':
    case 'stopping':
      return text(503, error.message)
    default:
      return text(500, error.message)
  }
}
