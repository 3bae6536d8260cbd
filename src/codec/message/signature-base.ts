/**
 * What a signature of an encoded message is made over.
 *
 * Wire        `"name": value` LF for every component, then `"@signature-params": ("name" "@path" …);alg="…";keyid="…"` without LF at the end.
 *             Components are all headers and, in place of the body, `content-digest`; sorted by their bytes. Without any, an empty line comes first.
 *             Parameters are sorted by name.
 * Source      RFC 9421; AO-Core's differences as permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-11) has them
 * Invariants  Text as long as all values are text, else bytes. `path`, `method` and the like are keys of the message: marked with `@` in this list, and nowhere else.
 */
import { concat, EMPTY, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { contentDigest } from './content-digest.ts'
import { formatString } from './structured-fields.ts'
import {
  Atom,
  type Binary,
  binaryBytes,
  Float,
  type HttpsigForm,
  isBinary,
  isList,
  isMessage,
  Link,
  type Message,
  sortKeys,
  type Value,
} from './value.ts'

/** Name and value of what is signed; names without `@`. */
export type Component = readonly [name: string, value: Binary]

/** Names that RFC 9421 derives from a request, and AO-Core from keys of the message. */
const DERIVED: ReadonlySet<string> = new Set([
  'method',
  'target-uri',
  'authority',
  'scheme',
  'request-target',
  'path',
  'query',
  'query-param',
])

const SIGNED_PARAMETERS = ['alg', 'bundle', 'created', 'expires', 'keyid', 'nonce', 'tag'] as const

/** In their order. */
export function componentsOf(form: HttpsigForm): Component[] {
  const { headers } = form
  const names = [...headers.keys()]
  const isDigestMissing = !headers.has('content-digest') && form.body !== null
  if (isDigestMissing) names.push('content-digest')
  return sortKeys(names).map((name) => [name, headers.get(name) ?? contentDigest(form.body ?? EMPTY)])
}

/** As names stand in the list of components. */
export function listedName(name: string): string {
  return DERIVED.has(name) ? `@${name}` : name
}

export function plainName(listed: string): string {
  return listed.startsWith('@') ? listed.slice(1) : listed
}

export function signatureBase(components: readonly Component[], parameters: string): Binary {
  return baseOf(components, componentList(components.map(([name]) => listedName(name))) + parameters)
}

/** `("name" "@path" …)`. */
export function componentList(listed: readonly string[]): string {
  return `(${listed.map(formatString).join(' ')})`
}

/** With the list of components and its parameters as they were received. */
export function baseOf(components: readonly Component[], signatureParams: string): Binary {
  const parts: Uint8Array[] = []
  let text = ''
  for (const [name, value] of components) {
    text += `"${name}": `
    if (typeof value === 'string') text += value
    else {
      parts.push(utf8(text), value)
      text = ''
    }
    text += '\n'
  }
  if (components.length === 0) text = '\n'
  text += lastLine(signatureParams)
  return parts.length === 0 ? text : concat([...parts, utf8(text)])
}

/** The last line of a base, which RFC 9421 has for a base of no components; AO-Core has an empty line before it. */
export function lastLine(signatureParams: string): string {
  return `"@signature-params": ${signatureParams}`
}

/** `;alg="…";keyid="…"` of those parameters that are signed, sorted. */
export function signedParameters(all: ReadonlyMap<string, Value>): string {
  let text = ''
  for (const name of SIGNED_PARAMETERS) {
    const value = all.get(name)
    if (value !== undefined && value !== null) text += `;${name}=${formatParameter(value)}`
  }
  return text
}

/** Integers bare, all else in quotes. */
export function formatParameter(value: Value): string {
  return typeof value === 'number' || typeof value === 'bigint' ? value.toString() : formatString(parameterText(value))
}

/** Lists are joined by commas, and so are original tags: `{1: {name, value}}` is `1:name:<base64url of the value>`. */
function parameterText(value: Value): string {
  if (isBinary(value)) return typeof value === 'string' ? value : toText(value)
  if (value instanceof Atom) return value.name
  if (value instanceof Float) return String(value.value)
  if (value instanceof Link) return value.id
  if (isList(value)) return value.map(parameterText).join(', ')
  if (isMessage(value)) return [...value].map(([key, item]) => (isMessage(item) ? tagText(key, item) : parameterText(item))).join(', ')
  return String(value)
}

function tagText(index: string, tag: Message): string {
  const value = tag.get('value') ?? ''
  return `${index}:${parameterText(tag.get('name') ?? '')}:${toBase64url(binaryBytes(isBinary(value) ? value : ''))}`
}
