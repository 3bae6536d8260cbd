import { describe, expect, it } from 'vitest'
import { vectorKeys } from '../../../test/ao-core-vectors.ts'
import { fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { type Commitment, commitmentId } from './commitment.ts'
import { publicKeyId } from './key-id.ts'
import { baseOf, componentsOf, signatureBase, signedParameters } from './signature-base.ts'
import { parseSignatures, signatureHeaders, toCommitment } from './signature-headers.ts'
import { messageSigner } from './signers.ts'
import { atom, type Binary, float, type Message, message, type Value } from './value.ts'

const { publicKey, address } = messageSigner(vectorKeys['key-1'])
const signature = fromBase64url(toBase64url(new Uint8Array(512).fill(7))) // Of the kind that decoding gives.
const keyId = publicKeyId(publicKey)

function rsa(extra: Message = new Map(), more: Partial<Commitment> = {}): Commitment {
  const id = commitmentId(signature)
  return { id, device: 'httpsig@1.0', type: 'rsa-pss-sha512', keyId, committer: address, committed: [], signature, extra, ...more }
}

function headersOf(commitment: Commitment, names: readonly string[]): Map<string, string> {
  const [values, inputs] = signatureHeaders([{ commitment, names }])
  return new Map([
    ['signature', values],
    ['signature-input', inputs],
  ])
}

describe('signature base', () => {
  it('of nothing begins with an empty line', () => {
    expect(signatureBase([], ';alg="x"')).toBe('\n"@signature-params": ();alg="x"')
  })

  it('marks names that stand for the request, and sorts without the marks', () => {
    const form = {
      headers: new Map([
        ['path', '/x'],
        ['a', ''],
        ['method', 'GET'],
        ['Z', '1'],
        ['é', '2'],
      ]),
      body: null,
    }
    expect(signatureBase(componentsOf(form), '')).toBe(
      '"Z": 1\n"a": \n"method": GET\n"path": /x\n"é": 2\n"@signature-params": ("Z" "a" "@method" "@path" "é")',
    )
  })

  it('takes bytes as they are, and a body by its digest, also an empty one', () => {
    const form = {
      headers: new Map<string, Binary>([
        ['a', new Uint8Array([255, 0])],
        ['b', '"\\'],
      ]),
      body: new Uint8Array(0),
    }
    const base = Buffer.from(signatureBase(componentsOf(form), '') as Uint8Array).toString('latin1')
    expect(base).toBe(
      '"a": \xff\0\n"b": "\\\n"content-digest": sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\n"@signature-params": ("a" "b" "content-digest")',
    )
    expect(baseOf([['"q"', 'x']], '("\\"q\\"")')).toBe('""q"": x\n"@signature-params": ("\\"q\\"")')
  })

  it('has parameters in order of their names, numbers bare', () => {
    const all = message({ tag: 'a/b', alg: 'x', expires: 9, other: 'no', bundle: true, keyid: 'k"\\', nonce: atom('n'), created: 1 })
    expect(signedParameters(all)).toBe(';alg="x";bundle="true";created=1;expires=9;keyid="k\\"\\\\";nonce="n";tag="a/b"')
    expect(signedParameters(message({ tag: float(1.5), nonce: ['a', 1], created: 2n ** 70n, bundle: null }))).toBe(
      ';created=1180591620717411303424;nonce="a, 1";tag="1.5"',
    )
  })
})

describe('headers', () => {
  it('come back as the same commitment', () => {
    const extra: [string, Value][] = [
      ['tag', 'id/path'],
      ['created', 1],
      ['expires', 2],
      ['nonce', 'n "quoted"'],
      ['bundle', 'true'],
      ['original-tags', message({ 1: { name: 'Data-Protocol', value: 'ao' }, 2: { name: 'odd:name', value: 'x' } })],
    ]
    const commitment = rsa(new Map(extra), { committed: ['a', 'b'] })
    const headers = headersOf(commitment, ['a', 'b'])
    expect(headers.get('signature-input')).toContain('original-tags="1:Data-Protocol:YW8, 2:odd:name:eA"')
    expect(headers.get('signature')).toMatch(new RegExp(`^comm-${toBase64url(sha256(signature)).toLowerCase()}=:`))
    const [received] = parseSignatures(headers)
    expect(toCommitment(received!, ['a', 'b'])).toEqual(commitment)
  })

  it('name the device of others than httpsig@1.0', () => {
    for (const type of ['rsa-pss-sha256', '']) {
      const commitment = rsa(new Map(), { device: 'ans104@1.0', type, keyId: `publickey:${toBase64url(publicKey)}` })
      const headers = headersOf(commitment, ['data'])
      expect(headers.get('signature-input')).toContain(`;alg="ans104@1.0${type === '' ? '' : '/'}${type}"`)
      expect(toCommitment(parseSignatures(headers)[0]!, [])).toEqual(commitment)
    }
  })

  it('keep notes and what a commitment must not say of itself to themselves', () => {
    const commitment = rsa(message({ 'priv-note': 'x' }))
    expect(headersOf(commitment, []).get('signature-input')).not.toContain('priv')
    const input = `x=("a");alg="rsa-pss-sha512";keyid="${keyId}";committer="me";committed="b";signature="s";type="t";commitment-device="d";priv-received="p"`
    const [received] = parseSignatures(
      new Map([
        ['signature', `x=:${Buffer.from(signature).toString('base64')}:`],
        ['signature-input', input],
      ]),
    )
    expect(toCommitment(received!, ['a'])).toEqual(rsa(new Map(), { committed: ['a'] }))
  })

  it('have labels of their dialect', () => {
    const label = (dialect: 'g0' | 'g1' | 'g2'): string => signatureHeaders([{ commitment: rsa(), names: [] }], dialect)[0].split('=:')[0]!
    expect(label('g0')).toBe('http-sig-24f7b0ea4488d1a2')
    expect(label('g1')).toBe(`sig-${toBase64url(sha256(signature)).toLowerCase()}`)
    expect(label('g2')).toBe(`comm-${toBase64url(sha256(signature)).toLowerCase()}`)
  })

  it('read any label, and signatures without algorithm by their length', () => {
    const digest = toBase64url(sha256(utf8('x')))
    const headers = new Map([
      ['signature', `a=:${digest}:, B.c=:AAAA:`],
      ['signature-input', 'B.c=("x");keyid=token, a=();created=1;nonce=:AAAA:;q=1.5;flag'],
    ])
    const [first, second] = parseSignatures(headers)
    expect(first).toMatchObject({ label: 'a', type: 'hmac-sha256', keyId: null, names: [] })
    expect(first?.parameters).toEqual(
      new Map<string, Value>([
        ['created', 1],
        ['nonce', 'AAAA'],
        ['q', '1.5'],
        ['flag', true],
      ]),
    )
    expect(second).toMatchObject({ label: 'B.c', type: 'rsa-pss-sha512', keyId: 'token', names: ['x'], raw: '("x");keyid=token' })
  })
})
