import { describe, expect, it } from 'vitest'
import { toText, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import type { TxId } from '../base/ids.ts'
import { INDEX_BACKLOG_MAX } from '../base/limits.ts'
import { silentLog } from '../base/log.ts'
import type { IndexEvent, IndexReader, IndexRow } from '../store/index-store.ts'
import type { KvStore, KvWrite } from '../store/kv-store.ts'
import { createMemoryKvStore } from '../store/memory/memory-kv-store.ts'
import { indexReader, Journal, type JournalIndex, type JournalStore, type RowSource } from './journal.ts'

/** An index that keeps nothing but the names of the events, in order. Fails when told to. */
class ListIndex implements JournalIndex {
  applied: string[] = []
  batches: number[] = []
  at = 0
  failing: Error | null = null
  failsAfterwards = false

  async position(): Promise<number> {
    return this.at
  }

  async apply(events: readonly IndexEvent[], position: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.failing !== null && !this.failsAfterwards) throw this.failing
    this.applied.push(...events.map(nameOf))
    this.batches.push(events.length)
    this.at = position
    if (this.failing !== null) throw this.failing
  }

  async clear(): Promise<void> {
    this.applied = []
    this.at = 0
  }
}

function nameOf(event: IndexEvent): string {
  return event.kind === 'row' ? `row ${event.row.id}` : event.kind === 'drop' ? `drop ${event.id}` : event.kind
}

const drop = (id: string): IndexEvent => ({ kind: 'drop', id: id as TxId })
const row = (id: string): IndexEvent & { kind: 'row' } => ({
  kind: 'row',
  row: { id, ingestedAtS: 7, parent: null } as unknown as IndexRow,
})
const put = (key: string): KvWrite => ({ space: 'meta', key: utf8(key), value: utf8(key) })

const rowOf: RowSource = async ({ id, ingestedAtS, parent }) => {
  expect([ingestedAtS, parent]).toEqual([7, null])
  return row(id)
}

async function journalKeys(kv: KvStore): Promise<number[]> {
  const keys: number[] = []
  for await (const { key } of kv.scan('journal')) keys.push(Number(Buffer.from(key).readBigUInt64BE()))
  return keys
}

/** Writes fail while `isFailing` says so. */
function failingKv(isFailing: () => boolean): JournalStore & Pick<KvStore, 'get'> {
  const kv = createMemoryKvStore()
  return {
    async write(batch) {
      if (isFailing()) throw new HeddleError('store-failed', { what: 'write' }, 'disk full')
      await kv.write(batch)
    },
    scan: (space, range) => kv.scan(space, range),
    get: (space, key) => kv.get(space, key),
  }
}

describe('journal', () => {
  it('has written a commit when it resolves, and indexed it before readers look', async () => {
    const kv = createMemoryKvStore()
    const index = new ListIndex()
    const journal = await Journal.open(kv, index, rowOf)
    await journal.commit({ writes: [put('a')], events: [row('x'), drop('y')] })
    expect([toText((await kv.get('meta', utf8('a')))!), index.applied]).toEqual(['a', []])
    await journal.indexed()
    expect([index.applied, index.at]).toEqual([['row x', 'drop y'], 2])
    expect(await journalKeys(kv)).toEqual([1, 2])
    index.failing = new Error('broken')
    await journal.commit({ writes: [put('b')], events: [drop('z')] })
    await journal.indexed() // What is durable is true, indexed or not.
  })

  it('a reader waits for what was acknowledged before it asked, and for no more', async () => {
    const index = new ListIndex()
    const journal = await Journal.open(createMemoryKvStore(), index, rowOf)
    const seen: string[][] = []
    const source = { block: async () => void seen.push([...index.applied]) } as unknown as IndexReader
    const reader = indexReader(source, journal)
    await reader.block('before anything') // Does not wait for ever.
    let isOver = false
    const flood = (async () => {
      for (let i = 0; !isOver; i++) await journal.commit({ writes: [], events: [drop(`f${i}`)] })
    })()
    for (const name of ['a', 'b', 'c']) {
      await journal.commit({ writes: [], events: [drop(name)] })
      await reader.block(name)
    }
    isOver = true
    await flood
    expect(seen.map((names) => names.filter((name) => !name.startsWith('drop f')))).toEqual([
      [],
      ['drop a'],
      ['drop a', 'drop b'],
      ['drop a', 'drop b', 'drop c'],
    ])
  })

  it('holds writers back while the index is far behind', async () => {
    const index = new ListIndex()
    const journal = await Journal.open(createMemoryKvStore(), index, rowOf)
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const apply = index.apply.bind(index)
    index.apply = async (...batch) => {
      await gate
      return apply(...batch)
    }
    const events = Array.from({ length: INDEX_BACKLOG_MAX }, (_, i) => drop(String(i)))
    await journal.commit({ writes: [], events })
    let isAcknowledged = false
    const held = journal.commit({ writes: [], events: [drop('held')] }).then(() => {
      isAcknowledged = true
    })
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(isAcknowledged).toBe(false)
    open()
    await held
    expect(index.applied.at(-1)).toBe('drop held')
  })

  it('leaves the index alone for commits without events', async () => {
    const kv = createMemoryKvStore()
    const index = new ListIndex()
    const journal = await Journal.open(kv, index, rowOf)
    await journal.commit({ writes: [put('a')], events: [] })
    expect([index.batches, await journalKeys(kv)]).toEqual([[], []])
  })

  it('applies concurrent commits in the order of the calls, many at once', async () => {
    const index = new ListIndex()
    const journal = await Journal.open(createMemoryKvStore(), index, rowOf)
    const names = Array.from({ length: 300 }, (_, i) => `n${i}`)
    const order: string[] = []
    await Promise.all(names.map((name) => journal.commit({ writes: [put(name)], events: [drop(name)] }).then(() => order.push(name))))
    await journal.indexed()
    expect(index.applied).toEqual(names.map((name) => `drop ${name}`))
    expect(order).toEqual(names)
    expect(index.batches.length).toBeLessThan(30)
  })

  it('no commit waits forever, however the turns fall', async () => {
    const index = new ListIndex()
    index.apply = async (events, position) => {
      index.applied.push(...events.map(nameOf))
      index.at = position
    }
    const journal = await Journal.open(createMemoryKvStore(), index, rowOf)
    for (let turns = 0; turns < 30; turns++) {
      const first = journal.commit({ writes: [], events: [drop(`a${turns}`)] })
      for (let i = 0; i < turns; i++) await null
      await Promise.all([first, journal.commit({ writes: [], events: [drop(`b${turns}`)] })])
    }
    await journal.indexed()
    expect(index.applied).toHaveLength(60)
  })

  it('replays what the index missed when it opens, rows from their source', async () => {
    const kv = createMemoryKvStore()
    const first = await Journal.open(kv, new ListIndex(), rowOf)
    await first.commit({ writes: [], events: [row('a'), drop('b')] })
    await first.commit({ writes: [], events: [row('c')] })
    const behind = new ListIndex()
    behind.at = 1
    const second = await Journal.open(kv, behind, rowOf)
    expect([behind.applied, behind.at]).toEqual([['drop b', 'row c'], 3])
    await second.commit({ writes: [], events: [drop('d')] })
    await second.indexed()
    expect([behind.at, await journalKeys(kv)]).toEqual([4, [1, 2, 3, 4]])
  })

  it('replays long journals in batches', async () => {
    const kv = createMemoryKvStore()
    const first = await Journal.open(kv, new ListIndex(), rowOf)
    await first.commit({ writes: [], events: Array.from({ length: 2500 }, (_, i) => drop(String(i))) })
    const fresh = new ListIndex()
    await Journal.open(kv, fresh, rowOf)
    expect(fresh.batches).toEqual([1000, 1000, 500])
    expect(fresh.applied).toEqual(Array.from({ length: 2500 }, (_, i) => `drop ${i}`))
  })

  it('keeps every kind of event through a replay', async () => {
    const kv = createMemoryKvStore()
    const hash = 'h'.repeat(64)
    const events = [
      { kind: 'bundled', parent: 'p', ids: ['a', 'b'] },
      { kind: 'block', block: { hash, previous: '', height: 3, timestampS: 5, txIds: ['p'] } },
      { kind: 'unblock', hash },
      { kind: 'drop', id: 'p' },
    ] as unknown as IndexEvent[]
    await (await Journal.open(kv, new ListIndex(), rowOf)).commit({ writes: [], events })
    const seen: IndexEvent[] = []
    const index = new ListIndex()
    index.apply = async (replayed) => void seen.push(...replayed)
    await Journal.open(kv, index, rowOf)
    expect(seen).toEqual(events)
  })

  it('rebuilds an index that is ahead: it belongs to another store', async () => {
    const kv = createMemoryKvStore()
    await (await Journal.open(kv, new ListIndex(), rowOf)).commit({ writes: [], events: [drop('mine')] })
    const foreign = new ListIndex()
    foreign.at = 99
    foreign.applied = ['foreign']
    await Journal.open(kv, foreign, rowOf)
    expect([foreign.applied, foreign.at]).toEqual([['drop mine'], 1])
  })

  it('a commit that the store refuses rejects, is not indexed, and does not stop the next', async () => {
    let isFull = false
    const kv = failingKv(() => isFull)
    const index = new ListIndex()
    const journal = await Journal.open(kv, index, rowOf)
    await journal.commit({ writes: [put('a')], events: [drop('a')] })
    isFull = true
    await expect(journal.commit({ writes: [put('b')], events: [drop('b'), drop('b2')] })).rejects.toMatchObject({ code: 'store-failed' })
    isFull = false
    await journal.commit({ writes: [put('c')], events: [drop('c')] })
    await journal.indexed()
    expect(index.applied).toEqual(['drop a', 'drop c'])
    expect(await kv.get('meta', utf8('b'))).toBeNull()
    const reopened = new ListIndex()
    await Journal.open(kv, reopened, rowOf)
    expect([reopened.applied, reopened.at]).toEqual([['drop a', 'drop c'], index.at])
  })

  it.each([false, true])(
    'when the index fails (its change %s), commits stay true and it catches up without loss or repeat',
    async (wasApplied) => {
      const kv = createMemoryKvStore()
      const index = new ListIndex()
      const errors: object[] = []
      const journal = await Journal.open(kv, index, rowOf, { ...silentLog, error: (facts) => errors.push(facts) })
      await journal.commit({ writes: [put('a')], events: [row('a')] })
      await journal.indexed()
      index.failing = new Error('index full')
      index.failsAfterwards = wasApplied
      await Promise.all(['b', 'c'].map((id) => journal.commit({ writes: [put(id)], events: [row(id)] })))
      await journal.indexed()
      expect(errors).toMatchObject([{ err: index.failing }])
      expect(await kv.get('meta', utf8('c'))).not.toBeNull()
      index.failsAfterwards = false
      await journal.commit({ writes: [], events: [row('d'), drop('d')] })
      await journal.indexed()
      index.failing = null
      await Promise.all(['e', 'f'].map((id) => journal.commit({ writes: [], events: [drop(id)] })))
      await journal.indexed()
      expect(index.applied).toEqual(['row a', 'row b', 'row c', 'row d', 'drop d', 'drop e', 'drop f'])
      expect(index.at).toBe(7)
      await journal.commit({ writes: [], events: [drop('g')] })
      await journal.indexed()
      expect(index.applied.at(-1)).toBe('drop g')
    },
  )

  it('commits that come while the index catches up are neither lost nor applied twice', async () => {
    const kv = createMemoryKvStore()
    const index = new ListIndex()
    const journal = await Journal.open(kv, index, rowOf)
    index.failing = new Error('down')
    await journal.commit({ writes: [], events: [drop('0')] })
    const all: Promise<void>[] = []
    for (let i = 1; i <= 200; i++) {
      if (i === 50) index.failing = null
      if (i === 120) index.failing = new Error('down again')
      if (i === 160) index.failing = null
      all.push(journal.commit({ writes: [], events: [drop(String(i))] }))
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(all)
    await journal.commit({ writes: [], events: [drop('201')] })
    await journal.indexed()
    expect(index.applied).toEqual(Array.from({ length: 202 }, (_, i) => `drop ${i}`))
  })
})
