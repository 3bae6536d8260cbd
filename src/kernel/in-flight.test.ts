import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deferred, kernelRig, settled } from '../../test/kernel-rig.ts'
import { type Message, message } from '../codec/message/value.ts'
import type { Device } from './device.ts'
import { type Ask, type Hold, InFlight } from './in-flight.ts'

const never = new AbortController().signal

function ask(group: string, question: string, within: Hold | null = null, signal: AbortSignal = never): Ask<string> {
  return { group, question, within, signal }
}

function flights(): InFlight<string, string> {
  return new InFlight((a, b) => a === b)
}

describe('those who ask the same', () => {
  it('share one outcome', async () => {
    const inFlight = flights()
    const work = deferred<string>()
    let runs = 0
    const start = (): Promise<string> =>
      inFlight.join(ask('g', 'q'), () => {
        runs++
        return work.promise
      })
    const all = [start(), start(), start()]
    await settled()
    work.resolve('x')
    expect(await Promise.all(all)).toEqual(['x', 'x', 'x'])
    expect(runs).toBe(1)
    expect(inFlight.size).toBe(0)
    expect(await inFlight.join(ask('g', 'q'), async () => 'later')).toBe('later')
  })

  it('ask again themselves when the leader fails', async () => {
    const inFlight = flights()
    const first = deferred<string>()
    const leader = inFlight.join(ask('g', 'q'), () => first.promise)
    let runs = 0
    const others = [1, 2, 3].map(() => inFlight.join(ask('g', 'q'), async () => `${++runs}`))
    await settled()
    first.reject(new Error('mine'))
    await expect(leader).rejects.toThrow('mine')
    expect(await Promise.all(others)).toEqual(['1', '1', '1'])
  })

  it('all fail when all of them do', async () => {
    const inFlight = flights()
    const all = [1, 2, 3].map((n) => inFlight.join(ask('g', 'q'), async () => Promise.reject(new Error(`${n}`))))
    const errors = await Promise.all(all.map((one) => one.catch((error: Error) => error.message)))
    expect(errors).toEqual(['1', '2', '3'])
    expect(inFlight.size).toBe(0)
  })

  it('get it also when the leader has gone', async () => {
    const inFlight = flights()
    const work = deferred<string>()
    const [leaving, staying] = [new AbortController(), new AbortController()]
    let seen: AbortSignal | null = null
    const leader = inFlight.join(ask('g', 'q', null, leaving.signal), (_hold, signal) => {
      seen = signal
      return work.promise
    })
    const other = inFlight.join(ask('g', 'q', null, staying.signal), () => Promise.reject(new Error('not needed')))
    await settled()
    leaving.abort(new Error('gone'))
    await expect(leader).rejects.toThrow('gone')
    expect(seen!.aborted).toBe(false)
    work.resolve('x')
    expect(await other).toBe('x')
  })

  it('end the work when all of them have gone; who comes then starts anew', async () => {
    const inFlight = flights()
    const gone = new AbortController()
    const work = deferred<string>()
    let seen: AbortSignal | null = null
    const leader = inFlight.join(ask('g', 'q', null, gone.signal), (_hold, signal) => {
      seen = signal
      return work.promise
    })
    await settled()
    gone.abort(new Error('gone'))
    await expect(leader).rejects.toThrow('gone')
    expect(seen!.aborted).toBe(true)
    const next = inFlight.join(ask('g', 'q'), async () => 'anew')
    await settled()
    work.reject(new Error('ended'))
    expect(await next).toBe('anew')
    await expect(inFlight.join(ask('g', 'q', null, gone.signal), async () => 'x')).rejects.toThrow('gone')
  })
})

describe('those who ask other things of one group', () => {
  it('take turns, in order', async () => {
    const inFlight = flights()
    const log: string[] = []
    const start = (question: string): Promise<string> =>
      inFlight.join(ask('g', question), async () => {
        log.push(`${question} starts`)
        await settled()
        log.push(`${question} ends`)
        return question
      })
    expect(await Promise.all(['a', 'b', 'c', 'b', 'a'].map(start))).toEqual(['a', 'b', 'c', 'b', 'a'])
    expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
  })

  it('leave the queue when they go', async () => {
    const inFlight = flights()
    const work = deferred<string>()
    const gone = new AbortController()
    const leader = inFlight.join(ask('g', 'a'), () => work.promise)
    const leaving = inFlight.join(ask('g', 'b', null, gone.signal), async () => 'b')
    const last = inFlight.join(ask('g', 'c'), async () => 'c')
    await settled()
    gone.abort(new Error('gone'))
    await expect(leaving).rejects.toThrow('gone')
    work.resolve('a')
    expect(await Promise.all([leader, last])).toEqual(['a', 'c'])
    expect(inFlight.size).toBe(0)
  })

  it('do not wait for other groups', async () => {
    const inFlight = flights()
    const work = deferred<string>()
    const slow = inFlight.join(ask('g', 'a'), () => work.promise)
    expect(await inFlight.join(ask('h', 'a'), async () => 'h')).toBe('h')
    work.resolve('g')
    expect(await slow).toBe('g')
  })
})

describe('who would wait for itself', () => {
  it('is refused at once', async () => {
    const inFlight = flights()
    const run = inFlight.join(ask('g', 'a'), (hold) => inFlight.join(ask('g', 'b', hold), async () => 'never'))
    await expect(run).rejects.toMatchObject({ code: 'endless-recursion', facts: { group: 'g' } })
    const deeper = inFlight.join(ask('g', 'a'), (g) =>
      inFlight.join(ask('h', 'a', g), (h) => inFlight.join(ask('g', 'a', h), async () => 'never')),
    )
    await expect(deeper).rejects.toMatchObject({ code: 'endless-recursion' })
    expect(inFlight.size).toBe(0)
  })

  it('is refused around several groups', async () => {
    const inFlight = flights()
    const cross = (own: string, other: string): Promise<string> =>
      inFlight.join(ask(own, own), async (hold) => {
        await settled()
        return inFlight.join(ask(other, `${own} for ${other}`, hold), async () => `${other} by ${own}`)
      })
    const results = await Promise.allSettled([cross('a', 'b'), cross('b', 'c'), cross('c', 'a')])
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'endless-recursion' } })
    expect(inFlight.size).toBe(0)
  })

  it('is refused when it shares what waits for it', async () => {
    const inFlight = flights()
    const inner = deferred<Hold>()
    const outer = inFlight.join(ask('a', 'a'), async (hold) => {
      await settled()
      return inFlight.join(ask('b', 'b', hold), async () => 'b by a')
    })
    const other = inFlight.join(ask('b', 'b'), async (hold) => {
      inner.resolve(hold)
      await settled()
      await settled()
      return inFlight.join(ask('a', 'a', hold), async () => 'a by b')
    })
    const results = await Promise.allSettled([outer, other])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(inFlight.size).toBe(0)
  })
})

it('any callers of any groups all come to an end', async () => {
  const call = fc.record({
    groups: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }),
    question: fc.constantFrom('p', 'q'),
    isLeaving: fc.boolean(),
    isFailing: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      const inFlight = flights()
      const running = new Map<string, number>()
      let most = 0 // At one time in one group; noted, since what fails in here is an outcome.
      const ends = calls.map(({ groups, question, isLeaving, isFailing }) => {
        const abort = new AbortController()
        const nest = (at: number, within: Hold | null): Promise<string> => {
          const group = groups[at]
          if (group === undefined) return isFailing ? Promise.reject(new Error('fails')) : Promise.resolve('end')
          return inFlight.join(ask(group, question, within, abort.signal), async (hold) => {
            running.set(group, (running.get(group) ?? 0) + 1)
            most = Math.max(most, running.get(group)!)
            await settled()
            try {
              return await nest(at + 1, hold)
            } finally {
              running.set(group, running.get(group)! - 1)
            }
          })
        }
        const end = nest(0, null).catch((error: unknown) => error)
        if (isLeaving) setImmediate(() => abort.abort(new Error('gone')))
        return end
      })
      const outcomes = await Promise.all(ends)
      expect(most).toBeLessThanOrEqual(1)
      for (const [i, { isLeaving, isFailing }] of calls.entries())
        if (!isLeaving && !isFailing && outcomes[i] !== 'end') expect(outcomes[i]).toMatchObject({ code: 'endless-recursion' })
      for (let i = 0; i < 10 && inFlight.size > 0; i++) await settled() // Work that nobody waits for any more.
      expect(inFlight.size).toBe(0)
    }),
    { numRuns: 200 },
  )
})

describe('in resolutions', () => {
  const rigOf = (options = message({})) => {
    const gate = deferred<string>()
    const seen: Message[] = []
    const slow: Device = {
      name: 'slow@1.0',
      keys: {
        go: async (_base, request) => {
          seen.push(request)
          return { status: 'ok', value: message({ result: await gate.promise }) }
        },
        again: (base, _request, env) => env.resolve(base, 'again-2'),
        'again-2': () => ({ status: 'ok', value: 'x' }),
      },
      group: (base) => (base.has('free') ? null : 'slow'),
    }
    return { ...kernelRig([slow], options), gate, seen }
  }
  const go = message({ path: 'go' })

  it('the same request upon the same base runs once, and each caller has its own hashpath', async () => {
    const { run, gate, seen, env } = rigOf()
    const base = message({ device: 'slow@1.0' })
    const all = [
      run(base, go),
      run(message({ device: 'slow@1.0' }), message({ path: 'go' })),
      run(message({ in: base }), message({ path: 'in' }), go),
    ]
    await settled()
    gate.resolve('x')
    const results = await Promise.all(all)
    expect(results.map(({ value }) => value)).toEqual(Array(3).fill(message({ result: 'x' })))
    expect(seen).toHaveLength(1)
    const [first, second, third] = results.map(({ hashpath }) => hashpath)
    expect(first).toBe(`${env.hashpathOf(base)}/go`)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
  })

  it('requests that differ in anything a device can see do not share', async () => {
    const { run, gate, seen } = rigOf()
    const base = message({ device: 'slow@1.0' })
    const requests = [
      go,
      message({ path: 'go', k: 'v' }),
      new Map(go).set('priv-cookie', 'one'),
      new Map(go).set('priv-cookie', 'two'),
      message({ path: 'go', commitments: { x: {} } }),
    ]
    const all = requests.map((request) => run(base, request))
    gate.resolve('x')
    await Promise.all(all)
    expect(seen).toEqual(requests)
  })

  it('without a group nobody waits, unless the node wants it', async () => {
    const base = message({ device: 'slow@1.0', free: true })
    for (const [options, runs] of [
      [message({}), 2],
      [message({ 'await-inprogress': true }), 1],
      [message({ await_inprogress: false }), 2],
    ] as const) {
      const { run, gate, seen } = rigOf(options)
      const all = [run(base, go), run(base, go)]
      await settled()
      expect(seen).toHaveLength(runs)
      gate.resolve('x')
      await Promise.all(all)
    }
  })

  it('a device that asks its own group is refused', async () => {
    const { run } = rigOf()
    await expect(run(message({ device: 'slow@1.0' }), message({ path: 'again' }))).rejects.toMatchObject({ code: 'endless-recursion' })
  })
})
