/** Small pieces that the routes of the node API share. */
import { crc32 } from 'node:zlib'
import { asBuffer, fromBase64url } from '../../base/bytes.ts'
import { HeddleError, isFailure } from '../../base/errors.ts'
import { type Address, isTxId, parseAddress, type TxId } from '../../base/ids.ts'
import { type Request, type Response, text } from '../route.ts'

/** Null unless it is 43 characters of base64url. */
export function findTxId(value: string | undefined): TxId | null {
  return value !== undefined && isTxId(value) ? value : null
}

/** An address, with or without its checksum (`<address>:<6 characters>`); null if it is neither. */
export function findAddress(value: string | undefined): Address | null {
  const [address = '', checksum] = (value ?? '').split(':')
  try {
    const parsed = parseAddress(address)
    return checksum === undefined || checksum === checksumOf(parsed) ? parsed : null
  } catch (error) {
    if (isFailure(error, 'encoding-invalid')) return null
    throw error
  }
}

/** A decimal number without sign; null otherwise. */
export function findNatural(value: string | undefined): bigint | null {
  return value !== undefined && /^[0-9]{1,30}$/.test(value) ? BigInt(value) : null
}

export function parseJsonBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(asBuffer(body).toString('utf8'))
  } catch (cause) {
    throw new HeddleError('request-invalid', { field: 'body' }, 'the body is not JSON', { cause })
  }
}

/** Does the body say that it is JSON, or look like it? Clients other than arweave-js often send no content type. */
export function isJsonRequest(request: Request): boolean | 'unsure' {
  const type = request.headers['content-type'] ?? ''
  if (type.includes('json')) return true
  return type.includes('octet-stream') ? false : 'unsure'
}

export const NOT_FOUND: Response = text(404, 'Not Found.')
export const PENDING: Response = text(202, 'Pending')

function checksumOf(address: Address): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(fromBase64url(address)))
  return sum.toString('base64url')
}
