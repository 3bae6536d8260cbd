/** Whatever messages and paths there are: every resolution ends, with an outcome or a coded failure, and changes nothing but what it says. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyKey, anyMessage, anyValue } from '../../test/ao-core-arbitrary.ts'
import { kernelRig } from '../../test/kernel-rig.ts'
import { HeddleError } from '../base/errors.ts'
import { verifyHashpath } from '../codec/message/hashpath.ts'
import { unsignedId } from '../codec/message/id.ts'
import { Atom, atom, isMessage, isPrivateKey, type Message, message, type Value } from '../codec/message/value.ts'
import type { Device } from './device.ts'
import type { Resolved } from './outcomes.ts'
import { Cast, type Step, Steps } from './steps.ts'

const KEYS = [
  'a',
  'b',
  'keys',
  'set',
  'set-path',
  'remove',
  'id',
  'committers',
  'committed',
  'commitments',
  'verify',
  'index',
  'get',
  'priv',
  'private',
]
const WORDS = ['all', 'none', 'explicit', 'self', 'a', 'x'.repeat(43), 'message@1.0', 'echo@1.0', 'nobody@1.0']

const echo: Device = {
  name: 'echo@1.0',
  keys: { base: (base) => ({ status: 'ok', value: base }), request: (_base, request) => ({ status: 'ok', value: request }) },
}

const key = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: anyKey })
const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const value = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<Value>(...WORDS, atom('unset'), atom('undefined'), true, 'priv-x') },
  { weight: 2, arbitrary: anyValue({ depth: 2, hasLinks: true, maxKeys: 3 }) },
)
const special = fc.constantFrom(
  'device',
  'committers',
  'commitment-ids',
  'set-mode',
  'target',
  'items',
  'item',
  'value',
  'hashpath-alg',
  'cache-control',
  'priv-x',
  'commitments',
  'path',
)
const extras = fc.dictionary(special, value, { maxKeys: 3 }).map((entries) => Object.entries(entries))

const base: fc.Arbitrary<Message> = fc.tuple(anyMessage({ hasLinks: true }), extras).map(([own, more]) => new Map([...own, ...more]))
const request: fc.Arbitrary<Message> = fc.tuple(base, fc.oneof(path, value)).map(([own, at]) => new Map(own).set('path', at))
const cast = fc
  .tuple(fc.constantFrom('message@1.0', 'echo@1.0', 'nobody@1.0'), fc.oneof(base, request))
  .map(([device, own]) => new Cast(device, own))

const { step } = fc.letrec<{ step: Step; steps: Steps }>((tie) => ({
  step: fc.oneof({ depthSize: 'small', withCrossShrink: true }, request, path, cast, tie('steps')),
  steps: fc.array(tie('step'), { maxLength: 3 }).map((steps) => new Steps(steps)),
}))

async function ending(run: Promise<Resolved>): Promise<Resolved | null> {
  try {
    return await run
  } catch (error) {
    if (error instanceof HeddleError) return null
    throw error
  }
}

describe('any sequence', () => {
  it('ends with an outcome or a coded failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(base, step),
        fc.array(step, { maxLength: 4 }),
        fc.constantFrom([], ['always'], ['only-if-cached']),
        async (first, steps, cacheControl) => {
          const { kernel, abort, errors } = kernelRig([echo])
          const result = await ending(kernel.run([first, ...steps], { signal: abort.signal, cacheControl }))
          expect(errors).toEqual([])
          if (result !== null && result.origin !== null) expect(isMessage(result.value)).toBe(true)
        },
      ),
      { numRuns: 600 },
    )
  })

  it('of changes has the hashpath of its base and its requests, whatever these are', async () => {
    const { run } = kernelRig()
    const change = anyMessage({ depth: 1 }).map((own) => new Map<string, Value>([...own, ['path', 'set']]))
    await fc.assert(
      fc.asyncProperty(anyMessage({ depth: 1 }), fc.array(change, { minLength: 1, maxLength: 4 }), async (first, requests) => {
        const result = await ending(run(first, ...requests))
        fc.pre(result !== null)
        expect(verifyHashpath({ base: unsignedId(first), requests, hashpath: result.hashpath ?? '' })).toBe(true)
        expect(verifyHashpath({ base: unsignedId(first), requests: [...requests, requests[0]!], hashpath: result.hashpath ?? '' })).toBe(
          false,
        )
      }),
      { numRuns: 200 },
    )
  })

  it('never changes a message that it was given', async () => {
    const frozen = (given: Value): string =>
      JSON.stringify(given, (_key, item) => (item instanceof Map ? [...item] : typeof item === 'bigint' ? `${item}n` : item))
    await fc.assert(
      fc.asyncProperty(base, fc.array(request, { minLength: 1, maxLength: 3 }), async (first, requests) => {
        const before = [first, ...requests].map(frozen)
        await ending(kernelRig([echo]).run(first, ...requests))
        expect([first, ...requests].map(frozen)).toEqual(before)
      }),
      { numRuns: 200 },
    )
  })
})

describe('any message', () => {
  it('gives each of its keys, and no private one', async () => {
    const { env } = kernelRig()
    await fc.assert(
      fc.asyncProperty(
        anyMessage(),
        fc.dictionary(fc.constantFrom('priv', 'privx', 'priv/x', 'private'), anyValue({ depth: 1 })),
        async (own, secrets) => {
          const whole = new Map([...own, ...Object.entries(secrets)])
          for (const [name, expected] of whole) {
            if (name.includes('/') || KEYS.includes(name.toLowerCase().replaceAll('_', '-')) || name === 'device') continue
            expect(await env.get(whole, name), name).toEqual(isPrivateKey(name) ? undefined : expected)
          }
          const { value: keys } = await env.resolve(whole, 'keys')
          expect(new Set(keys as string[])).toEqual(new Set([...own.keys()]))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('set key by key, or at once, or not at all, has the same id', async () => {
    const { run } = kernelRig()
    const flat = anyMessage({ depth: 0, key: fc.stringMatching(/^[a-z]{1,3}$/).filter((name) => !KEYS.includes(name)) })
    await fc.assert(
      fc.asyncProperty(flat, async (own) => {
        const plain = new Map([...own].filter(([, item]) => !isUnset(item)))
        const steps = [...plain].map(
          ([name, item]) =>
            new Map<string, Value>([
              ['path', 'set'],
              [name, item],
            ]),
        )
        const one = await run(message({}), ...steps)
        const all = await run(message({}), new Map<string, Value>([...plain, ['path', 'set']]))
        expect(unsignedId(one.value as Message)).toBe(unsignedId(plain))
        expect(unsignedId(all.value as Message)).toBe(unsignedId(plain))
      }),
      { numRuns: 100 },
    )
  })
})

function isUnset(item: Value): boolean {
  return item instanceof Atom && (item.name === 'unset' || item.name === 'undefined')
}
