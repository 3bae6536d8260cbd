/** Messages that have all of some keys with some values: walks the index of each key side by side, so that rare values make it short. */
import { compareBytes, toBase64url } from '../../base/bytes.ts'

/** The first id from this one on that is indexed under a prefix. */
export type NextMatch = (prefix: Uint8Array, from: Uint8Array) => Promise<Uint8Array | null>

const FIRST = new Uint8Array(32)

/** Unsigned ids under each of these prefixes that `isHere`, in order, at most `max`. */
export async function matchingIds(
  next: NextMatch,
  prefixes: readonly Uint8Array[],
  max: number,
  isHere: (id: Uint8Array) => Promise<boolean>,
): Promise<string[]> {
  const found: string[] = []
  for (let from: Uint8Array | null = FIRST; from !== null && found.length < max; ) {
    const common: Uint8Array | null = await nextCommon(next, prefixes, from)
    if (common === null) break
    if (await isHere(common)) found.push(toBase64url(common))
    from = following(common)
  }
  return found
}

/** The first id that all have, from this one on. */
async function nextCommon(next: NextMatch, prefixes: readonly Uint8Array[], from: Uint8Array): Promise<Uint8Array | null> {
  let candidate = from
  for (let agreed = 0, at = 0; agreed < prefixes.length; at = (at + 1) % prefixes.length) {
    const id = await next(prefixes[at]!, candidate)
    if (id === null) return null
    agreed = compareBytes(id, candidate) === 0 ? agreed + 1 : 1
    candidate = id
  }
  return candidate
}

/** Null after the last one there can be. */
function following(id: Uint8Array): Uint8Array | null {
  const next = Uint8Array.from(id)
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i]! + 1) & 0xff
    if (next[i] !== 0) return next
  }
  return null
}
