/**
 * What takes longer of comparing aos modules with the reference loader: all modules, deep recursion, large memory, and long runs in which
 * our engine also answers dry runs, fails, and moves to new instances by snapshot.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { difference } from '../aos/compare.ts'
import { ENV, MessageLog, withTextData } from '../aos/messages.ts'
import { AOS_32, AOS_64, AOS_MODULES, type NamedModule, PONG } from '../aos/modules.ts'
import { type Reference, startReference } from '../aos/reference.ts'
import { differences, openPair } from '../aos/run.ts'
import { corpusScenario, HEAVY_FILES, SCENARIOS, type Scenario } from '../aos/scenarios.ts'
import { drafts, sequence } from '../aos/sequence.ts'
import { readCorpus } from '../aos/snippets.ts'
import { prepareSubject } from '../aos/subject.ts'

const MINUTES = 60_000
const LENGTH = 1000
const THAW_EVERY = 100

let reference: Reference
beforeAll(() => {
  reference = startReference()
})
afterAll(() => reference.stop())

const corpus = readCorpus()
const heavy = corpus.filter(({ name }) => HEAVY_FILES.has(name)).map(corpusScenario)
const usual = corpus.filter(({ name }) => !HEAVY_FILES.has(name)).map(corpusScenario)

async function allDifferences(module: NamedModule, scenarios: readonly Scenario[], answeredMin = 0): Promise<string[]> {
  const pair = openPair(reference, module)
  const found: string[] = []
  for (const scenario of scenarios) found.push(...(await differences(pair, scenario)))
  expect(pair.answered).toBeGreaterThan(answeredMin)
  return found
}

describe('the reference loader', () => {
  const errors = usual.find(({ name }) => name === 'errors')?.steps ?? []
  const steps = [...errors.slice(0, 20), ...sequence(5, 25).steps]

  it.each([AOS_64, AOS_32])(
    '$name gives the same in an instance that stays as with memory in and out',
    async (module) => {
      const log = new MessageLog()
      const messages = [log.boot(), ...steps.map((step) => log.next(step))].map(withTextData)
      const hot = await reference.run({ module, env: ENV, messages })
      expect(hot).toEqual(await reference.run({ module, env: ENV, messages, keepsHot: false }))
      expect(hot.filter(({ Error: reported, thrown }) => reported !== undefined || thrown !== undefined).length).toBeGreaterThan(10)
    },
    2 * MINUTES,
  )
})

describe('large memory and deep recursion', () => {
  it.each([AOS_64, AOS_32])('$name', async (module) => expect(await allDifferences(module, heavy)).toEqual([]), 4 * MINUTES)
})

describe('older and other modules', () => {
  const others = AOS_MODULES.filter((module) => module !== AOS_64 && module !== AOS_32)
  it.each(others)('$name', async (module) => expect(await allDifferences(module, [...usual, ...SCENARIOS], 300)).toEqual([]), 4 * MINUTES)

  it('a module without aos', async () => {
    const steps = ['one', 'two', 'three'].map((data) => ({ name: data, data }))
    expect(await allDifferences(PONG, [{ name: 'pong', steps }])).toEqual([])
  })
})

describe(`${LENGTH} messages`, () => {
  it.each([
    { module: AOS_64, seed: 11 },
    { module: AOS_32, seed: 12 },
  ])(
    '$module.name, with dry runs in between, and frozen and thawed on the way',
    async ({ module, seed }) => {
      const scenario = sequence(seed, LENGTH)
      const log = new MessageLog()
      const messages = [log.boot(), ...scenario.steps.map((step) => log.next(step))]
      const expected = reference.run({ module, env: ENV, messages: messages.map(withTextData) })
      const programs = [prepareSubject(module), prepareSubject(module)]
      const steady = programs[0]!.spawn()
      let moving = programs[0]!.spawn()
      const draft = drafts(seed + 1000)
      const theirs = await expected
      const found: (string | null)[] = []
      for (const [i, message] of messages.entries()) {
        if (i > 0 && i % THAW_EVERY === 0) {
          const snapshot = moving.snapshot()
          moving.close()
          moving = programs[(i / THAW_EVERY) % 2]!.thaw(snapshot)
        }
        const compare = (ours: ReturnType<typeof steady.evaluate>, where: string): void => {
          const step = scenario.steps[i - 1]
          const source = typeof step?.data === 'string' ? step.data : JSON.stringify(step?.tags)
          found.push(difference(ours, theirs[i] ?? {}, { what: `${module.name}, message ${i}, ${where}`, source }))
        }
        if (i % 3 === 1) compare(steady.dryRun(message), 'dry')
        if (i % 3 === 2) steady.dryRun(log.dry(draft(i)))
        compare(steady.evaluate(message), 'in one instance')
        compare(moving.evaluate(message), 'thawed')
        if (found.filter((text) => text !== null).length > 5) break
      }
      steady.close()
      moving.close()
      expect(found.filter((text) => text !== null)).toEqual([])
      expect(found.length).toBeGreaterThan(2 * LENGTH)
    },
    6 * MINUTES,
  )
})
