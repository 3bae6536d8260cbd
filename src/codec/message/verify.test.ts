import { constants, createPrivateKey, sign as signWith } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { vectorKeys } from '../../../test/ao-core-vectors.ts'
import { toBase64, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { hmacSha256, sha256 } from '../../base/hash.ts'
import { commit, commitSecret, commitUnsigned } from './commit.ts'
import { type Commitment, commitmentId, commitmentsOf, type MessageSigner, withCommitments, withoutCommitments } from './commitment.ts'
import { encodeHttpMessage, encodeSignedHttpMessage } from './http-message.ts'
import { encodeHttpsigWire } from './httpsig.ts'
import { committersOf, linkId, unsignedId } from './id.ts'
import { decodeJson, encodeJson } from './json.ts'
import { messageSigner } from './signers.ts'
import { atom, type Binary, float, type HttpsigForm, type Message, message, type Tabm, type Value } from './value.ts'
import { admitMessage, verifyCommitment, verifyMessage, verifyReceived } from './verify.ts'

const one = messageSigner(vectorKeys['key-1'])
const two = messageSigner(vectorKeys['key-2'])
const ALL = { commitmentIds: 'all' } as const
const plain = message({ a: 'x', n: 1, f: float(1.5), t: true, l: [1, 'two', atom('ok')], inner: { k: 'v' }, body: 'the body' })

describe('a commitment', () => {
  it('holds for the message, whatever is added to it', async () => {
    const signed = await commit(plain, one)
    expect(await verifyMessage(signed, ALL)).toBe(true)
    const added = new Map([...signed, ['typed', 7], ['text', 'x'], ['list', [1]], ['priv-x', 'y']] as [string, Value][])
    expect(await verifyMessage(added, ALL)).toBe(true)
    const { message: received } = await verifyReceived(encodeHttpMessage(added))
    expect([...received.keys()].sort()).toEqual([...signed.keys()].sort())
  })

  it.each([...plain.keys()])('does not hold once %s is changed or gone', async (key) => {
    const signed = await commit(plain, one)
    for (const commitment of commitmentsOf(signed)) {
      expect(await verifyCommitment(new Map([...signed, [key, 'other']]), commitment)).toBe(false)
      expect(await verifyCommitment(new Map([...signed].filter(([name]) => name !== key)), commitment)).toBe(false)
    }
  })

  it('does not hold when the same text is of another type', async () => {
    const signed = await commit(message({ n: 1, t: true, f: float(2) }), one)
    for (const [key, value] of [
      ['n', '1'],
      ['n', float(1)],
      ['t', 'true'],
      ['f', 2],
    ] as [string, Value][])
      expect(await verifyMessage(new Map([...signed, [key, value]]), ALL), key).toBe(false)
  })

  it('does not hold when it says of itself what is not so', async () => {
    const signed = await commit(plain, one)
    const [commitment] = commitmentsOf(signed)
    const lies: Partial<Commitment>[] = [
      { id: 'A'.repeat(43) },
      { committer: two.address },
      { committer: null },
      { keyId: `publickey:${toBase64(two.publicKey)}` },
      { keyId: 'constant:ao' },
      { keyId: null },
      { type: 'hmac-sha256' },
      { type: 'rsa-pss-sha256' },
      { type: '' },
      { device: 'ans104@1.0' },
      { device: 'tx@1.0' },
      { device: 'nothing@1.0' },
      { committed: ['a'] },
      { committed: [...commitment!.committed, 'more'] },
      { committed: [...commitment!.committed, 'commitments'] },
      { committed: [] },
      { extra: new Map([['bundle', 'true']]) },
      { extra: new Map([['tag', 'x']]) },
      { signature: new Uint8Array(0) },
      { signature: new Uint8Array(32) },
      { signature: new Uint8Array(10_000) },
    ]
    for (const lie of lies) expect(await verifyCommitment(signed, { ...commitment!, ...lie }), JSON.stringify(lie)).toBe(false)
  })

  it('by a digest names nobody, not even by a public key that everybody knows', async () => {
    const keyId = `publickey:${toBase64(one.publicKey)}`
    const base = `"a": 1\n"@signature-params": ("a");alg="hmac-sha256";keyid="${keyId}"`
    for (const key of [one.publicKey, utf8(keyId)]) {
      const signature = hmacSha256(key, base)
      const forged = { ...digestOf(signature), keyId, committer: one.address }
      expect(await verifyCommitment(message({ a: '1' }), forged)).toBe(false)
      await expectRefused(formOf({ a: '1' }, { signature, input: `("a");alg="hmac-sha256";keyid="${keyId}"` }))
    }
  })

  it('by a secret needs the secret', async () => {
    const secret = commitSecret(plain, 'the secret', { nonce: 'n' })
    const [commitment] = commitmentsOf(secret)
    expect(await verifyMessage(secret, { ...ALL, secret: 'the secret' })).toBe(true)
    expect(await verifyMessage(secret, { ...ALL, secret: utf8('the secret') })).toBe(true)
    expect(await verifyMessage(secret, { ...ALL, secret: 'another' })).toBe(false)
    expect(await verifyMessage(secret, ALL)).toBe(false)
    expect(commitment?.committer).toBe(toBase64url(sha256(utf8('the secret'))))
    const form = encodeHttpMessage(secret)
    expect(commitmentsOf((await verifyReceived(form, { secret: 'the secret' })).message)).toHaveLength(1)
    expect(commitmentsOf((await verifyReceived(form)).message)).toEqual([])
    expect(commitmentsOf((await verifyReceived(form, { secret: 'another' })).message)).toEqual([])
    await expectRefused(tampered(form, 'a', 'y'), { secret: 'the secret' })
  })

  it('of an older dialect derives who signed, from either alphabet', async () => {
    for (const keyId of [toBase64(one.publicKey), toBase64url(one.publicKey)]) {
      const parameters = `("a");alg="rsa-pss-sha512";keyid="${keyId}"`
      const signature = await one.sign(utf8(`"a": 1\n"@signature-params": ${parameters}`))
      const { message: received } = await verifyReceived(formOf({ a: '1' }, { signature, input: parameters }))
      expect(committersOf(received)).toEqual([one.address])
      expect(await verifyMessage(received, { committers: [one.address] })).toBe(true)
    }
  })

  it.each([0, 20, 32, 64, 382, 446])('with a salt of %i bytes holds', async (saltLength) => {
    const signed = await commit(message({ a: '1' }), { ...one, sign: saltedBy(saltLength) })
    expect(await verifyMessage(signed, ALL)).toBe(true)
    expect(committersOf((await verifyReceived(encodeHttpMessage(signed))).message)).toEqual([one.address])
  })

  it('stacks upon others over the same keys', async () => {
    const both = await commit(new Map([...(await commit(message({ a: '1', b: 2 }), one)), ['later', 'x']]), two)
    expect(commitmentsOf(both).map(({ committed }) => committed)).toEqual(Array(3).fill(['a', 'ao-types', 'b']))
    expect(committersOf(both)).toEqual([one.address, two.address])
    expect(await verifyMessage(both, ALL)).toBe(true)
    const { message: received } = await verifyReceived(encodeHttpMessage(both))
    expect(committersOf(received).sort()).toEqual([one.address, two.address].sort())
    expect(received.has('later')).toBe(false)
  })
})

describe('messages within', () => {
  it('are covered by the id that links to them', async () => {
    const inner = await commit(message({ k: 'v', deep: { x: 1 } }), two)
    const outer = await commit(
      new Map<string, Value>([
        ['inner', inner],
        ['list', [inner, 'x']],
      ]),
      one,
    )
    expect(await verifyMessage(outer, ALL)).toBe(true)
    const changed = new Map([...inner, ['k', 'other']])
    expect(linkId(changed)).toBe(linkId(inner)) // The id says nothing by itself.
    expect(await verifyMessage(new Map([...outer, ['inner', changed]]), ALL)).toBe(false)
    expect(await verifyMessage(new Map([...outer, ['list', [changed, 'x']]]), ALL)).toBe(false)
    expect(await verifyMessage(new Map([...outer, ['inner', new Map([...inner, ['more', 'x']])]]), ALL)).toBe(false)
    expect(await verifyMessage(new Map([...outer, ['inner', withoutCommitments(inner)]]), ALL)).toBe(false)
  })

  it('that lie about their digest are found out', async () => {
    const inner = commitUnsigned(message({ k: 'v' }))
    const outer = await commit(message({ inner }), one)
    expect(await verifyMessage(outer, ALL)).toBe(true)
    const changed = withCommitments(message({ k: 'other' }), commitmentsOf(inner))
    expect(await verifyMessage(new Map([...outer, ['inner', changed]]), ALL)).toBe(false)
  })

  it('with many commitments at every depth take no longer than there are of them', async () => {
    let value: Message = message({ a: '1' })
    for (let i = 0; i < 60; i++) value = commitUnsigned(commitSecret(message({ value }), `secret ${i}`))
    expect(await verifyMessage(value)).toBe(false)
    let digests: Message = message({ a: '1' })
    for (let i = 0; i < 60; i++) digests = withOtherConstant(commitUnsigned(message({ digests })))
    expect(await verifyMessage(digests, ALL)).toBe(true)
  })

  it('are verified as they come in, and lose what proves nothing', async () => {
    const inner = await commit(message({ k: 'v' }), two)
    const sent = (child: Message): HttpsigForm => encodeHttpMessage(message({ child }), { bundle: true })
    const { message: received } = await verifyReceived(sent(inner))
    expect(received.get('child')).toEqual(inner)
    await expectRefused(sent(new Map([...inner, ['k', 'other']])))
    const wrong = withCommitments(message({ k: 'other' }), commitmentsOf(commitUnsigned(message({ k: 'v' }))))
    const { message: without } = await verifyReceived(sent(wrong))
    expect(without.get('child')).toEqual(message({ k: 'other' }))
    const secret = (await verifyReceived(sent(commitSecret(message({ k: 'v' }), 's')))).message
    expect(secret.get('child')).toEqual(message({ k: 'v' }))
  })

  it('are as many as they may be', async () => {
    const child = commitUnsigned(message({ a: '1' }))
    const many = (count: number): Message => new Map([['list', Array.from({ length: count }, () => new Map(child))]])
    expect(await admitMessage(many(1000))).toBeInstanceOf(Map)
    await expect(admitMessage(many(1001))).rejects.toMatchObject({ code: 'too-large' })
    const keys = Array.from({ length: 10 }, (_, at) => `k${at}`)
    const values = new Map(keys.map((key) => [key, 'v']))
    const wrong = (count: number): Message =>
      withCommitments(
        values,
        keys.slice(0, count).map((key, at) => ({ ...digestOf(new Uint8Array(32).fill(at)), committed: [key] })),
      )
    expect((await admitMessage(message({ wrong: wrong(4) }))).get('wrong')).toEqual(values)
    await expect(admitMessage(message({ wrong: wrong(10) }))).rejects.toMatchObject({ code: 'too-large' })
  })
})

describe('what is received', () => {
  it.each([
    ['a header', (form: HttpsigForm) => tampered(form, 'a', 'y')],
    ['types', (form: HttpsigForm) => tampered(form, 'ao-types', 'n="float"')],
    ['the list of names', (form: HttpsigForm) => replacedInput(form, '"a" ', '')],
    ['the key', (form: HttpsigForm) => replacedInput(form, toBase64(one.publicKey), toBase64(two.publicKey))],
    ['the type', (form: HttpsigForm) => replacedInput(form, 'rsa-pss-sha512', 'hmac-sha256')],
    ['an unknown type', (form: HttpsigForm) => replacedInput(form, 'rsa-pss-sha512', 'ecdsa-p256-sha256')],
    ['an unknown device', (form: HttpsigForm) => replacedInput(form, 'rsa-pss-sha512', 'nothing@1.0/rsa-pss-sha512')],
    ['a missing key id', (form: HttpsigForm) => replacedInput(form, ';keyid="publickey:', ';other="')],
    ['the tag', (form: HttpsigForm) => replacedInput(form, 'tag="t"', 'tag="u"')],
  ])('fails with another value of %s', async (_, change) => {
    const form = encodeHttpMessage(await commit(plain, one, { tag: 't', bundle: true }), { bundle: true })
    expect(committersOf((await verifyReceived(form)).message)).toEqual([one.address])
    await expectRefused(change(form))
  })

  it('fails with another body, whether or not its digest is changed with it', async () => {
    const form = encodeHttpMessage(await commit(plain, one, { bundle: true }), { bundle: true })
    const body = utf8(new TextDecoder().decode(form.body!).replace('the body', 'a body'))
    await expect(verifyReceived({ ...form, body })).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expect(verifyReceived({ ...form, body: null })).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expectRefused(tampered({ ...form, body }, 'content-digest', `sha-256=:${toBase64(sha256(body))}:`))
    await expect(verifyReceived(tampered(form, 'content-digest', 'md5=:AAAA:'))).rejects.toMatchObject({ code: 'encoding-invalid' })
  })

  it('takes a digest in either alphabet, as it was signed', async () => {
    const body = utf8('the body')
    const digest = `sha-256=:${toBase64url(sha256(body))}:`
    const parameters = `("content-digest");alg="rsa-pss-sha512";keyid="${toBase64url(one.publicKey)}"`
    for (const signedDigest of [digest, `sha-256=:${toBase64(sha256(body))}:`]) {
      const signature = await one.sign(utf8(`"content-digest": ${signedDigest}\n"@signature-params": ${parameters}`))
      const { message: received } = await verifyReceived({
        ...formOf({ 'content-digest': digest }, { signature, input: parameters }),
        body,
      })
      expect(received.get('body')).toBe('the body')
      expect(await verifyMessage(received, ALL)).toBe(true)
    }
  })

  it('is read by signed headers alone', async () => {
    const form = encodeHttpMessage(
      await commit(message({ body: '--x\r\ncontent-disposition: form-data;name="evil"\r\n\r\n1\r\n--x--', a: '1' }), one),
    )
    for (const [name, value] of [
      ['content-type', 'multipart/form-data; boundary="x"'],
      ['ao-body-key', 'evil'],
      ['inline-body-key', 'evil'],
      ['evil', '1'],
      ['evil+link', 'A'.repeat(43)],
      ['ao-types', 'a="integer", evil="empty-list"'],
    ] as const) {
      const { message: received } = await verifyReceived(tampered(form, name, value))
      expect([...received.keys()].sort(), name).toEqual(['a', 'body', 'commitments'])
      expect(received.get('a')).toBe('1')
      expect(committersOf(received)).toEqual([one.address])
    }
  })

  it('keeps what everybody signed, and no signature that says more', async () => {
    const victim = encodeHttpMessage(await commit(message({ a: '1' }), one))
    const attacker = encodeHttpMessage(await commit(message({ a: '1', evil: 'x' }), two))
    const mixed = merged(victim, attacker)
    const { message: received } = await verifyReceived(mixed)
    expect(received.has('evil')).toBe(false)
    expect(committersOf(received)).toEqual([one.address])
    expect(await verifyMessage(received, ALL)).toBe(true)
    const other = encodeHttpMessage(await commit(message({ b: '2', c: '3' }), two))
    expect([...(await verifyReceived(merged(victim, other))).message.keys()].filter((key) => key !== 'commitments')).toEqual([])
  })

  it('refuses what has expired, and says so', async () => {
    const signed = await commit(plain, one, { created: 1_700_000_000, expires: 1_700_000_100, nonce: 'x', tag: 't' })
    const form = encodeHttpMessage(signed)
    const { message: received } = await verifyReceived(form, { nowMs: 1_700_000_099_000 })
    const extra = commitmentsOf(received).find(({ committer }) => committer !== null)?.extra
    expect(extra).toEqual(
      new Map<string, Value>([
        ['tag', 't'],
        ['created', 1_700_000_000],
        ['expires', 1_700_000_100],
        ['nonce', 'x'],
      ]),
    )
    expect(await verifyMessage(received, ALL)).toBe(true)
    await expect(verifyReceived(form, { nowMs: 1_700_000_101_000 })).rejects.toThrow(/expired at 1700000100.*sign again/)
    await expect(verifyReceived(form)).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(await verifyMessage(signed, ALL)).toBe(true) // A message that is kept stays what it was.
  })

  it('takes what RFC 9421 derives from the request', async () => {
    const parameters = `("@method" "@path" "@authority" "a");keyid="${toBase64url(one.publicKey)}";alg="rsa-pss-sha512";created=1`
    const base = `"@method": POST\n"@path": /x\n"@authority": h\n"a": 1\n"@signature-params": ${parameters}`
    const form = formOf({ a: '1' }, { signature: await one.sign(utf8(base)), input: parameters })
    const derived = new Map([
      ['method', 'POST'],
      ['path', '/x'],
      ['authority', 'h'],
      ['scheme', 'http'],
    ])
    const { message: received } = await verifyReceived(form, { derived })
    expect(withoutCommitments(received)).toEqual(message({ method: 'POST', path: '/x', authority: 'h', a: '1' }))
    expect(await verifyMessage(received, ALL)).toBe(true)
    await expectRefused(form)
    await expect(verifyReceived(form, { derived: new Map([...derived, ['path', '/y']]) })).rejects.toMatchObject({
      code: 'signature-invalid',
    })
  })

  it('notes what it cannot make again, and holds to it', async () => {
    const form = await encodeSignedHttpMessage(plain, one, { dialect: 'g0' })
    const { message: received, dialect } = await verifyReceived(form)
    expect(dialect).toBe('g0')
    expect(unsignedId(received)).toBe(unsignedId(plain))
    const [commitment] = commitmentsOf(received)
    expect(commitment?.extra.has('priv-received')).toBe(true)
    expect(await verifyMessage(received, ALL)).toBe(true)
    for (const key of plain.keys()) expect(await verifyMessage(new Map([...received, [key, 'other']]), ALL), key).toBe(false)
    const note = commitment!.extra.get('priv-received') as Message
    const headers = note.get('headers') as Message
    const forge = (changed: Message): Commitment => ({ ...commitment!, extra: new Map([['priv-received', changed]]) })
    expect(await verifyCommitment(received, forge(new Map([...note, ['body', 'other']])))).toBe(false)
    expect(await verifyCommitment(received, forge(new Map([...note, ['headers', new Map([...headers, ['a', 'other']])]])))).toBe(false)
    expect(await verifyCommitment(received, forge(message({ headers: {} })))).toBe(false)
  })

  it('never lets a note in', async () => {
    const { message: received } = await verifyReceived(await encodeSignedHttpMessage(plain, one, { dialect: 'g0' }))
    const json = encodeJson(received)
    expect(json).not.toContain('priv-received')
    const [id] = commitmentsOf(received).map((commitment) => commitment.id)
    const forged = decodeJson(json.replace(`"${id}":{`, `"${id}":{"priv-received":{"headers":{}},`))
    expect(commitmentsOf(forged)[0]?.extra.has('priv-received')).toBe(false)
  })

  it('is admitted from JSON too', async () => {
    const signed = await commit(plain, one)
    const admitted = await admitMessage(decodeJson(encodeJson(signed)))
    expect(committersOf(admitted)).toEqual([one.address])
    await expect(admitMessage(new Map([...decodeJson(encodeJson(signed)), ['a', 'y']]))).rejects.toMatchObject({
      code: 'signature-invalid',
    })
  })

  it('may be signed with the types of keys that nobody committed to', async () => {
    const signed = await commit(message({ a: 1, b: 2, status: 200 }), { ...one, sign: (base) => one.sign(utf8(withoutStatus(base))) })
    const committed = ['a', 'ao-types', 'b']
    const commitments = commitmentsOf(signed).flatMap((each) => (each.committer === null ? [] : [{ ...each, committed }]))
    const sent = withCommitments(signed, commitments)
    const admitted = await admitMessage(decodeJson(encodeJson(sent)))
    expect(committersOf(admitted)).toEqual([one.address])
    const kept = new Map([...admitted].filter(([key]) => key !== 'status'))
    expect(await verifyMessage(kept, ALL)).toBe(true)
    expect(encodeHttpMessage(kept).headers.has('signature')).toBe(false)
    expect(committersOf((await verifyReceived(encodeHttpMessage(admitted))).message)).toEqual([one.address])
    for (const [key, value] of [
      ['a', 2],
      ['a', '1'],
      ['a', float(1)],
    ] as [string, Value][]) {
      expect(await verifyMessage(new Map([...kept, [key, value]]), ALL)).toBe(false)
      await expect(admitMessage(new Map([...sent, [key, value]]))).rejects.toMatchObject({ code: 'signature-invalid' })
    }
  })

  it('names who committed to messages within, also where an older dialect leaves that to the key', async () => {
    const keyId = toBase64(one.publicKey)
    const signature = await one.sign(utf8(`"a": 1\n"@signature-params": ("a");alg="rsa-pss-sha512";keyid="${keyId}"`))
    const inner = withCommitments(message({ a: '1' }), [{ ...digestOf(signature), type: 'rsa-pss-sha512', keyId }])
    const { message: received } = await verifyReceived(encodeHttpMessage(message({ inner }), { bundle: true }))
    expect(committersOf(received.get('inner') as Message)).toEqual([one.address])
    expect(await verifyMessage(received.get('inner') as Message, { committers: [one.address] })).toBe(true)
  })

  it('reads commitments within as the oldest clients write them', async () => {
    for (const content of [
      message({ a: '1', n: 42, action: 'Eval', data: 'return 1' }),
      message({ a: '1', nested: { x: 1 }, l: [{ q: true }] }),
      message({ type: 'Message', e: '', f: float(1.5) }),
    ]) {
      const inner = await encodeSignedHttpMessage(content, two, { dialect: 'g0' })
      const tabm: Tabm = new Map<string, Binary | Tabm>([
        ['outer', 'x'],
        ['body', clientCommit(inner)],
      ])
      const { message: received } = await verifyReceived(encodeHttpsigWire(tabm))
      const body = received.get('body') as Message
      expect(committersOf(body)).toEqual([two.address])
      expect(unsignedId(body)).toBe(unsignedId(content))
      expect(await verifyMessage(body, ALL)).toBe(true)
      await expectRefused(
        encodeHttpsigWire(new Map([...tabm, ['body', new Map([...clientCommit(inner), [content.has('a') ? 'a' : 'type', 'other']])]])),
      )
    }
  })

  it('reads such commitments in JSON too, beside headers as they were signed or beside values', async () => {
    for (const content of [
      message({ a: '1', n: 42, t: true, f: float(1.5), e: '', l: [1, 'two'], data: 'return 1' }),
      message({ a: '1', nested: { x: 1 }, l: [{ q: true }, 2] }),
    ]) {
      const signed = clientCommit(await encodeSignedHttpMessage(content, two, { dialect: 'g0' }))
      const asValues = new Map<string, Value>([...content, ['commitments', signed.get('commitments') as Value]])
      for (const inner of [signed as Message, asValues]) {
        const outer: Message = new Map<string, Value>([
          ['inner', inner],
          ['list', ['x', inner]],
        ])
        const admitted = await admitMessage(decodeJson(asJson(outer)))
        const [, item] = admitted.get('list') as Value[]
        for (const found of [admitted.get('inner'), item, await admitMessage(decodeJson(asJson(inner)))] as Message[]) {
          expect(committersOf(found)).toEqual([two.address])
          expect(unsignedId(found)).toBe(unsignedId(content))
          expect(await verifyMessage(found, ALL)).toBe(true)
        }
        const forged = asJson(new Map([...inner, ['a', 'other']]))
        await expect(admitMessage(decodeJson(forged))).rejects.toMatchObject({ code: 'signature-invalid' })
      }
    }
  })

  it('takes a signature over nothing at all with the empty line of AO-Core or without it', async () => {
    const parameters = `();alg="rsa-pss-sha512";keyid="${toBase64url(one.publicKey)}"`
    for (const before of ['', '\n']) {
      const signature = await one.sign(utf8(`${before}"@signature-params": ${parameters}`))
      const { message: received } = await verifyReceived(formOf({ a: '1' }, { signature, input: parameters }))
      expect([...received.keys()]).toEqual(['commitments'])
      expect(committersOf(received)).toEqual([one.address])
      expect(await verifyMessage(received, ALL)).toBe(true)
    }
  })

  it('takes no header for many, whatever the case of their names', async () => {
    const names = Array.from({ length: 2 ** 12 }, (_, at) =>
      [...'aaaaaaaaaaaa'].map((letter, bit) => ((at >> bit) % 2 === 1 ? letter.toUpperCase() : letter)).join(''),
    )
    const input = `(${names.map((name) => `"${name}"`).join(' ')});alg="hmac-sha256";keyid="constant:ao"`
    await expectRefused(formOf({ aaaaaaaaaaaa: 'x'.repeat(1_000_000) }, { signature: new Uint8Array(32), input }))
  })

  it('is bounded', async () => {
    const digest = (names: string): { signature: Uint8Array; input: string } => {
      const input = `(${names});alg="hmac-sha256";keyid="constant:ao"`
      const lines = names.split(' ').map((name) => `${name}: 1\n`)
      return { signature: hmacSha256(utf8('constant:ao'), `${lines.join('')}"@signature-params": ${input}`), input }
    }
    const keys = Array.from({ length: 12 }, (_, at) => `k${at}`)
    const lists = (count: number): HttpsigForm => {
      const signed = keys.slice(0, count).map((_, at) =>
        digest(
          keys
            .slice(0, at + 1)
            .map((key) => `"${key}"`)
            .join(' '),
        ),
      )
      return formOf(Object.fromEntries(keys.map((key) => [key, '1'])), ...signed)
    }
    expect(commitmentsOf((await verifyReceived(lists(4))).message)).toHaveLength(1)
    await expect(verifyReceived(lists(5))).rejects.toMatchObject({ code: 'too-large' })
    const many = Array.from({ length: 65 }, () => ({ signature: new Uint8Array(32), input: '("k0")' }))
    await expect(verifyReceived(formOf({ k0: '1' }, ...many))).rejects.toMatchObject({ code: 'too-large' })
  })

  it.each([
    [{ signature: 'a=:AAAA:' }],
    [{ 'signature-input': 'a=("x")' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'b=("x")' }],
    [{ signature: 'a=1', 'signature-input': 'a=("x")' }],
    [{ signature: 'a=::', 'signature-input': 'a=("x")' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'a=1' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'a=(x)' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'a=("x"' }],
    [{ signature: ':::', 'signature-input': '(((' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'a=("x" "x")' }],
    [{ signature: 'a=:AAAA:', 'signature-input': 'a=("path" "@path")' }],
  ])('fails for headers that are no signatures: %o', async (headers) => {
    await expect(verifyReceived({ headers: new Map(Object.entries({ x: '1', ...headers })), body: null })).rejects.toMatchObject({
      code: 'encoding-invalid',
    })
  })
})

/** The base without the line and the name of `status`, whose type stays. */
function withoutStatus(base: Uint8Array): string {
  return toText(base).replace('"status": 200\n', '').replace(' "status"', '')
}

function digestOf(signature: Uint8Array): Commitment {
  const id = commitmentId(signature)
  return {
    id,
    device: 'httpsig@1.0',
    type: 'hmac-sha256',
    keyId: 'constant:ao',
    committer: null,
    committed: ['a'],
    signature,
    extra: new Map(),
  }
}

/** Beside its digest by `constant:ao` one by another constant over the same. */
function withOtherConstant(value: Message): Message {
  const [commitment] = commitmentsOf(value)
  const [key] = commitment!.committed
  const link = linkId(value.get(key!) as Message)
  const signature = hmacSha256(
    utf8('constant:b'),
    `"${key}+link": ${link}\n"@signature-params": ("${key}+link");alg="hmac-sha256";keyid="constant:b"`,
  )
  return withCommitments(value, [commitment!, { ...commitment!, id: commitmentId(signature), keyId: 'constant:b', signature }])
}

function formOf(headers: Record<string, string>, ...signed: readonly { signature: Uint8Array; input: string }[]): HttpsigForm {
  const signature = signed.map((each, at) => `s${at}=:${toBase64(each.signature)}:`).join(', ')
  const input = signed.map((each, at) => `s${at}=${each.input}`).join(', ')
  return { headers: new Map(Object.entries({ ...headers, signature, 'signature-input': input })), body: null }
}

function tampered(form: HttpsigForm, name: string, value: string): HttpsigForm {
  return { ...form, headers: new Map([...form.headers, [name, value]]) }
}

function replacedInput(form: HttpsigForm, from: string, to: string): HttpsigForm {
  const input = form.headers.get('signature-input') as string
  expect(input).toContain(from)
  return tampered(form, 'signature-input', input.replaceAll(from, to))
}

function merged(a: HttpsigForm, b: HttpsigForm): HttpsigForm {
  const both = (name: string): [string, string] => [name, `${a.headers.get(name)}, ${b.headers.get(name)}`]
  return { headers: new Map([...a.headers, ...b.headers, both('signature'), both('signature-input')]), body: null }
}

async function expectRefused(form: HttpsigForm, options = {}): Promise<void> {
  await expect(verifyReceived(form, options)).rejects.toMatchObject({ code: 'signature-invalid' })
}

function saltedBy(saltLength: number): MessageSigner['sign'] {
  const key = createPrivateKey({ key: { ...vectorKeys['key-1'] }, format: 'jwk' })
  return async (base) => signWith('sha512', base, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

/** As it is written, types and signatures not translated. */
function asJson(value: Value): string {
  return JSON.stringify(value, (_, each) => (each instanceof Map ? Object.fromEntries(each) : (each?.value ?? each)))
}

/** What hbsig's `commit` makes of a signed request. */
function clientCommit({ headers, body }: HttpsigForm): Tabm {
  const kept = new Map<string, Binary | Tabm>(
    [...headers].filter(([name]) => !['signature', 'signature-input', 'inline-body-key', 'body-keys'].includes(name)),
  )
  const signature = headers.get('signature') as string
  const input = headers.get('signature-input') as string
  if (body !== null) kept.set(headers.get('inline-body-key') === 'data' ? 'data' : 'body', new TextDecoder().decode(body))
  const common: [string, Binary][] = [
    ['commitment-device', 'httpsig@1.0'],
    ['signature', signature],
    ['signature-input', input],
  ]
  const commitments = new Map<string, Tabm>([
    ['abc', new Map([...common, ['alg', 'rsa-pss-sha512'], ['committer', two.address]])],
    ['def', new Map([...common, ['alg', 'hmac-sha256']])],
  ])
  return kept.set('commitments', commitments)
}
