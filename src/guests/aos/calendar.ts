/**
 * Dates for C: broken-down times and strftime, always UTC and in the C locale.
 *
 * Wire        struct tm: i32 sec, min, hour, mday, mon, year since 1900, wday, yday, isdst; then a word gmtoff and a pointer to the zone's name
 * Source      ISO C17 7.27.3.5, emscripten 3.1 (library_time, as AO units run it: %c has a zero before a single-digit day)
 */
import { EMPTY, toText } from '../../base/bytes.ts'
import { GuestFault } from '../guest.ts'
import type { GuestMemory } from './memory.ts'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAY_MS = 86_400_000
const ZONE_BYTES_MAX = 64

interface Moment {
  readonly second: number
  readonly minute: number
  readonly hour: number
  readonly day: number
  /** From 0. */
  readonly month: number
  readonly year: number
  /** From Sunday, 0. */
  readonly weekday: number
  /** From 0. */
  readonly yearDay: number
}

/**
 * Writes the fields. A time that no calendar holds gives zeros, as it does where AO units run; in their 64 bit format a local one breaks
 * the program, which fails to write the offset of its zone.
 */
export function storeMoment(memory: GuestMemory, address: number, seconds: number, hasZone: boolean): void {
  const date = new Date(seconds * 1000)
  if (hasZone && memory.is64 && Number.isNaN(date.getTime()))
    throw new GuestFault('trap', 'the program asked for a date that no calendar has')
  const fields = [
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    date.getUTCFullYear() - 1900,
    date.getUTCDay(),
    yearDayOf(date),
  ]
  for (const [i, field] of fields.entries()) memory.writeI32(address + i * 4, field)
  if (!hasZone) return
  memory.writeI32(address + 32, 0)
  memory.writeWord(address + offsetOfZone(memory), 0)
}

/** Seconds of a broken-down time, whose fields are put in order; -1 when there is none. */
export function readMoment(memory: GuestMemory, address: number): number {
  const field = (index: number): number => memory.readI32(address + index * 4)
  const timeMs = Date.UTC(field(5) + 1900, field(4), field(3), field(2), field(1), field(0))
  if (memory.readI32(address + 32) < 0) memory.writeI32(address + 32, 0)
  const isDst = memory.readI32(address + 32)
  storeMoment(memory, address, timeMs / 1000, false)
  memory.writeI32(address + 32, isDst)
  return Number.isNaN(timeMs) ? -1 : timeMs / 1000
}

/** Writes the text with its end; gives its length, or 0 when there is no room. */
export function formatMoment(memory: GuestMemory, target: number, room: number, format: string, address: number): number {
  const bytes = Buffer.from(format.replace(/%[EO]?./gs, (spec) => expandSpec(memory, address, spec)))
  if (bytes.length + 1 > room) return 0
  const out = memory.slice(target, bytes.length + 1)
  out.set(bytes)
  out[bytes.length] = 0
  return bytes.length
}

const SHORTHANDS: Readonly<Record<string, string>> = {
  c: 'a b d H:M:S Y',
  D: 'm/d/y',
  F: 'Y-m-d',
  r: 'I:M:S p',
  R: 'H:M',
  T: 'H:M:S',
  x: 'm/d/y',
  X: 'H:M:S',
}

/** Of the locale's forms AO units leave one as it is. */
const expandSpec = (memory: GuestMemory, address: number, spec: string): string =>
  spec === '%Ec' ? '%c' : (expand(memory, address, spec.slice(-1)) ?? spec)

function expand(memory: GuestMemory, address: number, letter: string): string | undefined {
  const shorthand = SHORTHANDS[letter]
  if (shorthand !== undefined) return shorthand.replace(/[a-zA-Z]/g, (part) => expand(memory, address, part) ?? part)
  if (letter === 'Z') return zoneName(memory, address)
  if (letter === 'z') return zoneOffset(memory, address)
  return FIELDS[letter]?.(momentAt(memory, address))
}

const two = (value: number, fill = '0'): string => String(value).padStart(2, fill)

const FIELDS: Readonly<Record<string, (moment: Moment) => string>> = {
  a: ({ weekday }) => (DAYS[weekday] ?? '').slice(0, 3),
  A: ({ weekday }) => DAYS[weekday] ?? '',
  b: ({ month }) => (MONTHS[month] ?? '').slice(0, 3),
  h: ({ month }) => (MONTHS[month] ?? '').slice(0, 3),
  B: ({ month }) => MONTHS[month] ?? '',
  C: ({ year }) => two(Math.trunc(year / 100)),
  d: ({ day }) => two(day),
  e: ({ day }) => two(day, ' '),
  g: (moment) => isoYear(moment).toString().slice(2),
  G: (moment) => String(isoYear(moment)),
  H: ({ hour }) => two(hour),
  I: ({ hour }) => two(hour % 12 === 0 ? 12 : hour > 12 ? hour - 12 : hour),
  j: ({ yearDay }) => String(yearDay + 1).padStart(3, '0'),
  m: ({ month }) => two(month + 1),
  M: ({ minute }) => two(minute),
  n: () => '\n',
  p: ({ hour }) => (hour >= 0 && hour < 12 ? 'AM' : 'PM'),
  S: ({ second }) => two(second),
  t: () => '\t',
  u: ({ weekday }) => String(weekday === 0 ? 7 : weekday),
  U: ({ yearDay, weekday }) => two(Math.floor((yearDay + 7 - weekday) / 7)),
  V: (moment) => two(isoWeek(moment)),
  w: ({ weekday }) => String(weekday),
  W: ({ yearDay, weekday }) => two(Math.floor((yearDay + 7 - ((weekday + 6) % 7)) / 7)),
  y: ({ year }) => String(year).slice(2),
  Y: ({ year }) => String(year),
  '%': () => '%',
}

function momentAt(memory: GuestMemory, address: number): Moment {
  const [second, minute, hour, day, month, year, weekday, yearDay] = Array.from({ length: 8 }, (_, i) => memory.readI32(address + i * 4))
  return {
    second: second!,
    minute: minute!,
    hour: hour!,
    day: day!,
    month: month!,
    year: year! + 1900,
    weekday: weekday!,
    yearDay: yearDay!,
  }
}

/** The year that the ISO week belongs to: that of its Thursday. */
function isoYear(moment: Moment): number {
  return thursdayOf(moment).getUTCFullYear()
}

function isoWeek(moment: Moment): number {
  return Math.floor(yearDayOf(thursdayOf(moment)) / 7) + 1
}

function thursdayOf({ year, yearDay }: Moment): Date {
  const date = new Date(Date.UTC(year, 0, yearDay + 1))
  return new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * DAY_MS)
}

function yearDayOf(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS)
}

function offsetOfZone(memory: GuestMemory): number {
  return memory.is64 ? 40 : 36
}

function zoneName(memory: GuestMemory, address: number): string {
  const pointer = memory.readWord(address + offsetOfZone(memory) + memory.wordBytes)
  return pointer === 0 ? '' : toText(memory.findCString(pointer, ZONE_BYTES_MAX) ?? EMPTY)
}

function zoneOffset(memory: GuestMemory, address: number): string {
  const offset = memory.readI32(address + offsetOfZone(memory))
  const minutes = Math.trunc(Math.abs(offset) / 60)
  return `${offset >= 0 ? '+' : '-'}${two(Math.trunc(minutes / 60))}${two(minutes % 60)}`
}
