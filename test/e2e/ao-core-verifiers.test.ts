/**
 * Replies of the node, verified by programs that are not ours: the library http-message-signatures, as explorers of the network use it, and node:crypto over
 * a signature base that is put together here.
 */
import { constants, createHash, createHmac, createPublicKey, verify as verifyBytes } from 'node:crypto'
import { httpbis } from 'http-message-signatures'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { signedReply } from './support/ao-core.ts'
import { echo } from './support/ao-core-echo.ts'
import { hbsig } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

interface Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer
}

interface Member {
  readonly label: string
  readonly names: readonly string[]
  /** As it stands after the `=`. */
  readonly raw: string
  readonly parameters: Readonly<Record<string, string>>
  readonly signature: Buffer
}

/** What browsers and explorers ask for. */
const PATHS = [
  '/~meta@1.0/info/address',
  '/~meta@1.0/info',
  '/~meta@1.0/build',
  '/~message@1.0&hello=world/hello',
  '/~message@1.0&n+integer=7/n',
  '/~message@1.0&text=cr%C3%A8me/text',
  '/~message@1.0&list+list=1,2/list',
  '/~message@1.0&hello=world/keys',
  '/~message@1.0&hello=world/id',
  '/~message@1.0&hello=world/nothing-here',
]

let node: TestNode
let address: string

beforeAll(async () => {
  node = await startTestNode({ devices: [echo] })
  address = (await get('/~meta@1.0/info/address')).body.toString()
})
afterAll(() => node?.stop())

async function get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(`${node.url}${path}`, { headers })
  return { status: response.status, headers: Object.fromEntries(response.headers), body: Buffer.from(await response.arrayBuffer()) }
}

function membersOf({ headers }: Reply): Member[] {
  const signatures = new Map(
    [...(headers['signature'] ?? '').matchAll(/([\w-]+)=:([^:]+):/g)].map(([, label, value]) => [
      label,
      Buffer.from(value as string, 'base64'),
    ]),
  )
  return [...(headers['signature-input'] ?? '').matchAll(/([\w-]+)=(\(([^)]*)\)((?:;[\w-]+="[^"]*")*))/g)].map(
    ([, label, raw, names, parameters]) => ({
      label: label as string,
      raw: raw as string,
      names: [...(names as string).matchAll(/"([^"]+)"/g)].map(([, name]) => name as string),
      parameters: Object.fromEntries([...(parameters as string).matchAll(/;([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value])),
      signature: signatures.get(label) as Buffer,
    }),
  )
}

function ofNode(reply: Reply): Member {
  const member = membersOf(reply).find(({ parameters }) => parameters['alg'] !== 'hmac-sha256')
  if (member === undefined) throw new Error(`nobody signed ${JSON.stringify(reply.headers)}`)
  return member
}

function modulusOf({ parameters }: Member): Buffer {
  return Buffer.from((parameters['keyid'] as string).replace('publickey:', ''), 'base64')
}

function holds(modulus: Buffer, base: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') }, format: 'jwk' })
  return verifyBytes(
    'sha512',
    base,
    { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
    signature,
  )
}

/** The signature alone that is not a digest, with the key that it names. */
function byLibrary(reply: Reply): Promise<boolean | null> {
  const { label, raw, signature } = ofNode(reply)
  const headers = { ...reply.headers, 'signature-input': `${label}=${raw}`, signature: `${label}=:${signature.toString('base64')}:` }
  return httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) => ({
        algs: ['rsa-pss-sha512'],
        verify: async (data, given) => holds(Buffer.from((keyid as string).replace('publickey:', ''), 'base64'), data, given),
      }),
    },
    { status: reply.status, headers },
  )
}

/** By hand: lines of RFC 9421 for headers, and those that AO-Core has for what RFC 9421 derives, without the `@`. */
function baseOf(reply: Reply, { names, raw }: Member): Buffer {
  const plain = names.map((name) => name.replace(/^@/, ''))
  const lines = plain.map((name) => `"${name}": ${reply.headers[name] ?? `no header ${name}`}`)
  return Buffer.from([...lines, `"@signature-params": ${raw}`].join('\n'), 'latin1')
}

function digestOf(body: Buffer): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}

describe.each(PATHS)('GET %s', (path) => {
  let reply: Reply
  beforeAll(async () => {
    reply = await get(path)
  })

  it('is signed by the node that says so', () => {
    expect(
      createHash('sha256')
        .update(modulusOf(ofNode(reply)))
        .digest('base64url'),
    ).toBe(address)
  })
  it('holds for http-message-signatures', async () => {
    expect(await byLibrary(reply)).toBe(true)
  })
  it('holds for node:crypto, and so does the digest of the body', () => {
    const member = ofNode(reply)
    expect(holds(modulusOf(member), baseOf(reply, member), member.signature)).toBe(true)
    if (member.names.includes('content-digest')) expect(reply.headers['content-digest']).toBe(digestOf(reply.body))
    else expect(reply.body.length).toBe(0)
  })
  it('carries the digest that everybody can make', () => {
    const member = membersOf(reply).find(({ parameters }) => parameters['alg'] === 'hmac-sha256') as Member
    expect(member.parameters['keyid']).toBe('constant:ao')
    expect(createHmac('sha256', 'constant:ao').update(baseOf(reply, member)).digest()).toEqual(member.signature)
  })
  it('fails once anything that is signed is changed', async () => {
    const { names } = ofNode(reply)
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) {
      const changed = { ...reply, headers: { ...reply.headers, [name]: `${reply.headers[name]}1` } }
      expect([name, await byLibrary(changed)]).toEqual([name, false])
      const { [name]: _, ...fewer } = reply.headers
      await expect(byLibrary({ ...reply, headers: fewer })).rejects.toThrow(`No header "${name}"`)
    }
  })
  it('says everything that it says: all keys are signed', () => {
    const { names } = ofNode(reply)
    const ofTransport =
      /^(access-control-.*|connection|content-length|content-digest|content-type|date|keep-alive|signature.*|x-request-id)$/
    expect(Object.keys(reply.headers).filter((name) => !names.includes(name) && !ofTransport.test(name))).toEqual([])
  })
})

describe('replies that are not what was signed', () => {
  it('do not hold with the signature of another', async () => {
    const [one, other] = [await get('/~message@1.0&a=1/a'), await get('/~message@1.0&a=2/a')]
    expect([await byLibrary(one), await byLibrary(other)]).toEqual([true, true])
    const { signature, 'signature-input': input } = other.headers
    expect(await byLibrary({ ...one, headers: { ...one.headers, signature, 'signature-input': input } as Record<string, string> })).toBe(
      false,
    )
  })
  it('do not hold with another key', async () => {
    const reply = await get('/~message@1.0&a=1/a')
    const { n } = devWallet('alice')
    const input = (reply.headers['signature-input'] as string).replace(
      /publickey:[^"]*/,
      `publickey:${Buffer.from(n, 'base64url').toString('base64')}`,
    )
    expect(await byLibrary({ ...reply, headers: { ...reply.headers, 'signature-input': input } })).toBe(false)
  })
  it('show by their digest', async () => {
    const reply = await get('/~message@1.0&a=1/a')
    expect(reply.headers['content-digest']).not.toBe(digestOf(Buffer.from('2')))
  })
})

describe('other forms', () => {
  it('of an older generation hold over its own base, which is not that of RFC 9421', async () => {
    const sign = hbsig.createSigner(devWallet('alice'), node.url)
    for (const fields of [{ fruit: 'pear' }, { fruit: 'pear', count: 3, basket: { size: 1 } }, { body: 'text', ripe: true }]) {
      const { url, method, headers, body } = await sign({ path: '/~hbsig@1.0/back', ...fields }, { path: false })
      const response = await fetch(url, { method, headers, body: (body as Blob | undefined) ?? null })
      const reply = {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: Buffer.from(await response.arrayBuffer()),
      }
      const member = ofNode(reply)
      expect([member.label, member.parameters['keyid']]).toEqual([
        expect.stringMatching(/^http-sig-[0-9a-f]{16}$/),
        expect.stringMatching(/^[\w-]{683}$/),
      ])
      expect(holds(modulusOf(member), baseOf(reply, member), member.signature)).toBe(true)
      expect(member.names[0]).toBe('@status') // Whose line says "status", as the reference has it.
      expect(await byLibrary(reply)).toBe(false)
      expect(reply.headers['content-digest']).toBe(reply.body.length === 0 ? undefined : digestOf(reply.body))
      expect(
        holds(modulusOf(member), baseOf({ ...reply, headers: { ...reply.headers, 'ao-types': 'fruit="atom"' } }, member), member.signature),
      ).toBe(false)
    }
  })
  it('with messages within hold for those who know that they are signed as links', async () => {
    const path = `${node.url}/~meta@1.0/info?accept-bundle=true`
    expect(await signedReply(await fetch(path))).toMatchObject({
      address: `"${address}"`,
      preloaded_devices: expect.arrayContaining([expect.objectContaining({ name: '"meta@1.0"' })]),
    })
    const reply = await get('/~meta@1.0/info?accept-bundle=true')
    expect(reply.headers['content-digest']).toBe(digestOf(reply.body))
    await expect(byLibrary(reply)).rejects.toThrow('+link')
  })
  it('in JSON hold over the base that their keys make', async () => {
    const { headers, body } = await get('/~message@1.0&hello=world/hello', {
      accept: 'application/json',
      'accept-bundle': 'true',
      'require-codec': 'application/json',
    })
    expect(headers['content-type']).toBe('application/json')
    const message = JSON.parse(body.toString()) as {
      readonly body: string
      readonly commitments: Readonly<
        Record<
          string,
          {
            readonly type: string
            readonly keyid: string
            readonly tag?: string
            readonly signature: string
            readonly committed: readonly string[]
          }
        >
      >
    }
    const [id, commitment] = Object.entries(message.commitments).find(([, { type }]) => type === 'rsa-pss-sha512') ?? []
    if (id === undefined || commitment === undefined) throw new Error('nobody signed')
    expect([...commitment.committed].sort()).toEqual(['ao-result', 'ao-types', 'body', 'status'])
    const lines = [
      '"ao-result": body',
      '"ao-types": status="integer"',
      `"content-digest": ${digestOf(Buffer.from(message.body))}`,
      '"status": 200',
      `"@signature-params": ("ao-result" "ao-types" "content-digest" "status");alg="rsa-pss-sha512";keyid="${commitment.keyid}"${commitment.tag === undefined ? '' : `;tag="${commitment.tag}"`}`,
    ]
    const signature = Buffer.from(commitment.signature, 'base64url')
    const modulus = Buffer.from(commitment.keyid.replace('publickey:', ''), 'base64')
    expect(holds(modulus, Buffer.from(lines.join('\n')), signature)).toBe(true)
    expect(holds(modulus, Buffer.from(lines.join('\n').replace('body', 'data')), signature)).toBe(false)
    expect(createHash('sha256').update(signature).digest('base64url')).toBe(id)
  })
})
