/** Amounts and notices of the token: a second file, to show that a process may have some. */
import type { Message, ReplyOptions, TagValue } from 'heddle/process'

const DIGITS_MAX = 256

/** The quantity of a message; throws when it is not a whole number above zero. */
export function quantityOf(msg: Message): bigint {
  const text = msg.tag('Quantity')
  if (!/^\d+$/.test(text)) throw new Error(`Quantity must be a whole number of the smallest unit, got "${text.slice(0, 80)}"`)
  if (text.length > DIGITS_MAX) throw new Error(`Quantity has more than ${DIGITS_MAX} digits`)
  const quantity = BigInt(text)
  if (quantity === 0n) throw new Error('Quantity must be greater than 0')
  return quantity
}

/** What tells a party of a transfer; tags that begin with X- go along. */
export function notice(msg: Message, action: string, tags: Readonly<Record<string, TagValue>>, data: string): ReplyOptions {
  const further = msg.tagList.filter(({ name }) => name.startsWith('X-') && name !== 'X-Reference' && name !== 'X-Origin')
  return { action, data, tags: [...Object.entries(tags).map(([name, value]) => ({ name, value })), ...further] }
}
