/** The digests that Arweave and AO are made of. One-shot, since that is twice as fast as a hash object for small input. `hash-web.ts` is its twin for browsers. */
import { createHash, createHmac, hash } from 'node:crypto'

/** A SHA-384 on its way into the next one. Here one character for each byte: making a Buffer for each would take longer than hashing it. */
export interface ChainDigest {
  readonly [chained]: true
}
declare const chained: unique symbol

const SHA384_BYTES = 48
const SHA256_BYTES = 32

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** As base64url: half the cost of bytes and then text. Text is hashed as UTF-8. */
export function sha256Text(content: Uint8Array | string): string {
  return hash('sha256', content, 'base64url')
}

export function sha384(bytes: Uint8Array): Uint8Array {
  return hash('sha384', bytes, 'buffer')
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return hash('sha512', bytes, 'buffer')
}

/** SHA-256 fed piece by piece. */
export function createSha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = createHash('sha256')
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest() }
}

/** Text is hashed as UTF-8. */
export function hmacSha256(key: Uint8Array, message: Uint8Array | string): Uint8Array {
  return createHmac('sha256', key).update(message).digest()
}

const BLOCK_BYTES = 64
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
const TEXT_COPIED_MAX = 16 * 1024

/**
 * The same for one key that is used again and again, as base64url. For short text it is two one-shot digests, which take a fifth of the time of making
 * an HMAC object. The key is ASCII and at most a block long, so that what goes before the message is text too.
 */
export function hmacSha256Of(key: Uint8Array): (message: Uint8Array | string) => string {
  const inner = Buffer.from(padded(key, INNER_PAD)).toString('latin1')
  const outer = new Uint8Array(BLOCK_BYTES + SHA256_BYTES)
  outer.set(padded(key, OUTER_PAD))
  return (message) => {
    if (typeof message !== 'string' || message.length > TEXT_COPIED_MAX)
      return createHmac('sha256', key).update(message).digest('base64url')
    outer.set(hash('sha256', inner + message, 'buffer'), BLOCK_BYTES)
    return hash('sha256', outer, 'base64url')
  }
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  if (key.length > BLOCK_BYTES || key.some((byte) => byte > 127)) throw new RangeError('hmacSha256Of takes ASCII keys of at most 64 bytes')
  const block = new Uint8Array(BLOCK_BYTES).fill(pad)
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad
  return block
}

/** SHA-384 fed piece by piece. */
export function createSha384(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = createHash('sha384')
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest() }
}

/** SHA-384, to be chained. Text is hashed as UTF-8. */
export function chainStart(content: Uint8Array | string): ChainDigest {
  return asChain(hash('sha384', content, 'binary'))
}

/** Written and hashed in one go, so one is enough. */
const pair = Buffer.alloc(2 * SHA384_BYTES)

/** SHA-384 of both behind each other. */
export function chainPair(left: ChainDigest, right: ChainDigest): ChainDigest {
  pair.write(asText(left), 0, SHA384_BYTES, 'latin1')
  pair.write(asText(right), SHA384_BYTES, SHA384_BYTES, 'latin1')
  return asChain(hash('sha384', pair, 'binary'))
}

export function chainBytes(digest: ChainDigest): Uint8Array {
  return Buffer.from(asText(digest), 'latin1')
}

/** The same for a digest that is known as bytes. */
export function chainOf(digest: Uint8Array): ChainDigest {
  return asChain(Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1'))
}

const digests = Buffer.alloc(3 * SHA256_BYTES)

/** SHA-256 of the SHA-256s of up to three parts, behind each other. */
export function sha256OfHashes(parts: readonly Uint8Array[]): Uint8Array {
  for (const [i, part] of parts.entries()) digests.write(hash('sha256', part, 'binary'), i * SHA256_BYTES, 'latin1')
  return Buffer.from(hash('sha256', digests.subarray(0, parts.length * SHA256_BYTES), 'binary'), 'latin1')
}

function asChain(text: string): ChainDigest {
  return text as unknown as ChainDigest
}

function asText(digest: ChainDigest): string {
  return digest as unknown as string
}
