import { describe, expect, it } from 'vitest'
import {
  commitmentIds,
  formFrom,
  messageFrom,
  readVectors,
  type TypedBody,
  type TypedForm,
  type TypedObject,
  tabmFrom,
  vectorKeys,
} from '../../../test/ao-core-vectors.ts'
import { fromBase64url, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { hmacSha256, sha256 } from '../../base/hash.ts'
import { commit, commitSecret, commitUnsigned, withUnsignedChildren } from './commit.ts'
import { type Commitment, commitmentsOf, parseCommitment, withCommitments } from './commitment.ts'
import { exactBases } from './committed-form.ts'
import { hashpath } from './hashpath.ts'
import { decodeHttpMessage, encodeHttpMessage } from './http-message.ts'
import { committersOf, linkId, messageId } from './id.ts'
import { receivedBases, signedPart } from './received-signature.ts'
import { baseOf, componentsOf, listedName } from './signature-base.ts'
import { parseSignatures } from './signature-headers.ts'
import { messageSigner } from './signers.ts'
import { encodeStructured } from './structured.ts'
import { type Binary, binaryBytes, type HttpsigForm, type Message, message } from './value.ts'
import { verifyCommitment, verifyMessage, verifyReceived } from './verify.ts'

interface Signed {
  readonly commitments: {
    readonly [id: string]: {
      readonly commitment: TypedObject
      readonly 'keyid-prefix': string
      readonly committed: readonly string[]
      readonly 'signature-base': string | TypedObject
    }
  }
  readonly 'id-all': string
  readonly 'id-none': string
  readonly http: TypedForm
}
interface Case {
  readonly name: string
  readonly input: TypedObject
  readonly unsigned: { readonly 'signature-base': string | TypedObject; readonly committed: readonly string[]; readonly id: string }
  readonly 'signed-linked': Signed | { readonly $error: string }
  readonly 'signed-bundled': Signed | { readonly $error: string }
}

const ENTRY_ERRORS = new Set(['int-types', 'ao-body-key-explicit']) // The reference itself could not sign these.
/** The reference makes the unsigned id of this message, which has an `ao-body-key`, from one form of it, and its digest from another. */
const UNSIGNED_QUIRK = 'ao-body-key-explicit'
/** And so it does with the part of this message that has one, where it signs the part within the whole. */
const BUNDLED_QUIRK = 'types-in-part-name'

const { cases } = readVectors<{ cases: readonly Case[] }>('ao-core-messages.json')
const hashpaths = readVectors<Record<string, unknown>>('ao-core-hashpath.json')
const keyOne = messageSigner(vectorKeys['key-1'])

describe('keys', () => {
  it('have the addresses and key ids of the vectors', () => {
    expect(keyOne.address).toBe(vectorKeys['key-1-address'])
    expect(messageSigner(vectorKeys['key-2']).address).toBe(vectorKeys['key-2-address'])
    const [commitment] = commitmentsOf(parseOne({ type: 'rsa-pss-sha512', keyid: vectorKeys['KEYID_URL'] }))
    expect(commitment?.keyId).toBe(vectorKeys['KEYID_URL'])
  })
})

describe.each(cases)('$name', ({ name, input, unsigned, ...signed }) => {
  it('has this unsigned commitment', async () => {
    const committed = commitUnsigned(messageFrom(input))
    const [commitment] = commitmentsOf(committed)
    expect(commitment?.id).toBe(unsigned.id)
    expect(await verifyMessage(committed)).toBe(true)
    if (name === UNSIGNED_QUIRK) return
    expect(commitment?.committed).toEqual(unsigned.committed)
    expect(textOf(exactBases(committed, commitment!)[0]!)).toBe(expectedBase(unsigned['signature-base']))
  })

  it.each(['signed-linked', 'signed-bundled'] as const)('%s', async (kind) => {
    const expected = signed[kind]
    if ('$error' in expected) return expect(ENTRY_ERRORS.has(name)).toBe(true)
    const whole = messageFrom(input)
    const committed = withVectors(kind === 'signed-bundled' ? withUnsignedChildren(whole) : whole, expected)
    expect(messageId(committed, { committers: 'all' })).toBe(expected['id-all'])
    expect(messageId(committed)).toBe(expected['id-none'])
    expect(committersOf(committed)).toEqual([vectorKeys['key-1-address']])
    if (isQuirk(name, kind)) return
    for (const commitment of commitmentsOf(committed)) {
      const [base] = exactBases(committed, commitment)
      expect(textOf(base!)).toBe(expectedBase(expected.commitments[commitment.id]!['signature-base']))
      expect(await verifyCommitment(committed, commitment)).toBe(true)
    }
  })

  it.each(['signed-linked', 'signed-bundled'] as const)('%s verifies as it comes over HTTP', async (kind) => {
    const expected = signed[kind]
    if ('$error' in expected) return expect(ENTRY_ERRORS.has(name)).toBe(true)
    const { message: received, dialect } = await verifyReceived(formFrom(expected.http))
    expect(dialect).toBe('g2')
    const commitments = commitmentsOf(received)
    expect(new Set(commitments.map(({ id }) => id))).toEqual(new Set(Object.keys(expected.commitments)))
    for (const { id, committed, extra } of commitments) {
      expect(committed).toEqual(expected.commitments[id]?.committed)
      if (!isQuirk(name, kind)) expect([...extra.keys()].filter((key) => key.startsWith('priv'))).toEqual([])
    }
    expect(await verifyMessage(received, { commitmentIds: 'all' })).toBe(true)
    expect(messageId(received, { committers: 'all' })).toBe(expected['id-all'])
    expect(messageId(received)).toBe(expected['id-none'])
  })

  it.each(['signed-linked', 'signed-bundled'] as const)('%s has these headers', (kind) => {
    const expected = signed[kind]
    if ('$error' in expected) return expect(ENTRY_ERRORS.has(name)).toBe(true)
    if (isQuirk(name, kind)) return
    const bundle = kind === 'signed-bundled'
    const whole = messageFrom(input)
    const form = encodeHttpMessage(withVectors(bundle ? withUnsignedChildren(whole) : whole, expected), { bundle, wire: false })
    const wanted = formFrom(expected.http)
    expect(comparableHeaders(form)).toEqual(comparableHeaders(wanted))
    expect(toBase64url(sha256(form.body ?? new Uint8Array(0)))).toBe(bodyHash(expected.http))
    expect(commitmentIds(decodeHttpMessage(form))).toEqual(Object.keys(expected.commitments).sort())
  })
})

describe('ao-core-hashpath.json', () => {
  it('more than 32 keys verify in the order in which they are listed', async () => {
    const { order, 'unsigned-id': id } = hashpaths['more-than-32-keys'] as { order: string[]; 'unsigned-id': string }
    const values: Message = new Map(order.map((key) => [key, 'v']))
    const commitment: Commitment = {
      id,
      device: 'httpsig@1.0',
      type: 'hmac-sha256',
      keyId: 'constant:ao',
      committer: null,
      committed: order,
      signature: fromBase64url(id),
      extra: new Map(),
    }
    expect(await verifyCommitment(values, commitment)).toBe(true)
    expect(await verifyCommitment(new Map([...values, ['k10', 'other']]), commitment)).toBe(false)
    const sent = encodeHttpMessage(withCommitments(values, [{ ...commitment, committed: [...order].sort() }]), {})
    const listed = order.map((name) => `"${name}"`).join(' ')
    const asUpstream = new Map([...sent.headers, ['signature-input', `comm-x=(${listed});alg="hmac-sha256";keyid="constant:ao"`]])
    asUpstream.set('signature', `comm-x=:${Buffer.from(commitment.signature).toString('base64')}:`)
    const { message: received } = await verifyReceived({ ...sent, headers: asUpstream })
    expect(commitmentsOf(received).map((each) => each.id)).toEqual([id])
    expect(await verifyMessage(received)).toBe(true)
  })

  it('several committers', async () => {
    const vector = hashpaths['multi-commitment'] as { http: TypedForm; 'id-all': string; 'signer-1': string; 'signer-2': string }
    const { message: received } = await verifyReceived(formFrom(vector.http))
    expect(messageId(received, { committers: 'all' })).toBe(vector['id-all'])
    expect(committersOf(received).sort()).toEqual([vector['signer-1'], vector['signer-2']].sort())
    expect(await verifyMessage(received, { commitmentIds: 'all' })).toBe(true)
    expect(await verifyMessage(received, { committers: [vector['signer-1']] })).toBe(true)
  })

  it('a part of the keys', async () => {
    const vector = hashpaths['subset-commitment'] as {
      http: TypedForm
      commitments: object
      'id-none': string
      'with-only-committed-keys': string[]
      'requested-committed': string[]
    }
    const { message: received } = await verifyReceived(formFrom(vector.http))
    expect([...received.keys()].sort()).toEqual(vector['with-only-committed-keys'])
    expect(commitmentIds(received)).toEqual(Object.keys(vector.commitments).sort())
    expect(await verifyMessage(received, { commitmentIds: 'all' })).toBe(true)
    expect(messageId(received)).toBe(vector['id-none'])
    const own = await commit(message({ a: '1', b: '2', c: '3' }), keyOne, { committed: vector['requested-committed'] })
    expect(messageId(own)).toBe(vector['id-none'])
    expect(commitmentsOf(own).map(({ committed }) => committed)).toEqual([
      ['a', 'c'],
      ['a', 'c'],
    ])
  })

  it('a secret', async () => {
    const vector = hashpaths['secret-hmac'] as { commitments: { [id: string]: TypedObject }; message: TypedObject; secret: string }
    const [[id, expected]] = Object.entries(vector.commitments) as [[string, TypedObject]]
    const own = commitSecret(messageFrom(vector.message), vector.secret)
    expect(commitmentsOf(own)).toEqual([parseCommitment(id, messageFrom(expected))])
    const [commitment] = commitmentsOf(own)
    expect(await verifyCommitment(own, commitment!, { secret: vector.secret })).toBe(true)
    expect(await verifyCommitment(own, commitment!, { secret: 'bad-secret' })).toBe(false)
    expect(await verifyCommitment(own, commitment!)).toBe(false)
  })

  it('a hashpath as tag', async () => {
    const vector = hashpaths['tag-hashpath'] as {
      bases: { [id: string]: string }
      commitments: { [id: string]: TypedObject }
      hashpath: string
      'signature-input': string
    }
    const path = hashpath(messageId(message({ a: '1' })), message({ path: 'set', k: 'v' }))
    expect(path).toBe(vector.hashpath)
    const parsed = Object.entries(vector.commitments).map(([id, each]) =>
      parseCommitment(id, messageFrom({ keyid: keyIdOf(each), ...each })),
    )
    const committed = withCommitments(message({ a: '1', k: 'v' }), parsed)
    for (const commitment of parsed) {
      expect(exactBases(committed, commitment)[0]).toBe(vector.bases[commitment.id])
      expect(await verifyCommitment(committed, commitment)).toBe(true)
    }
    expect(encodeHttpMessage(committed).headers.get('signature-input')).toBe(vector['signature-input'])
    const own = await commit(message({ a: '1', k: 'v' }), keyOne, { tag: path })
    const [signature] = commitmentsOf(own)
    expect(exactBases(own, signature!)[0]).toBe(Object.values(vector.bases).find((base) => base.includes('tag=')))
  })

  it('a signed message within', async () => {
    const vector = hashpaths['inner-signed'] as { 'http-bundled': TypedForm; 'outer-tabm': TypedObject; 'inner-commitments': object }
    const { message: received } = await verifyReceived(formFrom(vector['http-bundled']))
    const body = received.get('body') as Message
    expect(commitmentIds(body)).toEqual(Object.keys(vector['inner-commitments']).sort())
    expect(await verifyMessage(body, { commitmentIds: 'all' })).toBe(true)
    expect(encodeStructured(received, linkId)).toEqual(tabmFrom(vector['outer-tabm']))
  })
})

interface ItemCase {
  readonly name: string
  readonly id: string
  readonly http?: TypedForm
}

/** Of these the reference itself cannot verify what it sends: tags that it loses or reorders, and a name that looks escaped. */
const ITEMS_LOST = new Set(['duplicate-tags', 'target-tag-and-field', 'bundle-list', 'data-tag-collision', 'uppercase-id-like-key'])

describe('ao-core-ans104.json over HTTP', () => {
  const items = readVectors<{ cases: readonly ItemCase[] }>('ao-core-ans104.json').cases
  const signed = items.flatMap(({ name, id, http }) => (http?.headers?.['signature-input'] === undefined ? [] : [{ name, id, http }]))
  it.each(signed)('$name', async ({ name, id, http }) => {
    const receiving = verifyReceived(formFrom(http))
    if (ITEMS_LOST.has(name)) return expect(receiving).rejects.toMatchObject({ code: 'signature-invalid' })
    const { message: received } = await receiving
    expect(messageId(received, { committers: 'all' })).toBe(id)
    expect(await verifyMessage(received, { commitmentIds: 'all' })).toBe(true)
  })
})

interface LegacyCase {
  readonly name: string
  readonly signed: LegacySigned
  readonly 'signed-nopath': LegacySigned
}
interface LegacyIds {
  readonly 'id-unsigned-legacy': readonly { readonly message: TypedObject; readonly id: string }[]
  readonly base: readonly { readonly hashpath: string; readonly base: string }[]
}
interface LegacySigned {
  readonly headers: TypedObject
  readonly body: TypedBody | null
  readonly 'commitment-id': string
  readonly 'hmac-id-legacy': string
  readonly 'signature-base': string
}

describe('ao-core-hbsig.json', () => {
  const { cases: legacy, misc } = readVectors<{ cases: readonly LegacyCase[]; misc: LegacyIds }>('ao-core-hbsig.json')
  it.each(
    legacy.flatMap(({ name, signed, ...rest }) => [
      { name, signed },
      { name: `${name} without path`, signed: rest['signed-nopath'] },
    ]),
  )('$name', async ({ signed }) => {
    const form = legacyForm(signed)
    const { message: received, dialect } = await verifyReceived(form)
    expect(dialect).toBe('g0')
    const [commitment, ...others] = commitmentsOf(received)
    expect(others).toEqual([])
    expect(commitment?.id).toBe(signed['commitment-id'])
    expect(commitment?.committer).toBe(vectorKeys['key-1-address'])
    expect(await verifyCommitment(received, commitment!)).toBe(true)
    expect(linkId(received)).toBe(signed['commitment-id'])
    const [signature] = parseSignatures(form.headers)
    const bases = [...receivedBases(signedPart(form, signature!)!, signature!)].map(textOf)
    expect(bases).toContain(signed['signature-base'])
    expect(legacyDigest(signedPart(form, signature!)!)).toBe(signed['hmac-id-legacy'])
  })

  it.each(misc['id-unsigned-legacy'])('unsigned id $id', ({ message: fields, id }) => {
    expect(legacyDigest(formFrom({ headers: fields }))).toBe(id)
  })

  it.each(misc.base)('base $base of a hashpath', ({ hashpath: path, base }) => {
    expect(hashpath(path, 'next')).toBe(`${base}/next`)
  })
})

/** The digest of older dialects: by the key `ao`, components sorted with their `@`. */
function legacyDigest(form: HttpsigForm): string {
  const listed = (name: string): string => (name === 'status' ? '@status' : listedName(name)) // As the oldest dialect lists it.
  const components = componentsOf(form).sort(([a], [b]) => (listed(a) < listed(b) ? -1 : 1))
  const list = components.map(([name]) => `"${listed(name)}"`).join(' ')
  return toBase64url(hmacSha256(utf8('ao'), baseOf(components, `(${list});alg="hmac-sha256";keyid="ao"`)))
}

function isQuirk(name: string, kind: 'signed-linked' | 'signed-bundled'): boolean {
  return name === BUNDLED_QUIRK && kind === 'signed-bundled'
}

function legacyForm({ headers, body }: LegacySigned): HttpsigForm {
  return body === null ? { ...formFrom({ headers }), body: null } : formFrom({ headers, body })
}

function withVectors(values: Message, { commitments }: Signed): Message {
  const parsed = Object.entries(commitments).map(([id, { commitment, 'keyid-prefix': prefix }]) =>
    parseCommitment(id, messageFrom({ keyid: prefix === 'constant' ? 'constant:ao' : (vectorKeys['KEYID'] as string), ...commitment })),
  )
  return withCommitments(values, parsed)
}

function keyIdOf(commitment: TypedObject): string {
  return commitment['type'] === 'hmac-sha256' ? 'constant:ao' : (vectorKeys['KEYID'] as string)
}

function parseOne(commitment: Record<string, unknown>): Message {
  return new Map([['commitments', new Map([['x', messageFrom({ signature: 'AAAA', ...commitment } as TypedObject)]])]])
}

/** Bases of bytes that are not UTF-8 stand in the vectors as such. */
function expectedBase(base: string | TypedObject): string {
  return typeof base === 'string' ? base : textOf(messageFrom({ base }).get('base') as Binary)
}

function textOf(base: Binary): string {
  return typeof base === 'string' ? base : toText(binaryBytes(base))
}

function comparableHeaders({ headers }: HttpsigForm): [string, Binary][] {
  const entries = [...headers].filter(([name]) => name !== 'signature' && name !== 'signature-input')
  const labelled = ['signature', 'signature-input'].map((name): [string, Binary] => [
    name,
    String(headers.get(name))
      .split(', comm-')
      .map((each) => each.replace(/^comm-/, ''))
      .sort()
      .join('\n'),
  ])
  return [...entries, ...labelled].sort(([a], [b]) => (a < b ? -1 : 1))
}

function bodyHash({ body }: TypedForm): string {
  return (body as unknown as { sha256: string }).sha256
}
