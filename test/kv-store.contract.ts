/** What every KvStore must do. The tests beside the implementations call it and add only what is theirs. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bigEndian, toText, utf8 } from '../src/base/bytes.ts'
import { KV_KEY_BYTES_MAX, type KvEntry, type KvRange, type KvStore, type KvWrite, type Space } from '../src/store/kv-store.ts'

const put = (key: string, value = key, space: Space = 'meta'): KvWrite => ({ space, key: utf8(key), value: utf8(value) })
const remove = (key: string, space: Space = 'meta'): KvWrite => ({ space, key: utf8(key), value: null })

/** `open` gives an empty store each time. */
export function kvStoreContract(open: () => Promise<KvStore>): void {
  let store: KvStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const read = async (key: string, space: Space = 'meta'): Promise<string | null> => {
    const value = await store.get(space, utf8(key))
    return value && toText(value)
  }
  const keys = async (range?: KvRange, space: Space = 'meta'): Promise<string[]> => {
    const found: string[] = []
    for await (const { key } of store.scan(space, range)) found.push(toText(key))
    return found
  }

  it('returns null for an absent key', async () => {
    expect(await read('absent')).toBeNull()
  })

  it('returns what was written, also empty values', async () => {
    await store.write([put('a', 'one'), put('empty', '')])
    expect(await read('a')).toBe('one')
    expect(await store.get('meta', utf8('empty'))).toHaveLength(0)
  })

  it('keeps any byte in keys and values', async () => {
    const key = Uint8Array.from({ length: KV_KEY_BYTES_MAX }, (_, i) => (i * 37) & 0xff)
    const value = Uint8Array.from({ length: 1000 }, (_, i) => (i * 91) & 0xff)
    const zero = Uint8Array.of(0)
    await store.write([
      { space: 'log', key, value },
      { space: 'log', key: zero, value: zero },
    ])
    expect(Buffer.compare((await store.get('log', key))!, value)).toBe(0)
    expect(Buffer.compare((await store.get('log', zero))!, zero)).toBe(0)
  })

  it('keeps values from a byte to many megabytes', async () => {
    for (const size of [1, 4095, 4096, 65536, 20 * 1024 * 1024]) {
      const value = Buffer.alloc(size, size % 251)
      await store.write([{ space: 'bundles', key: utf8('big'), value }])
      expect(Buffer.compare((await store.get('bundles', utf8('big')))!, value), `${size} bytes`).toBe(0)
    }
  })

  it('gives bytes that later calls do not change', async () => {
    await store.write([put('a', 'one'), put('b', 'two')])
    const first = (await store.get('meta', utf8('a')))!
    await store.get('meta', utf8('b'))
    await store.write([put('a', 'new')])
    expect(toText(first)).toBe('one')
    first.fill(0)
    expect(await read('a')).toBe('new')
  })

  it('keeps spaces apart', async () => {
    await store.write([put('same', 'meta', 'meta'), put('same', 'log', 'log')])
    expect([await read('same', 'meta'), await read('same', 'log'), await read('same', 'items')]).toEqual(['meta', 'log', null])
  })

  it('replaces and deletes; deleting what is absent is fine', async () => {
    await store.write([put('a', 'one'), put('b')])
    await store.write([put('a', 'two'), remove('b'), remove('never')])
    expect([await read('a'), await read('b')]).toEqual(['two', null])
  })

  it('applies the writes of one batch in their order', async () => {
    await store.write([put('a', 'one'), remove('a'), put('a', 'two'), put('b'), remove('b')])
    expect([await read('a'), await read('b')]).toEqual(['two', null])
  })

  it('takes an empty batch', async () => {
    await store.write([])
    expect(await keys()).toEqual([])
  })

  it('getMany answers in the order of the keys', async () => {
    await store.write([put('a', 'one'), put('c', 'three')])
    const found = await store.getMany('meta', ['c', 'b', 'a', 'c'].map(utf8))
    expect(found.map((value) => value && toText(value))).toEqual(['three', null, 'one', 'three'])
    expect(await store.getMany('meta', [])).toEqual([])
  })

  it('refuses keys without bytes and keys that are too long, and writes nothing of their batch', async () => {
    for (const key of [new Uint8Array(0), new Uint8Array(KV_KEY_BYTES_MAX + 1)]) {
      await expect(store.write([put('a'), { space: 'meta', key, value: utf8('x') }]), `${key.length} bytes`).rejects.toThrow(RangeError)
      await expect(store.get('meta', key), `${key.length} bytes`).rejects.toThrow(RangeError)
    }
    expect(await keys()).toEqual([])
  })

  it('concurrent batches apply and resolve in the order of the calls', async () => {
    const order: number[] = []
    const writes = Array.from({ length: 200 }, async (_, i) => {
      await store.write([put('last', String(i)), put(`key ${i}`)])
      order.push(i)
    })
    await Promise.all(writes)
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(await read('last')).toBe('199')
    expect(await keys({ prefix: utf8('key ') })).toHaveLength(200)
  })

  it('a batch is seen whole or not at all', async () => {
    let writing = true
    const writer = async (): Promise<void> => {
      for (let i = 0; i < 200; i++) await store.write([put('x', String(i), 'meta'), put('y', String(i), 'log')])
      writing = false
    }
    const done = writer()
    while (writing) {
      const [x] = await store.getMany('meta', [utf8('x')])
      const y = await read('y', 'log')
      expect(Number(y ?? -1)).toBeGreaterThanOrEqual(Number(x ? toText(x) : -1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await done
    expect([await read('x'), await read('y', 'log')]).toEqual(['199', '199'])
  })

  it('scans in byte order', async () => {
    await store.write(['b', 'a', 'ab', 'c', 'B', 'é'].map((key) => put(key)))
    expect(await keys()).toEqual(['B', 'a', 'ab', 'b', 'c', 'é'])
    expect(await keys({ reverse: true })).toEqual(['é', 'c', 'b', 'ab', 'a', 'B'])
  })

  it('scans numbers in their order', async () => {
    const numbers = [0, 1, 2, 255, 256, 65536, 2 ** 40]
    await store.write(numbers.toReversed().map((n) => ({ space: 'journal', key: bigEndian(n, 8), value: utf8(String(n)) })))
    const found: number[] = []
    for await (const { value } of store.scan('journal')) found.push(Number(toText(value)))
    expect(found).toEqual(numbers)
    const [last] = await collect(store.scan('journal', { reverse: true, limit: 1 }))
    expect(toText(last!.value)).toBe(String(2 ** 40))
  })

  it('honours prefix, bounds, direction and limit', async () => {
    await store.write(['a', 'aa', 'ab', 'abc', 'b', 'ba', 'c'].map((key) => put(key)))
    const cases: [KvRange, string[]][] = [
      [{ prefix: utf8('a') }, ['a', 'aa', 'ab', 'abc']],
      [{ prefix: utf8('ab') }, ['ab', 'abc']],
      [{ prefix: utf8('x') }, []],
      [{ prefix: utf8('a'), reverse: true }, ['abc', 'ab', 'aa', 'a']],
      [{ prefix: utf8('a'), gt: utf8('aa') }, ['ab', 'abc']],
      [{ prefix: utf8('a'), gt: utf8('b') }, []],
      [{ gte: utf8('ab'), lte: utf8('b') }, ['ab', 'abc', 'b']],
      [{ gt: utf8('ab'), lt: utf8('b') }, ['abc']],
      [{ gte: utf8('ab'), lte: utf8('b'), reverse: true }, ['b', 'abc', 'ab']],
      [{ gt: utf8('ab'), lt: utf8('b'), reverse: true }, ['abc']],
      [{ gte: utf8('abb') }, ['abc', 'b', 'ba', 'c']],
      [{ lt: utf8('abb') }, ['a', 'aa', 'ab']],
      [{ lt: utf8('abb'), reverse: true, limit: 2 }, ['ab', 'aa']],
      [{ limit: 0 }, []],
      [{ limit: 3 }, ['a', 'aa', 'ab']],
      [{ gte: utf8('c'), lt: utf8('a') }, []],
      [{ gte: utf8('c'), lt: utf8('a'), reverse: true }, []],
    ]
    for (const [range, expected] of cases) expect(await keys(range), JSON.stringify(range)).toEqual(expected)
  })

  it('honours prefixes that end in 0xff', async () => {
    const all = [[0xfe], [0xff], [0xff, 0], [0xff, 0xff], [0xff, 0xff, 1]].map((key) => Uint8Array.from(key))
    await store.write(all.map((key) => ({ space: 'meta', key, value: key })))
    expect(await collect(store.scan('meta', { prefix: Uint8Array.of(0xff) }))).toHaveLength(4)
    expect(await collect(store.scan('meta', { prefix: Uint8Array.of(0xff, 0xff), reverse: true }))).toHaveLength(2)
    expect(await collect(store.scan('meta', { prefix: Uint8Array.of(0xfe) }))).toHaveLength(1)
  })

  it('any range equals a filter over all keys', async () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => bytes.map((byte) => [0, 1, 254, 255][byte & 3]!))
    const all = await filled(store, fc.sample(key, 60))
    const bound = fc.option(key, { nil: undefined })
    const ranges = fc.record({ prefix: bound, gte: bound, gt: bound, lt: bound, lte: bound, reverse: fc.boolean(), limit: fc.nat(9) })
    await fc.assert(
      fc.asyncProperty(ranges, async (found) => {
        const range = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as KvRange
        const entries = await collect(store.scan('meta', range))
        expect(entries.map((entry) => hex(entry.key))).toEqual(expected(all, range))
      }),
      { numRuns: 300 },
    )
  })

  it('a scan does not see writes made after the call', async () => {
    await store.write(['k1', 'k3', 'k5'].map((key) => put(key)))
    const scan = store.scan('meta')
    await store.write([put('k2'), remove('k5'), put('k3', 'changed')])
    const found = (await collect(scan)).map(({ key, value }) => `${toText(key)}=${toText(value)}`)
    expect(found).toEqual(['k1=k1', 'k3=k3', 'k5=k5'])
  })

  it('a long scan keeps its snapshot while writes go on', async () => {
    const name = (i: number): string => String(i).padStart(5, '0')
    await store.write(Array.from({ length: 2000 }, (_, i) => put(name(i), 'x'.repeat(1000))))
    let seen = 0
    for await (const { key, value } of store.scan('meta')) {
      expect(toText(key)).toBe(name(seen))
      expect(value.length, name(seen)).toBe(1000)
      if (seen % 100 === 0) await store.write([remove(name(1999 - seen)), put(`${name(seen)}-new`), put(name(seen + 1), 'changed')])
      seen += 1
    }
    expect(seen).toBe(2000)
  })

  it('a scan may be left early, many times', async () => {
    await store.write(Array.from({ length: 1000 }, (_, i) => put(String(i).padStart(5, '0'))))
    for (let i = 0; i < 300; i++) {
      for await (const { key } of store.scan('meta')) {
        expect(toText(key)).toBe('00000')
        break
      }
    }
  })

  it('many scans may run at once', async () => {
    await store.write(Array.from({ length: 1000 }, (_, i) => put(String(i).padStart(5, '0'))))
    const counts = await Promise.all(Array.from({ length: 200 }, async () => (await keys()).length))
    expect(new Set(counts)).toEqual(new Set([1000]))
  })

  it('clear empties every space, in order with other writes', async () => {
    await store.write([put('a', 'a', 'meta'), put('a', 'a', 'log')])
    const before = store.write([put('before')])
    const clearing = store.clear()
    const after = store.write([put('after')])
    await Promise.all([before, clearing, after])
    expect(await keys()).toEqual(['after'])
    expect(await keys({}, 'log')).toEqual([])
  })

  it('close waits for writes; afterwards everything is refused', async () => {
    let written = false
    const write = store.write([put('a')]).then(() => {
      written = true
    })
    await store.close()
    await write
    expect(written).toBe(true)
    const failed = { code: 'store-failed' }
    await expect(store.get('meta', utf8('a'))).rejects.toMatchObject(failed)
    await expect(store.getMany('meta', [utf8('a')])).rejects.toMatchObject(failed)
    await expect(store.write([put('a')])).rejects.toMatchObject(failed)
    await expect(store.clear()).rejects.toMatchObject(failed)
    await expect(keys()).rejects.toMatchObject(failed)
    await store.close()
  })

  it('close ends scans that are under way', async () => {
    await store.write(Array.from({ length: 1000 }, (_, i) => put(String(i).padStart(5, '0'))))
    const scan = store.scan('meta')[Symbol.asyncIterator]()
    await scan.next()
    await store.close()
    const rest = async (): Promise<void> => {
      for (let step = await scan.next(); !step.done; ) step = await scan.next()
    }
    await expect(rest()).rejects.toMatchObject({ code: 'store-failed' })
  })
}

async function collect(scan: AsyncIterable<KvEntry>): Promise<KvEntry[]> {
  const entries: KvEntry[] = []
  for await (const entry of scan) entries.push(entry)
  return entries
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

async function filled(store: KvStore, keys: readonly Uint8Array[]): Promise<string[]> {
  await store.write(keys.map((key) => ({ space: 'meta', key, value: key })))
  return [...new Set(keys.map(hex))].sort()
}

function expected(all: readonly string[], { prefix, gte, gt, lt, lte, reverse, limit }: KvRange): string[] {
  const found = all.filter(
    (key) =>
      (!prefix || key.startsWith(hex(prefix))) &&
      (!gte || key >= hex(gte)) &&
      (!gt || key > hex(gt)) &&
      (!lt || key < hex(lt)) &&
      (!lte || key <= hex(lte)),
  )
  return (reverse ? found.reverse() : found).slice(0, limit)
}
