/** WeaveDrive: files of the node, as programs of `heddle-lua-1` read them. */
import { describe, expect, it } from 'vitest'
import { EVAL, envOf, id, LIMITS, MODULE, Process } from '../../../test/lua-rig.ts'
import { utf8 } from '../../base/bytes.ts'
import { GuestFault, type GuestFiles } from '../guest.ts'
import { LUA_FORMAT, prepareLuaProgram } from './lua-program.ts'

const ID = 'd'.repeat(43)
const SECRET = 'x'.repeat(43)
const large = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff)
const contents: Readonly<Record<string, Uint8Array>> = {
  [`/data/${ID}`]: large,
  '/block/1000': utf8('{"height":1000}'),
  [`/data/${'e'.repeat(43)}`]: new Uint8Array(0),
}

function processWith(asked: string[] = []): Process {
  const files: GuestFiles = {
    open(path) {
      asked.push(path)
      if (path.includes(SECRET)) throw new GuestFault('error', `HALT: FILE NOT FOUND: ${path}`)
      return contents[path]?.length ?? null
    },
    read: (path, offset, size) => contents[path]?.subarray(offset, offset + size) ?? new Uint8Array(0),
  }
  const program = prepareLuaProgram({ id: MODULE, format: LUA_FORMAT, bytes: utf8(EVAL) }, LIMITS, { files })
  return new Process(program.spawn(id('drive'), envOf(id('drive'))))
}

describe('the drive', () => {
  it('is read as its client does, byte for byte', () => {
    const sum = `local f = io.open('/data/${ID}', 'rb') local text = f:read(f:seek('end')) f:close() local sum = 0
      for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 1000000007 end return #text .. ' ' .. sum`
    let expected = 0
    for (const byte of large) expected = (expected * 31 + byte) % 1_000_000_007
    expect(processWith().run(sum)).toBe(`300000 ${expected}`)
  })

  it('is read piece by piece, by lines, and from where it likes', () => {
    const process = processWith()
    expect(process.run(`local f = io.open('/block/1000') return f:read(3) .. f:read(4) .. f:read(8)`)).toBe('{"height":1000}')
    expect(process.run(`for line in io.lines('/block/1000') do return line end`)).toBe('{"height":1000}')
    expect(process.run(`local f = io.open('/block/1000') f:seek('set', 2) return f:read(6) .. ' ' .. f:seek()`)).toBe('height 8')
    expect(process.run(`return io.open('/data/${'e'.repeat(43)}'):read('a')`)).toBe('')
    expect(process.run(`local f = io.open('/block/1000') local ok, problem = f:seek('set', -5) return problem`)).toContain(
      'Invalid argument',
    )
  })

  it('asks for nothing but the weave, and never to write', () => {
    const asked: string[] = []
    const process = processWith(asked)
    for (const path of ['/etc/passwd', 'data', '/data/../etc/passwd', `/data/${'z'.repeat(43)}`])
      expect(process.run(`return tostring((io.open('${path}')))`), path).toBe('nil')
    expect(process.run(`return tostring((io.open('/block/1000', 'w'))) .. tostring((io.open('/block/1000', 'r+')))`)).toBe('nilnil')
    expect(asked).toEqual([`/data/${'z'.repeat(43)}`])
  })

  it('ends the message when a file must not be missing, also inside pcall, and takes everything back', () => {
    const process = processWith()
    const before = process.hash()
    const { ok, result } = process.send({ Data: `N = 1 pcall(io.open, '/data/${SECRET}') return 1` })
    expect([ok, String(result.Error)]).toEqual([false, `HALT: FILE NOT FOUND: /data/${SECRET}`])
    expect(process.hash()).toBe(before)
    expect(process.run('return tostring(N)')).toBe('nil')
  })

  it('closes what stays open when the message is over', () => {
    const process = processWith()
    process.run(`F = io.open('/data/${ID}') return #F:read(1)`)
    expect(process.run(`local ok, text = pcall(F.read, F, 5000) return tostring(text and #text or text)`)).not.toBe('5000')
    expect(process.run(`return io.open('/block/1000'):read('a')`)).toBe('{"height":1000}')
  })

  it('costs gas by the byte', () => {
    const process = processWith()
    const read = (code: string): number => process.send({ Data: code }).gasUsed
    const once = read(`local f = io.open('/data/${ID}') f:read('a') f:close()`)
    const twice = read(`for _ = 1, 2 do local f = io.open('/data/${ID}') f:read('a') f:close() end`)
    expect(twice - once).toBeGreaterThan(large.length / 32)
  })
})
