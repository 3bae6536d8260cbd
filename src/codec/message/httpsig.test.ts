import { describe, expect, it } from 'vitest'
import {
  binaryFrom,
  bytesFrom,
  comparable,
  formFrom,
  isTypedError,
  messageFrom,
  readVectors,
  type Typed,
  type TypedBody,
  type TypedForm,
  tabmFrom,
} from '../../../test/ao-core-vectors.ts'
import { EMPTY } from '../../base/bytes.ts'
import { decodeHttpsig, encodeHttpsig, encodeHttpsigWire, isLegalHttp } from './httpsig.ts'
import { decodeStructured } from './structured.ts'
import type { HttpsigForm, Message, Tabm, Value } from './value.ts'

interface MessageCase {
  readonly name: string
  readonly input: Typed
  readonly 'tabm-linked': Typed
  readonly 'tabm-bundled': Typed
  readonly 'httpsig-linked': TypedForm
  readonly 'httpsig-nested': TypedForm
  readonly 'httpsig-bundled': TypedForm
  readonly 'roundtrip-bundled': Typed
}

const { cases } = readVectors<{ cases: MessageCase[] }>('ao-core-messages.json')

/** What a test can compare: sorted headers, body as text where it is. */
function shown({ headers, body }: { headers: HttpsigForm['headers']; body: Uint8Array | null }): unknown {
  const sorted = [...headers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, comparable(value)])
  return { headers: sorted, body: comparable(body ?? EMPTY) }
}

function expected({ headers, body = {} }: TypedForm): unknown {
  const names = Object.entries(headers).map(([name, value]) => [name, binaryFrom(value)] as const)
  return shown({ headers: new Map(names), body: bytesFrom(body as TypedBody) })
}

function structured(tabm: Tabm): Message {
  return decodeStructured(tabm) as Message
}

const MENDED: ReadonlyMap<string, Message> = new Map([
  mended('ao-body-key-explicit', (message) => message.set('ao-body-key', 'payload')),
  mended('types-in-part-name', (message) => within(message, 'x', 'ao-body-key', 'foo')),
  mended('nested-empty-body', (message) => within(message, 'a', 'body', '')),
])

/** As Node.js gives headers to a server: names in lower case, values without spaces at their ends. */
function overHttp({ headers, body }: HttpsigForm): HttpsigForm {
  const sent = [...headers].map(([name, value]) => [name.toLowerCase(), (value as string).trim()] as const)
  // Case alone is lost, and what was signed brings it back.
  const names = [...headers.keys()].map((name) => `"${name}"`).join(' ')
  return { headers: new Map([...sent, ['signature-input', `sig=(${names})`]]), body: body?.length === 0 ? null : body }
}

describe('the reference form of 63 messages', () => {
  it.each(cases)('$name, with links', (one) => {
    expect(shown(encodeHttpsig(tabmFrom(one['tabm-linked'])))).toEqual(expected(one['httpsig-linked']))
  })

  it.each(cases)('$name, nested', (one) => {
    expect(shown(encodeHttpsig(tabmFrom(one['tabm-bundled'])))).toEqual(expected(one['httpsig-nested']))
  })

  it.each(cases)('$name, decoded from its nested form', (one) => {
    const tabm = tabmFrom(one['tabm-bundled'])
    // The reference writes nothing at all for an empty `body` within a message.
    const kept = one.name === 'nested-empty-body' ? new Map([['a', new Map([['x', 'y']])]]) : tabm
    expect(comparable(decodeHttpsig(encodeHttpsig(tabm)))).toEqual(comparable(kept))
  })

  it.each(cases)('$name, decoded from its wire form', (one) => {
    const tabm = tabmFrom(one['tabm-bundled'])
    const form = encodeHttpsigWire(tabm)
    expect(isLegalHttp(form)).toBe(true)
    expect(comparable(decodeHttpsig(overHttp(form)))).toEqual(comparable(tabm))
  })

  it.each(cases.filter((one) => isReferenceForm(one['httpsig-bundled'])))('$name, bundled', (one) => {
    const form = formFrom(one['httpsig-bundled'])
    const tabm = decodeHttpsig(one.name === 'empty-body' ? { ...form, body: EMPTY } : form)
    expect(shown(encodeHttpsig(tabm))).toEqual(expected(one['httpsig-bundled']))
    expect(comparable(structured(tabm))).toEqual(comparable(MENDED.get(one.name) ?? messageFrom(one['roundtrip-bundled'])))
  })

  it('has one message that the reference cannot bundle: its integers end at 15 digits', () => {
    expect(cases.filter((one) => !isReferenceForm(one['httpsig-bundled'])).map(({ name }) => name)).toEqual(['int-types'])
  })
})

function isReferenceForm(form: TypedForm): boolean {
  return !isTypedError(form as unknown as Typed)
}

/** What the reference loses and its bytes still have. */
function mended(name: string, changes: (message: Map<string, Value>) => void): [string, Message] {
  const one = cases.find((other) => other.name === name)
  const message = new Map(messageFrom(one?.['roundtrip-bundled'] ?? {}))
  changes(message)
  return [name, message]
}

function within(message: Map<string, Value>, key: string, name: string, value: Value): void {
  message.set(key, new Map([...(message.get(key) as Message), [name, value]]))
}
