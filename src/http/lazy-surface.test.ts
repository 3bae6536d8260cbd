import { describe, expect, it, vi } from 'vitest'
import { HeddleError } from '../base/errors.ts'
import { lazySurface } from './lazy-surface.ts'
import { type Request, type Surface, text } from './route.ts'

const request = {} as Request // Handed on, never looked at.
const surface: Surface = {
  name: 'inner',
  routes: [{ method: 'GET', path: '/*', handle: async () => text(200, 'inner') }],
  failure: () => text(418, 'inner failure'),
}

describe('a lazy surface', () => {
  const get = (of: Surface, method = 'GET') => of.routes.find((route) => route.method === method)!.handle(request)

  it('is loaded once, when it is first asked', async () => {
    const load = vi.fn(async () => surface)
    const lazy = lazySurface('lazy', load)
    expect(load).not.toHaveBeenCalled()
    expect((await get(lazy))?.body).toBe('inner')
    expect((await get(lazy))?.body).toBe('inner')
    expect(await get(lazy, 'PUT')).toBeNull()
    expect(load).toHaveBeenCalledTimes(1)
    expect(lazy.failure(new Error(), request).status).toBe(418)
  })

  it('says so when it could not be loaded, and tries again', async () => {
    const load = vi.fn(async () => surface).mockRejectedValueOnce(new HeddleError('stopping', {}, 'the node is stopping'))
    const lazy = lazySurface('lazy', load)
    const error = await get(lazy).catch((failure: unknown) => failure)
    expect(lazy.failure(error, request).status).toBe(503)
    expect(lazy.failure(new Error(), request)).toMatchObject({ status: 500, body: 'Internal server error' })
    expect((await get(lazy))?.body).toBe('inner')
  })
})
