/**
 * The part of a message that a commitment is about, encoded as it is signed.
 *
 * Wire        httpsig@1.0 of the committed keys alone, children as links or, with `bundle`, whole.
 *             Of the listed components `content-digest` stands for the keys in the body; `+link` and percent-encoding are taken off the others.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl, dev_codec_httpsig_siginfo.erl (2025-11)
 * Invariants  Keys are left out before types are written, so that what is added to a message does not touch what was signed.
 */
import { equalBytes } from '../../base/bytes.ts'
import { decodeTypes, encodeTypes, TYPES_KEY } from './ao-types.ts'
import type { Commitment } from './commitment.ts'
import { encodeHttpsig, encodeHttpsigWire } from './httpsig.ts'
import { exactName } from './httpsig-names.ts'
import { linkId } from './id.ts'
import { unescapeKey } from './key-escape.ts'
import { isOverWire, notedTypes, noteTypes, noteWire } from './received-note.ts'
import { type Component, componentsOf, signatureBase, signedParameters } from './signature-base.ts'
import { HTTPSIG_DEVICE } from './signature-headers.ts'
import { encodeStructured } from './structured.ts'
import {
  type Binary,
  compareKeys,
  type HttpsigForm,
  isPrivateKey,
  isTrue,
  type Message,
  type Tabm,
  type Value,
  withoutLinkSuffix,
} from './value.ts'

interface FormOptions {
  /** All that there is to commit to, when left out. */
  readonly committed?: readonly string[] | undefined
  readonly isBundle: boolean
  /** An `ao-types` whose types of other keys are signed too. */
  readonly otherTypes?: string | null
}

/** Headers that say how to read the others. */
const READING_HEADERS: ReadonlySet<string> = new Set(['ao-body-key', 'inline-body-key', 'body-keys', 'ao-ids'])

/** Only these keys of a message; its commitments are never among them. */
export function restrict(message: Message, keys: readonly string[]): Message {
  const wanted = new Set(keys)
  const kept = new Map<string, Value>()
  for (const [key, value] of message) if (wanted.has(key) && key !== 'commitments') kept.set(key, value)
  return kept
}

export function committedTabm(message: Message, { committed, isBundle, otherTypes = null }: FormOptions): Tabm {
  const kept = committed === undefined ? withoutMeta(message) : restrict(message, committed)
  const tabm = encodeStructured(kept, isBundle ? undefined : linkId)
  if (committed?.includes(TYPES_KEY) === true && otherTypes !== null) return withOtherTypes(tabm, new Set(committed), otherTypes)
  if (committed === undefined || !tabm.has(TYPES_KEY) || committed.includes(TYPES_KEY)) return tabm
  return new Map([...tabm].filter(([key]) => key !== TYPES_KEY))
}

/** Types of committed keys are what they are now, whatever was signed. */
function withOtherTypes(tabm: Tabm, committed: ReadonlySet<string>, otherTypes: string): Tabm {
  const others = [...decodeTypes(otherTypes)].filter(([key]) => !committed.has(key))
  const own = decodeTypes(tabm.get(TYPES_KEY) as Binary | undefined)
  return others.length === 0 ? tabm : new Map([...tabm, [TYPES_KEY, encodeTypes(new Map([...own, ...others]))]])
}

/** The keys of `tabm` that names of components come to, each once. `bodyKeys`: those whose values are in the body. */
export function committedKeys(
  names: readonly string[],
  { tabm, bodyKeys, hasParts }: { readonly tabm: Tabm; readonly bodyKeys: readonly string[]; readonly hasParts: boolean },
): string[] {
  const keys = new Set<string>()
  for (const name of names) {
    if (name === 'content-digest') for (const key of bodyKeys) keys.add(key)
    else if (!READING_HEADERS.has(name) && !(hasParts && name === 'content-type')) keys.add(withoutLinkSuffix(keyOfName(name, tabm)))
  }
  return [...keys]
}

/** Names that look escaped may be keys as they are: the form that ids are made of escapes few of them. */
function keyOfName(name: string, tabm: Tabm): string {
  const key = unescapeKey(name)
  return key !== name && !tabm.has(key) && tabm.has(name) ? name : key
}

export function isMultipart(contentType: Binary | undefined): boolean {
  return typeof contentType === 'string' && contentType.toLowerCase().startsWith('multipart/')
}

/** Encoded forms of one message, for commitments over the same keys. */
export type FormMemo = Map<string, readonly Component[][]>

/** What a commitment may have been made over, and the commitment with the note that it then needs. */
interface PossibleBase {
  readonly base: Binary
  readonly commitment: Commitment
}

/** What the signature of this commitment must have been made over, the likeliest first. */
export function* basesOf(message: Message, commitment: Commitment, memo: FormMemo = new Map()): Generator<PossibleBase> {
  const exact = exactBases(message, commitment, memo)
  if (!isOverWire(commitment)) for (const base of exact) yield { base, commitment }
  const wire = wireBase(message, commitment, memo)
  if (!exact.some((base) => isSameBase(base, wire))) yield { base: wire, commitment: noteWire(commitment) }
  const typed = notedTypes(commitment) === null ? withAllTypes(message, commitment) : null
  if (typed === null) return
  for (const base of exactBases(message, typed, memo))
    if (!exact.some((other) => isSameBase(base, other))) yield { base, commitment: typed }
}

/** The reference signs the types of all keys of a message, also those that are not committed. */
function withAllTypes(message: Message, commitment: Commitment): Commitment | null {
  if (!commitment.committed.includes(TYPES_KEY)) return null
  const types = encodeStructured(withoutMeta(message), () => '').get(TYPES_KEY)
  return typeof types === 'string' ? noteTypes(commitment, types) : null
}

/** Over the form that ids are made of: sorted, and as its keys are listed where that may be another order. */
export function exactBases(message: Message, commitment: Commitment, memo: FormMemo = new Map()): Binary[] {
  const parameters = parametersOf(commitment)
  return formsOf(message, commitment, memo, false).map((components) => signatureBase(components, parameters))
}

export function wireBase(message: Message, commitment: Commitment, memo: FormMemo = new Map()): Binary {
  return signatureBase(formsOf(message, commitment, memo, true)[0] as Component[], parametersOf(commitment))
}

function formsOf(message: Message, commitment: Commitment, memo: FormMemo, isWire: boolean): readonly Component[][] {
  const { committed } = commitment
  const isBundle = isBundled(commitment)
  const otherTypes = notedTypes(commitment)
  const name = JSON.stringify([isWire, isBundle, otherTypes, committed])
  const known = memo.get(name)
  if (known !== undefined) return known
  const tabm = committedTabm(message, { committed, isBundle, otherTypes })
  const components = componentsOf(isWire ? encodeHttpsigWire(tabm) : encodeHttpsig(tabm))
  const ordered = isWire ? null : inCommittedOrder(components, committed)
  const forms = ordered === null ? [components] : [components, ordered]
  memo.set(name, forms)
  return forms
}

export function parametersOf({ type, keyId, extra }: Pick<Commitment, 'type' | 'keyId' | 'extra'>): string {
  const own: [string, Value][] = [['alg', type]]
  if (keyId !== null) own.push(['keyid', keyId])
  return signedParameters(new Map([...extra, ...own]))
}

/** Children whole instead of linked. */
export function isBundled({ extra }: Pick<Commitment, 'extra'>): boolean {
  const bundle = extra.get('bundle')
  return isTrue(bundle)
}

export function isHttpsig({ device }: Pick<Commitment, 'device'>): boolean {
  return device === HTTPSIG_DEVICE
}

/** Keys whose values are in the body of this form of the message. */
export function bodyKeysOf(tabm: Tabm, { headers }: HttpsigForm): string[] {
  return [...tabm.keys()].filter((key) => !headers.has(exactName(key))).sort(compareKeys)
}

export function isSameBase(a: Binary, b: Binary): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return equalBytes(a, b)
}

/** Upstream lists more than 32 keys in the order of its runtime's maps. Null where the sorted order is the one of the list. */
function inCommittedOrder(components: readonly Component[], committed: readonly string[]): Component[] | null {
  if (components.length <= 32) return null
  const places = new Map(committed.map((key, at) => [key, at]))
  const place = (name: string): number => places.get(withoutLinkSuffix(unescapeKey(name))) ?? committed.length
  return [...components].sort(([a], [b]) => place(a) - place(b))
}

function withoutMeta(message: Message): Message {
  const kept = new Map<string, Value>()
  for (const [key, value] of message) if (key !== 'commitments' && !isPrivateKey(key)) kept.set(key, value)
  return kept
}
