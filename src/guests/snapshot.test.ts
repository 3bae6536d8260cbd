import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GUEST_MEMORY_BYTES_MAX } from '../base/limits.ts'
import { packSnapshot, readSnapshotHeader, sealSnapshot, stateHash, stateHashOf, unpackSnapshot } from './snapshot.ts'
import type { StateImage } from './wasm/state-image.ts'

const ORIGIN = { module: 'm', format: 'f', engine: 'e' }
const PAGE = 4096

/** Bytes that do not compress well, so that sizes tell what is kept. */
function noise(size: number, seed = 1): Uint8Array {
  let x = seed
  return Uint8Array.from({ length: size }, () => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    return x >>> 16
  })
}

function imageOf(bytes: Uint8Array, start = 64): StateImage {
  return { ranges: [{ start, end: start + bytes.length }], globals: [7n, -1n], anchors: [12], bytes }
}

function unpack(snapshot: Uint8Array, template: StateImage | null = null): StateImage {
  return unpackSnapshot(snapshot, ORIGIN, GUEST_MEMORY_BYTES_MAX, template)
}

const template = imageOf(noise(40 * PAGE))

describe('a snapshot', () => {
  it('gives back what was packed', () => {
    const image = {
      ranges: [
        { start: 0, end: 3 },
        { start: 1024, end: 1026 },
      ],
      globals: [2n ** 63n],
      anchors: [],
      bytes: Uint8Array.of(1, 2, 3, 4, 5),
    }
    const { bytes, ...rest } = unpack(packSnapshot(ORIGIN, image, null))
    expect([...bytes]).toEqual([1, 2, 3, 4, 5])
    expect(rest).toEqual({ ranges: image.ranges, globals: image.globals, anchors: [] })
  })

  it('of a young process keeps the pages that differ from its template', () => {
    const bytes = template.bytes.slice()
    bytes[5] = ~bytes[5]!
    bytes[20 * PAGE] = ~bytes[20 * PAGE]!
    const grown = imageOf(Buffer.concat([bytes, noise(10, 2)]))
    const snapshot = packSnapshot(ORIGIN, grown, template)
    expect(snapshot.length).toBeLessThan(3.2 * PAGE)
    expect(Buffer.compare(unpack(snapshot, template).bytes, grown.bytes)).toBe(0)
    expect(stateHashOf(snapshot)).toBe(stateHash(grown))
    expect(stateHashOf(packSnapshot(ORIGIN, grown, null))).toBe(stateHash(grown))
  })

  it('that shrank below its template, or moved, is compared at the same addresses', () => {
    const short = imageOf(template.bytes.slice(0, 3 * PAGE + 5))
    const moved = imageOf(template.bytes.slice(2 * PAGE), 64 + 2 * PAGE)
    for (const image of [short, moved]) {
      const snapshot = packSnapshot(ORIGIN, image, template)
      expect(snapshot.length).toBeLessThan(400)
      expect(Buffer.compare(unpack(snapshot, template).bytes, image.bytes)).toBe(0)
    }
  })

  it('of an old process stands alone', () => {
    const snapshot = packSnapshot(ORIGIN, imageOf(noise(40 * PAGE, 9)), template)
    expect(readSnapshotHeader(snapshot)).not.toHaveProperty('base')
    expect(unpack(snapshot, null).bytes.length).toBe(40 * PAGE)
  })

  it('cannot be read beside another template', () => {
    const snapshot = packSnapshot(ORIGIN, imageOf(template.bytes.slice()), template)
    for (const other of [null, imageOf(noise(40 * PAGE, 3))])
      expect(() => unpack(snapshot, other)).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })

  it('of a large state is compressed later, and the same either way', async () => {
    const image = imageOf(new Uint8Array(2 ** 20).fill(3))
    const raw = packSnapshot(ORIGIN, image, null)
    expect(raw.length).toBeGreaterThan(2 ** 20)
    const sealed = await sealSnapshot(raw)
    expect(sealed.length).toBeLessThan(2_000)
    expect(await sealSnapshot(sealed)).toBe(sealed)
    expect(stateHashOf(sealed)).toBe(stateHashOf(raw))
    for (const snapshot of [raw, sealed]) expect(Buffer.compare(unpack(snapshot).bytes, image.bytes)).toBe(0)
  })

  it('has a hash that anything of the state changes', () => {
    const image = imageOf(noise(100))
    const others: StateImage[] = [
      { ...image, ranges: [{ start: 65, end: 165 }] },
      { ...image, globals: [7n, 1n] },
      { ...image, anchors: [13] },
      { ...image, bytes: noise(100, 2) },
    ]
    expect(new Set([image, ...others].map(stateHash)).size).toBe(5)
  })
})

describe('refuses', () => {
  const good = packSnapshot(ORIGIN, imageOf(noise(3 * PAGE)), null)

  function withHeader(change: Record<string, unknown>): Uint8Array {
    const size = Buffer.from(good).readUInt32LE(4)
    const header = { ...(JSON.parse(Buffer.from(good.subarray(8, 8 + size)).toString()) as object), ...change }
    const text = Buffer.from(JSON.stringify(header))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    return Buffer.concat([good.subarray(0, 4), length, text, good.subarray(8 + size)])
  }

  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', new Uint8Array(), /begin with HDLS/],
    ['something else', Buffer.from('HDLZ....'), /begin with HDLS/],
    ['a header beyond its end', Buffer.concat([Buffer.from('HDLS'), Buffer.of(255, 255, 0, 0)]), /header of 65535 bytes/],
    ['another version', withHeader({ version: 1 }), /has version 1/],
    ['another module', withHeader({ module: 'n' }), /made with module "n"/],
    ['another engine', withHeader({ engine: 'x' }), /made with engine "x"/],
    ['an unknown packing', withHeader({ packing: 'rar' }), /packed as rar/],
    ['ranges that overlap', withHeader({ ranges: [[0, 8192], [4096, 8192]] }), /ranges that overlap/], // biome-ignore format: a case is a line
    ['more memory than is allowed', withHeader({ ranges: [[0, GUEST_MEMORY_BYTES_MAX]] }), /needs 536870912 bytes/],
    ['ranges larger than what it holds', withHeader({ ranges: [[64, 64 + 4 * PAGE]] }), /holds 12288 bytes/],
    ['ranges smaller than what it holds', withHeader({ ranges: [[64, 64 + PAGE]] }), /cannot be decompressed/],
    ['another hash', withHeader({ stateHash: '00' }), /has the state hash/],
    ['changed globals', withHeader({ globals: ['8', '-1'] }), /has the state hash/],
    ['a body cut off', good.subarray(0, good.length - 1), /cannot be decompressed/],
  ]
  for (const [name, bytes, message] of cases)
    it(name, () => {
      const read = (): StateImage => unpackSnapshot(bytes, ORIGIN, GUEST_MEMORY_BYTES_MAX - 1, null)
      expect(read).toThrow(expect.objectContaining({ code: 'encoding-invalid', message: expect.stringMatching(message) }))
    })

  it('any damage, with a code', () => {
    const delta = packSnapshot(ORIGIN, imageOf(template.bytes.map((byte, at) => (at % 40_000 === 0 ? byte + 1 : byte))), template)
    fc.assert(
      fc.property(fc.constantFrom(good, delta), fc.nat(), fc.integer({ min: 1, max: 255 }), (snapshot, place, flip) => {
        const damaged = snapshot.slice()
        damaged[place % damaged.length]! ^= flip
        try {
          const { bytes } = unpack(damaged, template)
          expect(stateHashOf(damaged)).toBe(stateHashOf(snapshot)) // Only what says the same in other words passes.
          expect(bytes.length).toBeGreaterThan(0)
        } catch (error) {
          if (error instanceof Error && error.name === 'HeddleError') expect(error).toMatchObject({ code: 'encoding-invalid' })
          else throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

it('any state survives, with any template', () => {
  const states = fc
    .array(fc.record({ gap: fc.nat(9000), size: fc.nat(9000), fill: fc.nat(255) }), { maxLength: 5 })
    .map((pieces): StateImage => {
      let at = 0
      const ranges = pieces.map(({ gap, size }) => {
        const start = at + gap
        at = start + size
        return { start, end: at }
      })
      return { ranges, globals: [], anchors: [], bytes: Buffer.concat(pieces.map(({ size, fill }) => Buffer.alloc(size, fill))) }
    })
  fc.assert(
    fc.property(states, states, (image, base) => {
      const snapshot = packSnapshot(ORIGIN, image, base)
      const back = unpack(snapshot, base)
      expect(Buffer.compare(back.bytes, image.bytes)).toBe(0)
      expect(back.ranges).toEqual(image.ranges)
    }),
  )
})
