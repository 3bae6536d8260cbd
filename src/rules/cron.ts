/**
 * Crons: the ticks that a process asks for in its own tags.
 *
 * Wire        Cron-Interval=<n>-<unit>, then Cron-Tag-<Name>=<value> for each tag of its ticks. Units: block(s), and the units of time that the npm
 *             package `ms` knows; a bare number is milliseconds. A cron is known by its key "<index>-<interval>", where the index counts crons of
 *             its kind: those of blocks in the order of the tags, those of time from the shortest interval on.
 * Source      permaweb/ao servers/cu (lib/loadMessages), ms 2.1.3
 * Invariants  Pure. A time cron is due every n seconds after the spawn, to the millisecond, so that processes do not tick all at once; a block cron
 *             at every n-th block after that of the spawn. Every due moment has one place in the log: block crons come before time crons, and those
 *             that are due at once have a millisecond of their own each, so that the ticks of a span are those of its parts.
 */
import { clip } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { CRONS_PER_PROCESS_MAX } from '../base/limits.ts'
import type { TextTag } from '../codec/tags.ts'

/** When a cron is due. */
export interface CronTiming {
  readonly key: string
  readonly unit: 'blocks' | 'seconds'
  readonly every: number
}

export interface Cron extends CronTiming {
  /** Of its ticks. */
  readonly tags: readonly TextTag[]
}

/** A place in a log: time and chain rise along it. */
export interface Moment {
  readonly timestampMs: number
  readonly height: number
}

export interface CronSchedule {
  /** That of slot 0. */
  readonly origin: Moment
  /** In the order in which they take turns. */
  readonly crons: readonly CronTiming[]
}

export interface Tick {
  readonly key: string
  readonly timestampMs: number
  /** Of the block that a block cron waited for; null for a time cron. */
  readonly height: number | null
}

const INTERVAL_TAG = 'Cron-Interval'
const TAG_PREFIX = 'Cron-Tag-'
const INTERVAL = /^[ \t]*(\d{0,15}\.?\d{1,15})[ \t]*(?:-[ \t]*([A-Za-z]+)[ \t]*)?$/
const BLOCKS = /^blocks?$/i
const EVERY_MAX = 1e11 // Seconds: three thousand years.

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const UNITS: readonly (readonly [names: string, ms: number])[] = [
  ['milliseconds millisecond msecs msec ms', 1],
  ['seconds second secs sec s', SECOND_MS],
  ['minutes minute mins min m', MINUTE_MS],
  ['hours hour hrs hr h', HOUR_MS],
  ['days day d', DAY_MS],
  ['weeks week w', 7 * DAY_MS],
  ['years year yrs yr y', 365.25 * DAY_MS],
]
const UNIT_MS: ReadonlyMap<string, number> = new Map(UNITS.flatMap(([names, ms]) => names.split(' ').map((name) => [name, ms] as const)))

/** In the order in which they take turns; empty for a process without crons. Throws `request-invalid` and `too-large`. */
export function parseCrons(tags: readonly TextTag[]): Cron[] {
  const found: { interval: string; unit: Cron['unit']; every: number; tags: TextTag[] }[] = []
  for (const { name, value } of tags) {
    if (name === INTERVAL_TAG) found.push({ interval: value, ...parseInterval(value), tags: [] })
    else if (name.startsWith(TAG_PREFIX) && name.length > TAG_PREFIX.length) {
      const cron = found.at(-1)
      if (cron === undefined)
        throw invalid(name, `Unmatched Cron-Tag with no preceding Cron-Interval: ${name}; put the Cron-Interval that it is for before it`)
      cron.tags.push({ name: name.slice(TAG_PREFIX.length), value })
    }
  }
  if (found.length > CRONS_PER_PROCESS_MAX)
    throw new HeddleError(
      'too-large',
      { what: 'crons', size: found.length, max: CRONS_PER_PROCESS_MAX },
      `the process has ${found.length} Cron-Interval tags, at most ${CRONS_PER_PROCESS_MAX} are allowed; let one cron do the work of several`,
    )
  const ofBlocks = found.filter(({ unit }) => unit === 'blocks')
  const ofTime = found.filter(({ unit }) => unit === 'seconds').sort((a, b) => a.every - b.every)
  return [ofBlocks, ofTime].flatMap((kind) => kind.map(({ interval, ...cron }, i) => ({ ...cron, key: `${i}-${interval}` })))
}

export function timingOf({ key, unit, every }: Cron): CronTiming {
  return { key, unit, every }
}

/** Is a tick due after the slot at `last`, up to `now`? */
export function isTickDue(schedule: CronSchedule, last: Moment, now: Moment): boolean {
  return (
    nextTickMs(schedule, last.timestampMs) <= now.timestampMs ||
    schedule.crons.some((cron) => lastHeight(cron, schedule, now.height) > last.height)
  )
}

/** When the next time cron is due after this moment; Infinity when there is none. */
export function nextTickMs({ origin, crons }: CronSchedule, afterMs: number): number {
  let next = Number.POSITIVE_INFINITY
  crons.forEach((cron, turn) => {
    if (cron.unit === 'seconds') next = Math.min(next, timeOf(cron, turn, origin, countAfter(cron, turn, origin, afterMs)))
  })
  return next
}

/** How often the crons tick, if there is a block every second. */
export function ticksPerSecond({ crons }: CronSchedule): number {
  return crons.reduce((sum, { every }) => sum + 1 / every, 0)
}

/** Heights after `last` at which a block cron is due, up to `now`, ascending; of many only the last `max`. */
export function dueHeights(schedule: CronSchedule, last: Moment, now: Moment, max: number): number[] {
  const heights = new Set<number>()
  for (const cron of schedule.crons) {
    let height = lastHeight(cron, schedule, now.height)
    for (let count = 0; count < max && height > last.height; count++, height -= cron.every) heights.add(height)
  }
  return [...heights].sort((a, b) => a - b).slice(-max)
}

export interface DueOptions {
  /** Of the blocks that `dueHeights` names. */
  readonly blockTimesMs: ReadonlyMap<number, number>
  /** Of many only the last ones. */
  readonly max: number
}

/** What is due after the slot at `last`, up to `now`, in the order of the log; timestamps rise strictly from `last` on. */
export function dueTicks(schedule: CronSchedule, last: Moment, now: Moment, options: DueOptions): Tick[] {
  for (let upToMs = now.timestampMs; ; ) {
    const ticks = ticksUpTo(schedule, last, { ...now, upToMs }, options)
    const endMs = ticks.at(-1)?.timestampMs ?? upToMs
    if (endMs <= upToMs) return ticks
    upToMs = endMs // Block crons that share a second moved time on: nothing that became due by that is left behind.
  }
}

/** Null when a tick of this cron may stand there; else what is wrong. `before`: its last tick, or the origin. */
export function scheduleProblem({ origin, crons }: CronSchedule, key: string, at: Moment, before: Moment): string | null {
  const cron = crons.find((one) => one.key === key)
  if (cron === undefined) return `no Cron-Interval of the process is known as ${key}`
  // Ticks that share a moment are moved by milliseconds, never by a second.
  const countOf = ({ timestampMs, height }: Moment): number =>
    cron.unit === 'blocks' ? height - origin.height : Math.floor((timestampMs - origin.timestampMs) / SECOND_MS)
  const [was, is] = [countOf(before), countOf(at)]
  if (is > was && is % cron.every === 0) return null
  return `cron ${key} is not due ${is} ${cron.unit} after the spawn: it is every ${cron.every}, and was there last after ${was}`
}

interface Due extends Tick {
  /** Of crons that are due at once. */
  readonly turn: number
}

function ticksUpTo(
  schedule: CronSchedule,
  last: Moment,
  now: Moment & { readonly upToMs: number },
  { blockTimesMs, max }: DueOptions,
): Tick[] {
  const due: Due[] = []
  schedule.crons.forEach((cron, turn) => {
    if (cron.unit === 'blocks') due.push(...dueBlocks(cron, turn, { schedule, last, now, blockTimesMs }))
    else due.push(...dueTimes(cron, turn, { origin: schedule.origin, afterMs: last.timestampMs, upToMs: now.upToMs, max }))
  })
  due.sort(
    (a, b) =>
      a.timestampMs - b.timestampMs ||
      Number(a.height === null) - Number(b.height === null) ||
      (a.height ?? 0) - (b.height ?? 0) ||
      a.turn - b.turn,
  )
  let beforeMs = last.timestampMs
  return due.slice(-max).map(({ key, timestampMs, height }) => {
    beforeMs = Math.max(timestampMs, beforeMs + 1)
    return { key, timestampMs: beforeMs, height }
  })
}

function dueBlocks(
  { key, every }: CronTiming,
  turn: number,
  {
    schedule: { origin },
    last,
    now,
    blockTimesMs,
  }: { schedule: CronSchedule; last: Moment; now: Moment; blockTimesMs: ReadonlyMap<number, number> },
): Due[] {
  const due: Due[] = []
  for (const [height, blockMs] of blockTimesMs) {
    if (height <= last.height || height > now.height || height <= origin.height || (height - origin.height) % every !== 0) continue
    // Blocks say the second in which they were made, so messages may have passed them; and none is of the future.
    due.push({ key, turn, height, timestampMs: Math.max(Math.min(blockMs, now.timestampMs), last.timestampMs + 1) })
  }
  return due
}

function dueTimes(
  cron: CronTiming,
  turn: number,
  { origin, afterMs, upToMs, max }: { origin: Moment; afterMs: number; upToMs: number; max: number },
): Due[] {
  const first = countAfter(cron, turn, origin, afterMs)
  const end = countAfter(cron, turn, origin, upToMs)
  const due: Due[] = []
  for (let count = Math.max(first, end - max); count < end; count++)
    due.push({ key: cron.key, turn, height: null, timestampMs: timeOf(cron, turn, origin, count) })
  return due
}

/** The last height, up to this one, at which the cron is due; that of the origin or less when there is none. */
function lastHeight({ unit, every }: CronTiming, { origin }: CronSchedule, height: number): number {
  return unit === 'blocks' ? height - ((height - origin.height) % every) : origin.height
}

/** The number of the first time after this moment, from 1 on. */
function countAfter(cron: CronTiming, turn: number, origin: Moment, ms: number): number {
  return Math.max(1, Math.floor((ms - timeOf(cron, turn, origin, 0)) / (cron.every * SECOND_MS)) + 1)
}

function timeOf({ every }: CronTiming, turn: number, origin: Moment, count: number): number {
  return origin.timestampMs + count * every * SECOND_MS + turn
}

function parseInterval(text: string): { unit: Cron['unit']; every: number } {
  const match = INTERVAL.exec(text)
  if (match === null) throw invalid(INTERVAL_TAG, `Cron-Interval "${clip(text)}" is no interval; write it like 10-seconds or 5-blocks`)
  const [, number = '', unit = 'ms'] = match
  if (BLOCKS.test(unit)) return { unit: 'blocks', every: parseBlocks(text, number) }
  const unitMs = UNIT_MS.get(unit.toLowerCase())
  if (unitMs === undefined)
    throw invalid(
      INTERVAL_TAG,
      `Cron-Interval "${clip(text)}" has the unit "${unit}"; use blocks, seconds, minutes, hours, days, weeks or years`,
    )
  const every = Math.floor((Number(number) * unitMs) / SECOND_MS)
  if (every < 1) throw invalid(INTERVAL_TAG, `Cron-Interval "${clip(text)}" is less than 1 second, the shortest that there is`)
  if (every > EVERY_MAX) throw invalid(INTERVAL_TAG, `Cron-Interval "${clip(text)}" is longer than ${EVERY_MAX} seconds`)
  return { unit: 'seconds', every }
}

function parseBlocks(text: string, number: string): number {
  const every = Number(number)
  if (Number.isSafeInteger(every) && every >= 1 && every <= EVERY_MAX) return every
  throw invalid(INTERVAL_TAG, `Cron-Interval "${clip(text)}" is no whole number of blocks, from 1 on`)
}

function invalid(field: string, message: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, message)
}
