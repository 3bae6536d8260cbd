/** What every MessageStore must do. The tests beside the implementations call it and add only what is theirs. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import { commit, commitSecret, commitUnsigned } from '../src/codec/message/commit.ts'
import { commitmentsOf } from '../src/codec/message/commitment.ts'
import { committersOf, linkId, messageId, unsignedId } from '../src/codec/message/id.ts'
import { messageSigner } from '../src/codec/message/signers.ts'
import { atom, Float, isList, isMessage, Link, type Message, message, type Value } from '../src/codec/message/value.ts'
import { verifyCommitment } from '../src/codec/message/verify.ts'
import type { MessageStore } from '../src/kernel/message-store.ts'
import { anyMessage } from './ao-core-arbitrary.ts'

const alice = messageSigner(wallet('alice'))
const bob = messageSigner(wallet('bob'))

function wallet(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
}

/** `open` gives an empty store each time. */
export function messageStoreContract(open: () => Promise<MessageStore>): void {
  let store: MessageStore
  beforeEach(async () => {
    store = await open()
  })

  /** The value with all that its links lead to. */
  const whole = async (value: Value | null): Promise<Value | null> => {
    if (value instanceof Link) return whole(await store.read(value.id))
    if (isList(value)) return Promise.all(value.map(async (item) => (await whole(item)) as Value))
    if (!isMessage(value)) return value
    return new Map(await Promise.all([...value].map(async ([key, item]): Promise<[string, Value]> => [key, (await whole(item)) as Value])))
  }

  it('has nothing at first', async () => {
    expect(await store.read(unsignedId(message({ a: '1' })))).toBeNull()
    expect(await store.read('a/path')).toBeNull()
    expect(await store.list('a/path')).toBeNull()
    expect(await store.match(message({ a: '1' }))).toEqual([])
  })

  it('gives back every kind of value', async () => {
    const kinds = message({
      text: 'täxt',
      empty: '',
      bytes: Uint8Array.of(0xff, 0, 1),
      integer: 7,
      negative: -9,
      large: 2n ** 70n,
      float: new Float(1.5),
      whole: new Float(2),
      yes: true,
      no: false,
      nothing: null,
      atom: atom('ok'),
      constructor: 'own',
    })
    const id = await store.write(kinds)
    expect(id).toBe(unsignedId(kinds))
    expect(await store.read(id)).toEqual(kinds)
  })

  it('gives back large binaries', async () => {
    const long = 'x'.repeat(200_000)
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) & 0xff)
    const id = await store.write(message({ long, middle: 'y'.repeat(1000), bytes }))
    const read = (await store.read(id)) as Message
    expect(read.get('long')).toBe(long)
    expect(read.get('middle')).toHaveLength(1000)
    expect(Buffer.from(read.get('bytes') as Uint8Array).equals(bytes)).toBe(true)
    expect(await store.read(`${id}/long`)).toBe(long)
  })

  it('gives children as links, each readable by itself', async () => {
    const child = message({ deep: { deeper: 'x' } })
    const outer = message({ child, list: [1, 'two', { three: 3 }], a: 'b' })
    const id = await store.write(outer)
    const read = (await store.read(id)) as Message
    expect(read.get('child')).toEqual(new Link(linkId(child)))
    expect(unsignedId(read)).toBe(id)
    expect(await whole(read)).toEqual(outer)
    expect(await whole(await store.read(linkId(child)))).toEqual(child)
  })

  it('finds keys of messages by path, also through children', async () => {
    const id = await store.write(message({ a: 'x', child: { deep: { deeper: 'y' } }, list: ['one', ['two']] }))
    expect(await store.read(`${id}/a`)).toBe('x')
    expect(await store.read(`${id}/child/deep/deeper`)).toBe('y')
    expect(await store.read(`${id}/list/1`)).toBe('one')
    expect(await store.read(`${id}/list/2/1`)).toBe('two')
    expect(await store.read(`${id}/nothing`)).toBeNull()
    expect(await store.read(`${id}/a/b`)).toBeNull()
  })

  it('finds a signed message by each of its ids', async () => {
    const plain = message({ a: 'x', child: { b: 'y' } })
    const signed = await commit(plain, alice)
    const id = await store.write(signed)
    expect(id).toBe(unsignedId(plain))
    for (const commitment of commitmentsOf(signed)) {
      const read = (await store.read(commitment.id)) as Message
      expect(commitmentsOf(read)).toContainEqual(commitment)
      expect(await whole(read.get('child')!)).toEqual(plain.get('child'))
    }
    const byId = (await store.read(messageId(signed, { committers: 'all' }))) as Message
    expect(messageId(byId, { committers: 'all' })).toBe(messageId(signed, { committers: 'all' }))
  })

  it('finds a child that somebody signed by the id that its message links to', async () => {
    const child = await commit(message({ inner: 'x' }), alice)
    const outer = message({ child, a: 'b' })
    const read = (await store.read(await store.write(outer))) as Message
    const link = read.get('child') as Link
    expect(link.id).toBe(linkId(child))
    const found = (await store.read(link.id)) as Message
    expect(linkId(found)).toBe(link.id)
    expect(unsignedId(read)).toBe(unsignedId(outer))
  })

  it('gives with an id of several signers all of them, and with each one’s id that one', async () => {
    const twice = await commit(await commit(message({ a: 'x' }), alice), bob)
    await store.write(twice)
    const both = messageId(twice, { committers: 'all' })
    const read = (await store.read(both)) as Message
    expect(messageId(read, { committers: 'all' })).toBe(both)
    const ofBob = messageId(twice, { committers: [bob.address] })
    const bobs = (await store.read(ofBob)) as Message
    expect(messageId(bobs, { committers: 'all' })).toBe(ofBob)
  })

  it('keeps what somebody committed to, and shows with each id what those cover who are meant', async () => {
    const ofAlice = await commit(message({ a: 'x', b: 'y', c: 'z' }), alice, { committed: ['a'] })
    const signed = await commit(ofAlice, bob, { committed: ['a', 'b'] })
    const id = await store.write(signed)
    expect(id).toBe(unsignedId(message({ a: 'x', b: 'y' })))
    const shown = async (
      path: string,
    ): Promise<{ readonly keys: readonly string[]; readonly by: readonly string[]; readonly read: Message }> => {
      const read = (await store.read(path)) as Message
      return { keys: [...read.keys()].filter((key) => key !== 'commitments').sort(), by: committersOf(read), read }
    }
    expect(await shown(id)).toMatchObject({ keys: ['a', 'b'], by: [] })
    expect(await shown(messageId(signed, { committers: [alice.address] }))).toMatchObject({ keys: ['a'], by: [alice.address] })
    expect(await shown(messageId(signed, { committers: [bob.address] }))).toMatchObject({ keys: ['a', 'b'], by: [bob.address] })
    const all = await shown(messageId(signed, { committers: 'all' }))
    expect(all).toMatchObject({ keys: ['a'], by: [alice.address, bob.address] })
    expect(linkId(all.read)).toBe(linkId(signed))
    for (const committers of ['none', [alice.address], [bob.address]] as const) {
      const { read } = await shown(committers === 'none' ? id : messageId(signed, { committers }))
      const commitments = commitmentsOf(read)
      expect(commitments.length).toBeGreaterThan(0)
      for (const commitment of commitments) expect(await verifyCommitment(read, commitment)).toBe(true)
    }
    await store.writeAt('named', signed)
    expect(await shown('named')).toMatchObject({ keys: ['a'], by: [alice.address, bob.address] })
  })

  it('shows with the unsigned id who signed nothing, also when it is written again by somebody', async () => {
    const plain = message({ a: 'x' })
    const id = await store.write(await commit(plain, alice))
    await store.write(await commit(plain, bob))
    await store.write(plain)
    const read = (await store.read(id)) as Message
    expect(committersOf(read)).toEqual([])
    expect(commitmentsOf(read).map(({ type }) => type)).toEqual(['hmac-sha256'])
    expect(await store.match(plain)).toEqual([id])
  })

  it('leads nowhere by the id of a secret, which anybody could choose', async () => {
    const signed = commitSecret(message({ a: 'x' }), 'secret')
    const id = await store.write(signed)
    expect(await store.read(`${id}/a`)).toBe('x')
    expect(await store.read(messageId(signed, { committers: 'all' }))).toBeNull()
  })

  it('keeps what is committed, and no other key', async () => {
    const signed = await commit(message({ a: 'x', b: 'y' }), alice, { committed: ['a'] })
    const id = await store.write(signed)
    const read = (await store.read(id)) as Message
    expect(read.get('a')).toBe('x')
    expect(read.has('b')).toBe(false)
    expect(id).toBe(unsignedId(message({ a: 'x' })))
  })

  it('keeps an unsigned commitment', async () => {
    const committed = commitUnsigned(message({ a: 'x' }))
    const read = (await store.read(await store.write(committed))) as Message
    expect(commitmentsOf(read).map(({ id }) => id)).toEqual(commitmentsOf(committed).map(({ id }) => id))
  })

  it('keeps no private key', async () => {
    const id = await store.write(message({ a: 'x', priv: 'secret', 'priv-note': 'secret', child: { private: 'secret', b: 'y' } }))
    const read = (await whole(await store.read(id))) as Message
    expect(read).toEqual(message({ a: 'x', child: { b: 'y' } }))
    expect(await store.read(`${id}/priv`)).toBeNull()
  })

  it('keeps values under paths', async () => {
    const values: Value[] = ['text', '', 42, true, null, new Float(0.5), atom('done'), 'long '.repeat(50_000), Uint8Array.of(1, 255)]
    for (const [i, value] of values.entries()) {
      const id = await store.writeAt(`base/${i}`, value)
      expect(await store.read(`base/${i}`)).toEqual(value)
      if (typeof value === 'string') expect(await store.read(id)).toBe(value)
    }
    const child = message({ a: { b: 'c' } })
    await store.writeAt('base/message', child)
    expect(await whole(await store.read('base/message'))).toEqual(child)
    expect(await store.read('base/message/a/b')).toBe('c')
  })

  it('writes over what was at a path', async () => {
    await store.writeAt('p/q', 'one')
    await store.writeAt('p/q', message({ two: 'x' }))
    expect(await store.read('p/q')).toEqual(message({ two: 'x' }))
  })

  it('links paths to what is elsewhere', async () => {
    const id = await store.write(message({ a: 'x', child: { b: 'y' } }))
    await store.link(id, 'name/of/it')
    expect(await store.read('name/of/it')).toEqual(await store.read(id))
    expect(await store.read('name/of/it/a')).toBe('x')
    await store.link(`${id}/a`, 'value')
    expect(await store.read('value')).toBe('x')
    await store.link(`${id}/child`, 'child')
    expect(await store.read('child/b')).toBe('y')
    await expect(store.link('nothing/here', 'there')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('hides no content behind a link that has its id', async () => {
    const id = await store.write(message({ a: 'x' }))
    const other = await store.write(message({ a: 'other' }))
    await store.link(other, id)
    expect(await store.read(`${id}/a`)).toBe('x')
  })

  it('lists keys', async () => {
    const id = await store.write(message({ b: 'x', a: { c: 'y' }, l: ['p', 'q'] }))
    expect([...((await store.list(id)) ?? [])].sort()).toEqual(['a', 'b', 'l'])
    expect(await store.list(`${id}/a`)).toEqual(['c'])
    expect(await store.list(`${id}/l`)).toEqual(['1', '2'])
    expect(await store.list(`${id}/b`)).toBeNull()
  })

  it('finds messages by what they say', async () => {
    const ids = await Promise.all(
      [message({ type: 'A', n: '1' }), message({ type: 'A', n: '2', long: 'x'.repeat(5000) }), message({ type: 'B', n: '2' })].map((one) =>
        store.write(one),
      ),
    )
    const sorted = (found: readonly string[]): string[] => [...found].sort()
    expect(sorted(await store.match(message({ type: 'A' })))).toEqual(sorted([ids[0]!, ids[1]!]))
    expect(await store.match(message({ type: 'A', n: '2' }))).toEqual([ids[1]])
    expect(await store.match(message({ long: 'x'.repeat(5000) }))).toEqual([ids[1]])
    expect(await store.match(message({ type: 'B', n: '1' }))).toEqual([])
    expect(await store.match(message({ type: 'A', missing: 'x' }))).toEqual([])
  })

  it('gives back any message, under its id', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage(), async (any) => {
        const id = await store.write(any)
        expect(id).toBe(unsignedId(any))
        const read = (await store.read(id)) as Message
        expect(unsignedId(read)).toBe(id)
        expect(unsignedId((await whole(read)) as Message)).toBe(id)
      }),
      { numRuns: 60 },
    )
  })
}
