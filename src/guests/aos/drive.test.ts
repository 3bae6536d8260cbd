/** WeaveDrive: files of the node, as Lua in an aos module reads them. */
import { describe, expect, it } from 'vitest'
import { ENV, evaluation, MessageLog, PROCESS } from '../../../test/aos/messages.ts'
import { AOS_32, AOS_64, guestModule, type NamedModule } from '../../../test/aos/modules.ts'
import { prepareProgram } from '../formats.ts'
import { GuestFault, type GuestFiles } from '../guest.ts'
import { GuestSession, type Outcome } from '../guest-session.ts'
import { decodeValue, encodeValue, ValueReader } from '../value-codec.ts'
import { Drive, SEEK } from './drive.ts'

const LIMITS = { memoryBytesMax: 512 * 1024 * 1024, gasMax: 1_000_000_000, resultBytesMax: 16 * 1024 * 1024 }
const ID = 'd'.repeat(43)
const SECRET = 'x'.repeat(43)
const large = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff)
const contents: Readonly<Record<string, Uint8Array>> = {
  [`/data/${ID}`]: large,
  [`/tx/${ID}`]: Buffer.from('{"id":"d","ownerAddress":"o"}'),
  '/block/1000': Buffer.from('{"height":1000}'),
  [`/data/${'e'.repeat(43)}`]: new Uint8Array(0),
}

/** Records what was asked for. */
function filesWith(asked: string[]): GuestFiles {
  return {
    open(path) {
      asked.push(path)
      if (path.includes(SECRET)) throw new GuestFault('error', `HALT: FILE NOT FOUND: ${path}`)
      return contents[path]?.length ?? null
    },
    read: (path, offset, size) => contents[path]!.subarray(offset, offset + size),
  }
}

function processOf(module: NamedModule, asked: string[] = []) {
  const log = new MessageLog()
  const session = new GuestSession(prepareProgram(guestModule(module), LIMITS, { files: filesWith(asked) }).spawn(PROCESS, ENV))
  session.evaluate(encodeValue(log.boot()))
  return (code: string): Outcome => session.evaluate(encodeValue(log.next(evaluation(code))))
}

function dataOf(outcome: Outcome): string {
  if (outcome.ok) return (new ValueReader(outcome.values).value() as { data: string }).data
  throw new Error(outcome.values === undefined ? outcome.text : String(decodeValue(outcome.values)))
}

describe.each([AOS_64, AOS_32])('$name', (module) => {
  it('reads files as the WeaveDrive client does, and byte for byte', () => {
    const run = processOf(module)
    const client = (path: string): string => `local f = io.open('${path}') local text = f:read(f:seek('end')) f:close() return text`
    expect(dataOf(run(client(`/tx/${ID}`)))).toBe('{"id":"d","ownerAddress":"o"}')
    expect(dataOf(run(client('/block/1000')))).toBe('{"height":1000}')
    const sum = `local f = io.open('/data/${ID}') local text = f:read(f:seek('end')) local sum = 0
      for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 1000000007 end return #text .. ' ' .. sum`
    let expected = 0
    for (const byte of large) expected = (expected * 31 + byte) % 1_000_000_007
    expect(dataOf(run(sum))).toBe(`300000 ${expected}`)
  })

  it('reads them piece by piece, from where it likes', () => {
    const run = processOf(module)
    expect(dataOf(run(`local f = io.open('/block/1000') return f:read(3) .. f:read(4) .. f:read(8)`))).toBe('{"height":1000}')
    expect(dataOf(run(`for line in io.open('/block/1000'):lines() do return line end`))).toBe('{"height":1000}')
    expect(dataOf(run(`local f = io.open('/block/1000') f:seek('set', 2) return f:read(6) .. ' ' .. f:seek()`))).toBe('height 8')
  })

  it('finds nothing where nothing is, and asks for nothing but the weave', () => {
    const asked: string[] = []
    const run = processOf(module, asked)
    expect(asked).toEqual([])
    for (const path of ['/etc/passwd', 'data', '/data/../etc/passwd', `/data/${'z'.repeat(43)}`])
      expect(dataOf(run(`return tostring((io.open('${path}')))`)), path).toBe('nil')
    expect(asked).toEqual([`/data/${'z'.repeat(43)}`])
  })

  it('a file that it must not go on without ends the message, also inside pcall', () => {
    const run = processOf(module)
    const outcome = run(`N = 1; pcall(io.open, '/data/${SECRET}'); return 1`)
    expect(outcome).toMatchObject({ ok: false, kind: 'error', text: expect.stringContaining('HALT: FILE NOT FOUND') })
    expect(dataOf(run('return tostring(N)'))).toContain('nil')
  })

  it('a file that stays open is closed when the message is over', () => {
    const run = processOf(module)
    run(`F = io.open('/block/1000') return F:read(1)`)
    expect(dataOf(run(`local text, problem = F:read(300) return tostring(text)`))).not.toContain('height":1000')
  })
})

describe('the drive', () => {
  it('keeps a position for each open file', () => {
    const drive = new Drive(filesWith([]))
    const [first, second] = [drive.open('/block/1000'), drive.open('/block/1000')]
    expect([first, second]).toEqual([4, 5])
    expect(drive.open('/block/7')).toBe(0)
    expect(Buffer.from(drive.read(first, 2) ?? []).toString()).toBe('{"')
    expect(drive.seek(first, -1, SEEK.current)).toBe(1)
    expect(drive.seek(first, -100, SEEK.current)).toBe(Number.NaN)
    expect(drive.seek(first, -6, SEEK.end)).toBe(9)
    expect(Buffer.from(drive.read(first, 100) ?? []).toString()).toBe(':1000}')
    expect(drive.read(first, 100)).toEqual(new Uint8Array(0))
    expect(drive.seek(second, 0, SEEK.end)).toBe(15)
    expect(drive.seek(second, 0, SEEK.current), 'where it is').toBe(15)
    expect(drive.read(second, 100)).toHaveLength(15)
    expect([drive.close(first), drive.close(first), drive.close(99)]).toEqual([true, false, false])
    expect([drive.read(first, 1), drive.seek(first, 0, SEEK.set)]).toEqual([null, null])
    drive.reset()
    expect(drive.read(second, 1)).toBe(null)
  })
})
