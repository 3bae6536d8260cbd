/** aos modules give the same results here as in the reference loader: a corpus of Lua snippets, programs, and messages of all kinds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { difference } from './aos/compare.ts'
import { AOS_32, AOS_64 } from './aos/modules.ts'
import { type RawResult, type Reference, startReference } from './aos/reference.ts'
import { differences, openPair, type Pair } from './aos/run.ts'
import { corpusScenario, HEAVY_FILES, SCENARIOS } from './aos/scenarios.ts'
import { readCorpus } from './aos/snippets.ts'

const corpus = readCorpus()
const scenarios = [...corpus.filter(({ name }) => !HEAVY_FILES.has(name)).map(corpusScenario), ...SCENARIOS]

describe.each([AOS_64, AOS_32])('$name', (module) => {
  let reference: Reference
  let pair: Pair
  beforeAll(() => {
    reference = startReference()
    pair = openPair(reference, module)
  })
  afterAll(() => reference.stop())

  it.each(scenarios)(
    '$name',
    async (scenario) => {
      expect(await differences(pair, scenario)).toEqual([])
    },
    60_000,
  )

  it('most of that is answered, the rest are errors that were meant', () => {
    expect(pair.answered).toBeGreaterThan(350)
  })
})

describe('a comparison', () => {
  const isEqual = (ours: RawResult, theirs: RawResult, isMasked = false): boolean =>
    difference(ours, theirs, { what: 'it', isMasked }) === null

  it('sees what differs', () => {
    expect(isEqual({ Output: { data: '1' } }, { Output: { data: '1.0' } })).toBe(false)
    expect(isEqual({ Output: 1 }, { Output: '1' })).toBe(false)
    expect(isEqual({ Messages: [{ Target: 'x' }] }, { Messages: [] })).toBe(false)
    expect(isEqual({ Spawns: [{}] }, {})).toBe(false)
    expect(isEqual({ Error: 'no' }, { thrown: 'no' })).toBe(false)
    expect(isEqual({ Error: 'no' }, { broken: 'trap' })).toBe(false)
    expect(isEqual({ Output: 'x 12' }, { Output: 'y 12' }, true)).toBe(false)
    expect(difference({ Output: 'here' }, { Output: 'there' }, { what: 'module, snippet', source: 'return 1' })).toMatch(
      /^module, snippet\nreturn 1\nhere: +.*here.*\nreference: .*there/,
    )
  })

  it('lets pass what hosts do not have in common', () => {
    expect(isEqual({ Output: { a: 1, b: null } }, { Output: { b: null, a: 1 } })).toBe(true)
    expect(isEqual({ Output: '', Messages: [], Error: null }, {})).toBe(true)
    expect(isEqual({ Output: 'table: 0x12ab' }, { Output: 'table: 0x34cd5' })).toBe(true)
    expect(isEqual({ Output: '0.25 s' }, { Output: '7 s' }, true)).toBe(true)
    expect(isEqual({ broken: 'trap' }, { broken: 'unreachable' })).toBe(true)
  })
})

it('the corpus is as large as it should be, and no snippet is there twice', () => {
  const names = corpus.flatMap(({ snippets }) => snippets.map(({ name }) => name))
  expect(names.length).toBeGreaterThan(400)
  expect(new Set(names).size).toBe(names.length)
})
