import { describe, expect, it } from 'vitest'
import { kernelRig, otherSigner, signer } from '../../test/kernel-rig.ts'
import { commit } from '../codec/message/commit.ts'
import { hashpath, idHashpath } from '../codec/message/hashpath.ts'
import { atom, isMessage, Link, type Message, message, type Value } from '../codec/message/value.ts'
import { combineDirectives, readDirectives, resultPlace } from './cache-control.ts'
import type { Device } from './device.ts'
import { NOT_CACHED, NOT_FOUND } from './outcomes.ts'
import type { Step } from './steps.ts'

const OPEN = { store: undefined, lookup: undefined, onlyIfCached: undefined }

describe('directives', () => {
  it('are read from lists and texts', () => {
    expect(readDirectives(undefined)).toEqual(OPEN)
    expect(readDirectives('always')).toEqual({ ...OPEN, store: true, lookup: true })
    expect(readDirectives(['no-cache', 'no-store'])).toEqual({ ...OPEN, store: false, lookup: false })
    expect(readDirectives('No-Store, cache')).toEqual({ ...OPEN, store: false, lookup: true })
    expect(readDirectives(message({ 1: 'store', 2: 'only-if-cached' }))).toEqual({ store: true, lookup: undefined, onlyIfCached: true })
    expect(readDirectives(['always', 'no-store'])).toMatchObject({ store: true })
    for (const other of ['max-age=0', '', 7, null, atom('always'), [message({})], new Link('x')] as Value[])
      expect(readDirectives(other)).toEqual(OPEN)
  })

  it('of the node come before those of the result, and these before the request’s', () => {
    const [always, noStore, noCache, only] = ['always', 'no-store', 'no-cache', 'only-if-cached'].map(readDirectives) as [
      typeof OPEN,
      typeof OPEN,
      typeof OPEN,
      typeof OPEN,
    ]
    expect(combineDirectives(OPEN, OPEN, OPEN)).toEqual({ store: false, lookup: true, onlyIfCached: false })
    expect(combineDirectives(always, noStore, noCache)).toEqual({ store: true, lookup: true, onlyIfCached: false })
    expect(combineDirectives(OPEN, noStore, always)).toEqual({ store: false, lookup: true, onlyIfCached: false })
    expect(combineDirectives(noStore, OPEN, only)).toEqual({ store: false, lookup: true, onlyIfCached: true })
  })
})

describe('the place of a result', () => {
  const base = message({ a: 'x' })
  const request = message({ path: 'p' })

  it('differs with base, request and who signed them', async () => {
    const signed = await commit(base, signer)
    const others = await commit(base, otherSigner)
    const places = [
      resultPlace(base, request),
      resultPlace(message({ a: 'y' }), request),
      resultPlace(base, message({ path: 'q' })),
      resultPlace(signed, request),
      resultPlace(others, request),
      resultPlace(base, await commit(request, signer)),
    ]
    expect(new Set(places).size).toBe(places.length)
    expect(places).not.toContain(null)
  })

  it('is none where there is anything private', () => {
    expect(resultPlace(new Map(base).set('priv-cookie', 'x'), request)).toBeNull()
    expect(resultPlace(base, new Map(request).set('priv', 'x'))).toBeNull()
    expect(resultPlace(new Map(base).set('commitments', new Link('x')), request)).toBeNull()
  })

  it('is no key of a message that somebody may store', async () => {
    const { store } = kernelRig()
    const id = await store.write(message({ a: 'x', p: 'evil' }))
    expect(resultPlace(message({ a: 'x', p: 'evil' }), request)?.startsWith(`${id}/`)).toBe(false)
  })
})

describe('results', () => {
  /** Counts how often it is asked. */
  const rigOf = (said: readonly string[] = []) => {
    let count = 0
    const outcome = (value: Value) => ({ status: 'ok' as const, value, cacheControl: said })
    const device: Device = {
      name: 'count@1.0',
      keys: {
        text: () => outcome(`text ${++count}`),
        bytes: () => outcome(Uint8Array.of(++count, 255)),
        integer: () => outcome(++count),
        message: () => outcome(message({ count: ++count, ...(said.length === 0 ? {} : { 'cache-control': said as string[] }) })),
        refusal: () => ({ status: 'error', value: `no ${++count}` }),
      },
    }
    const rig = kernelRig([device])
    const run = (cacheControl: readonly string[], ...steps: Step[]) => rig.kernel.run(steps, { signal: rig.abort.signal, cacheControl })
    return { ...rig, ask: (key: string, cacheControl: readonly string[]) => run(cacheControl, base, message({ path: key })), runWith: run }
  }
  const base = message({ device: 'count@1.0' })

  it('are computed each time unless the cache is allowed', async () => {
    const { run, store } = rigOf()
    expect((await run(base, message({ path: 'text' }))).value).toBe('text 1')
    expect((await run(base, message({ path: 'text' }))).value).toBe('text 2')
    expect(await store.read(idHashpath(base))).toBeNull()
  })

  it('that are texts or bytes are found again', async () => {
    const { ask } = rigOf()
    expect((await ask('text', ['always'])).value).toBe('text 1')
    expect((await ask('text', ['always'])).value).toBe('text 1')
    expect((await ask('text', ['no-cache'])).value).toBe('text 2')
    expect((await ask('bytes', ['always'])).value).toEqual(Uint8Array.of(3, 255))
    expect((await ask('bytes', ['cache', 'no-store'])).value).toEqual(Uint8Array.of(3, 255))
  })

  it('that are anything else are not, but kept by their ids', async () => {
    const { ask, store } = rigOf()
    expect((await ask('integer', ['always'])).value).toBe(1)
    expect((await ask('integer', ['always'])).value).toBe(2)
    expect((await ask('message', ['always'])).value).toEqual(message({ count: 3 }))
    expect((await ask('message', ['always'])).value).toEqual(message({ count: 4 }))
    for (const kept of [base, message({ path: 'message' }), message({ count: 3 }), message({ count: 4 })])
      expect(await store.read(idHashpath(kept))).toEqual(kept)
  })

  it('that did not go well are not kept', async () => {
    const { ask } = rigOf()
    expect((await ask('refusal', ['always'])).value).toBe('no 1')
    expect((await ask('refusal', ['always'])).value).toBe('no 2')
  })

  it('whose device says so are not kept, whatever the node says', async () => {
    const { ask, store } = rigOf(['no-store'])
    await ask('text', ['always'])
    expect((await ask('text', ['always'])).value).toBe('text 2')
    await ask('message', ['always'])
    expect(await store.read(idHashpath(base))).toBeNull()
  })

  it('that another device passes on are kept no more than it says', async () => {
    let count = 0
    const inner: Device = { name: 'inner@1.0', keys: { now: () => ({ status: 'ok', value: `${++count}`, cacheControl: ['no-store'] }) } }
    const outer: Device = { name: 'outer@1.0', keys: { now: (_b, _r, env) => env.resolve(message({ device: 'inner@1.0' }), 'now') } }
    const { kernel, abort } = kernelRig([inner, outer])
    const ask = () =>
      kernel.run([message({ device: 'outer@1.0' }), message({ path: 'now' })], { signal: abort.signal, cacheControl: ['always'] })
    expect([(await ask()).value, (await ask()).value]).toEqual(['1', '2'])
  })

  it('are asked for by the request where the node leaves it open', async () => {
    const { runWith } = rigOf()
    const request = (control: string) => message({ path: 'text', 'cache-control': control })
    expect((await runWith([], base, request('store'))).value).toBe('text 1')
    expect((await runWith([], base, request('store'))).value).toBe('text 1')
    expect((await runWith([], base, request('no-cache'))).value).toBe('text 2')
  })

  it('that are wanted from the cache alone are not computed', async () => {
    const { ask, errors } = rigOf()
    expect(await ask('text', ['only-if-cached'])).toBe(NOT_CACHED)
    expect(NOT_CACHED.value).toEqual(message({ status: 504, 'cache-status': 'miss', body: 'Computed result not available in cache.' }))
    await ask('text', ['always'])
    expect((await ask('text', ['only-if-cached'])).value).toBe('text 1')
    expect(await ask('none', ['only-if-cached'])).toBe(NOT_FOUND)
    expect(errors).toEqual([])
  })

  it('that depend on who signed are not given to others', async () => {
    const { store, runWith } = rigOf()
    const signed = await commit(message({ a: 'x' }), signer)
    const ask = message({ path: 'id', committers: 'all' })
    const idOf = async (subject: Message) => (await runWith(['always'], subject, ask)).value
    const [unsigned, mine] = [await idOf(message({ a: 'x' })), await idOf(signed)]
    expect(mine).not.toBe(unsigned)
    expect([await idOf(message({ a: 'x' })), await idOf(signed)]).toEqual([unsigned, mine])
    expect(await store.list(idHashpath(signed))).not.toContain(idHashpath(ask))
  })

  it('with the hashpath ignored are not kept', async () => {
    const { kernel, abort, store } = rigOf()
    await kernel.run([base, message({ path: 'text' })], { signal: abort.signal, cacheControl: ['always'], hashpath: 'ignore' })
    expect(await store.read(idHashpath(base))).toBeNull()
  })

  it('that a key of the base has are never looked for in the cache', async () => {
    const { runWith, store } = rigOf()
    expect((await runWith(['always', 'only-if-cached'], message({ text: 'mine' }), message({ path: 'text' }))).value).toBe('mine')
    expect(await store.read(idHashpath(message({ text: 'mine' })))).toBeNull()
  })

  it('do not depend on how the base came about', async () => {
    const { runWith } = rigOf()
    const direct = await runWith(['always'], base, message({ path: 'text' }))
    const within = await runWith(['always'], message({ in: base }), message({ path: 'in' }), message({ path: 'text' }))
    expect(within.value).toBe(direct.value)
  })

  it('of resolutions within follow the node, not the caller', async () => {
    let count = 0
    const inner: Device = { name: 'inner@1.0', keys: { text: () => ({ status: 'ok', value: `${++count}` }) } }
    const outer: Device = {
      name: 'outer@1.0',
      keys: {
        list: async (_b, _r, env) => ({
          status: 'ok',
          value: [(await env.resolve(message({ device: 'inner@1.0' }), 'text')).value as Value],
        }),
      },
    }
    const { kernel, abort } = kernelRig([inner, outer])
    const ask = () =>
      kernel.run([message({ device: 'outer@1.0' }), message({ path: 'list' })], { signal: abort.signal, cacheControl: ['always'] })
    expect([(await ask()).value, (await ask()).value]).toEqual([['1'], ['2']])
  })

  it('are not lost when they cannot be kept', async () => {
    const { ask, store } = rigOf()
    store.write = () => Promise.reject(new Error('disk full'))
    expect((await ask('text', ['always'])).value).toBe('text 1')
  })
})

describe('hashpaths', () => {
  it('are there for messages only', async () => {
    const { run } = kernelRig()
    const base = message({ a: { b: 'x' } })
    expect((await run(base, message({ path: 'a' }))).hashpath).toBe(hashpath(idHashpath(base), 'a'))
    expect((await run(base, message({ path: 'a/b' }))).hashpath).toBeNull()
    expect((await run(base, message({ path: 'z' }))).hashpath).toBeNull()
    expect((await run(base)).hashpath).toBeNull()
  })

  it('are the same for children that are here and that are linked to', async () => {
    const { run, store } = kernelRig()
    const base = message({ a: { b: { c: 'x' } } })
    const stored = await store.read(await store.write(base))
    if (!isMessage(stored)) throw new Error('the base was not kept')
    const path = message({ path: 'a/b' })
    expect((await run(stored, path)).hashpath).toBe((await run(base, path)).hashpath)
  })

  it('fail to be read where the base asks for an algorithm that nobody knows', async () => {
    const { run } = kernelRig()
    const result = await run(message({ a: {}, 'hashpath-alg': 'md5' }), message({ path: 'a' }))
    expect(result.value).toEqual(message({}))
    expect(() => result.hashpath).toThrow(expect.objectContaining({ code: 'request-invalid' }))
  })
})
