import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CRONS_PER_PROCESS_MAX } from '../base/limits.ts'
import type { TextTag } from '../codec/tags.ts'
import {
  type CronSchedule,
  dueHeights,
  dueTicks,
  isTickDue,
  type Moment,
  nextTickMs,
  parseCrons,
  scheduleProblem,
  type Tick,
  ticksPerSecond,
  timingOf,
} from './cron.ts'

const interval = (value: string): TextTag => ({ name: 'Cron-Interval', value })
const tag = (name: string, value: string): TextTag => ({ name: `Cron-Tag-${name}`, value })

describe('tags', () => {
  it('bind to the interval before them, and others are nobody’s', () => {
    const tags = [
      { name: 'Name', value: 'x' },
      interval('5-minutes'),
      tag('Action', 'Slow'),
      tag('Cron-Tag-', 'odd'),
      interval('10-blocks'),
      { name: 'Cron-Tag-', value: 'no name' },
      interval('10-seconds'),
      tag('Action', 'Fast'),
      tag('Action', 'Twice'),
    ]
    expect(parseCrons(tags)).toEqual([
      { key: '0-10-blocks', unit: 'blocks', every: 10, tags: [] },
      {
        key: '0-10-seconds',
        unit: 'seconds',
        every: 10,
        tags: [
          { name: 'Action', value: 'Fast' },
          { name: 'Action', value: 'Twice' },
        ],
      },
      {
        key: '1-5-minutes',
        unit: 'seconds',
        every: 300,
        tags: [
          { name: 'Action', value: 'Slow' },
          { name: 'Cron-Tag-', value: 'odd' },
        ],
      },
    ])
    expect(parseCrons([{ name: 'Action', value: 'x' }])).toEqual([])
  })

  it('keep the order of equal intervals', () => {
    const keys = parseCrons(['1-minute', '60-seconds', '2-blocks', '1-block'].map(interval)).map(({ key }) => key)
    expect(keys).toEqual(['0-2-blocks', '1-1-block', '0-1-minute', '1-60-seconds'])
  })

  it.each([
    ['1-second', 1],
    ['1.5-minutes', 90],
    ['.5-h', 1_800],
    ['1-day', 86_400],
    ['2-weeks', 1_209_600],
    ['1-year', 31_557_600],
    ['1500-ms', 1],
    ['2000', 2],
    [' 10 - Seconds ', 10],
    ['3-hrs', 10_800],
  ])('%s is %i seconds', (text, every) => {
    expect(parseCrons([interval(text)])).toMatchObject([{ unit: 'seconds', every, key: `0-${text}` }])
  })

  it.each([
    ['999-milliseconds', 'less than 1 second'],
    ['0-seconds', 'less than 1 second'],
    ['0.9-s', 'less than 1 second'],
    ['999', 'less than 1 second'],
    ['0-blocks', 'no whole number of blocks'],
    ['1.5-blocks', 'no whole number of blocks'],
    ['1-month', 'the unit "month"'],
    ['10-moons', 'the unit "moons"'],
    ['999999999999999-years', 'longer than'],
    ['-5-seconds', 'no interval'],
    ['1-2-seconds', 'no interval'],
    ['seconds', 'no interval'],
    ['', 'no interval'],
    ['1e3-seconds', 'no interval'],
    ['ten-seconds', 'no interval'],
    [`${'1'.repeat(400)}-seconds`, 'no interval'],
  ])('refuses %s', (text, problem) => {
    const parse = () => parseCrons([interval(text)])
    expect(parse).toThrow(expect.objectContaining({ code: 'request-invalid', facts: { field: 'Cron-Interval' } }))
    expect(parse).toThrow(problem)
  })

  it('are refused before any interval, and beyond the limit', () => {
    expect(() => parseCrons([tag('Action', 'x'), interval('1-second')])).toThrow(
      expect.objectContaining({ code: 'request-invalid', message: expect.stringContaining('no preceding Cron-Interval: Cron-Tag-Action') }),
    )
    const many = Array.from({ length: CRONS_PER_PROCESS_MAX + 1 }, () => interval('1-second'))
    expect(() => parseCrons(many)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(parseCrons(many.slice(1)).length).toBe(CRONS_PER_PROCESS_MAX)
  })
})

/** `blocksMs`: when blocks were made, from height 0 on. */
interface World {
  readonly schedule: CronSchedule
  readonly blocksMs: readonly number[]
}

function world(intervals: readonly string[], origin: Moment, blocksMs: readonly number[] = []): World {
  return { schedule: { origin, crons: parseCrons(intervals.map(interval)).map(timingOf) }, blocksMs }
}

function due({ schedule, blocksMs }: World, last: Moment, now: Moment, max = 1_000): Tick[] {
  const heights = dueHeights(schedule, last, now, max)
  return dueTicks(schedule, last, now, { blockTimesMs: new Map(heights.map((height) => [height, blocksMs[height]!])), max })
}

const shown = (ticks: readonly Tick[]): string[] =>
  ticks.map(({ key, timestampMs, height }) => `${key}@${timestampMs}${height === null ? '' : `#${height}`}`)

describe('ticks', () => {
  it('are due every n seconds after the spawn, to the millisecond', () => {
    const at = world(['2-seconds'], { timestampMs: 10_900, height: 0 })
    expect(shown(due(at, { timestampMs: 10_900, height: 0 }, { timestampMs: 16_500, height: 0 }))).toEqual([
      '0-2-seconds@12900',
      '0-2-seconds@14900',
    ])
    expect(nextTickMs(at.schedule, 10_900)).toBe(12_900)
    expect(nextTickMs(at.schedule, 12_899)).toBe(12_900)
    expect(nextTickMs(at.schedule, 12_900)).toBe(14_900)
    expect(ticksPerSecond(at.schedule)).toBe(0.5)
  })

  it('that are due at once come in order: blocks first, then from the shortest interval on', () => {
    const at = world(['4-seconds', '1-block', '2-seconds', '2-blocks'], { timestampMs: 0, height: 0 }, [0, 4_000, 4_000])
    expect(shown(due(at, { timestampMs: 3_999, height: 0 }, { timestampMs: 4_500, height: 2 }))).toEqual([
      '0-1-block@4000#1',
      '0-1-block@4001#2',
      '1-2-blocks@4002#2',
      '0-2-seconds@4003',
      '1-4-seconds@4004',
    ])
  })

  it('of blocks that messages have passed come right after those, and none is of the future', () => {
    const at = world(['1-block'], { timestampMs: 0, height: 0 }, [0, 4_000, 9_000])
    expect(shown(due(at, { timestampMs: 4_700, height: 0 }, { timestampMs: 5_000, height: 2 }))).toEqual([
      '0-1-block@4701#1',
      '0-1-block@5000#2',
    ])
  })

  it('that time is pushed past by blocks are not left out', () => {
    const at = world(['1-second', '1-block'], { timestampMs: 0, height: 0 }, [0, 10_000, 10_000, 10_000])
    expect(shown(due(at, { timestampMs: 10_998, height: 0 }, { timestampMs: 10_999, height: 3 }))).toEqual([
      '0-1-block@10999#1',
      '0-1-block@11000#2',
      '0-1-block@11001#3',
      '0-1-second@11002',
    ])
  })

  it('that were missed are the last ones only, however many', () => {
    const at = world(['1-second', '1-hour'], { timestampMs: 0, height: 0 })
    const year = 31_557_600_000
    const ticks = due(at, { timestampMs: 0, height: 0 }, { timestampMs: year, height: 0 }, 4)
    expect(shown(ticks)).toEqual([3, 2, 1, 0].map((before) => `0-1-second@${year - before * 1_000}`))
    const both = due(at, { timestampMs: 0, height: 0 }, { timestampMs: year + 1, height: 0 }, 2)
    expect(shown(both)).toEqual([`0-1-second@${year}`, `1-1-hour@${year + 1}`])
  })
})

const worlds = fc
  .record({
    intervals: fc.array(fc.constantFrom('1-second', '2-seconds', '3-seconds', '1-minute', '1-block', '2-blocks', '3-blocks'), {
      minLength: 1,
      maxLength: 6,
    }),
    originMs: fc.integer({ min: 0, max: 5_000 }),
    gapsS: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
  })
  .map(({ intervals, originMs, gapsS }) => {
    let atMs = 0
    const blocksMs = gapsS.map((gap) => {
      atMs += gap * 1_000
      return atMs
    })
    const height = blocksMs.findLastIndex((ms) => ms <= originMs)
    return world(intervals, { timestampMs: originMs, height: Math.max(height, 0) }, blocksMs)
  })
const momentIn = ({ blocksMs, schedule }: World, timestampMs: number): Moment => ({
  timestampMs,
  height: Math.max(
    schedule.origin.height,
    blocksMs.findLastIndex((ms) => ms <= timestampMs),
  ),
})

/** Walks a world the way a log grows: at each of these moments whatever is due is taken. */
function walk(at: World, moments: readonly number[]): Tick[] {
  const taken: Tick[] = []
  let last = at.schedule.origin
  for (const ms of moments) {
    for (let now = momentIn(at, ms); isTickDue(at.schedule, last, now); now = momentIn(at, Math.max(ms, last.timestampMs))) {
      const ticks = due(at, last, now)
      expect(ticks.length, 'what is due is found').toBeGreaterThan(0)
      for (const { timestampMs, height } of ticks) {
        expect(timestampMs).toBeGreaterThan(last.timestampMs)
        last = { timestampMs, height: Math.max(last.height, height ?? momentIn(at, timestampMs).height) }
      }
      taken.push(...ticks)
    }
  }
  return taken
}

const placeIn = ({ schedule }: World, { key, timestampMs, height }: Tick): string =>
  `${key} ${height ?? Math.floor((timestampMs - schedule.origin.timestampMs) / 1_000)}`

describe('any world', () => {
  it('has the same ticks however its span is split', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 8 }), (at, splits) => {
        const end = 31_000
        const whole = walk(at, [end])
          .map((tick) => placeIn(at, tick))
          .sort()
        expect(
          walk(at, [...splits.sort((a, b) => a - b), end])
            .map((tick) => placeIn(at, tick))
            .sort(),
        ).toEqual(whole)
      }),
    )
  })

  it('has every tick of time exactly where it belongs when there are no blocks to wait for', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 8 }), ({ schedule, blocksMs }, splits) => {
        const ofTime = { blocksMs, schedule: { ...schedule, crons: schedule.crons.filter(({ unit }) => unit === 'seconds') } }
        expect(walk(ofTime, [...splits.sort((a, b) => a - b), 31_000])).toEqual(walk(ofTime, [31_000]))
      }),
    )
  })

  it('has only ticks that are on its schedule, each once', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 8 }), (at, splits) => {
        const { schedule } = at
        const before = new Map<string, Moment>()
        for (const { key, timestampMs, height } of walk(
          at,
          splits.sort((a, b) => a - b),
        )) {
          const moment = { timestampMs, height: height ?? momentIn(at, timestampMs).height }
          expect(scheduleProblem(schedule, key, moment, before.get(key) ?? schedule.origin)).toBe(null)
          expect(scheduleProblem(schedule, key, moment, moment)).toContain('is not due')
          before.set(key, moment)
        }
      }),
    )
  })
})

describe('a tick', () => {
  const { schedule } = world(['2-seconds', '3-blocks'], { timestampMs: 10_900, height: 7 })
  it.each([
    ['of time when it is due', '0-2-seconds', { timestampMs: 14_950, height: 7 }, null],
    ['of time with the spawn', '0-2-seconds', { timestampMs: 10_950, height: 7 }, 'not due 0 seconds after'],
    ['of time at another time', '0-2-seconds', { timestampMs: 14_000, height: 7 }, 'not due 3 seconds after'],
    ['of a block', '0-3-blocks', { timestampMs: 11_001, height: 13 }, null],
    ['of another block', '0-3-blocks', { timestampMs: 11_001, height: 12 }, 'not due 5 blocks after'],
    ['of the block of the spawn', '0-3-blocks', { timestampMs: 11_001, height: 7 }, 'not due 0 blocks after'],
    ['of a cron that is not there', '1-2-seconds', { timestampMs: 12_000, height: 7 }, 'known as 1-2-seconds'],
  ])('%s', (_, key, at, problem) => {
    const found = scheduleProblem(schedule, key, at, schedule.origin)
    if (problem === null) expect(found).toBe(null)
    else expect(found).toContain(problem)
  })
})
