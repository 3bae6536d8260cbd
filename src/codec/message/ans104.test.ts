import { describe, expect, it } from 'vitest'
import {
  comparable,
  formFrom,
  messageFrom,
  readVectors,
  type Typed,
  type TypedForm,
  valueFrom,
  vectorKeys,
} from '../../../test/ao-core-vectors.ts'
import { toBase64, toBase64url } from '../../base/bytes.ts'
import { type DataItem, decodeDataItem, itemSigner, verifyDataItem } from '../data-item.ts'
import { keyFromJwk } from '../keys.ts'
import { decodeAns104, decodeAns104Value, encodeAns104, verifyAns104Commitment } from './ans104.ts'
import { unsignedItemId } from './ans104-item.ts'
import { commitmentsOf } from './commitment.ts'
import { decodeHttpMessage } from './http-message.ts'
import { messageId } from './id.ts'
import { isMessage, type Message, toBinary, type Value } from './value.ts'

interface ItemCase {
  readonly name: string
  readonly decoded: Typed
  readonly id: string
  readonly 'item-b64': string
  readonly 'message-id-all': string
  readonly 'message-id-none': string
  readonly 'reencode-identical': boolean
  readonly 'unsigned-id': string
  readonly http?: TypedForm
}

interface MessageCase {
  readonly name: string
  readonly input: Typed
  readonly ans104: {
    readonly $error?: string
    readonly anchor: string
    readonly target: string
    readonly tags: readonly { readonly name: Typed; readonly value: Typed }[]
    readonly decoded?: Typed
    readonly 'signed-id': string
    readonly 'signed-item-b64'?: string
    readonly 'unsigned-id': string
  }
}

const items = readVectors<{ cases: readonly ItemCase[] }>('ao-core-ans104.json').cases
const messages = readVectors<{ cases: readonly MessageCase[] }>('ao-core-messages-ans104.json').cases
const signer = itemSigner(keyFromJwk(vectorKeys['key-1']))

const fromB64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

/** The vectors leave out the key, which is key-1's in all of them. */
function withoutKeys(value: Value): Value {
  if (Array.isArray(value)) return value.map((item: Value) => withoutKeys(item))
  if (!isMessage(value)) return value
  return new Map([...value].filter(([key]) => key !== 'keyid').map(([key, item]) => [key, withoutKeys(item)]))
}

function notesOf(message: Message): string[] {
  return commitmentsOf(message).flatMap(({ id, extra }) => (extra.has('priv-item') ? [id] : []))
}

function tagPairs(item: DataItem): Value[][] {
  return item.tags.map(({ name, value }) => [comparable(toBinary(name)), comparable(toBinary(value))])
}

function textOf(field: Uint8Array | null): string {
  return field === null ? '' : toBase64url(field)
}

describe('items of the reference', () => {
  it.each(items)('$name', async (vector) => {
    const raw = fromB64(vector['item-b64'])
    const item = decodeDataItem(raw)
    expect(item.id).toBe(vector.id)
    expect(toBase64url(unsignedItemId(item))).toBe(vector['unsigned-id'])
    const value = decodeAns104Value(raw)
    expect(withoutKeys(comparable(value))).toEqual(comparable(valueFrom(vector.decoded)))
    const message = decodeAns104(raw)
    const [commitment] = commitmentsOf(message)
    expect(toBase64(await encodeAns104(message))).toBe(vector['item-b64'])
    expect(await verifyAns104Commitment(message, commitment!)).toBe(true)
    if (vector['reencode-identical']) expect(notesOf(message)).toEqual([])
    if (isMessage(value)) {
      expect(messageId(message, { committers: 'all' })).toBe(vector['message-id-all'])
      expect(messageId(message)).toBe(vector['message-id-none'])
    }
  })
})

describe('items of the reference as it sends them by httpsig', () => {
  /** Their headers do not tell what the item was: the order or number of its tags, which of two values was where, or whose the items in it are. */
  const lost = ['duplicate-tags', 'target-tag-and-field', 'ao-types-tag', 'bundle-list', 'data-tag-collision', 'uppercase-id-like-key']

  it.each(items.filter(({ http }) => http?.headers !== undefined))('$name', async ({ name, id, http }) => {
    const received = decodeHttpMessage(formFrom(http!))
    const commitment = commitmentsOf(received).find(({ device }) => device === 'ans104@1.0')
    expect(commitment?.id).toBe(id)
    expect(await verifyAns104Commitment(received, commitment!)).toBe(!lost.includes(name))
  })
})

describe('messages as items of the reference', () => {
  it.each(messages.filter(({ ans104 }) => ans104.$error === undefined))('$name', async ({ input, ans104 }) => {
    const ours = decodeDataItem(await encodeAns104(messageFrom(input), signer))
    expect(tagPairs(ours)).toEqual(ans104.tags.map(({ name, value }) => [comparable(valueFrom(name)), comparable(valueFrom(value))]))
    expect(textOf(ours.target)).toBe(ans104.target)
    expect(textOf(ours.anchor)).toBe(ans104.anchor)
    expect(toBase64url(unsignedItemId(ours))).toBe(ans104['unsigned-id'])
    expect(await verifyDataItem(ours)).toBe(true)
    const signed = ans104['signed-item-b64']
    if (signed === undefined) return // Too large for the vectors: only their ids are there.
    expect(decodeDataItem(fromB64(signed)).id).toBe(ans104['signed-id'])
    const theirs = decodeAns104(fromB64(signed))
    expect(withoutKeys(comparable(theirs))).toEqual(comparable(valueFrom(ans104.decoded!)))
    expect(toBase64(await encodeAns104(theirs))).toBe(signed)
    expect(notesOf(theirs)).toEqual([])
    expect(await verifyAns104Commitment(theirs, commitmentsOf(theirs)[0]!)).toBe(true)
  })

  it.each(messages.filter(({ ans104 }) => ans104.$error !== undefined))('$name, which the reference cannot', async ({ input }) => {
    const message = messageFrom(input)
    const decoded = decodeAns104(await encodeAns104(message, signer))
    expect(comparable(decoded, ['commitments'])).toEqual(comparable(message))
    expect(await verifyAns104Commitment(decoded, commitmentsOf(decoded)[0]!)).toBe(true)
  })
})
