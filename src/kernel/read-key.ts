/**
 * Reading a key of a message as it stands.
 *
 * Source      permaweb/HyperBEAM src/dev_message.erl get/4, src/hb_private.erl (2025-11)
 * Invariants  No private key is readable, in whatever case it is asked for.
 */
import { asMessage, isPrivateKey, type Message, type Value } from '../codec/message/value.ts'

/** Exactly this key, else one that differs in case alone; undefined when there is none. */
export function readKey(message: Message, key: string): Value | undefined {
  if (isPrivateKey(key)) return undefined
  const value = message.get(key)
  return value === undefined ? readKeyInAnyCase(message, key) : value
}

function readKeyInAnyCase(message: Message, key: string): Value | undefined {
  const lower = key.toLowerCase()
  if (isPrivateKey(lower)) return undefined
  const value = message.get(lower)
  if (value !== undefined) return value
  for (const candidate of message.keys())
    if (candidate.length === key.length && candidate.toLowerCase() === lower && !isPrivateKey(candidate)) return message.get(candidate)
  return undefined
}

/** A list as the message of its items, `1` to `n`: always the same object, so that its id is computed once. */
export function numbered(list: readonly Value[]): Message {
  let message = numberedLists.get(list)
  if (message === undefined) {
    message = asMessage(list)
    numberedLists.set(list, message)
  }
  return message
}

const numberedLists = new WeakMap<readonly Value[], Message>()
