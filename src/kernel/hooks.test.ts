import { describe, expect, it } from 'vitest'
import { kernelRig, signer } from '../../test/kernel-rig.ts'
import { Atom, Link, type Message, message } from '../codec/message/value.ts'
import { verifyMessage } from '../codec/message/verify.ts'
import type { Device } from './device.ts'

/** Notes what it is asked, and answers with the request and a key more. */
function noting(): Device & { readonly asked: Message[] } {
  const asked: Message[] = []
  return {
    name: 'note@1.0',
    asked,
    keys: {
      refuse: () => ({ status: 'unauthorized', value: 'not you' }),
      crash: () => {
        throw new Error('bug')
      },
      text: () => ({ status: 'ok', value: 'text' }),
      upper: (_base, request) => ({ status: 'ok', value: new Map(request).set('body', String(request.get('body')).toUpperCase()) }),
      'is-base-known': (base, request) => ({ status: 'ok', value: new Map(request).set('body', base.get('device')!) }),
    },
    fallback: (key, base, request) => {
      asked.push(request)
      return { status: 'ok', value: new Map(request).set('body', `${request.get('body')} ${key} ${base.get('mark') ?? ''}`.trim()) }
    },
  }
}

const handler = (keys: Parameters<typeof message>[0] = {}) => ({ device: 'note@1.0', ...keys })
const options = (hooks: Parameters<typeof message>[0]): Message => message({ on: hooks })

describe('a hook', () => {
  it('without handlers changes nothing', async () => {
    const { kernel } = kernelRig()
    const asked = message({ body: 'b' })
    expect(await kernel.hook('start', asked)).toMatchObject({ status: 'ok', value: asked })
    for (const on of ['none', message({ other: handler() }), 7]) {
      const rig = kernelRig([], message({ on }))
      expect((await rig.kernel.hook('start', asked)).value).toBe(asked)
    }
  })

  it('asks its handler by the handler’s path and method, else by its own name and GET', async () => {
    const device = noting()
    const { kernel } = kernelRig([device], options({ start: handler(), request: handler({ path: 'other', method: 'POST' }) }))
    expect((await kernel.hook('start', message({ body: 'b' }))).value).toEqual(message({ body: 'b start', path: 'start', method: 'GET' }))
    expect((await kernel.hook('request', message({ body: 'b' }))).value).toEqual(
      message({ body: 'b other', path: 'other', method: 'POST' }),
    )
    expect(device.asked).toEqual([
      message({ body: 'b', path: 'start', method: 'GET' }),
      message({ body: 'b', path: 'other', method: 'POST' }),
    ])
  })

  it('goes through all of its handlers, listed or numbered or linked to', async () => {
    const handlers = [handler({ mark: 'one' }), handler({ mark: 'two' })]
    const lists = [handlers, { 1: handlers[0], 2: handlers[1] }, { 2: handlers[1], commitments: {}, 1: handlers[0] }]
    for (const list of lists) {
      const { kernel } = kernelRig([noting()], options({ start: list }))
      expect(((await kernel.hook('start', message({ body: 'b' }))).value as Message).get('body')).toBe('b start one start two')
    }
    const rig = kernelRig([noting()])
    const id = await rig.store.write(message(handler({ mark: 'linked' })))
    rig.setOptions(message({ on: { start: [new Link(id)] } }))
    expect(((await rig.kernel.hook('start', message({ body: 'b' }))).value as Message).get('body')).toBe('b start linked')
  })

  it('ends where a handler does not answer ok', async () => {
    const device = noting()
    const { kernel } = kernelRig([device], options({ request: [handler({ path: 'refuse' }), handler()] }))
    expect(await kernel.hook('request', message({ body: 'b' }))).toMatchObject({ status: 'unauthorized', value: 'not you' })
    expect(device.asked).toEqual([])
    const crashing = kernelRig([noting()], options({ request: handler({ path: 'crash' }) }))
    expect(await crashing.kernel.hook('request', message({ body: 'b' }))).toMatchObject({ status: 'failure' })
    const unknown = kernelRig([], options({ request: handler() }))
    await expect(unknown.kernel.hook('request', message({}))).rejects.toMatchObject({ code: 'device-unknown' })
    const wrong = kernelRig([], options({ request: ['text'] }))
    expect(await wrong.kernel.hook('request', message({}))).toMatchObject({ status: 'failure' })
    const text = kernelRig([noting()], options({ request: [handler({ path: 'text' }), handler()] }))
    expect(await text.kernel.hook('request', message({}))).toMatchObject({ status: 'failure' })
  })

  it('ignores an answer, or makes an error of it, where the handler says so', async () => {
    const asked = message({ body: 'b' })
    for (const hook of [{ hook: { result: 'ignore' } }, { 'hook/result': 'ignore' }]) {
      const { kernel } = kernelRig([noting()], options({ start: handler(hook) }))
      expect((await kernel.hook('start', asked)).value).toBe(asked)
    }
    const { kernel } = kernelRig([noting()], options({ start: handler({ hook: { result: 'error' } }) }))
    expect(await kernel.hook('start', asked)).toMatchObject({ status: 'error' })
  })

  it('signs the request where the handler says so', async () => {
    const device = noting()
    const { kernel } = kernelRig([device], options({ start: handler({ hook: { 'commit-request': true } }) }))
    await kernel.hook('start', message({ body: 'b' }))
    const [request] = device.asked
    expect(await verifyMessage(request!, { committers: [signer.address] })).toBe(true)
  })

  it('follows the options as they change', async () => {
    const { kernel, setOptions } = kernelRig([noting()])
    const body = async () => ((await kernel.hook('start', message({ body: 'b' }))).value as Message).get('body')
    expect(await body()).toBe('b')
    setOptions(options({ start: handler() }))
    expect(await body()).toBe('b start')
  })
})

describe('the hook `step`', () => {
  it('sees each step and may change what it gave', async () => {
    const seen: Message[] = []
    const changing: Device = {
      name: 'change@1.0',
      keys: {
        step: (_base, request) => {
          seen.push(request)
          return { status: 'ok', value: new Map(request).set('body', message({ changed: String(request.get('body')) })) }
        },
      },
    }
    const text: Device = { name: 'text@1.0', keys: { say: () => ({ status: 'ok', value: 'hello' }) } }
    const { run } = kernelRig([changing, text], message({ on: { step: { device: 'change@1.0' } } }))
    const base = message({ device: 'text@1.0' })
    expect(await run(base, message({ path: 'say' }), message({ path: 'changed' }))).toMatchObject({
      status: 'ok',
      value: message({ changed: 'hello' }),
    })
    expect(
      seen.map((each) => (each.get('request') as Message).get('path')),
      'plain reads of keys, too',
    ).toEqual(['say', 'changed'])
    expect(seen[0]!.get('base')).toBe(base)
    expect(seen[0]!.get('request')).toEqual(message({ path: 'say' }))
    expect(seen[0]!.get('status')).toEqual(new Atom('ok'))
  })

  it('may refuse a step', async () => {
    const refusing: Device = { name: 'refuse@1.0', keys: { step: () => ({ status: 'forbidden', value: 'no credit' }) } }
    const { run } = kernelRig([refusing], message({ on: { step: { device: 'refuse@1.0' } } }))
    expect(await run(message({ a: 'x' }), message({ path: 'keys' }))).toMatchObject({ status: 'forbidden', value: 'no credit' })
  })

  it('may change the status', async () => {
    const changing: Device = {
      name: 'change@1.0',
      keys: { step: (_b, request) => ({ status: 'ok', value: new Map(request).set('status', new Atom('forbidden')) }) },
    }
    const { run } = kernelRig([changing], message({ on: { step: { device: 'change@1.0' } } }))
    expect(await run(message({ a: 'x' }), message({ path: 'keys' }))).toMatchObject({ status: 'forbidden', value: ['a'] })
  })

  it('has no steps of its own hooked', async () => {
    let count = 0
    const asking: Device = {
      name: 'ask@1.0',
      keys: {
        step: async (_base, request, env) => {
          count++
          await env.resolve(message({ a: 'x' }), 'keys')
          return { status: 'ok', value: request }
        },
      },
    }
    const { run } = kernelRig([asking], message({ on: { step: { device: 'ask@1.0' } } }))
    expect((await run(message({ a: 'x' }), message({ path: 'keys' }))).value).toEqual(['a'])
    expect(count).toBe(1)
  })
})
