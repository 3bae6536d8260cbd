import { describe, expect, it } from 'vitest'
import { messageFrom, readVectors, type Typed, type TypedObject } from '../../test/ao-core-vectors.ts'
import { kernelRig, signer } from '../../test/kernel-rig.ts'
import { commit } from '../codec/message/commit.ts'
import { hashpath, idHashpath } from '../codec/message/hashpath.ts'
import { type Message, message, type Value } from '../codec/message/value.ts'
import { computationPlace, readRecord, writeRecord } from './computation-record.ts'
import type { Device } from './device.ts'
import { Origin } from './origin.ts'
import { verifyComputation } from './verify-computation.ts'

interface Chain {
  readonly base: Typed
  readonly steps: readonly { readonly hashpath: string; readonly req: Typed; readonly 'req-id': string; readonly result: TypedObject }[]
}
const vectors = readVectors<{
  readonly 'chain-keys': Chain
  readonly 'chain-set': Chain
  readonly pairs: readonly { base: Typed; req: TypedObject; hashpath: string }[]
}>('ao-core-hashpath.json')

describe('vectors, by resolving them', () => {
  for (const name of ['chain-keys', 'chain-set'] as const)
    it(name, async () => {
      const { run } = kernelRig()
      const { base, steps } = vectors[name]
      const requests: Message[] = []
      for (const { req, hashpath: expected, result } of steps) {
        requests.push(messageFrom(req))
        const resolved = await run(messageFrom(base), ...requests)
        expect(resolved.hashpath).toBe(expected)
        expect(resolved.value).toEqual(messageFrom(result))
      }
    })

  for (const { base, req, hashpath: expected } of vectors.pairs)
    it(`pair ${expected.slice(0, 8)}…/${String(req['path'])}`, () => {
      expect(new Origin(messageFrom(base), null, messageFrom(req)).hashpath).toBe(expected)
    })
})

describe('long chains', () => {
  it('come to the same hashpath as one that is computed at each step', async () => {
    const { run } = kernelRig()
    const base = message({ a: '1' })
    const requests = Array.from({ length: 200 }, (_, i) => message({ path: 'set', [`k${i}`]: i }))
    const expected = requests.reduce((path, request) => hashpath(path, request), idHashpath(base))
    expect((await run(base, ...requests)).hashpath).toBe(expected)
  })
})

const step = (keys: Parameters<typeof message>[0]): Message => message({ path: 'set', ...keys })

describe('a computation, message by message', () => {
  const chain: Value[] = [
    message({ a: '1' }),
    step({ k: 'v' }),
    message({ a: '1', k: 'v' }),
    step({ n: 3 }),
    message({ a: '1', k: 'v', n: 3 }),
  ]

  it('is valid when each step gives what it is said to give', async () => {
    const { env, run } = kernelRig()
    const { hashpath: expected } = await run(chain[0] as Message, chain[1] as Message, chain[3] as Message)
    expect(await verifyComputation(env, chain)).toEqual({ isValid: true, hashpath: expected, steps: 2, problem: null })
    expect(await verifyComputation(env, [message({ a: '1' }), message({ path: 'a' }), '1'])).toMatchObject({ isValid: true, steps: 1 })
  })

  it('is not when any part of it is another', async () => {
    const { env } = kernelRig()
    for (const at of chain.keys()) {
      const other = chain.with(at, new Map(chain[at] as Message).set('z', 'other'))
      expect(await verifyComputation(env, other), `part ${at}`).toMatchObject({
        isValid: false,
        problem: expect.stringMatching(/^step [12]: /),
      })
    }
    expect(await verifyComputation(env, chain.with(4, message({ a: '1', k: 'v', n: '3' })))).toMatchObject({ isValid: false, steps: 1 })
    expect(await verifyComputation(env, [message({}), message({ path: 'none' }), message({})])).toMatchObject({
      problem: 'step 1: it ends with not_found',
    })
    expect(await verifyComputation(env, [message({ a: '1' }), message({ path: 'a' }), '1', step({}), message({})])).toMatchObject({
      isValid: false,
      steps: 1,
    })
  })

  it('is not when its result is signed as that of another', async () => {
    const { env } = kernelRig()
    const { hashpath: right } = await verifyComputation(env, chain)
    const signed = (tag: string) => commit(chain[4] as Message, signer, { tag })
    expect(await verifyComputation(env, chain.with(4, await signed(right!)))).toMatchObject({ isValid: true })
    expect(await verifyComputation(env, chain.with(4, await signed(`${'x'.repeat(43)}/set`)))).toMatchObject({
      isValid: false,
      problem: expect.stringContaining('signed'),
    })
  })

  it('has a base, requests and results', async () => {
    const { env } = kernelRig()
    for (const wrong of [
      [],
      [message({})],
      [message({}), message({})],
      ['text', message({}), 'x'],
      [message({}), 'keys', 'x'],
    ] as Value[][])
      await expect(verifyComputation(env, wrong)).rejects.toMatchObject({ code: 'request-invalid' })
  })
})

describe('a computation, from its hashpath', () => {
  const steps = [
    message({ a: '1', deep: { b: 'x' } }),
    step({ k: 'v' }),
    step({ deep: { c: 'y' } }),
    message({ path: 'deep' }),
    message({ path: 'keys' }),
  ]

  async function kept() {
    const rig = kernelRig()
    const path = async (count: number): Promise<string> => {
      const { hashpath: found } = await rig.kernel.run(steps.slice(0, count + 1), { signal: rig.abort.signal, cacheControl: ['always'] })
      return found ?? ''
    }
    return { ...rig, path }
  }

  it('is computed again from what the store has', async () => {
    const { env, path, store } = await kept()
    const last = await path(2)
    expect(await verifyComputation(env, last)).toEqual({ isValid: true, hashpath: last, steps: 2, problem: null })
    expect(readRecord((await store.read(computationPlace(last))) as string).before).toBe(await path(1))
  })

  it('is not valid where the store has no note of it, or of what it goes on from', async () => {
    const { env, path, run } = await kept()
    const { hashpath: unkept } = await run(...steps.slice(0, 3))
    expect(await verifyComputation(env, unkept!)).toMatchObject({ isValid: false, steps: 0 })
    expect(await verifyComputation(env, 'x'.repeat(43))).toMatchObject({ isValid: false })
    const read = await path(3)
    expect(await verifyComputation(env, read)).toMatchObject({ isValid: false, problem: expect.stringContaining('no note') })
  })

  it('is not valid where a note says something else', async () => {
    const { env, path, store } = await kept()
    const [first, last] = [await path(1), await path(2)]
    const place = computationPlace(last)
    const record = readRecord((await store.read(place)) as string)
    const other = await store.write(message({ other: 'x' }))
    for (const key of ['base', 'request', 'result', 'before'] as const) {
      await store.writeAt(place, writeRecord({ ...record, [key]: other }))
      expect(await verifyComputation(env, last), key).toMatchObject({ isValid: false })
    }
    await store.writeAt(place, 'nonsense')
    await expect(verifyComputation(env, last)).rejects.toMatchObject({ code: 'encoding-invalid' })
    expect(await verifyComputation(env, first)).toMatchObject({ isValid: true })
  })

  it('is not valid where the device now gives something else', async () => {
    let count = 0
    const counting: Device = { name: 'count@1.0', keys: { next: () => ({ status: 'ok', value: message({ count: ++count }) }) } }
    const { env, kernel, abort } = kernelRig([counting])
    const { hashpath: path } = await kernel.run([message({ device: 'count@1.0' }), message({ path: 'next' })], {
      signal: abort.signal,
      cacheControl: ['always'],
    })
    expect(await verifyComputation(env, path!)).toMatchObject({ isValid: false, problem: expect.stringContaining('it gives') })
  })
})
