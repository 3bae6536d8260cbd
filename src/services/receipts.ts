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

/** When an item was accepted. */
export interface Acceptance {
  readonly id: TxId
  readonly timestampMs: number
  readonly height: number
}

export interface ReceiptInput extends Acceptance {
  readonly owner: Address
  /** Host that serves the item at once. */
  readonly host: string
}

/** The part of a receipt that is signed, with its signature. `key` must be an RSA key made with `saltBytes: 0`. */
export async function signPromise(
  { id, timestampMs, height }: Acceptance,
  key: SigningKey,
): Promise<Pick<UploadReceipt, 'id' | 'timestamp' | 'version' | 'deadlineHeight' | 'signature'>> {
  const promise = { id, timestamp: timestampMs, version: RECEIPT_VERSION, deadlineHeight: height + RECEIPT_DEADLINE_BLOCKS }
  return { ...promise, signature: toBase64url(await key.sign(receiptHash(promise))) }
}

export async function signReceipt({ owner, host, ...acceptance }: ReceiptInput, key: SigningKey): Promise<UploadReceipt> {
  return {
    ...(await signPromise(acceptance, key)),
    winc: '0',
    dataCaches: [host],
    fastFinalityIndexes: [host],
    public: toBase64url(key.publicKey),
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
