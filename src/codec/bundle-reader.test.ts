import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concat, equalBytes, fromBase64url, toHex } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { idBytes } from '../base/ids.ts'
import { BUNDLE_TAGS, bundleHeaderBytes, encodeBundle } from './bundle.ts'
import { type BadItem, type ReadItem, readBundle, type Unbundled, unbundle } from './bundle-reader.ts'
import { createDataItemSync, type DataItem, itemSigner, verifyStreamedItem } from './data-item.ts'
import { keyFromJwk } from './keys.ts'

const keys: { cases: { name: string; jwk: unknown }[] } = JSON.parse(readFileSync('test/vectors/arweave-keys.json', 'utf8'))
const vectors: { cases: { name: string; bundle: string }[] } = JSON.parse(readFileSync('test/vectors/ans104-bundles.json', 'utf8'))
const signer = itemSigner(keyFromJwk(keys.cases.find(({ name }) => name === 'ed25519')!.jwk))

const itemOf = (data: Uint8Array | string): DataItem => createDataItemSync({ data, tags: [{ name: 'T', value: 'v' }] }, signer)
const nest = (bundle: Uint8Array): DataItem => createDataItemSync({ data: bundle, tags: BUNDLE_TAGS }, signer)

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

async function readAll(bytes: Uint8Array, size = 1000): Promise<(ReadItem | BadItem)[]> {
  return Array.fromAsync(readBundle(pieces(bytes, size), bytes.length))
}

async function unbundleAll(bytes: Uint8Array, limits = {}, before = 0): Promise<Unbundled[]> {
  const stored = concat([new Uint8Array(before), bytes])
  const read = (start: number, end: number): AsyncIterable<Uint8Array> => pieces(stored.subarray(start, end), 700)
  return Array.fromAsync(unbundle(read, { startOffset: before, bundleBytes: bytes.length }, limits))
}

const summary = (found: readonly Unbundled[]): string[] => found.map(({ kind, id, parents }) => `${kind} ${id} in ${parents.length}`)

it('reads items from pieces of any size, with positions and hashes that verify', async () => {
  const items = [itemOf(''), itemOf('x'), itemOf(new Uint8Array(9000).fill(1)), itemOf(new Uint8Array(20_000).fill(2))]
  const bundle = concat([encodeBundle(items), new Uint8Array(50)])
  for (const size of [1, 7, 64, 4096, 100_000]) {
    const found = await readAll(bundle, size)
    expect(found.map(({ kind, id }) => [kind, id])).toEqual(items.map(({ id }) => ['item', id]))
    for (const [i, item] of found.entries()) {
      if (item.kind === 'bad') throw item.problem
      expect(item.index).toBe(i)
      expect(equalBytes(bundle.subarray(item.startOffset, item.startOffset + item.itemBytes), items[i]!.raw)).toBe(true)
      expect(await verifyStreamedItem(item.header, item.dataSha384)).toBe(true)
    }
  }
})

it('skips a bad item alone and says what is wrong with it', async () => {
  const items = ['first', 'second', 'third', 'fourth', 'fifth'].map(itemOf)
  const bundle = encodeBundle(items)
  const startOf = (index: number): number => bundleHeaderBytes(5) + items.slice(0, index).reduce((sum, { raw }) => sum + raw.length, 0)
  bundle[startOf(0)] = 77 // signature type
  bundle[startOf(2) + items[2]!.raw.length - 1]! ^= 1 // data
  bundle[bundleHeaderBytes(3) + 32]! ^= 1 // id in the table
  const found = await unbundleAll(bundle)
  expect(found.map((item) => (item.kind === 'bad' ? item.problem.code : item.kind))).toEqual([
    'encoding-invalid',
    'item',
    'signature-invalid',
    'id-mismatch',
    'item',
  ])
  expect(found.map(({ startOffset }) => startOffset)).toEqual([0, 1, 2, 3, 4].map(startOf))
})

it('takes an item that is too small for a bad one', async () => {
  const good = itemOf('good')
  const bundle = concat([new Uint8Array(bundleHeaderBytes(3)), good.raw.subarray(0, 79), good.raw])
  bundle[0] = 3
  bundle.set([79], bundleHeaderBytes(0))
  bundle.set([0], bundleHeaderBytes(1))
  new DataView(bundle.buffer, bundle.byteOffset).setUint16(bundleHeaderBytes(2), good.raw.length, true)
  bundle.set(idBytes(good.id), bundleHeaderBytes(2) + 32)
  const found = await readAll(bundle)
  expect(found.map(({ kind, itemBytes }) => [kind, itemBytes])).toEqual([
    ['bad', 79],
    ['bad', 0],
    ['item', good.raw.length],
  ])
})

it('takes nested bundles apart, parents first, each valid item once', async () => {
  const [a, b, c] = [itemOf('a'), itemOf('b'), itemOf('c')]
  const inner = nest(encodeBundle([b, c]))
  const middle = nest(encodeBundle([inner, a]))
  const bundle = encodeBundle([a, middle, inner])
  const found = await unbundleAll(bundle, {}, 300)
  expect(summary(found)).toEqual([
    `item ${a.id} in 0`,
    `item ${middle.id} in 0`,
    `item ${inner.id} in 1`,
    `item ${b.id} in 2`,
    `item ${c.id} in 2`,
    `repeat ${a.id} in 1`,
    `repeat ${inner.id} in 0`,
  ])
  const deepest = found[4]!
  expect(deepest.parents).toEqual([middle.id, inner.id])
  const at = deepest.startOffset - 300
  expect(equalBytes(bundle.subarray(at, at + deepest.itemBytes), c.raw)).toBe(true)
})

it('a forged copy does not take the place of the valid item behind it', async () => {
  const item = itemOf('the real thing')
  const forged = { id: item.id, raw: Uint8Array.from(item.raw) }
  forged.raw[forged.raw.length - 1]! ^= 1
  const table = encodeBundle([forged])
  const bundle = concat([table.subarray(0, 96), table.subarray(32, 96), forged.raw, item.raw])
  bundle[0] = 2
  expect(summary(await unbundleAll(bundle))).toEqual([`bad ${item.id} in 0`, `item ${item.id} in 0`])
})

it('the contents of a bundle whose own item is forged are not given out', async () => {
  const outer = nest(encodeBundle([itemOf('inside')]))
  const raw = Uint8Array.from(outer.raw)
  raw[raw.length - 1]! ^= 1
  expect(summary(await unbundleAll(encodeBundle([{ id: outer.id, raw }])))).toEqual([`bad ${outer.id} in 0`])
})

it('an item that says bundle but holds none is valid, and its contents bad', async () => {
  const outer = createDataItemSync({ data: 'no bundle', tags: BUNDLE_TAGS }, signer)
  const after = itemOf('after')
  expect(summary(await unbundleAll(encodeBundle([outer, after])))).toEqual([
    `item ${outer.id} in 0`,
    `bad ${outer.id} in 0`,
    `item ${after.id} in 0`,
  ])
})

it('stops at the depth and at the count that the caller allows', async () => {
  const leaf = itemOf('leaf')
  const one = nest(encodeBundle([leaf]))
  const two = nest(encodeBundle([one]))
  const bundle = encodeBundle([two])
  expect(summary(await unbundleAll(bundle, { depthMax: 3 }))).toHaveLength(3)
  const shallow = await unbundleAll(bundle, { depthMax: 2 })
  expect(summary(shallow)).toEqual([`item ${two.id} in 0`, `item ${one.id} in 1`, `bad ${one.id} in 1`])
  expect((shallow[2] as BadItem).problem.code).toBe('limit-reached')
  const few = await unbundleAll(bundle, { countMax: 2 })
  expect((few.at(-1) as BadItem).problem.code).toBe('too-large')
  await expect(unbundleAll(bundle, { countMax: 0 })).rejects.toThrow(/bundle of 1 items; at most 0/)
})

it('fails when the stream ends early, after the items that came whole', async () => {
  const items = [itemOf('a'), itemOf('b')]
  const bundle = encodeBundle(items)
  const seen: string[] = []
  const cut = bundle.length - 3
  const run = async (): Promise<void> => {
    for await (const { id } of unbundle((start) => pieces(bundle.subarray(start, cut), 50), { startOffset: 0, bundleBytes: bundle.length }))
      seen.push(id)
  }
  await expect(run()).rejects.toThrow(`bundle ends at byte ${cut}, 3 bytes too early`)
  expect(seen).toEqual([items[0]!.id])
})

it('closes the stream when the reader stops early', async () => {
  const bundle = encodeBundle(['a', 'b', 'c'].map(itemOf))
  let closed = false
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces(bundle, 100)
    } finally {
      closed = true
    }
  }
  for await (const _ of readBundle(source(), bundle.length)) break
  expect(closed).toBe(true)
})

it('keeps of a large item only its header', async () => {
  const item = itemOf(new Uint8Array(300_000))
  const bundle = encodeBundle([item])
  const [found] = await Array.fromAsync(readBundle(pieces(bundle, bundle.length), bundle.length))
  if (found?.kind !== 'item') throw new Error('the item was not read')
  expect(found.header.owner.buffer.byteLength).toBe(item.headerBytes)
})

it('any damage to a bundle is reported, never thrown as a bug', async () => {
  const bundle = fromBase64url(vectors.cases.find(({ name }) => name === 'that bundle in an item')!.bundle)
  await fc.assert(
    fc.asyncProperty(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = Uint8Array.from(bundle)
      damaged[at]! ^= flip
      try {
        const found = await unbundleAll(damaged)
        expect(found.some(({ kind }) => kind === 'bad') || toHex(damaged.subarray(0, 32)) !== toHex(bundle.subarray(0, 32))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 150 },
  )
})
