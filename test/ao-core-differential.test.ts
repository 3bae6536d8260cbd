/** One message has one id, whichever codec carried it: JSON, flat, httpsig in each of its forms, a data item, a transaction, or one after the other. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '../src/base/errors.ts'
import { itemSigner } from '../src/codec/data-item.ts'
import { generateKey } from '../src/codec/keys.ts'
import { commitAns104, decodeAns104, encodeAns104, verifyAns104Commitment } from '../src/codec/message/ans104.ts'
import { commitmentsOf, withoutCommitments } from '../src/codec/message/commitment.ts'
import { decodeFlat, decodeFlatText, encodeFlat, encodeFlatText } from '../src/codec/message/flat.ts'
import { decodeHttpsig, encodeHttpsig, encodeHttpsigWire } from '../src/codec/message/httpsig.ts'
import { linkId, messageId, unsignedId } from '../src/codec/message/id.ts'
import { decodeJson, encodeJson } from '../src/codec/message/json.ts'
import { decodeStructured, encodeStructured } from '../src/codec/message/structured.ts'
import { decodeTx, encodeTx } from '../src/codec/message/tx.ts'
import { isList, isMessage, type Message, type Tabm, type Value } from '../src/codec/message/value.ts'
import { anyMessage, headerKey, headerText } from './ao-core-arbitrary.ts'
import { comparable, messageFrom, readVectors, type Typed } from './ao-core-vectors.ts'

interface Vector {
  readonly name: string
  readonly input: Typed
  readonly 'unsigned-id': string
}

type Route = (message: Message) => Message | Promise<Message>

const signer = itemSigner(await generateKey('ed25519'))

const restored = (tabm: Tabm): Message => decodeStructured(tabm) as Message

const routes: Readonly<Record<string, Route>> = {
  json: (message) => decodeJson(encodeJson(message)),
  'linked json': (message) => decodeJson(encodeJson(message, { linkOf: linkId })),
  flat: (message) => restored(decodeFlat(encodeFlat(encodeStructured(message)))),
  'flat text': (message) => restored(decodeFlat(decodeFlatText(encodeFlatText(encodeFlat(encodeStructured(message)))))),
  httpsig: (message) => restored(decodeHttpsig(encodeHttpsig(encodeStructured(message)))),
  'linked httpsig': (message) => restored(decodeHttpsig(encodeHttpsig(encodeStructured(message, linkId)))),
  'httpsig for HTTP': (message) => restored(decodeHttpsig(encodeHttpsigWire(encodeStructured(message)))),
  'unsigned item': async (message) => decodeAns104(await encodeAns104(message)),
  'signed item': async (message) => withoutCommitments(decodeAns104(await encodeAns104(message, signer))),
  transaction: async (message) => decodeTx(await encodeTx(message)),
}
const names = Object.keys(routes)

/** Flat has no place for a message without keys, nor for line breaks; items have none for an empty value of `data`. */
function isForAll(value: Value): boolean {
  if (isList(value)) return value.every(isForAll)
  if (!isMessage(value)) return true
  return value.size > 0 && value.get('data') !== '' && [...value.values()].every(isForAll)
}

/** In the exact form of httpsig, that of ids and signatures, the type of a body with parts stands in the place of a `content-type` of the message. */
const key = headerKey.filter((name) => name !== 'content-type')
const message = anyMessage({ key, binary: headerText }).filter(isForAll)

describe('one message has one unsigned id', () => {
  it.each(names)('through %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(message, async (original) => {
        expect(unsignedId(await routes[name]!(original))).toBe(unsignedId(original))
      }),
      { numRuns: 60 },
    )
  })

  it('through several of them in any order', async () => {
    const whole = names.filter((name) => !name.startsWith('linked'))
    await fc.assert(
      fc.asyncProperty(message, fc.shuffledSubarray(whole), async (original, path) => {
        let carried = original
        for (const name of path) carried = await routes[name]!(carried)
        expect(unsignedId(carried)).toBe(unsignedId(original))
        expect(comparable(carried)).toEqual(comparable(original))
      }),
      { numRuns: 60 },
    )
  })
})

/** What has no place: in flat messages without keys and slashes in keys, in flat text line breaks and bytes too; in tags upper case; in items empty data. */
const FLAT = ['empty-map', 'all-empties', 'list-of-maps', 'slash-in-key']
const ITEM = ['uppercase-keys', 'id-key', 'empty-data']
const LOST: Readonly<Record<string, readonly string[]>> = {
  flat: FLAT,
  'flat text': [...FLAT, 'binary-value', 'newline-value', 'crlf-body'],
  httpsig: ['nested-empty-body'], // As in the reference.
  'unsigned item': ITEM,
  'signed item': ITEM,
  transaction: ITEM,
}

describe('the messages of the vectors', () => {
  const { cases } = readVectors<{ cases: readonly Vector[] }>('ao-core-messages.json')

  it.each(cases)('$name', async ({ name, input, 'unsigned-id': id }) => {
    const original = messageFrom(input)
    expect(unsignedId(original)).toBe(id)
    for (const route of names) {
      const carried = await carriedBy(route, original)
      const isSame = carried !== null && unsignedId(carried) === id
      expect([route, isSame]).toEqual([route, LOST[route]?.includes(name) !== true])
    }
  })
})

/** Null where the codec refuses it with a code. */
async function carriedBy(route: string, original: Message): Promise<Message | null> {
  try {
    return await routes[route]!(original)
  } catch (error) {
    if (error instanceof HeddleError) return null
    throw error
  }
}

it('the id of a signed item stays with its message in JSON and in flat', async () => {
  await fc.assert(
    fc.asyncProperty(message, async (original) => {
      const signed = await commitAns104(original, signer)
      const [commitment] = commitmentsOf(signed)
      for (const name of ['json', 'flat']) {
        const carried = await routes[name]!(signed)
        expect(messageId(carried, { committers: 'all' })).toBe(commitment!.id)
        expect(await verifyAns104Commitment(carried, commitmentsOf(carried)[0]!)).toBe(true)
      }
    }),
    { numRuns: 40 },
  )
})
