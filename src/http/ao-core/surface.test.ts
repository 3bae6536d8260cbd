import { describe, expect, it } from 'vitest'
import { outcome } from '../../../test/ao-core-echo.ts'
import { httpRig, type Reply } from '../../../test/ao-core-http-rig.ts'
import { send } from '../../../test/ao-core-transcripts.ts'
import { surfaceOf } from '../../../test/http-server.ts'
import { toText } from '../../base/bytes.ts'
import { type Message, message } from '../../codec/message/value.ts'
import { text } from '../route.ts'

const ID = 'zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs'
const { server, started, get } = httpRig()

describe('beside other protocols', () => {
  it('answers to every method, HEAD without a body, and everybody', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      const reply = await send(server().port, { method, path: '/~message@1.0/method', headers: {} })
      expect(toText(reply.body), method).toBe(method)
    }
    const [whole, head] = [
      await get('/~meta@1.0/info/address'),
      await send(server().port, { method: 'HEAD', path: '/~meta@1.0/info/address', headers: {} }),
    ]
    expect([head.status, head.body.length, head.headers['content-digest']]).toEqual([200, 0, whole.headers['content-digest']])
    const cors = await get('/~meta@1.0/info/address', { 'access-control-request-headers': 'x-a, x-b' })
    expect(cors.headers).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-headers': 'x-a, x-b' })
    expect((await send(server().port, { method: 'OPTIONS', path: '/~x@1.0/y', headers: {} })).status).toBe(204)
  })

  it('takes what is its own and leaves the rest', async () => {
    const gateway = surfaceOf('gateway', {
      'GET /': async () => text(200, 'home'),
      'GET /:id': async ({ params }) => (params['id']?.length === 43 ? text(200, 'data') : null),
      'GET /:id/*': async ({ params }) => (params['id']?.length === 43 ? text(404, 'no manifest') : null),
    })
    const known = new Set<string>()
    const manifest = `${'M'.repeat(42)}A`
    const shared = await started({ gateway, isKnownElsewhere: async (id, isAlone) => id === manifest || (known.has(id) && isAlone) })
    const at = async (method: string, path: string, headers: Record<string, string> = {}): Promise<string> => {
      const { status, body } = await send(shared.port, { method, path, headers })
      return `${status} ${toText(body).slice(0, 40)}`
    }
    const id = await shared.store.write(message({ a: 'x' }))
    expect(await at('GET', `/${id}/a`)).toBe('200 x')
    expect(await at('HEAD', `/${id}`)).toBe('200 ')
    known.add(id)
    expect(await at('GET', `/${id}`)).toBe('200 data')
    expect(await at('GET', `/${id}/a`)).toBe('200 x')
    expect(await at('GET', `/${ID}`)).toBe('200 data')
    expect(await at('GET', `/${ID}/x`)).toBe('404 no manifest')
    expect(await at('GET', `/${ID}/x`, { 'accept-bundle': 'true' })).toMatch(/^404 Necessary messages/)
    expect(await at('GET', '/')).toBe('200 home')
    expect(await at('GET', '/nothing')).toBe('400 Request type not found.')
    expect(await at('GET', '/nothing', { accept: 'text/html' })).toBe('400 Request type not found.')
    expect(await at('GET', '/nothing', { accept: 'application/json' })).toMatch(/^404 \{"ao-result"/)
    expect(await at('GET', '/nothing?k+integer=1')).toBe('404 not_found')
    expect(await at('POST', '/nothing')).toBe('404 not_found')
    expect(await at('GET', '/%7Emessage@1.0&a=1/a')).toBe('200 1')
    expect(await at('GET', `/${ID}`, { 'content-type': 'application/json' })).toBe('200 data')
    expect(await at('GET', `/${manifest}/app/(group)/~page.js`)).toBe('404 no manifest')
    expect(await at('GET', `/${manifest}~message@1.0/a`)).toMatch(/^404 /)
  })

  it('leads from / where the operator says', async () => {
    const gateway = surfaceOf('gateway', { 'GET /': async () => text(200, 'home') })
    const shared = await started({ gateway, options: message({ default_request: '/~meta@1.0/info' }) })
    const reply = await send(shared.port, { method: 'GET', path: '/', headers: {} })
    expect([reply.status, reply.headers['location']]).toEqual([302, '/~meta@1.0/info'])
  })
})

describe('hooks', () => {
  it('may change the steps, refuse a request, and change a reply', async () => {
    const seen: Message[] = []
    const hook = {
      name: 'hook@1.0',
      keys: {
        request: (_base: Message, request: Message) => {
          seen.push(request)
          const body = request.get('body') as readonly Message[]
          const own = request.get('request') as Message
          if (own.get('x-refuse') === '1') return outcome('error', 'refused by the hook')
          return outcome('ok', new Map(request).set('body', own.get('x-add') === '1' ? [...body, message({ path: 'length' })] : body))
        },
        response: (_base: Message, request: Message) =>
          outcome('ok', new Map(request).set('body', new Map(request.get('body') as Message).set('hooked', 'yes'))),
      },
    }
    const on = { request: { device: 'hook@1.0' }, response: { device: 'hook@1.0' } }
    const hooked = await started({ devices: [hook], options: message({ on }) })
    const at = (path: string, headers: Record<string, string> = {}): Promise<Reply> => send(hooked.port, { method: 'GET', path, headers })
    const reply = await at('/~message@1.0&a=(/~message@1.0&b=2/b)/a')
    expect([toText(reply.body), reply.headers['hooked']]).toEqual(['2', 'yes'])
    expect((seen[0]!.get('request') as Message).get('path')).toBe('/~message@1.0&a=(/~message@1.0&b=2/b)/a')
    expect((await at('/~message@1.0&a=1/a', { 'x-refuse': '1' })).status).toBe(400)
    expect((await at('/~message@1.0&a=1/a', { 'x-add': '1' })).status).toBe(404)
  })

  it('does nothing but take options before the node is initialised', async () => {
    const fresh = await started({ options: message({ initialized: false }) })
    const at = (path: string): Promise<Reply> => send(fresh.port, { method: 'GET', path, headers: {} })
    expect([(await at('/~message@1.0&a=1/a')).status, toText((await at('/~message@1.0&a=1/a')).body)]).toEqual([
      400,
      'Node must be initialized before use.',
    ])
    expect((await at('/~meta@1.0/info')).status).toBe(200)
  })
})
