import { describe, expect, it } from 'vitest'
import { formatMoment, readMoment, storeMoment } from './calendar.ts'
import { GuestMemory } from './memory.ts'

const TM = 256
const TEXT = 1024
const ZONE = 512

function memoryOf(is64: boolean): GuestMemory {
  const memory = new GuestMemory(is64)
  memory.attach(new WebAssembly.Memory({ initial: 1 }))
  memory.bytes.set([0x55, 0x54, 0x43, 0], ZONE)
  return memory
}

function format(memory: GuestMemory, pattern: string, room = 200): string {
  const size = formatMoment(memory, TEXT, room, pattern, TM)
  return Buffer.from(memory.slice(TEXT, size)).toString()
}

describe.each([
  [32, false],
  [64, true],
] as const)('dates for C with %i bits', (_bits, is64) => {
  it('come apart and together again', () => {
    const memory = memoryOf(is64)
    const times = [0, 10, 951_782_400, 1_078_012_800, 1_700_000_000, 4_102_444_799, -1, -86_401, 253_402_300_799]
    for (const time of times) {
      storeMoment(memory, TM, time, true)
      const date = new Date(time * 1000)
      expect(
        [memory.readI32(TM + 20) + 1900, memory.readI32(TM + 16), memory.readI32(TM + 12), memory.readI32(TM + 24)],
        String(time),
      ).toEqual([date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay()])
      expect(readMoment(memory, TM), String(time)).toBe(time)
    }
  })

  it('are put in order when they are not', () => {
    const memory = memoryOf(is64)
    for (const [index, field] of [75, -3, 25, 40, 13, 123, 0, 0, -1].entries()) memory.writeI32(TM + index * 4, field)
    const time = readMoment(memory, TM)
    expect(time).toBe(Date.UTC(2023, 13, 40, 25, -3, 75) / 1000)
    expect(memory.readI32(TM + 32), 'is it summer time?').toBe(0)
    expect(memory.readI32(TM + 12)).toBe(new Date(time * 1000).getUTCDate())
  })

  it('that no calendar has are zeros', () => {
    const memory = memoryOf(is64)
    for (const time of [2 ** 53, Number.NaN]) {
      storeMoment(memory, TM, time, !is64)
      expect(Array.from({ length: 9 }, (_, i) => memory.readI32(TM + i * 4))).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
    }
    if (is64) expect(() => storeMoment(memory, TM, 2 ** 53, true), 'local time').toThrow('no calendar')
  })

  it('are written in the C locale', () => {
    const memory = memoryOf(is64)
    storeMoment(memory, TM, 1_704_621_906, true) // Sunday, 2024-01-07 10:05:06
    memory.writeWord(TM + (is64 ? 48 : 40), ZONE)
    const written: Readonly<Record<string, string>> = {
      '%a %A %b %B %h': 'Sun Sunday Jan January Jan',
      '%c': 'Sun Jan 07 10:05:06 2024',
      '%C %y %Y %g %G': '20 24 2024 24 2024',
      '%d|%e|%j|%m': '07| 7|007|01',
      '%D %F %x': '01/07/24 2024-01-07 01/07/24',
      '%H %I %M %p %S': '10 10 05 AM 06',
      '%r %R %T %X': '10:05:06 AM 10:05 10:05:06 10:05:06',
      '%u %w %U %V %W': '7 0 01 01 01',
      '%z %Z': '+0000 UTC',
      '%n%t%%': '\n\t%',
      '%Ey %OH %Q': '24 10 %Q',
    }
    for (const [pattern, text] of Object.entries(written)) expect(format(memory, pattern), pattern).toBe(text)
  })

  it('know midnight, noon and the weeks at the turn of the year', () => {
    const memory = memoryOf(is64)
    const at = (iso: string, pattern: string): string => {
      storeMoment(memory, TM, Date.parse(iso) / 1000, true)
      return format(memory, pattern)
    }
    expect(at('2023-01-01T00:00:00Z', '%I %p %U %W %V %G')).toBe('12 AM 01 00 52 2022')
    expect(at('2024-12-30T12:00:00Z', '%I %p %U %W %V %G')).toBe('12 PM 52 53 01 2025')
    expect(at('2020-12-31T13:00:00Z', '%I %p %j %V %G')).toBe('01 PM 366 53 2020')
  })

  it('are not written where there is no room', () => {
    const memory = memoryOf(is64)
    storeMoment(memory, TM, 0, true)
    expect(format(memory, '%F', 10)).toBe('')
    expect(format(memory, '%F', 11)).toBe('1970-01-01')
    expect(memory.bytes[TEXT + 10]).toBe(0)
  })
})
