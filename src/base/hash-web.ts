/** `hash.ts` for browsers: the same functions, in JavaScript. Synchronous, as ids are computed everywhere; WebCrypto is not. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha384 as nobleSha384, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'
import { concat, toBase64url, utf8 } from './bytes-web.ts'
import type { ChainDigest } from './hash.ts'

export type { ChainDigest } from './hash.ts'

export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

export function sha256Text(content: Uint8Array | string): string {
  return toBase64url(nobleSha256(typeof content === 'string' ? utf8(content) : content))
}

export function sha384(bytes: Uint8Array): Uint8Array {
  return nobleSha384(bytes)
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return nobleSha512(bytes)
}

export function createSha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = nobleSha256.create()
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest() }
}

export function hmacSha256(key: Uint8Array, message: Uint8Array | string): Uint8Array {
  return hmac(nobleSha256, key, typeof message === 'string' ? utf8(message) : message)
}

export function hmacSha256Of(key: Uint8Array): (message: Uint8Array | string) => string {
  return (message) => toBase64url(hmacSha256(key, message))
}

export function createSha384(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = nobleSha384.create()
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest() }
}

/** Here a digest in a chain is its bytes. */
export function chainStart(content: Uint8Array | string): ChainDigest {
  return chainOf(nobleSha384(typeof content === 'string' ? utf8(content) : content))
}

export function chainPair(left: ChainDigest, right: ChainDigest): ChainDigest {
  return chainOf(nobleSha384(concat([asBytes(left), asBytes(right)])))
}

export function chainBytes(digest: ChainDigest): Uint8Array {
  return Uint8Array.from(asBytes(digest))
}

export function chainOf(digest: Uint8Array): ChainDigest {
  return digest as unknown as ChainDigest
}

export function sha256OfHashes(parts: readonly Uint8Array[]): Uint8Array {
  return nobleSha256(concat(parts.map((part) => nobleSha256(part))))
}

function asBytes(digest: ChainDigest): Uint8Array {
  return digest as unknown as Uint8Array
}
