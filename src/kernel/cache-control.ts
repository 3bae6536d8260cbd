/**
 * What may be taken from the cache of results, and what is put there.
 *
 * Wire        key or header `cache-control`, a list or a text with commas: always, no-store, store, no-cache, cache, only-if-cached
 * Source      permaweb/HyperBEAM src/hb_cache_control.erl (2025-11)
 * Invariants  The node's own directives come first, then those of the result (of the base, when looking up), then the request's: each fills only what is open.
 *             A result has the place `computed/<base id>/<request id>`, which is no key of any message: nothing that a client stores can pass for a result.
 *             Unsigned ids say nothing of who signed: with other commitments the place is another. What has private keys has none.
 */
import { sha256Text } from '../base/hash.ts'
import { unsignedId } from '../codec/message/id.ts'
import { isList, isMessage, isPrivateKey, type Message, type Value } from '../codec/message/value.ts'

/** Undefined is what a source leaves open. */
export interface Directives {
  readonly store: boolean | undefined
  readonly lookup: boolean | undefined
  readonly onlyIfCached: boolean | undefined
}

export interface CacheSettings {
  readonly store: boolean
  readonly lookup: boolean
  readonly onlyIfCached: boolean
}

/** Where all results are; no client writes or links there. */
export const RESULTS_PREFIX = 'computed/'

const OPEN: Directives = { store: undefined, lookup: undefined, onlyIfCached: undefined }

export function readDirectives(value: Value | undefined): Directives {
  if (value === undefined) return OPEN
  const words = new Set(directiveWords(value))
  const isAlways = words.has('always')
  return {
    store: isAlways ? true : words.has('no-store') ? false : words.has('store') ? true : undefined,
    lookup: isAlways ? true : words.has('no-cache') ? false : words.has('cache') ? true : undefined,
    onlyIfCached: words.has('only-if-cached') ? true : undefined,
  }
}

function directiveWords(value: Value): string[] {
  if (isMessage(value)) return directiveWords([...value.values()])
  const texts = (isList(value) ? value : [value]).filter((item) => typeof item === 'string')
  return texts.flatMap((text) => text.toLowerCase().split(',')).map((word) => word.trim())
}

/** Earlier sources win. */
export function combineDirectives(node: Directives, second: Directives, third: Directives): CacheSettings {
  return {
    store: node.store ?? second.store ?? third.store ?? false,
    lookup: node.lookup ?? second.lookup ?? third.lookup ?? true,
    onlyIfCached: node.onlyIfCached ?? second.onlyIfCached ?? third.onlyIfCached ?? false,
  }
}

/** Where the result of this request upon this base is kept; null when it must not be. */
export function resultPlace(base: Message, request: Message): string | null {
  const bySigners = [commitmentIds(base), commitmentIds(request)]
  if (bySigners.includes(null)) return null
  const place = `${RESULTS_PREFIX}${unsignedId(base)}/${unsignedId(request)}`
  const signers = bySigners.join('|')
  return signers === '|' ? place : `${place}/${sha256Text(signers)}`
}

/** Null when the message has private keys, or commitments that are elsewhere. */
function commitmentIds(message: Message): string | null {
  for (const key of message.keys()) if (isPrivateKey(key)) return null
  const commitments = message.get('commitments')
  if (commitments === undefined) return ''
  return isMessage(commitments) ? [...commitments.keys()].sort().join(' ') : null
}
