import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyMessage } from '../../../test/ao-core-arbitrary.ts'
import { commitmentIds, comparable, vectorKeys } from '../../../test/ao-core-vectors.ts'
import { HeddleError } from '../../base/errors.ts'
import { commit, commitSecret, commitUnsigned, withUnsignedChildren } from './commit.ts'
import { commitmentsOf, type MessageSigner, withoutCommitments } from './commitment.ts'
import { decodeFlat, encodeFlat } from './flat.ts'
import { decodeHttpMessage, encodeHttpMessage, encodeSignedHttpMessage } from './http-message.ts'
import { decodeHttpsig, encodeHttpsig, encodeHttpsigWire, isLegalHttp } from './httpsig.ts'
import { linkId, messageId, unsignedId } from './id.ts'
import { decodeJson, encodeJson } from './json.ts'
import { messageSigner } from './signers.ts'
import { decodeStructured, encodeStructured } from './structured.ts'
import { type HttpsigForm, isBinary, isList, isMessage, type Message, type Value } from './value.ts'
import { verifyMessage, verifyReceived } from './verify.ts'

const signer = cheap(messageSigner(vectorKeys['key-1']))
const ALL = { commitmentIds: 'all' } as const

describe('properties', () => {
  it('a message has one id along every route', () => {
    fc.assert(
      fc.property(anyMessage(), (message) => {
        const id = unsignedId(message)
        const tabm = encodeStructured(message)
        expect(unsignedId(decodeStructured(tabm) as Message)).toBe(id)
        expect(unsignedId(decodeStructured(decodeHttpsig(encodeHttpsigWire(tabm))) as Message)).toBe(id)
        expect(unsignedId(decodeJson(encodeJson(message)))).toBe(id)
        expect(unsignedId(withoutCommitments(decodeHttpMessage(encodeHttpMessage(message, { bundle: true }))))).toBe(id)
        expect(unsignedId(decodeHttpMessage(encodeHttpMessage(message)))).toBe(id)
        expect(messageId(commitUnsigned(message))).toBe(id)
        expect(unsignedId(withUnsignedChildren(message))).toBe(id)
      }),
    )
  })

  it('also as flat@1.0, as far as that holds it', () => {
    const segment = fc
      .stringMatching(/^[a-z][a-z0-9-]{0,6}$/)
      .filter((key) => !['ao-types', 'commitments'].includes(key) && !key.startsWith('priv'))
    fc.assert(
      fc.property(anyMessage({ key: segment }).filter(hasNoEmpty), (message) => {
        expect(unsignedId(decodeStructured(decodeFlat(encodeFlat(encodeStructured(message)))) as Message)).toBe(unsignedId(message))
      }),
    )
  })

  it('what is committed to, sent and read verifies, and is the same message', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage(), fc.boolean(), fc.boolean(), async (message, bundle, wire) => {
        const signed = await commit(message, signer, { bundle, wire })
        expect(await verifyMessage(signed, ALL)).toBe(true)
        const form = encodeHttpMessage(signed, { bundle })
        expect(isLegalHttp(form)).toBe(true)
        const { message: received } = await verifyReceived(overHttp(form))
        expect(commitmentIds(received)).toEqual(commitmentIds(signed))
        expect(unsignedId(received)).toBe(unsignedId(message))
        expect(await verifyMessage(received, ALL)).toBe(true)
        if (bundle) expect(comparable(received, ['commitments'])).toEqual(comparable(message))
      }),
      { numRuns: 60 },
    )
  })

  it('what older dialects are sent verifies', async () => {
    const key = fc
      .stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
      .filter((name) => !/^(ao-|body-keys|priv|commitments|content-|te$|trailer$|upgrade$|expect$)/.test(name))
    await fc.assert(
      fc.asyncProperty(anyMessage({ key }), fc.constantFrom('g0', 'g1'), async (message, dialect) => {
        const { message: received } = await verifyReceived(await encodeSignedHttpMessage(message, signer, { dialect }))
        expect(commitmentsOf(received).some(({ committer }) => committer === signer.address)).toBe(true)
        expect(await verifyMessage(received, ALL)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('a secret holds for those who have it', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage(), fc.string(), async (message, secret) => {
        const committed = commitSecret(message, secret)
        expect(await verifyMessage(committed, { ...ALL, secret })).toBe(true)
        expect(await verifyMessage(committed, { ...ALL, secret: `${secret}x` })).toBe(false)
        const { message: received } = await verifyReceived(encodeHttpMessage(committed, { bundle: true }), { secret })
        expect(await verifyMessage(received, { ...ALL, secret })).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('any change of a committed value fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyMessage().filter(({ size }) => size > 0),
        anyMessage({ depth: 0 }),
        fc.nat(),
        async (message, other, at) => {
          const signed = await commit(message, signer)
          const key = [...message.keys()][at % message.size]!
          const value = message.get(key)!
          const replaced = new Map([...signed, [key, other]])
          const isSame = isMessage(value) && linkId(value) === linkId(other)
          expect(await verifyMessage(replaced, ALL)).toBe(isSame)
          expect(await verifyMessage(new Map([...signed].filter(([name]) => name !== key)), ALL)).toBe(false)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('any change of a byte of what is sent fails, or changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage({ depth: 2 }), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (message, which, at, by) => {
        const signed = await commit(message, signer, { bundle: true, wire: true })
        const form = encodeHttpMessage(signed, { bundle: true })
        const changed = flipped(form, which, at, by)
        const outcome = await verifyReceived(changed).catch((error: unknown) => error)
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(HeddleError)
          return
        }
        const { message: received } = outcome as { message: Message }
        if (commitmentsOf(received).some(({ committer }) => committer === signer.address))
          expect(linkId(withoutCommitments(received))).toBe(unsignedId(message))
      }),
      { numRuns: 200 },
    )
  })

  it('any headers verify or fail with a code', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('a=("x" "y");keyid="ao"', 'a=:AAAA:', '("a")', 'comm-a=("content-digest");alg="a@1.0/b"', 'sha-256=:AA==:'),
    )
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('signature', 'signature-input', 'content-digest', 'content-type', 'ao-types', 'x', 'y'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, text)), fc.option(fc.uint8Array()), async (headers, body) => {
        const outcome = await verifyReceived({ headers: new Map(headers), body }).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(HeddleError)
      }),
      { numRuns: 500 },
    )
  })

  it('the exact form of a message is what its id is made of', () => {
    fc.assert(
      fc.property(anyMessage(), (message) => {
        const linked = encodeHttpsig(encodeStructured(message, linkId))
        expect(unsignedId(message)).toBe(unsignedId(decodeStructured(encodeStructured(message, linkId)) as Message))
        expect(linked.headers.size + (linked.body === null ? 0 : 1)).toBeGreaterThanOrEqual(message.size === 0 ? 0 : 1)
      }),
    )
  })
})

/** Signing takes longer than all the rest: the same base is signed once. */
function cheap(real: MessageSigner): MessageSigner {
  const known = new Map<string, Uint8Array>()
  return {
    ...real,
    async sign(base) {
      const name = Buffer.from(base).toString('latin1')
      const signature = known.get(name) ?? (await real.sign(base))
      known.set(name, signature)
      return signature
    },
  }
}

/** Names of headers lose their case on the way. */
function overHttp({ headers, body }: HttpsigForm): HttpsigForm {
  return { headers: new Map([...headers].map(([name, value]) => [name.toLowerCase(), value])), body }
}

function hasNoEmpty(value: Value): boolean {
  if (isList(value)) return value.every(hasNoEmpty)
  return (
    !isMessage(value) ||
    (value.size > 0 && [...value.values()].every((item) => (isMessage(item) ? item.size > 0 : true) && hasNoEmpty(item)))
  )
}

/** One byte of a header's value or of the body. */
function flipped(form: HttpsigForm, which: number, at: number, by: number): HttpsigForm {
  const names = [...form.headers.keys()]
  const name = names[which % (names.length + 1)]
  const bytes = name === undefined ? form.body : Buffer.from(textOf(form, name), 'latin1')
  if (bytes === null || bytes.length === 0) return form
  const changed = Uint8Array.from(bytes)
  changed[at % bytes.length]! ^= by
  return name === undefined
    ? { ...form, body: changed }
    : { ...form, headers: new Map([...form.headers, [name, Buffer.from(changed).toString('latin1')]]) }
}

function textOf({ headers }: HttpsigForm, name: string): string {
  const value = headers.get(name)!
  return isBinary(value) && typeof value === 'string' ? value : ''
}
