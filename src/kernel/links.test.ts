import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyMessage } from '../../test/ao-core-arbitrary.ts'
import { AO_CORE_DEPTH_MAX } from '../base/limits.ts'
import { unsignedId } from '../codec/message/id.ts'
import { sameValue } from '../codec/message/same-value.ts'
import { Link, message, type Value } from '../codec/message/value.ts'
import { identical } from './identical.ts'
import { loadWhole } from './links.ts'
import { MemoryMessageStore } from './memory-message-store.ts'

describe('the whole of a message', () => {
  it('is what was written, with all children', async () => {
    const store = new MemoryMessageStore()
    await fc.assert(
      fc.asyncProperty(anyMessage(), async (any) => {
        const whole = await loadWhole(store, (await store.read(await store.write(any))) as Value)
        expect(identical(whole, any)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('is the same object where nothing is linked to', async () => {
    const here = message({ a: { b: ['c', { d: 1 }] } })
    expect(await loadWhole(new MemoryMessageStore(), here)).toBe(here)
  })

  it('fails where something is missing, and where it has no end', async () => {
    const store = new MemoryMessageStore()
    const missing = message({ a: { b: new Link(unsignedId(message({ gone: 1 }))) } })
    await expect(loadWhole(store, missing)).rejects.toMatchObject({ code: 'not-found' })
    await store.writeAt('around', message({ again: new Link('around') }))
    await expect(loadWhole(store, new Link('around'))).rejects.toMatchObject({ code: 'limit-reached' })
    await store.writeAt('twice', message({ one: new Link('twice'), two: new Link('twice') }))
    await expect(loadWhole(store, new Link('twice'))).rejects.toMatchObject({ code: 'limit-reached' })
    let deep: Value = 'x'
    for (let i = 0; i < AO_CORE_DEPTH_MAX + 2; i++) deep = [deep]
    await expect(loadWhole(store, deep)).rejects.toMatchObject({ code: 'limit-reached' })
  })
})

describe('identical', () => {
  it('is every message to a copy of itself, and to nothing that differs', () => {
    const copy = (value: Value): Value =>
      value instanceof Map
        ? new Map([...value].reverse().map(([key, item]) => [key, copy(item)]))
        : Array.isArray(value)
          ? value.map(copy)
          : value
    fc.assert(
      fc.property(anyMessage({ hasLinks: true }), anyMessage({ hasLinks: true }), (a, b) => {
        expect(identical(a, copy(a))).toBe(true)
        expect(identical(a, new Map(a).set('one-more', 1))).toBe(false)
        expect(identical(a, b)).toBe(identical(b, a))
        if (identical(a, b)) expect(sameValue(a, b)).toBe(true)
      }),
    )
  })

  it('tells kinds apart, and takes note of commitments and private keys', () => {
    expect(identical('é', new TextEncoder().encode('é'))).toBe(true)
    for (const [a, b] of [
      [1, '1'],
      [1, 1n],
      [true, 'true'],
      [['x'], message({ 1: 'x' })],
      [new Link('x'), new Link('x', true)],
    ] as [Value, Value][])
      expect(identical(a, b), `${String(a)} and ${String(b)}`).toBe(false)
    expect(identical(message({ a: 1 }), message({ a: 1, commitments: {} }))).toBe(false)
    expect(
      identical(
        message({ a: 1 }),
        new Map<string, Value>([
          ['a', 1],
          ['priv', 2],
        ]),
      ),
    ).toBe(false)
  })
})
