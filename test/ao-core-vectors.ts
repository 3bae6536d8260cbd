/**
 * Reads test/vectors/ao-core-*.json, and turns their typed JSON into values.
 *
 * Wire        text = binary, number = integer, {"$float": "1.5"}, {"$int": "…"}, {"$atom": "ok"}, {"$b64": "…"}, {"$repeat": ["x", 4097]}, {"$link": id},
 *             {"$as": device, "msg": message} and {"$resolve": [steps]} in steps; {"$error": "…"} where the reference refused.
 *             `{{KEYID}}`, `{{KEYID_URL}}`, `{{KEYID2}}`, `{{KEYID2_URL}}` and `{{N}}` stand for public keys of ao-core-keys.json.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../src/base/bytes.ts'
import { commitmentsOf } from '../src/codec/message/commitment.ts'
import {
  atom,
  type Binary,
  binaryBytes,
  Float,
  type HttpsigForm,
  isMessage,
  Link,
  type Message,
  type Tabm,
  toBinary,
  type Value,
} from '../src/codec/message/value.ts'
import { Cast, type Step, type StepMessage, Steps } from '../src/kernel/steps.ts'

export type Typed = string | number | boolean | null | readonly Typed[] | { readonly [key: string]: Typed }
export type TypedObject = { readonly [key: string]: Typed }
export interface TypedBody {
  readonly utf8?: string
  readonly b64?: string
}
export interface TypedForm {
  readonly headers: TypedObject
  readonly body?: TypedBody
}

export interface VectorKeys {
  readonly 'key-1': RsaJwk
  readonly 'key-2': RsaJwk
  readonly 'key-1-address': string
  readonly 'key-2-address': string
  readonly [placeholder: string]: unknown
}
interface RsaJwk {
  readonly kty: string
  readonly n: string
}

const FOLDER = join(import.meta.dirname, 'vectors')

export const vectorKeys: VectorKeys = JSON.parse(readFileSync(join(FOLDER, 'ao-core-keys.json'), 'utf8'))

/** A vector file by its full name, such as `ao-core-messages.json`, with its placeholders filled in. */
export function readVectors<T = unknown>(file: string): T {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  return JSON.parse(text.replaceAll(/\{\{([A-Z0-9_]+)\}\}/g, (_, name: string) => placeholder(name)))
}

function placeholder(name: string): string {
  const value = name === 'N' ? vectorKeys['key-1'].n : vectorKeys[name]
  if (typeof value !== 'string') throw new Error(`no value for {{${name}}}`)
  return value
}

export function valueFrom(typed: Typed): Value {
  if (typeof typed === 'number' && !Number.isInteger(typed)) return new Float(typed) // Inputs of a JavaScript client.
  if (typeof typed !== 'object' || typed === null) return typed
  if (Array.isArray(typed)) return typed.map((item: Typed) => valueFrom(item))
  return special(typed as TypedObject) ?? messageFrom(typed as TypedObject)
}

export function messageFrom(typed: Typed): Message {
  return new Map(Object.entries(typed as TypedObject).map(([key, value]) => [key, valueFrom(value)]))
}

/** Typed JSON in which there are only binaries and messages. */
export function tabmFrom(typed: Typed): Tabm {
  return messageFrom(typed) as Tabm
}

/** Binary values as they stand, such as of headers. */
export function binaryFrom(typed: Typed): Binary {
  return valueFrom(typed) as Binary
}

export function bytesFrom({ utf8: text, b64 }: TypedBody): Uint8Array {
  return text === undefined ? new Uint8Array(Buffer.from(b64 ?? '', 'base64')) : utf8(text)
}

/** Headers and body; an empty body without `content-digest` is none. */
export function formFrom({ headers, body = {} }: TypedForm): HttpsigForm {
  const bytes = bytesFrom(body)
  return {
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, binaryFrom(value)])),
    body: bytes.length === 0 && headers['content-digest'] === undefined ? null : bytes,
  }
}

/** Of its commitments, sorted. */
export function commitmentIds(message: Message): string[] {
  return commitmentsOf(message)
    .map(({ id }) => id)
    .sort()
}

export function stepsFrom(typed: readonly Typed[]): Step[] {
  return typed.map((step) => stepFrom(step) as Step)
}

export function isTypedError(typed: Typed | undefined): boolean {
  return typeof typed === 'object' && typed !== null && '$error' in typed
}

/**
 * A value in a form that is equal for equal values, for `toEqual`: binaries are text or bytes no matter how long, private keys are gone.
 * `except` leaves out keys at every depth, such as `commitments`.
 */
export function comparable(value: Value, except: readonly string[] = []): Value {
  if (typeof value === 'string' || value instanceof Uint8Array) return toBinary(new Uint8Array(binaryBytes(value)))
  if (Array.isArray(value)) return value.map((item: Value) => comparable(item, except))
  if (!isMessage(value)) return value
  const entries = [...value].filter(([key]) => !key.startsWith('priv') && !except.includes(key))
  return new Map(entries.map(([key, item]) => [key, comparable(item, except)]))
}

function special(typed: TypedObject): Value | undefined {
  const { $float, $int, $atom, $b64, $b64url, $repeat, $link, $symbol, $error } = typed
  if (typeof $float === 'string') return new Float(Number($float))
  if (typeof $int === 'string') return Number.isSafeInteger(Number($int)) ? Number($int) : BigInt($int)
  if (typeof $atom === 'string') return atom($atom)
  if (typeof $symbol === 'string') return atom($symbol)
  if (typeof $b64 === 'string') return toBinary(new Uint8Array(Buffer.from($b64, 'base64')))
  if (typeof $b64url === 'string') return toBinary(new Uint8Array(Buffer.from($b64url, 'base64url')))
  if (Array.isArray($repeat)) return String($repeat[0]).repeat(Number($repeat[1]))
  if (typeof $link === 'string') return new Link($link, typed['lazy'] === true)
  if ($error !== undefined) throw new Error(`the reference has no value here but an error: ${JSON.stringify($error)}`)
  return undefined
}

function stepFrom(typed: Typed): Value | Cast | Steps {
  if (typeof typed !== 'object' || typed === null || Array.isArray(typed)) return valueFrom(typed)
  const { $as, msg, $resolve } = typed as TypedObject
  if (typeof $as === 'string') return new Cast($as, stepMessageFrom(msg as TypedObject))
  if (Array.isArray($resolve)) return new Steps(stepsFrom($resolve))
  return special(typed as TypedObject) ?? (stepMessageFrom(typed as TypedObject) as Message)
}

function stepMessageFrom(typed: TypedObject): StepMessage {
  return new Map(Object.entries(typed).map(([key, value]) => [key, stepFrom(value) as Value | Steps]))
}
