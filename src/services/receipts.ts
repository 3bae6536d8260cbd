/**
 * Upload receipts: the bundler's signed promise that an item will be in a block by a height.
 *
 * Wire    deep hash of ["Bundlr", version, id, deadline height, timestamp] as text, signed RSA-PSS SHA-256 with salt length 0 (so it is deterministic)
 * Source  turbo-upload-service, @irys/upload-core receipts; checked against @dha-team/arbundles deepHash
 */
import { toBase64url, utf8 } from '../base/bytes.ts'
import type { Address, TxId } from '../base/ids.ts'
import { deepHash } from '../codec/deep-hash.ts'
import type { SigningKey } from '../codec/keys.ts'

export const RECEIPT_VERSION = '0.2.0'
/** Blocks from the tip by which an item is promised to be included. */
export const RECEIPT_DEADLINE_BLOCKS = 200

export interface UploadReceipt {
  readonly id: TxId
  readonly timestamp: number
  readonly winc: string
  readonly version: string
  readonly deadlineHeight: number
  readonly dataCaches: readonly string[]
  readonly fastFinalityIndexes: readonly string[]
  readonly public: string
  readonly signature: string
  readonly owner: Address
}

export interface ReceiptInput {
  readonly id: TxId
  readonly owner: Address
  readonly timestampMs: number
  readonly height: number
  /** Host that serves the item at once. */
  readonly host: string
}

/** `key` must be an RSA key made with `saltBytes: 0`. */
export async function signReceipt({ id, owner, timestampMs, height, host }: ReceiptInput, key: SigningKey): Promise<UploadReceipt> {
  const deadlineHeight = height + RECEIPT_DEADLINE_BLOCKS
  const signature = await key.sign(receiptHash({ version: RECEIPT_VERSION, id, deadlineHeight, timestamp: timestampMs }))
  return {
    id,
    timestamp: timestampMs,
    winc: '0',
    version: RECEIPT_VERSION,
    deadlineHeight,
    dataCaches: [host],
    fastFinalityIndexes: [host],
    public: toBase64url(key.publicKey),
    signature: toBase64url(signature),
    owner,
  }
}

export function receiptHash(receipt: {
  readonly version: string
  readonly id: string
  readonly deadlineHeight: number
  readonly timestamp: number
}): Uint8Array {
  return deepHash(['Bundlr', receipt.version, receipt.id, String(receipt.deadlineHeight), String(receipt.timestamp)].map(utf8))
}
