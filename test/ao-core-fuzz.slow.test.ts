/** Whatever comes in as a message of AO-Core or as a path: a value or a coded failure, nothing private, and no word that nobody signed beside a signature. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64url, toText, utf8 } from '../src/base/bytes.ts'
import { PATH_STEPS_MAX } from '../src/base/limits.ts'
import { keyFromJwk } from '../src/codec/keys.ts'
import { decodeAns104, decodeAns104Value, encodeAns104, receiveAns104 } from '../src/codec/message/ans104.ts'
import { commit } from '../src/codec/message/commit.ts'
import { commitmentsOf } from '../src/codec/message/commitment.ts'
import { checkContentDigest } from '../src/codec/message/content-digest.ts'
import { detectDialect } from '../src/codec/message/dialect.ts'
import { decodeFlat, decodeFlatText, encodeFlat, encodeFlatText } from '../src/codec/message/flat.ts'
import { verifyHashpath } from '../src/codec/message/hashpath.ts'
import { decodeHttpMessage, encodeHttpMessage } from '../src/codec/message/http-message.ts'
import { decodeHttpsigParts } from '../src/codec/message/httpsig.ts'
import { committersOf, linkId, unsignedId } from '../src/codec/message/id.ts'
import { decodeJson, decodeJsonValue, encodeJson } from '../src/codec/message/json.ts'
import { MultipartReader, readMultipart } from '../src/codec/message/multipart.ts'
import { sameValue } from '../src/codec/message/same-value.ts'
import { parseSignatures } from '../src/codec/message/signature-headers.ts'
import { itemSigner, messageSigner } from '../src/codec/message/signers.ts'
import { decodeStructured, encodeStructured } from '../src/codec/message/structured.ts'
import { parseDictionary, parseItem, parseList } from '../src/codec/message/structured-fields.ts'
import { decodeTx, encodeTx, encodeTxJson, receiveTx } from '../src/codec/message/tx.ts'
import { decodeTyped } from '../src/codec/message/typed-text.ts'
import {
  type Binary,
  type HttpsigForm,
  isList,
  isMessage,
  type Message,
  message,
  type Tabm,
  type Value,
} from '../src/codec/message/value.ts'
import { admitMessage, verifyReceived } from '../src/codec/message/verify.ts'
import { parsePath, splitTarget } from '../src/kernel/singleton.ts'
import { Cast, type Step, type StepMessage, Steps } from '../src/kernel/steps.ts'
import { anyBinary, anyMessage } from './ao-core-arbitrary.ts'
import { formFrom, messageFrom, readVectors, type Typed, type TypedBody, type TypedForm, vectorKeys } from './ao-core-vectors.ts'
import { anyText, bytesLike, holds, joinedFrom, MANY_KINDS, survives, textLike } from './fuzz-inputs.ts'

const ALICE = messageSigner(vectorKeys['key-1'])
const MALLORY = messageSigner(vectorKeys['key-2'])
const signed = await commit(message(MANY_KINDS), ALICE)
const bundled = await commit(message(MANY_KINDS), ALICE, { bundle: true })
const partly = await commit(message(MANY_KINDS), ALICE, { committed: ['action', 'child'] })
const within = message({ note: 'outside', body: signed, also: [partly] })
const item = await encodeAns104(message(MANY_KINDS), itemSigner(vectorKeys['key-1']))
const transaction = encodeTxJson(await encodeTx(message({ app: 'x', Mixed: 'y', data: 'some data' }), keyFromJwk(vectorKeys['key-1'])))

const forms: readonly HttpsigForm[] = [
  ...[signed, bundled, partly].map((each) => encodeHttpMessage(each, { bundle: each === bundled })),
  encodeHttpMessage(await commit(signed, MALLORY)),
  encodeHttpMessage(within, { bundle: true }),
  encodeHttpMessage(message(MANY_KINDS), { bundle: true }),
  ...readVectors<{ cases: readonly { signed: Recorded }[] }>('ao-core-hbsig.json').cases.map(({ signed: { headers, body } }) =>
    formFrom(body === null ? { headers } : { headers, body }),
  ),
  ...readVectors<{ cases: readonly { 'httpsig-bundled': TypedForm }[] }>('ao-core-messages.json').cases.flatMap((each) =>
    attempt(() => formFrom(each['httpsig-bundled'])),
  ),
]
const messages = readVectors<{ cases: readonly { input: Typed }[] }>('ao-core-messages.json').cases.map((each) => messageFrom(each.input))
const jsons = [signed, partly, within, message({ a: [within] }), ...messages.slice(0, 40)].flatMap((each) =>
  attempt(() => encodeJson(each)),
)
const flats = messages.flatMap((each) => attempt(() => encodeFlatText(encodeFlat(encodeStructured(each) as Tabm))))

function attempt<T>(make: () => T): T[] {
  try {
    return [make()]
  } catch {
    return []
  }
}

interface Recorded {
  readonly headers: TypedForm['headers']
  readonly body: TypedBody | null
}

/** What somebody might hope to get in. */
const SMUGGLED = [
  'priv-received',
  'priv-item',
  'priv-wire',
  'priv',
  'PRIV',
  'priv_wallet',
  '%70riv-received',
  '__proto__',
  'constructor',
  'commitments',
  'ao-types',
]

/** A form with some headers changed, lost, renamed or taken from another one, and the same for its body. */
const formLike: fc.Arbitrary<HttpsigForm> = fc
  .tuple(
    fc.constantFrom(...forms),
    fc.constantFrom(...forms),
    fc.array(fc.tuple(fc.constantFrom('set', 'spoil', 'drop', 'rename', 'take', 'body', 'spoil body'), fc.nat(), fc.nat(), anyBinary), {
      maxLength: 3,
    }),
    bytesLike(...forms.flatMap(({ body }) => body ?? [])),
  )
  .map(([form, other, changes, bytes]) => changes.reduce((spoilt, change) => changed(spoilt, other, change, bytes), form))

function changed(
  form: HttpsigForm,
  other: HttpsigForm,
  [kind, at, to, value]: readonly [string, number, number, Binary],
  bytes: Uint8Array,
): HttpsigForm {
  const headers = new Map(form.headers)
  const names = [...headers.keys(), ...SMUGGLED, 'content-type', 'ao-body-key', 'body-keys', 'inline-body-key', 'content-digest']
  const name = names[at % names.length]!
  const old = headers.get(name) ?? ''
  if (kind === 'set') headers.set(name, value)
  if (kind === 'spoil' && typeof old === 'string')
    headers.set(name, `${old.slice(0, to % (old.length + 1))}${value}${old.slice((to % (old.length + 1)) + 1)}`)
  if (kind === 'drop' || kind === 'rename') headers.delete(name)
  if (kind === 'rename')
    headers.set([name.toUpperCase(), `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`, `${name}+link`][to % 3]!, old)
  if (kind === 'take') for (const [key, taken] of other.headers) if (key === name || to % 2 === 0) headers.set(key, taken)
  const body = kind === 'body' ? other.body : kind === 'spoil body' ? bytes : form.body
  return { headers, body }
}

/** Everything that is done with a message: nothing of it may fail but with a code. */
async function used(value: Value): Promise<void> {
  expectPublic(value)
  if (!isMessage(value)) return
  for (const use of [
    () => unsignedId(value),
    () => linkId(value),
    () => encodeJson(value),
    () => encodeJson(value, { linkOf: linkId }),
    () => decodeStructured(encodeStructured(value)),
    () => encodeFlatText(encodeFlat(encodeStructured(value))),
    () => encodeHttpMessage(value),
    () => encodeHttpMessage(value, { bundle: true }),
    () => encodeHttpMessage(value, { dialect: 'g0' }),
    () => encodeAns104(value),
    () => admitMessage(value),
  ])
    await holds(use)
}

/** Only this node's notes about commitments are private. */
function expectPublic(value: Value): void {
  const noted = isMessage(value) ? [...value.values()].flatMap(keysIn) : []
  for (const key of [...keysIn(value), ...noted]) expect(key).not.toMatch(/^priv(?!-(received|wire|item)$)/)
}

function keysIn(value: Value): string[] {
  if (isList(value)) return value.flatMap(keysIn)
  return isMessage(value) ? [...value].flatMap(([key, item]) => [key, ...keysIn(item)]) : []
}

describe('any text into', () => {
  const sf = textLike(
    'a=1, b="x";q=1.5;r, c=(1 "two" :aGk=:);p=?0, d',
    '"one", two, 3, -4.5, :AA==:, ?1',
    '(ao-type-integer) 1,(ao-type-binary) two',
  )
  survives(
    'structured fields',
    fc.oneof(sf, joinedFrom(['a', '=', '(', ')', '"', '\\', ';', ',', ' ', '?1', ':', '1', '.', '-', '*', '%41'], 40)),
    (text) => {
      const all = [parseDictionary, parseList, parseItem] as const
      return Promise.all(all.map((parse) => holds(() => void parse(text))))
    },
  )
  survives(
    'typed values',
    fc.tuple(fc.constantFrom('integer', 'float', 'atom', 'list', 'map', 'base64url', 'empty-list', 'x'), fc.oneof(sf, anyBinary)),
    ([type, text]) => decodeTyped(type, text),
  )
  survives('signature headers', fc.tuple(...[0, 1].map(() => textLike(...signatureTexts()))), ([signature = '', input = '']) => {
    const headers = new Map([
      ['signature', signature],
      ['signature-input', input],
    ])
    detectDialect(headers)
    parseSignatures(headers)
  })
  survives('content digests', textLike('sha-256=:MOfkHvqzGovqpRLqSKpNmQcElglUI9TWUxN6f1EeuHc=:, sha-512=:AA==:'), (text) =>
    checkContentDigest(text, utf8('x')),
  )
  survives(
    'JSON',
    fc.oneof(
      textLike(...jsons),
      fc.tuple(textLike(...jsons), fc.constantFrom(...SMUGGLED)).map(([json, key]) => json.replace('"action"', JSON.stringify(key))),
    ),
    async (text) => {
      expect(keysIn(decodeJsonValue(text)).filter((key) => key.startsWith('priv'))).toEqual([])
      await used(decodeJson(text))
    },
  )
  survives('flat text', textLike(...flats, 'a/b/c: 1\nao-types: a="integer"\npriv/x: 1\n__proto__/x: y\na: \n'), async (text) =>
    used(decodeStructured(decodeFlat(decodeFlatText(text)))),
  )
  survives('hashpaths', fc.tuple(anyText, anyText, anyText), ([base, request, hashpath]) =>
    verifyHashpath({ base, requests: [request, request], hashpath }),
  )

  function signatureTexts(): string[] {
    return forms.flatMap(({ headers }) =>
      [headers.get('signature'), headers.get('signature-input')].filter((text) => typeof text === 'string'),
    )
  }
})

describe('any bytes into', () => {
  const bodies = forms.flatMap(({ body }) => body ?? [])
  const parts = joinedFrom(
    [
      '--b',
      '\r\n',
      '\n',
      '--',
      ': ',
      'content-disposition',
      'Content-Disposition: form-data; name="',
      '"',
      'a/b',
      '/',
      'priv/x',
      'inline',
      'ao-types',
      'x="integer"',
      '\0',
      'é',
    ],
    30,
  )
  survives('multipart', fc.oneof(bytesLike(...bodies), parts.map(utf8)), async (given) => {
    const bytes = Uint8Array.from(given)
    const boundary = /^--([!-~]{1,70})\r?\n/.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? 'b'
    const whole = outcome(() => readMultipart(bytes, boundary))
    const cut = outcome(() => {
      const reader = new MultipartReader(boundary)
      for (let at = 0; at < bytes.length; at += 7) reader.push(bytes.subarray(at, at + 7))
      return reader.end()
    })
    expect(cut).toEqual(whole)
    if (whole.error !== null) throw whole.error
  })
  survives('data items as messages', bytesLike(item), async (bytes) => {
    await holds(() => decodeAns104Value(bytes))
    await used(decodeAns104(bytes))
  })
  survives('transactions as messages', bytesLike(utf8(transaction)), async (bytes) => used(decodeTx(bytes)))
  survives('forms', formLike, async (form) => {
    const { tabm } = decodeHttpsigParts(form)
    expect(keysIn(tabm as Message).filter((key) => key.startsWith('priv'))).toEqual([])
    await used(decodeHttpMessage(form))
  })
  survives('TABMs', anyMessage({ maxKeys: 8 }), async (any) => used(decodeStructured(any as Tabm)))

  function outcome<T>(run: () => T): { value: T | null; error: unknown } {
    try {
      return { value: run(), error: null }
    } catch (error) {
      return { value: null, error }
    }
  }
})

describe('a signature', () => {
  /** Whoever is said to have committed to something has said exactly this. */
  function expectOwnWords(received: Message): void {
    for (const { committer, committed } of received.has('commitments') ? commitmentsOf(received) : [])
      if (committer === ALICE.address)
        for (const key of committed) expect([key, key === 'ao-types' || sameValue(received.get(key), signed.get(key))]).toEqual([key, true])
    for (const value of received.values())
      for (const inner of [value, ...(isList(value) ? value : [])]) if (isMessage(inner)) expectOwnWords(inner)
  }
  /** And nobody has put words beside it. */
  function expectNoOtherWords(received: Message): void {
    expectOwnWords(received)
    if (!committersOf(received).includes(ALICE.address)) return
    for (const [key, value] of received) expect([key, key === 'commitments' || sameValue(value, signed.get(key))]).toEqual([key, true])
  }
  const own = forms.slice(0, 4)
  const spoilt = (good: readonly HttpsigForm[]): fc.Arbitrary<HttpsigForm> =>
    fc
      .tuple(
        fc.constantFrom(...good),
        fc.constantFrom(...own, forms[5]!),
        fc.array(fc.tuple(fc.constantFrom('set', 'spoil', 'drop', 'rename', 'take', 'body', 'spoil body'), fc.nat(), fc.nat(), anyBinary), {
          maxLength: 2,
        }),
        bytesLike(...own.flatMap(({ body }) => body ?? [])),
      )
      .map(([form, other, changes, bytes]) => changes.reduce((result, change) => changed(result, other, change, bytes), form))

  survives('over HTTP is of nothing but what was signed', spoilt(own), async (form) =>
    expectNoOtherWords((await verifyReceived(form)).message),
  )
  survives('within other messages too', spoilt([forms[4]!]), async (form) => expectOwnWords((await verifyReceived(form)).message))
  survives('in JSON too', textLike(encodeJson(signed), encodeJson(within)), async (text) =>
    expectOwnWords(await admitMessage(decodeJson(text))),
  )
  survives('of any client', formLike, async (form) => expectPublic((await verifyReceived(form)).message))
  survives('of a data item', bytesLike(item), async (bytes) => {
    const received = await receiveAns104(bytes)
    if (committersOf(received).length > 0) expect(toBase64url(await encodeAns104(received))).toBe(toBase64url(item))
  })
  survives('of a transaction', bytesLike(utf8(transaction)), async (bytes) => {
    const received = await receiveTx(bytes)
    if (committersOf(received).length > 0) expect(toText(utf8(encodeTxJson(await encodeTx(received))))).toBe(transaction)
  })
  it('is the same for what was not changed', async () => {
    for (const form of own) {
      const { message: received } = await verifyReceived(form)
      expect(committersOf(received)).toContain(ALICE.address)
      expectNoOtherWords(received)
    }
    const { message: around } = await verifyReceived(forms[4]!)
    expect(committersOf(around.get('body') as Message)).toContain(ALICE.address)
    expectOwnWords(around)
    expect(committersOf(await receiveAns104(item))).toEqual([ALICE.address])
    expect(committersOf(await receiveTx(utf8(transaction)))).toEqual([ALICE.address])
  })
})

describe('any target', () => {
  const ID = toBase64url(new Uint8Array(32).fill(7))
  const pieces = [
    '/',
    '~message@1.0',
    'a',
    '&',
    '=',
    '+integer',
    '+list',
    '+resolve',
    '"',
    '(',
    ')',
    '?',
    '%',
    '%2F',
    '%22',
    '%28',
    '%00',
    '+',
    ' ',
    '.',
    '1.',
    'priv',
    'commitments',
    '\\',
    'é',
    ID,
    '9',
  ]
  const good = [
    `/${ID}~process@1.0&slot+integer=5/compute?1.k=v&2.k+atom=true`,
    '/~message@1.0&k=(/~meta@1.0/info/address)&l+list="1","two"/k',
    '/(/x/y&q="b/c&d")/z?k+resolve=/a/b&k=%41&flag',
  ]
  const keys = anyMessage({ depth: 1 }).map((any) => new Map<string, Value>([...any, ['2.b', 'x'], ['d.e', '1'], ['n+integer', '1']]))

  function countOf(steps: readonly Step[]): number {
    return steps.reduce((sum, step) => sum + 1 + (step instanceof Steps ? countOf(step.steps) : 0), 0)
  }
  function expectNothingPrivate(step: Step | StepMessage): void {
    if (step instanceof Steps) for (const inner of step.steps) expectNothingPrivate(inner)
    if (step instanceof Cast) expectNothingPrivate(step.message)
    if (!(step instanceof Map)) return
    for (const [key, value] of step as StepMessage) {
      expect(key).not.toMatch(/^priv/)
      if (value instanceof Steps) expectNothingPrivate(value)
    }
    expect((step as StepMessage).has('commitments')).toBe(false)
  }
  survives('is some steps', fc.tuple(fc.oneof(joinedFrom(pieces, 25), textLike(...good)), keys), ([target, given]) => {
    const steps = parsePath({ target: `/${target}`, keys: given })
    expect(countOf(steps)).toBeLessThanOrEqual(PATH_STEPS_MAX)
    for (const step of steps) expectNothingPrivate(step)
    expect(parsePath({ target: splitTarget(`/${target}`), keys: given })).toEqual(steps)
  })
})

describe('what is large takes time that grows no faster than it does', () => {
  const LARGE = 1_000_000
  const full = (unit: string): string => unit.repeat(Math.ceil(LARGE / unit.length))
  const texts = [
    '(',
    '"',
    '((',
    '/a',
    '&a',
    '?a',
    '%41',
    '%',
    '=',
    '+',
    '"(',
    ')(',
    'a=(b)',
    '\\"',
    ',',
    ';a',
    '1,',
    'a=1,',
    '"a",',
    '(ao-type-list) ',
    '{"a":',
    '[',
    '[[],',
    '"\\',
    '9',
    ': ',
    '\n',
    'a/',
    'a: 1\n',
    'a/a: 1\n',
    '--b\r\n',
    '\r\n',
    '\r\n--',
    '{"a":1,',
  ]
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    path: (text) => parsePath({ target: `/~a@1.0/${text}`, keys: new Map() }),
    query: (text) => parsePath({ target: `/~a@1.0?${text}`, keys: new Map() }),
    dictionary: parseDictionary,
    list: parseList,
    'typed list': (text) => decodeTyped('list', text),
    integer: (text) => decodeTyped('integer', text),
    JSON: decodeJson,
    flat: (text) => decodeFlat(decodeFlatText(text)),
    multipart: (text) => readMultipart(utf8(text), 'b'),
    'signature-input': (text) =>
      parseSignatures(
        new Map([
          ['signature', text],
          ['signature-input', text],
        ]),
      ),
    'ao-types': (text) => decodeStructured(new Map([['ao-types', text]])),
    'header names': (text) => decodeHttpsigParts({ headers: new Map([[text, 'x']]), body: null }),
    'content-type': (text) => decodeHttpsigParts({ headers: new Map([['content-type', `multipart/form-data; ${text}`]]), body: utf8('x') }),
  }
  for (const [name, read] of Object.entries(readers))
    it(name, async () => {
      for (const unit of texts) {
        const startedMs = performance.now()
        await holds(() => void read(full(unit)))
        expect([unit, performance.now() - startedMs]).toEqual([unit, expect.toSatisfy((ms: number) => ms < 2_000)])
      }
    })
})

it('no object has got anything of it', () => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12)
  expect(Object.keys(Object.prototype)).toEqual([])
})
