/** The upload service: signed data items in, receipts out. Speaks to arbundles, Turbo and Irys clients and to AO units. */
import { type FailureCode, HeddleError, isFailure } from '../../base/errors.ts'
import { type BlockHash, isTxId, type TxId } from '../../base/ids.ts'
import type { SigningKey } from '../../codec/keys.ts'
import type { Intake } from '../../services/intake.ts'
import { failureStatus } from '../failure-status.ts'
import { type Request, type Response, type Surface, text } from '../route.ts'
import { infoRoutes, uploadInfoRoute } from './info.ts'
import { statusRoute } from './status.ts'
import { uploadRoute, uploadRoutes } from './upload.ts'

/** What became of an item: waiting, in a transaction, in a block. */
export interface ItemStatus {
  /** The transaction that carries it, however deep it is nested in there. */
  readonly bundleId: TxId | null
  /** The item or transaction whose bundle it stands in. */
  readonly parentId: TxId | null
  /** Null while no block holds it. */
  readonly block: { readonly height: number; readonly hash: BlockHash } | null
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

/** What `/` is where the upload service has a port to itself. */
export function bundlerRoot(deps: BundlerDeps): Surface {
  return { name: 'bundler', routes: [uploadInfoRoute('/', deps), uploadRoute('/', deps)], failure }
}

/** A path part that names a token (`arweave`, `ethereum` …) rather than an id. */
export function isToken(part: string): boolean {
  return /^[a-z][a-z0-9-]{1,31}$/.test(part) && !isTxId(part)
}

/** Plain text. Uploads begin with the words of upload services, then comes the reason. */
function failure(error: unknown, { method }: Request): Response {
  if (!(error instanceof HeddleError)) return text(500, 'Internal Server Error')
  const status = isTooLargePart(error) ? 400 : failureStatus(error.code)
  const words = method === 'POST' ? uploadWords(error.code) : ''
  return text(status, `${words}${error.message}`, status === 429 || status === 503 ? { 'retry-after': 1 } : {})
}

/** Not the upload is too large, but its tags. */
function isTooLargePart(error: HeddleError): boolean {
  return isFailure(error, 'too-large') && error.facts.what !== 'data item' && error.facts.what !== 'body'
}

function uploadWords(code: FailureCode): string {
  if (code === 'encoding-invalid') return 'Data item parsing error! '
  return code === 'signature-invalid' ? 'Invalid Data Item! ' : ''
}
