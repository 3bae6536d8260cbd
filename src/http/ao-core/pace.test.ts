import { describe, expect, it } from 'vitest'
import { httpRig, JSON_HEADERS, json } from '../../../test/ao-core-http-rig.ts'
import { AO_CORE_KEYS_MAX, AO_CORE_STEP_VALUES, AO_CORE_VALUES_MAX, MULTIPART_PARTS_MAX } from '../../base/limits.ts'
import { linkId } from '../../codec/message/id.ts'
import { isList, isMessage, type Message, message, type Value } from '../../codec/message/value.ts'
import { inSteps, settleIds } from './pace.ts'

const children = (count: number): Message => message(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, { i }])))

describe('steps of a large message', () => {
  it('are small, cover all of it, and come after what is in them', () => {
    const whole = message({ few: { a: 1 }, many: children(1_000), list: Array.from({ length: 500 }, (_, i) => [i]) })
    const steps = inSteps(whole)
    const done = new Set<unknown>()
    const visit = (value: Value): number => {
      if ((!isMessage(value) && !isList(value)) || done.has(value)) return 0
      done.add(value)
      let values = isMessage(value) ? value.size : value.length
      for (const item of value.values()) values += visit(item)
      return values
    }
    for (const step of steps) {
      const own = isMessage(step) ? step.size : (step as readonly Value[]).length
      expect(visit(step)).toBeLessThanOrEqual(Math.max(AO_CORE_STEP_VALUES, own))
    }
    expect(steps.at(-1)).toBe(whole)
    expect(done.size).toBe(1 + 2 + 1_000 + 1 + 500)
  })

  it('of a small one are one', () => {
    const small = message({ a: { b: { c: 1 } } })
    expect(inSteps(small)).toEqual([small])
    expect(settleIds(message({ a: 'x', n: 1 }))).toBeNull()
  })

  it('let others have their turn', async () => {
    const parts = Array.from({ length: 20 }, (_, p) => message({ p, of: children(500) }))
    let turns = 0
    const count = (): void => {
      turns++
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    await settleIds(new Map([['parts', parts]]))
    clearImmediate(immediate)
    expect(turns).toBeGreaterThan(2)
    expect(linkId(parts[0]!)).toBe(linkId(message({ p: 0, of: children(500) })))
  })
})

describe('what no reply can carry', () => {
  const { post } = httpRig()
  const send = (path: string, value: unknown, headers = {}) =>
    post(path, { ...JSON_HEADERS, 'content-type': 'application/json', ...headers }, JSON.stringify(value))

  it('is refused before it is made', async () => {
    const list = Array.from({ length: AO_CORE_KEYS_MAX + 1 }, (_, i) => i)
    expect(json(await send('/~message@1.0/list', { list }))).toMatchObject({
      failure: 'too-large',
      body: expect.stringContaining('list of 10001 items'),
    })
    expect((await send('/~message@1.0/list/10001', { list })).status).toBe(200)
    const many = Array.from({ length: MULTIPART_PARTS_MAX / 2 }, (_, i) => ({ in: { i } }))
    const bundle = await post(
      '/~message@1.0/set',
      { 'content-type': 'application/json', 'accept-bundle': 'true' },
      JSON.stringify({ many }),
    )
    expect([bundle.status, bundle.headers['failure']]).toEqual([413, 'too-large'])
    const values = Array.from({ length: AO_CORE_VALUES_MAX }, () => 1)
    expect((await send('/~message@1.0/x', { values })).status).toBe(413)
  })
})
