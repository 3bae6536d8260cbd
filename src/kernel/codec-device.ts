/** What the devices that are codecs have in common: what they are given, and how. */
import { toTextStrict } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { UNSIGNED_TYPE } from '../codec/message/commitment.ts'
import { type Binary, isBinary, isPrivateKey, isTrue, type Message, message } from '../codec/message/value.ts'
import type { Env, Outcome } from './device.ts'
import { loadWhole } from './links.ts'
import { refused } from './outcomes.ts'

/** Is what is linked to wanted whole? */
export function isBundleWanted(request: Message): boolean {
  return isTrue(request.get('bundle')) || isTrue(request.get('accept-bundle'))
}

/** The base with all that is linked to, where the request asks for a bundle. */
export async function wholeIfWanted(base: Message, request: Message, env: Env): Promise<Message> {
  if (!isBundleWanted(request)) return base
  return (await loadWhole(env.store, base)) as Message // A message stays one.
}

/** What to decode: the base's value under the request's `target`, which is `body` when it does not say; an outcome where there is none. */
export async function payload(base: Message, request: Message, env: Env, format: string): Promise<Binary | Outcome> {
  const target = request.get('target')
  const key = typeof target === 'string' && base.has(target) && !isPrivateKey(target) ? target : 'body'
  const value = await env.load(base.get(key) ?? null)
  if (isBinary(value)) return value
  const name = typeof target === 'string' ? target : key
  return refused('error', message({ status: 404, body: `${format} payload not found in the base message. Searched for: ${name}` }))
}

/** The same as text. */
export async function textPayload(base: Message, request: Message, env: Env, format: string): Promise<string | Outcome> {
  const body = await payload(base, request, env, format)
  if (!(body instanceof Uint8Array)) return body // Text, or the outcome.
  const text = toTextStrict(body)
  if (text === null) throw new HeddleError('encoding-invalid', { format, at: 0 }, `the ${format} text is not UTF-8`)
  return text
}

/** Does the request want a commitment by nobody? */
export function isUnsignedWanted(request: Message): boolean {
  const type = request.get('type')
  return type === 'unsigned' || type === UNSIGNED_TYPE
}

/** A message without the device that the path cast it to, which is no part of what is encoded. */
export function withoutCast(base: Message, device: string): Message {
  if (base.get('device') !== device) return base
  return new Map([...base].filter(([key]) => key !== 'device'))
}

/** The same with all that it links to, for codecs that have no links. */
export async function wholeWithoutCast(base: Message, device: string, env: Env): Promise<Message> {
  return (await loadWhole(env.store, withoutCast(base, device))) as Message // A message stays one.
}

/** Every value is a binary or such a message, as codecs convert from and to. */
export function requireTabm(value: Message, what: string): void {
  for (const [key, item] of value) {
    if (key === 'commitments' || isBinary(item)) continue
    if (!(item instanceof Map))
      throw new HeddleError('request-invalid', { field: key }, `\`${key}\` is not text; ${what} converts binaries and messages of them`)
    requireTabm(item as Message, what)
  }
}
