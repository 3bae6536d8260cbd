/**
 * Would a device see any difference? Commitments and private keys count here, unlike in codec/message/same-value.ts, and a link is only itself.
 * Only the order of keys does not count, nor whether a binary is text or bytes.
 */
import { equalBytes } from '../base/bytes.ts'
import { Atom, binaryBytes, Float, isBinary, isList, isMessage, Link, type Message, type Value } from '../codec/message/value.ts'

export function identical(a: Value, b: Value): boolean {
  if (Object.is(a, b)) return true
  if (typeof a === 'string' && typeof b === 'string') return false
  if (isBinary(a)) return isBinary(b) && equalBytes(binaryBytes(a), binaryBytes(b))
  if (isMessage(a)) return isMessage(b) && identicalMessages(a, b)
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, i) => identical(item, b[i] as Value))
  if (a instanceof Float) return b instanceof Float && Object.is(a.value, b.value)
  if (a instanceof Atom) return b instanceof Atom && a.name === b.name
  return a instanceof Link && b instanceof Link && a.id === b.id && a.isLazy === b.isLazy
}

function identicalMessages(a: Message, b: Message): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined || !identical(value, other)) return false
  }
  return true
}
