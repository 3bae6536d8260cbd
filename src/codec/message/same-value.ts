/** Are two values the same? Commitments and private keys do not count, and a link equals the message that it points to. */
import { equalBytes } from '../../base/bytes.ts'
import { linkId } from './id.ts'
import { Atom, binaryBytes, Float, isBinary, isList, isMessage, isPrivateKey, Link, type Message, type Value } from './value.ts'

export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a === null || b === null) return false
  if (isBinary(a))
    return isBinary(b) && (typeof a === 'string' && typeof b === 'string' ? false : equalBytes(binaryBytes(a), binaryBytes(b)))
  if (a instanceof Float) return b instanceof Float && Object.is(a.value, b.value)
  if (a instanceof Atom) return b instanceof Atom && a.name === b.name
  if (a instanceof Link) return sameLink(a, b)
  if (b instanceof Link) return sameLink(b, a)
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  return isMessage(a) && isMessage(b) && sameMessage(a, b)
}

/** Have both messages the same values under these keys? Types are told by the values themselves. */
export function sameCommitted(committed: readonly string[], a: Message, b: Message): boolean {
  return committed.every((key) => key === 'ao-types' || sameValue(a.get(key), b.get(key)))
}

function sameLink(link: Link, other: Value): boolean {
  if (other instanceof Link) return link.id === other.id && link.isLazy === other.isLazy
  return (isMessage(other) || isList(other)) && !link.isLazy && linkId(other) === link.id
}

function sameMessage(a: Message, b: Message): boolean {
  const keys = publicKeys(a)
  return keys.length === publicKeys(b).length && keys.every((key) => b.has(key) && sameValue(a.get(key), b.get(key)))
}

function publicKeys(message: Message): string[] {
  return [...message.keys()].filter((key) => key !== 'commitments' && !isPrivateKey(key))
}
