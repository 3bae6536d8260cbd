/**
 * A whole node, to which anything is sent by raw sockets: each answer is HTTP to the letter, no 500, a coded failure in the form that was asked for, and
 * soon; afterwards the node does all that it did before.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { toBase64url, utf8 } from '../src/base/bytes.ts'
import { type Log, silentLog } from '../src/base/log.ts'
import { createDataItemSync } from '../src/codec/data-item.ts'
import { generateKey, keyFromJwk } from '../src/codec/keys.ts'
import { encodeAns104 } from '../src/codec/message/ans104.ts'
import { commit } from '../src/codec/message/commit.ts'
import { encodeFlat, encodeFlatText } from '../src/codec/message/flat.ts'
import { encodeHttpMessage } from '../src/codec/message/http-message.ts'
import { encodeJson } from '../src/codec/message/json.ts'
import { itemSigner, messageSigner } from '../src/codec/message/signers.ts'
import { encodeStructured } from '../src/codec/message/structured.ts'
import { encodeTx, encodeTxJson } from '../src/codec/message/tx.ts'
import { binaryBytes, type HttpsigForm, message } from '../src/codec/message/value.ts'
import { textTag } from '../src/codec/tags.ts'
import { startTestNode, type TestNode } from '../src/testkit/node.ts'
import { formFrom, readVectors, type TypedBody, type TypedForm, vectorKeys } from './ao-core-vectors.ts'
import { anyText, bytesLike, joinedFrom, MANY_KINDS, textLike } from './fuzz-inputs.ts'
import { exchangeAny, exchangeStrictly, type RawHeaders, rawRequest, type StrictAnswer } from './strict-http.ts'

const RUNS = 100
const ANSWER_MS_MAX = 5_000
/** With what may be no whole request. */
const PATIENCE_MS = 150

/** In a private option of the node. */
const SECRET = 'a-secret-that-nobody-may-read'
const CODECS = ['', '', 'application/json', 'application/json', 'httpsig@1.0', 'ans104@1.0', 'flat@1.0']
const WISHES: RawHeaders = [
  ['accept', '*/*'],
  ['accept', 'application/json'],
  ['accept', 'text/html,*/*;q=0.8'],
  ['accept', 'x'],
  ['accept-bundle', 'true'],
  ['accept-bundle', '1'],
  ['cache-control', 'always'],
  ['cache-control', 'only-if-cached'],
  ['ao-types', 'accept-bundle="atom"'],
  ['ao-types', '.="list"'],
  ['range', 'bytes=0-1'],
  ['ao-peer-port', '8734'],
  ['cookie', `a=${SECRET}`],
  ['authorization', `Basic ${SECRET}`],
  ['access-control-request-headers', 'a, b'],
  ['access-control-request-headers', '\t'],
  ['some', 'é'],
  ['body-keys', '"a"'], // As clients of the first dialect,
  ['ao-ids', 'x="y"'], // and of the second.
]
const DEVICES = 'message@1.0 json@1.0 httpsig@1.0 ans104@1.0 tx@1.0 flat@1.0 structured@1.0 meta@1.0 lookup@1.0 cache@1.0 nobody@1.0'.split(
  ' ',
)
const WORK = 'set keys id commit committers verify serialize to remove&item=a set-path&value=x a'.split(' ')
const KEYS = (
  'a b body data keys set set-path remove id verify commit committed committers commitments index info build is read write link serialize deserialize to from ' +
  'content-type target value item items path device method type secret source destination bundle format priv priv_wallet __proto__ 1 ao-types cache-control list ' +
  'content-length transfer-encoding connection set-cookie location date upgrade trailer signature signature-input content-digest commitment-device nonce'
).split(' ')
const BODY_BYTES_MAX = 1024 * 1024

/** Of the machine that the tests run on, and of this program's dev network: whoever has it is the operator. */
const OPERATOR = JSON.parse(readFileSync(new URL('../dev/wallets/dave.json', import.meta.url), 'utf8')) as unknown
const STRANGER = vectorKeys['key-2']
const uploader = itemSigner((await generateKey('ed25519')).jwk)

const LEAK = new RegExp(`\\bat \\w+ \\(|node_modules|\\.ts:\\d|${SECRET}`)

interface Sent {
  readonly method: string
  readonly target: string
  readonly headers: RawHeaders
  readonly body: Uint8Array
}

const signed = await commit(message(MANY_KINDS), messageSigner(STRANGER), { wire: true })
const bundled = await commit(message(MANY_KINDS), messageSigner(STRANGER), { bundle: true, wire: true })
const forms: readonly HttpsigForm[] = [
  encodeHttpMessage(signed),
  encodeHttpMessage(bundled, { bundle: true }),
  encodeHttpMessage(message({ note: 'x', body: signed }), { bundle: true }),
  encodeHttpMessage(message(MANY_KINDS), { bundle: true }),
  ...readVectors<{ cases: readonly { signed: { headers: TypedForm['headers']; body: TypedBody | null } }[] }>(
    'ao-core-hbsig.json',
  ).cases.map(({ signed: { headers, body } }) => formFrom(body === null ? { headers } : { headers, body })),
]
const bodies: readonly (readonly [type: string, good: readonly Uint8Array[]])[] = [
  ['application/json', [signed, message({ a: [message({ note: 'x', body: signed })], priv: 'x' })].map((each) => utf8(encodeJson(each)))],
  [
    'application/ans104',
    [await encodeAns104(message(MANY_KINDS), itemSigner(STRANGER)), await encodeAns104(message({ a: 'x', Data: 'y' }))],
  ],
  ['application/tx', [utf8(encodeTxJson(await encodeTx(message({ app: 'x', Mixed: 'y', data: 'some' }), keyFromJwk(STRANGER))))]],
  ['application/flat', [utf8(encodeFlatText(encodeFlat(encodeStructured(message({ ...MANY_KINDS, lf: 'a' })))))]],
  ['text/plain', [utf8('anything')]],
]

describe('a node, whatever is sent to it,', () => {
  let node: TestNode
  let port: number
  let known: readonly string[]
  let process: string
  let optionsBefore: string
  const bugs: object[] = []
  const log: Log = { ...silentLog, error: (facts) => void bugs.push(facts) }

  beforeAll(async () => {
    node = await startTestNode({ seal: 'manual', log, aoOptions: { priv_wallet: SECRET, shown: { priv_key: SECRET } } })
    port = Number(new URL(node.url).port)
    const { heddle } = await node.info()
    process = await spawn(heddle.modules.default, heddle.units.scheduler)
    known = [await upload('known data'), process, heddle.modules.default]
    await expectHealthy()
    optionsBefore = await options()
  })
  afterAll(() => node.stop())

  async function spawn(module: string, scheduler: string): Promise<string> {
    const tags = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Process', Module: module, Scheduler: scheduler }
    const { raw, id } = createDataItemSync({ data: '1', tags: Object.entries(tags).map(([name, text]) => textTag(name, text)) }, uploader)
    expect((await fetch(node.url, { method: 'POST', body: raw })).status).toBe(202)
    return id
  }

  async function upload(data: string): Promise<string> {
    const { raw, id } = createDataItemSync({ data, tags: [textTag('App', 'fuzz')] }, uploader)
    const headers = { 'content-type': 'application/octet-stream' }
    expect((await fetch(`${node.url}/tx`, { method: 'POST', headers, body: raw })).status).toBe(200)
    return id
  }

  async function options(): Promise<string> {
    const headers = { accept: 'application/json', 'accept-bundle': 'true' }
    const {
      commitments: _,
      node_history: __,
      ...kept
    } = (await (await fetch(`${node.url}/~meta@1.0/info`, { headers })).json()) as Record<string, unknown>
    return JSON.stringify(kept, (key, value) => (key.startsWith('fuzz') ? undefined : value))
  }

  /** Each of the node's doors does what it is for. */
  async function expectHealthy(): Promise<void> {
    expect((await node.info()).network).toBeTruthy()
    const data = `data ${Math.random()}`
    const id = await upload(data)
    expect(await (await fetch(`${node.url}/${id}`)).text()).toBe(data)
    const query = `{ transactions(ids: ["${id}"]) { edges { node { id } } } }`
    const found = await fetch(`${node.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    expect(await found.json()).toMatchObject({ data: { transactions: { edges: [{ node: { id } }] } } })
    const tags = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Message', Action: 'Eval' }
    const fields = { target: Buffer.from(process, 'base64url'), data: 'return 40 + 2', anchor: crypto.getRandomValues(new Uint8Array(32)) }
    const sent = createDataItemSync({ ...fields, tags: Object.entries(tags).map(([name, text]) => textTag(name, text)) }, uploader)
    expect((await fetch(node.url, { method: 'POST', body: sent.raw })).status).toBe(202)
    const result = await fetch(`${node.url}/result/${sent.id}?process-id=${process}`)
    expect(JSON.stringify(await result.json())).toContain('42')
    expect(await (await fetch(`${node.url}/${id}/app`)).text()).toBe('fuzz')
    expect(await (await fetch(`${node.url}/~message@1.0&a=still/a`)).text()).toBe('still')
    expect(bugs.splice(0)).toEqual([])
  }

  function requestBytes({ method, target, headers, body }: Sent): Uint8Array {
    return rawRequest(method, target, headers, body)
  }

  /** Valid, soon, not too much, and nothing that says that something is broken here. */
  async function answered(bytes: Uint8Array): Promise<StrictAnswer> {
    return expectFine(bytes, await exchangeStrictly(port, bytes))
  }

  function expectFine(bytes: Uint8Array, answer: StrictAnswer): StrictAnswer {
    const about = Buffer.from(bytes).toString('latin1', 0, 400)
    expect([about, answer.status < 500 || answer.status === 504 || answer.status === 508, answer.status]).toEqual([
      about,
      true,
      answer.status,
    ])
    expect(answer.body.length).toBeLessThan(BODY_BYTES_MAX)
    expect(answer.ms).toBeLessThan(ANSWER_MS_MAX)
    expect(answer.body.toString('latin1')).not.toMatch(LEAK)
    expect(bugs.splice(0), about).toEqual([])
    return answer
  }

  /** A request of AO-Core's: what is refused is refused with a code, in the form that is asked for. */
  async function refusedInForm(sent: Sent): Promise<void> {
    const { status, headers, body } = await answered(requestBytes(sent))
    const asked = new Map(sent.headers.map(([name, value]) => [name, String(value)]))
    const isJson = asked.get('require-codec') === 'application/json'
    if (!isJson || status === 204 || status === 302 || sent.method === 'HEAD') return
    expect([sent.target, headers.get('content-type')]).toEqual([sent.target, 'application/json'])
    const told = JSON.parse(body.toString()) as Record<string, unknown>
    if (status < 400) return
    expect([sent.target, told['status']]).toEqual([sent.target, status])
    expect(told['body'] ?? told['failure'], sent.target).toBeTruthy()
  }

  const check = (name: string, input: fc.Arbitrary<Sent>, numRuns = RUNS): void =>
    it(name, () => fc.assert(fc.asyncProperty(input, refusedInForm), { numRuns }), 60_000)

  const method = fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')
  const wishes: fc.Arbitrary<RawHeaders> = fc
    .tuple(fc.constantFrom(...CODECS), fc.array(fc.constantFrom(...WISHES), { maxLength: 3 }))
    .map(([codec, some]) => [...new Map([...(codec === '' ? [] : [['require-codec', codec] as const]), ...some])])
  const id = fc.nat(2).map((at) => known[at]!)
  const device = fc.constantFrom(...DEVICES)
  const key = fc.constantFrom(...KEYS)
  const value = fc.oneof(
    fc.constantFrom(
      'x',
      '1',
      '"1","2"',
      'true',
      '%0d%0a',
      '%00',
      '%c3',
      '(/~message@1.0&n=1/n)',
      '',
      '"a/b&c"',
      'é',
      'body',
      'all',
      'self',
    ),
    id,
    anyText.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 60)),
  )
  const typed = fc.constantFrom(
    '+integer=7',
    '+float=1.5',
    '+list="1","two"',
    '+atom=true',
    '+binary=x',
    '+resolve=/~message@1.0&n=1/n',
    '',
  )
  const pair = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(key, value).map(([name, text]) => `${name}=${text}`) },
    { weight: 3, arbitrary: fc.tuple(key, typed).map((parts) => parts.join('')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(key, fc.constantFrom('+integer', '+list', '+map', '+x'), value)
        .map(([name, type, text]) => `${name}${type}=${text}`),
    },
  )
  const pairs = fc.array(pair, { maxLength: 3 }).map((some) => some.map((one) => `&${one}`).join(''))
  const segment = fc.oneof(
    fc.tuple(fc.constantFrom(...WORK), pairs).map((parts) => parts.join('')),
    fc.tuple(key, pairs).map((parts) => parts.join('')),
    fc.tuple(fc.oneof(fc.constant(''), key, id), device, pairs).map(([name, cast, more]) => `${name}~${cast}${more}`),
    id,
    fc.constantFrom(
      '(/~message@1.0&a=1/set)',
      '(/~json@1.0&a=1/serialize)',
      '~meta@1.0/info',
      '~ans104@1.0&a=x/serialize/~ans104@1.0/deserialize',
    ),
  )
  const path = fc
    .tuple(
      pairs,
      fc.array(segment, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.constantFrom('', '', '0.', '1.', '9.'), pair), { maxLength: 3 }),
    )
    .map(([own, segments, query]) => {
      const search = query.map(([scope, one]) => scope + one).join('&')
      return asTarget(`/~message@1.0${own}/${segments.join('/')}${search === '' ? '' : `?${search}`}`)
    })
  const spoiltPath = fc
    .tuple(path, fc.nat(), joinedFrom(['/', '&', '=', '+', '"', '(', ')', '?', '%', '%2F', '.', '~', '%22', '%28', 'priv'], 3))
    .map(([good, at, piece]) => `${good.slice(0, 13 + (at % (good.length - 12)))}${piece}${good.slice(13 + (at % (good.length - 12)))}`)
  const target = fc.oneof({ weight: 3, arbitrary: path }, { weight: 1, arbitrary: spoiltPath })

  /** As HTTP's own grammar has it; what is beyond has a test of its own. */
  function asTarget(text: string): string {
    return encodeURI(text.toWellFormed()).replaceAll('%25', '%')
  }

  const NO_BODY = new Uint8Array()

  check('at any path', fc.record({ method: fc.constant('GET'), target, headers: wishes, body: fc.constant(NO_BODY) }), 2 * RUNS)
  check('by any method', fc.record({ method, target, headers: wishes, body: fc.constantFrom(NO_BODY, utf8('x'), utf8('{}')) }))

  const withBody = fc.constantFrom(...bodies).chain(([type, good]) =>
    fc.record({
      method: fc.constant('POST'),
      target: fc.oneof(
        target,
        fc.constantFrom('/~message@1.0/set', '/~message@1.0/id', '/~message@1.0/verify?committers=all', '/~cache@1.0/write'),
      ),
      headers: fc
        .tuple(wishes, fc.boolean())
        .map(([some, isNamed]): RawHeaders => [...some, isNamed ? ['codec-device', codecOf(type)] : ['content-type', type]]),
      body: bytesLike(...good),
    }),
  )
  check('with a spoilt body in any codec', withBody, 2 * RUNS)

  function codecOf(type: string): string {
    return type === 'text/plain' ? 'httpsig@1.0' : `${type.slice('application/'.length)}@1.0`
  }

  const spoiltForm = fc
    .tuple(
      fc.constantFrom(...forms),
      bytesLike(...forms.flatMap(({ body }) => body ?? [])),
      fc.nat(),
      textLike('comm-a=:AA==:', '("a");keyid="x"'),
      fc.nat(4),
    )
    .map(([{ headers, body }, bytes, at, text, kind]) => {
      const lines = [...headers].map(([name, value]): [string, Uint8Array] => [name, binaryBytes(value)])
      const line = lines[at % lines.length]
      if (kind === 1 && line !== undefined) line[1] = utf8(text).map((byte) => (byte < 32 || byte === 127 ? 63 : byte))
      if (kind === 2) lines.splice(at % (lines.length + 1), 1)
      if (kind === 3 && line !== undefined) line[0] = `%${line[0].charCodeAt(0).toString(16)}${line[0].slice(1)}`
      return { headers: lines.filter(([name]) => name !== 'content-length'), body: kind === 4 ? bytes : (body ?? NO_BODY) }
    })
  check(
    'signed, and changed since',
    fc
      .record({
        method: fc.constant('POST'),
        target: fc.constantFrom('/~message@1.0/set', '/~message@1.0/commit', '/~meta@1.0/info', '/~cache@1.0/write'),
        form: spoiltForm,
        wish: wishes,
      })
      .map(({ form, wish, ...rest }) => ({
        ...rest,
        headers: [...form.headers, ...wish.filter(([name]) => name.startsWith('accept-') || name === 'require-codec')],
        body: form.body,
      })),
    2 * RUNS,
  )

  it('as an admin who is none, or says something else than he signed', async () => {
    const wanted = message({ operator: toBase64url(new Uint8Array(32)), 'fuzz-option': 'x' })
    const own = encodeHttpMessage(await commit(wanted, messageSigner(OPERATOR), { committed: ['fuzz-option'], wire: true }))
    const foreign = encodeHttpMessage(await commit(wanted, messageSigner(STRANGER), { wire: true }))
    const form = fc.constantFrom(own, foreign)
    const extra = fc.constantFrom<RawHeaders>(
      [],
      [['operator', 'unclaimed']],
      [['on', 'x']],
      [['priv_wallet', 'x']],
      [['initialized', 'permanent']],
      [['ao-types', 'on="map"']],
    )
    const path = fc.constantFrom(
      '/~meta@1.0/info',
      '/~meta@1.0/info&operator=unclaimed',
      '/~meta@1.0/info?initialized=permanent',
      '/~meta@1.0&initialized=permanent/info',
    )
    await fc.assert(
      fc.asyncProperty(form, extra, path, async ({ headers, body }, more, target) => {
        const lines = [...headers].map(([name, value]) => [name, binaryBytes(value)] as const)
        await answered(requestBytes({ method: 'POST', target, headers: [...lines, ...more], body: body ?? NO_BODY }))
      }),
      { numRuns: RUNS },
    )
    expect(await options()).toBe(optionsBefore)
  }, 60_000)

  it('in bytes that no client sends', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'a',
        'a b',
        'é',
        'a:b',
        '',
        'host',
        'content-length',
        'transfer-encoding',
        'connection',
        '__proto__',
        '%41',
        'a/b',
        '"',
      ),
      anyText,
    )
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom('5', 'chunked', 'gzip, chunked', '-1', '0x5', '', ' x ', 'x'.repeat(9_000)).map(utf8),
    )
    const header = fc
      .tuple(name, value)
      .map(([text, bytes]) => [text, Uint8Array.from(bytes, (byte) => (byte === 10 ? 32 : byte))] as const)
    const clean = fc
      .tuple(fc.constantFrom('a', 'b', 'x-y', 'content-type', 'accept', 'path', 'method', 'device'), fc.uint8Array({ maxLength: 60 }))
      .map(([text, bytes]) => [text, bytes.map((byte) => (byte < 32 || byte === 127 ? 160 : byte))] as const)
    const line = fc.oneof(
      fc.constantFrom(
        'GET /~message@1.0/keys',
        'POST /~message@1.0/set',
        'GET http://x/~message@1.0/keys',
        'get /',
        'GET ~message@1.0',
        'X /~message@1.0',
      ),
      joinedFrom(['GET', ' ', '/', '~message@1.0', '\t', 'é', '\0', '%'], 8),
    )
    const headers = fc.oneof(fc.array(clean, { maxLength: 8 }), fc.array(fc.oneof(clean, header), { maxLength: 6 }))
    await fc.assert(
      fc.asyncProperty(line, headers, fc.uint8Array({ maxLength: 30 }), async (first, some, rest) => {
        const [verb = '', at = ''] = first.includes(' ')
          ? [first.slice(0, first.indexOf(' ')), first.slice(first.indexOf(' ') + 1)]
          : [first]
        const lines = some.map(([text, bytes]) => Buffer.concat([Buffer.from(`${text}: `), bytes, Buffer.from('\r\n')]))
        const ends = Buffer.from(`Content-Length: ${rest.length}\r\n\r\n`)
        const bytes = Buffer.concat([Buffer.from(`${verb} ${at} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`), ...lines, ends, rest])
        const answer = await exchangeAny(port, bytes, PATIENCE_MS)
        if (answer !== null) expectFine(bytes, answer)
      }),
      { numRuns: 3 * RUNS },
    )
  }, 60_000)

  it('grows no fatter of it', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = (): number => {
      collect()
      const { heapUsed, arrayBuffers } = globalThis.process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const large = (i: number): Sent => ({
      method: 'POST',
      target: '/~message@1.0/id',
      headers: [['content-type', 'application/json']],
      body: utf8(JSON.stringify({ i, large: `${i}`.padEnd(300_000, 'x') })),
    })
    for (let i = 0; i < 10; i++) await answered(requestBytes(large(i)))
    const before = used()
    for (let i = 10; i < 260; i++) await answered(requestBytes(large(i)))
    // Buffers are given back some time after they were collected, the last requests' later than their answers.
    await vi.waitFor(() => expect((used() - before) / 2 ** 20).toBeLessThan(20), { timeout: 20_000, interval: 100 }) // Of 75 MB that were sent.
  }, 60_000)

  it('does afterwards what it did before', async () => {
    await expectHealthy()
    expect(await options()).toBe(optionsBefore)
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
