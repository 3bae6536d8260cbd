import { describe, expect, it } from 'vitest'
import { deferred, kernelRig, settled, signer } from '../../test/kernel-rig.ts'
import { HeddleError } from '../base/errors.ts'
import { LINK_HOPS_MAX, RESOLVE_DEPTH_MAX } from '../base/limits.ts'
import { commit } from '../codec/message/commit.ts'
import { Atom, atom, EMPTY_MESSAGE, Link, type Message, message, type Value } from '../codec/message/value.ts'
import type { Device } from './device.ts'
import { BASE_NOT_FOUND, NOT_FOUND } from './outcomes.ts'
import { Cast, Steps } from './steps.ts'

const echo: Device = {
  name: 'echo@1.0',
  keys: {
    request: (_base, request) => ({ status: 'ok', value: request }),
    base: (base) => ({ status: 'ok', value: base }),
    'do-thing': () => ({ status: 'ok', value: 'done' }),
  },
}

/** Answers with the value that stands in the base under `answer`, whatever that is. */
const answering = (outcome: () => unknown): Device => ({ name: 'answer@1.0', handler: () => outcome() as never })

const get = (path: Value): Message => new Map([['path', path]])

describe('a sequence', () => {
  it('goes from key to key', async () => {
    const { run } = kernelRig()
    expect(await run(message({ a: { b: { c: 'x' } } }), get('a'), get('b'), get('c'))).toMatchObject({ status: 'ok', value: 'x' })
    expect(await run(message({ a: { b: 'x' } }), get('a/b'))).toMatchObject({ status: 'ok', value: 'x' })
    expect(await run(message({ a: { b: 'x' } }), get('/a//b/'))).toMatchObject({ status: 'ok', value: 'x' })
    expect(await run(message({ a: 'x' }), 'a')).toMatchObject({ value: 'x' })
  })

  it('takes a path of any kind that names a key', async () => {
    const { run } = kernelRig()
    const base = message({ 1: { true: 'x' }, ok: 'y' })
    expect((await run(base, get([1, 'true']))).value).toBe('x')
    expect((await run(base, get(1))).value).toEqual(message({ true: 'x' }))
    expect((await run(base, get(atom('ok')))).value).toBe('y')
  })

  it('needs a path, and a base', async () => {
    const { run } = kernelRig()
    for (const path of ['', message({}), new Link('x'), ['a', message({})]] as Value[])
      expect(await run(message({ a: 'x' }), get(path)), String(path)).toMatchObject({ status: 'error' })
    expect(await run(message({ a: 'x' }), EMPTY_MESSAGE)).toMatchObject({ status: 'error' })
    expect(await run()).toMatchObject({ status: 'failure' })
  })

  it('gives the base for a path without keys', async () => {
    const { run } = kernelRig()
    const base = message({ a: 'x' })
    expect((await run(base, get('/'))).value).toBe(base)
    expect((await run(base)).value).toBe(base)
  })

  it('gives every step the whole request, with its own part as path', async () => {
    const { env } = kernelRig([echo])
    const base = message({ device: 'echo@1.0', in: { device: 'echo@1.0' } })
    const { value } = await env.resolve(base, message({ path: 'in/request', k: 'v' }))
    expect(value).toEqual(message({ path: 'request', k: 'v' }))
  })

  it('stops at the first result that is not ok', async () => {
    for (const status of ['created', 'error', 'not_found', 'failure', 'unavailable', 'unauthorized', 'forbidden']) {
      const { run } = kernelRig([answering(() => ({ status, value: message({ a: 'x' }) }))])
      expect(await run(message({ device: 'answer@1.0' }), get('x'), get('a')), status).toMatchObject({
        status,
        value: message({ a: 'x' }),
        hashpath: null,
      })
    }
  })

  it('reads an id that stands alone', async () => {
    const { run, store } = kernelRig()
    const id = await store.write(message({ a: 'x' }))
    expect(await run(id)).toMatchObject({ status: 'ok', value: message({ a: 'x' }) })
    expect(await run('a'.repeat(43))).toBe(NOT_FOUND)
    expect(await run('word')).toMatchObject({ status: 'ok', value: 'word' })
  })

  it('goes on from an id, also from one that a step gave', async () => {
    const { run, store } = kernelRig()
    const id = await store.write(message({ a: 'x', child: { b: 'y' } }))
    expect((await run(id, get('a'))).value).toBe('x')
    expect((await run(id, get('child'), get('b'))).value).toBe('y')
    expect((await run(message({ at: id }), get('at'), get('a'))).value).toBe('x')
    expect(await run('b'.repeat(43), get('a'))).toBe(BASE_NOT_FOUND)
    expect((BASE_NOT_FOUND.value as Message).get('body')).toBe('Necessary messages not found in cache.')
  })

  it('finds nothing in what is no message', async () => {
    const { run } = kernelRig()
    for (const value of ['text', 1, 2n, true, null, atom('ok'), new Uint8Array(3)] as Value[])
      expect(await run(message({ v: value }), get('v'), get('a')), String(value)).toBe(NOT_FOUND)
  })

  it('numbers lists', async () => {
    const { run } = kernelRig()
    const base = message({ list: ['one', ['two'], { three: 3 }] })
    expect((await run(base, get('list/1'))).value).toBe('one')
    expect((await run(base, get('list/2/1'))).value).toBe('two')
    expect((await run(base, get('list/3/three'))).value).toBe(3)
    expect((await run(base, get('list/keys'))).value).toEqual(['1', '2', '3'])
    expect(await run(base, get('list/0'))).toBe(NOT_FOUND)
    expect(await run(base, get('list/4'))).toBe(NOT_FOUND)
  })
})

describe('keys', () => {
  it('are found exactly, then in any case', async () => {
    const { run } = kernelRig()
    const base = message({ a: 'lower', B: 'upper', C: 1, c: 2, nothing: null })
    for (const [key, value] of [
      ['a', 'lower'],
      ['A', 'lower'],
      ['b', 'upper'],
      ['B', 'upper'],
      ['C', 1],
      ['c', 2],
      ['NOTHING', null],
    ] as const)
      expect((await run(base, get(key))).value, key).toBe(value)
  })

  it('are not readable when they are private', async () => {
    const { run, env } = kernelRig()
    const base = message({ priv: 'x', 'priv-key': 'x', private: { a: 'x' }, priv_wallet: 'x', a: 'x' })
    for (const key of ['priv', 'priv-key', 'private', 'priv_wallet', 'PRIV', 'Priv-Key', 'private/a']) {
      expect(await run(base, get(key)), key).toBe(NOT_FOUND)
      expect(await env.get(base, key), key).toBeUndefined()
    }
    expect((await run(base, get('keys'))).value).toEqual(['a'])
  })

  it('with the names of object members are keys like any other', async () => {
    const { run } = kernelRig([echo])
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(await run(message({ a: 'x' }), get(key)), key).toBe(NOT_FOUND)
      expect(await run(message({ device: 'echo@1.0' }), get(key)), key).toBe(NOT_FOUND)
      expect((await run(new Map([[key, 'x']]), get(key))).value, key).toBe('x')
      await expect(run(message({ device: key }), get('a')), key).rejects.toMatchObject({ code: 'device-unknown' })
    }
  })
})

describe('links', () => {
  it('are loaded as base, as result, as request and as device', async () => {
    const { run, store, env } = kernelRig([echo])
    const id = await store.write(message({ a: { b: 'x' } }))
    const device = await store.writeAt('places/device', 'echo@1.0')
    expect((await run(message({ at: new Link(id) }), get('at/a/b'))).value).toBe('x')
    expect((await run(message({ at: new Link(id) }), get('at'))).value).toBeInstanceOf(Map)
    expect((await env.resolve(new Link(id), 'a/b')).value).toBe('x')
    expect((await run(message({ device: new Link(device) }), get('do_thing'))).value).toBe('done')
  })

  it('that are lazy lead to the place of an id', async () => {
    const { env, store } = kernelRig()
    const id = await store.write(message({ a: 'x' }))
    await store.writeAt('places/one', id)
    expect((await env.resolve(new Link('places/one', true), 'a')).value).toBe('x')
  })

  it('that lead nowhere fail', async () => {
    const { run } = kernelRig()
    await expect(run(message({ at: new Link('c'.repeat(43)) }), get('at'))).rejects.toMatchObject({
      code: 'not-found',
      facts: { id: 'c'.repeat(43) },
    })
  })

  it('that lead in a circle, or over too many others, fail', async () => {
    const { run, store, env } = kernelRig()
    await store.writeAt('x', new Link('y'))
    await store.writeAt('y', new Link('x'))
    await expect(run(message({ at: new Link('x') }), get('at/a'))).rejects.toMatchObject({ code: 'limit-reached' })
    for (let i = 0; i <= LINK_HOPS_MAX; i++) await store.writeAt(`hop-${i}`, new Link(`hop-${i + 1}`))
    await store.writeAt(`hop-${LINK_HOPS_MAX}`, 'end')
    expect(await env.load(new Link('hop-1'))).toBe('end')
    await expect(env.load(new Link('hop-0'))).rejects.toMatchObject({ code: 'limit-reached' })
  })
})

describe('casts', () => {
  it('as a base are a message with a device', async () => {
    const { run } = kernelRig([echo])
    expect((await run(new Cast('echo@1.0', message({ k: 'v' })), get('base'))).value).toEqual(message({ k: 'v', device: 'echo@1.0' }))
    expect((await run(new Cast('echo@1.0', message({ k: 'v' })))).value).toEqual(message({ k: 'v', device: 'echo@1.0' }))
    expect((await run(new Cast('echo@1.0', message({ path: 'do_thing' })))).value).toBe('done')
  })

  it('of an id load it, take the keys and set the device', async () => {
    const { run, store } = kernelRig([echo])
    const id = await store.write(message({ a: 'x', k: 'old' }))
    const { value } = await run(new Cast('echo@1.0', message({ path: id, k: 'new' })), get('base'))
    expect(value).toEqual(message({ a: 'x', k: 'new', device: 'echo@1.0' }))
    expect(await run(new Cast('echo@1.0', message({ path: 'd'.repeat(43) })), get('base'))).toBe(BASE_NOT_FOUND)
  })

  it('keep commitments as long as they are about what is there', async () => {
    const { run, store } = kernelRig([echo])
    const signed = await commit(message({ a: 'x', device: 'echo@1.0' }), signer)
    const id = await store.write(signed)
    const kept = await run(new Cast('echo@1.0', message({ path: id, k: 'v', a: 'x' })), get('base'))
    expect((kept.value as Message).has('commitments')).toBe(true)
    const broken = await run(new Cast('echo@1.0', message({ path: id, a: 'y' })), get('base'))
    expect((broken.value as Message).has('commitments')).toBe(false)
  })

  it('as a step change the device of what is there', async () => {
    const { run } = kernelRig([echo])
    const base = message({ a: { b: 'x' } })
    expect((await run(base, new Cast('echo@1.0', message({ path: 'base' })))).value).toEqual(message({ a: { b: 'x' }, device: 'echo@1.0' }))
    expect((await run(base, new Cast('echo@1.0', message({ k: 'v' })), get('base'))).value).toEqual(
      message({ a: { b: 'x' }, k: 'v', device: 'echo@1.0' }),
    )
    expect((await run(base, get('a'), new Cast('echo@1.0', message({ path: 'request', k: 'v' })))).value).toEqual(
      message({ path: 'request', k: 'v' }),
    )
    expect(await run(base, get('a'), get('b'), new Cast('echo@1.0', message({})))).toBe(NOT_FOUND)
  })

  it('to an unknown device fail', async () => {
    const { run } = kernelRig()
    await expect(run(new Cast('nobody@1.0', message({})), get('x'))).rejects.toMatchObject({
      code: 'device-unknown',
      facts: { device: 'nobody@1.0' },
    })
  })

  it('are no way around a device that is not text', async () => {
    const { run } = kernelRig([echo])
    for (const device of [1, message({ keys: 'x' }), ['echo@1.0'], 'e'.repeat(43)] as Value[])
      await expect(run(message({ device }), get('x'))).rejects.toMatchObject({ code: 'device-unknown' })
  })
})

describe('brackets', () => {
  it('as a base are resolved first', async () => {
    const { run } = kernelRig()
    expect((await run(new Steps([message({ a: { b: 'x' } }), get('a')]), get('b'))).value).toBe('x')
    expect((await run(new Steps([message({ a: 'x' }), get('a')]))).value).toBe('x')
    expect(await run(new Steps([message({ a: 'x' }), get('z')]), get('b'))).toBe(NOT_FOUND)
  })

  it('as a step become the request, or its path', async () => {
    const { run } = kernelRig([echo])
    const base = message({ device: 'echo@1.0' })
    expect((await run(base, new Steps([message({ r: { path: 'request', k: 'v' } }), get('r')]))).value).toEqual(
      message({ path: 'request', k: 'v' }),
    )
    expect((await run(base, new Steps([message({ name: 'do_thing' }), get('name')]))).value).toBe('done')
    expect(await run(base, new Steps([message({}), get('none')]))).toBe(NOT_FOUND)
  })

  it('as values are resolved before the step, once for all steps', async () => {
    let count = 0
    const counting: Device = { name: 'count@1.0', keys: { next: () => ({ status: 'ok', value: ++count }) } }
    const { run } = kernelRig([echo, counting])
    const next = new Steps([new Cast('count@1.0', message({})), get('next')])
    const base = new Map<string, Value | Steps>([
      ['device', 'echo@1.0'],
      ['n', next],
    ])
    const request = new Map<string, Value | Steps>([
      ['path', 'request'],
      ['n', next],
    ])
    expect((await run(base, get('base'))).value).toEqual(message({ device: 'echo@1.0', n: 1 }))
    expect((await run(base, request)).value).toEqual(message({ path: 'request', n: 2 }))
    const failing = new Map<string, Value | Steps>([
      ['path', 'request'],
      ['n', new Steps([message({}), get('none')])],
    ])
    expect(await run(base, failing)).toBe(NOT_FOUND)
  })

  it('that a device gives back are resolved', async () => {
    const inner = message({ a: 'x' })
    const { run } = kernelRig([answering(() => ({ status: 'ok', value: new Steps([inner, get('a')]) })), { ...echo }])
    expect((await run(message({ device: 'answer@1.0' }), get('y'))).value).toBe('x')
    const cast = kernelRig([answering(() => ({ status: 'ok', value: new Cast('echo@1.0', get('do-thing')) })), echo])
    expect((await cast.run(message({ device: 'answer@1.0' }), get('y'))).value).toBe('done')
  })

  it('may not be too deep', async () => {
    const { run } = kernelRig()
    const nested = (depth: number): Steps => (depth === 0 ? new Steps([message({ a: 'x' }), get('a')]) : new Steps([nested(depth - 1)]))
    expect((await run(nested(RESOLVE_DEPTH_MAX - 1))).value).toBe('x')
    await expect(run(nested(RESOLVE_DEPTH_MAX))).rejects.toMatchObject({ code: 'limit-reached' })
  })
})

describe('a device', () => {
  it('that fails as expected ends the sequence with that', async () => {
    const failure = new HeddleError('not-allowed', { what: 'this' }, 'no')
    const sync = kernelRig([
      answering(() => {
        throw failure
      }),
    ])
    await expect(sync.run(message({ device: 'answer@1.0' }), get('x'))).rejects.toBe(failure)
    const async = kernelRig([answering(() => Promise.reject(failure))])
    await expect(async.run(message({ device: 'answer@1.0' }), get('x'))).rejects.toBe(failure)
    expect(async.errors).toEqual([])
  })

  it('that has a bug fails, and the log says why', async () => {
    const bugs = [
      () => {
        throw new TypeError('bug')
      },
      () => Promise.reject(new RangeError('bug')),
      () => undefined,
      () => ({ status: 'fine', value: 'x' }),
      () => ({ status: 'ok' }),
      () => Promise.resolve(null),
    ]
    for (const bug of bugs) {
      const { run, errors } = kernelRig([answering(bug)])
      const { status, value } = await run(message({ device: 'answer@1.0' }), get('x'), get('y'))
      expect(status).toBe('failure')
      expect(value).not.toContain('bug')
      expect(errors).toMatchObject([{ device: 'answer@1.0', key: 'x' }])
    }
  })

  it('that has a bug in its groups fails too', async () => {
    const device: Device = {
      ...answering(() => ({ status: 'ok', value: 'x' })),
      group: () => {
        throw new TypeError('bug')
      },
    }
    const { run, errors } = kernelRig([device])
    expect(await run(message({ device: 'answer@1.0' }), get('x'))).toMatchObject({ status: 'failure' })
    expect(errors).toHaveLength(1)
  })

  it('that asks itself without end is stopped', async () => {
    const endless: Device = { name: 'endless@1.0', handler: (key, base, _request, env) => env.resolve(base, key) }
    const { run } = kernelRig([endless])
    await expect(run(message({ device: 'endless@1.0' }), get('x'))).rejects.toMatchObject({ code: 'limit-reached' })
  })

  it('reaches other messages by its env', async () => {
    const asking: Device = {
      name: 'asking@1.0',
      keys: {
        get: async (base, _request, env) => ({ status: 'ok', value: (await env.get(base, 'a')) ?? 'none' }),
        run: (_base, _request, env) => env.run([message({ a: { b: 'x' } }), get('a/b')]),
        resolve: (_base, _request, env) => env.resolve(new Cast('echo@1.0', message({})), 'do-thing'),
        apply: (base, request, env) => env.apply('echo@1.0', 'base', base, request),
        'apply-none': (base, request, env) => env.apply('echo@1.0', 'keys', base, request),
        path: (base, _request, env) => ({ status: 'ok', value: env.hashpathOf(base) }),
      },
    }
    const { run, env } = kernelRig([asking, echo])
    const base = message({ device: 'asking@1.0', a: 'x' })
    expect((await run(base, get('get'))).value).toBe('x')
    expect((await run(message({ device: 'asking@1.0' }), get('get'))).value).toBe('none')
    expect((await run(base, get('run'))).value).toBe('x')
    expect((await run(base, get('resolve'))).value).toBe('done')
    expect((await run(base, get('apply'))).value).toBe(base)
    expect(await run(base, get('apply-none'))).toMatchObject({ status: 'not_found' })
    expect((await run(base, get('path'))).value).toBe(env.hashpathOf(base))
    const past = await run(message({ in: base }), get('in'))
    expect((await run(message({ in: base }), get('in'), get('path'))).value).toBe(past.hashpath)
  })

  it('whose caller has gone is told so', async () => {
    const started = deferred<AbortSignal>()
    const waiting: Device = {
      name: 'waiting@1.0',
      keys: {
        wait: (_base, _request, env) => {
          started.resolve(env.signal)
          return new Promise((_, reject) => env.signal.addEventListener('abort', () => reject(env.signal.reason)))
        },
      },
    }
    const { run, abort, errors } = kernelRig([waiting])
    const result = run(message({ device: 'waiting@1.0' }), get('wait')).catch((error: unknown) => error)
    const signal = await started.promise
    const reason = new Error('gone')
    abort.abort(reason)
    expect(await result).toBe(reason)
    expect(signal.aborted).toBe(true)
    expect(errors).toEqual([])
    await expect(run(message({ a: 'x' }), get('a'))).rejects.toBe(reason)
    await settled()
  })
})

describe('statuses', () => {
  it('of nothing found have an atom', () => {
    expect(NOT_FOUND).toMatchObject({ status: 'not_found', value: new Atom('not_found') })
  })
})
