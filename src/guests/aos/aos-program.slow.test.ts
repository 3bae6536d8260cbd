/** aos modules as the network has them, in our host: what they answer, and that their state is kept, taken back and moved exactly. */
import { describe, expect, it } from 'vitest'
import { ENV, evaluation, MessageLog, PROCESS } from '../../../test/aos/messages.ts'
import { AOS_32, AOS_64, AOS_MODULES, guestModule, LARGE, type NamedModule, PONG } from '../../../test/aos/modules.ts'
import { EMPTY, equalBytes } from '../../base/bytes.ts'
import { prepareProgram } from '../formats.ts'
import type { GuestEnv, GuestInstance, GuestLimits, GuestMessage, GuestProgram, GuestResult } from '../guest.ts'
import { GuestSession } from '../guest-session.ts'
import { noFiles } from '../host-files.ts'
import { stateHash, stateHashOf } from '../snapshot.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'
import { ImageBuffer } from '../wasm/state-image.ts'

const MIB = 1024 * 1024
const LIMITS: GuestLimits = { memoryBytesMax: 512 * MIB, gasMax: 1_000_000_000, resultBytesMax: 16 * MIB }
const SQLITE = AOS_MODULES.find(({ name }) => name === 'sqlite')!

const programs = new Map<string, GuestProgram>()

function programOf(module: NamedModule, limits: Partial<GuestLimits> = {}): GuestProgram {
  const key = `${module.name} ${JSON.stringify(limits)}`
  const program = programs.get(key) ?? prepareProgram(guestModule(module), { ...LIMITS, ...limits }, { files: noFiles })
  programs.set(key, program)
  return program
}

/** A process under test: evaluates, and reads what comes back. */
class Process {
  readonly instance: GuestInstance
  readonly session: GuestSession
  readonly log: MessageLog

  constructor(instance: GuestInstance, log = new MessageLog()) {
    this.instance = instance
    this.session = new GuestSession(instance)
    this.log = log
  }

  /** Throws the text of an error. */
  run(code: string): string {
    const { Output } = this.send(this.log.next(evaluation(code)))
    return textOf(Output)
  }

  send(message: GuestMessage): GuestResult {
    const outcome = this.session.evaluate(encodeValue(message))
    if (outcome.ok) return resultOf(outcome.values)
    throw new Error(outcome.values === undefined ? `${outcome.kind}: ${outcome.text}` : String(resultOf(outcome.values).Error))
  }

  get stateHash(): string {
    return stateHash(this.instance.capture(new ImageBuffer()))
  }
}

function resultOf(values: Uint8Array): GuestResult {
  const reader = new ValueReader(values)
  const [Output, Messages, Spawns, Assignments, reported] = Array.from({ length: 5 }, () => reader.value())
  return { Output, Messages, Spawns, Assignments, Error: reported } as GuestResult
}

/** aos 1 and 2 put it in different places. */
function textOf(output: unknown): string {
  const { data } = output as { data?: unknown }
  const text = String(typeof data === 'object' && data !== null ? (data as { output?: unknown }).output : data)
  return text.replace(/^\S+WARNING: Nonce did not match.*\n\n/, '') // Said after a message that failed.
}

function spawn(module: NamedModule, limits?: Partial<GuestLimits>): Process {
  const process = new Process(programOf(module, limits).spawn(PROCESS, ENV))
  process.send(process.log.boot())
  return process
}

function thaw(process: Process, module: NamedModule, limits?: Partial<GuestLimits>): Process {
  return new Process(programOf(module, limits).thaw(process.instance.snapshot(), ENV), process.log)
}

describe.each(AOS_MODULES)('$name', (module) => {
  it('boots, evaluates and remembers', () => {
    const process = spawn(module)
    expect(process.run('1 + 1')).toBe('2')
    process.run('Count = 41')
    expect(process.run('Count = Count + 1; return Count')).toBe('42')
    expect(process.run('return string.format("%s %5.2f %q %x", "Grüße", 1 / 3, "a\\0b", 255)')).toBe('Grüße  0.33 "a\\0b" ff')
  })

  it('answers with messages', () => {
    const process = spawn(module)
    process.run(`Handlers.add('inc', Handlers.utils.hasMatchingTag('Action', 'Inc'), function (msg)
      N = (N or 0) + 1; ao.send({ Target = msg.From, Data = tostring(N), Tags = { Kind = 'answer' } }) end)`)
    for (const count of ['1', '2']) {
      const { Messages } = process.send(process.log.next({ tags: { Action: 'Inc' } }))
      expect(Messages).toHaveLength(1)
      expect(Messages[0]).toMatchObject({
        Target: 'o'.repeat(43),
        Data: count,
        Tags: expect.arrayContaining([{ name: 'Kind', value: 'answer' }]),
      })
    }
  })

  it('a state that was frozen and thawed elsewhere goes on, byte for byte', () => {
    const process = spawn(module)
    process.run('T = {} for i = 1, 300 do T["key" .. i] = { i } end S = string.rep("text ", 1000)')
    const other = thaw(process, module)
    expect(other.stateHash).toBe(process.stateHash)
    for (let round = 0; round < 5; round++) {
      const message = process.log.next(
        evaluation(`local keys = {} for k in pairs(T) do keys[#keys + 1] = k end T[keys[3]] = nil
          return table.concat(keys, ' ') .. math.random(1000000) .. tostring({}) .. collectgarbage('count') .. S:sub(${round}, 9)`),
      )
      expect(other.send(message), `round ${round}`).toEqual(process.send(message))
      expect(other.instance.gasUsed).toBe(process.instance.gasUsed)
      expect(other.stateHash, `round ${round}`).toBe(process.stateHash)
    }
  })

  it('a row of failures of every kind leaves no trace', () => {
    const process = spawn(module, { gasMax: 12_000_000, memoryBytesMax: 128 * MIB })
    process.run('State = { "before" }')
    const before = process.stateHash
    const failures = [
      ['State[2] = "after"; error("boom")', 'boom'],
      ['State = nil; State.x = 1', 'nil'],
      ['State[1] = "after"; while true do end', 'gas: out of gas'],
      ['State[1] = "after"; pcall(function() while true do end end); return 1', 'gas: out of gas'],
      ['State[1] = "after"; string.rep("text ", 1e8)', 'not enough memory'],
    ] as const
    for (let round = 0; round < 2; round++)
      for (const [code, reason] of failures) {
        expect(() => process.run(code), code).toThrow(reason)
        expect(process.stateHash, code).toBe(before)
      }
    expect(process.run('State[1]')).toBe('before')
  })

  it('a dry run leaves no trace', () => {
    const process = spawn(module)
    process.run('N = 1')
    const before = process.stateHash
    const outcome = process.session.dryRun(encodeValue(process.log.dry(evaluation('N = N + 1; return N'))))
    expect(outcome.ok && textOf(resultOf(outcome.values).Output)).toBe('2')
    expect(process.stateHash).toBe(before)
  })
})

describe.each([AOS_64, AOS_32])('$name', (module) => {
  it('300 errors in a row cost neither state nor the next message', () => {
    const process = spawn(module)
    process.run('N = 0')
    const before = process.stateHash
    for (let i = 0; i < 300; i++)
      expect(() => process.run(`N = N + 1; local t = {} for j = 1, ${i} do t[j] = {} end error("e")`)).toThrow('e')
    expect(process.stateHash).toBe(before)
    expect(process.run('N = N + 1; return N')).toBe('1')
  })

  it('memory grows when it is needed, is taken back with the rest, and goes along when it moves', () => {
    const process = spawn(module)
    process.run('Big = string.rep("abcdefgh", 1024 * 1024); N = #Big')
    const { stateBytes } = process.instance
    expect(stateBytes).toBeGreaterThan(8 * MIB)
    const before = process.stateHash
    expect(() => process.run('More = string.rep("xyz", 16 * 1024 * 1024); error("no")')).toThrow('no')
    expect(process.stateHash).toBe(before)
    const other = thaw(process, module)
    expect(other.stateHash).toBe(before)
    for (const one of [process, other]) {
      one.session.dryRun(encodeValue(one.log.dry(evaluation('More = string.rep("xyz", 8 * 1024 * 1024)'))))
      expect(one.instance.stateBytes).toBe(stateBytes)
    }
    const message = process.log.next(evaluation('return #Big .. Big:sub(-3)'))
    expect(textOf(other.send(message).Output)).toBe(`${8 * MIB}fgh`)
    process.send(message)
    expect(other.stateHash).toBe(process.stateHash)
  })

  it('memory ends at the limit, which the program notices as Lua does, and nothing else changes', () => {
    const process = spawn(module, { memoryBytesMax: 96 * MIB })
    expect(() => process.run('Big = string.rep("x", 64 * 1024 * 1024)')).toThrow('not enough memory')
    for (const item of ['{ i }', '{ i, i }', '"text " .. i'])
      expect(() => process.run(`local t = {} for i = 1, 1e9 do t[i] = ${item} end`), item).toThrow('not enough memory')
    expect(process.run('local ok, problem = pcall(string.rep, "x", 64 * 1024 * 1024); return tostring(ok) .. problem')).toBe(
      'falsenot enough memory for buffer allocation',
    )
    expect(process.run('return #string.rep("x", 4 * 1024 * 1024)')).toBe(String(4 * MIB))
  })

  it('recursion ends, whichever limit it meets first', () => {
    const process = spawn(module, { gasMax: 200_000_000 })
    const before = process.stateHash
    expect(() => process.run('local function f() return 1 + f() end State = f()')).toThrow(/stack overflow|not enough memory/)
    expect(process.stateHash).toBe(before)
  })

  it('recursion through C ends as in Lua', () => {
    const process = spawn(module)
    const deep = 'local function f(n) return (string.gsub("a", "a", function() return f(n + 1) end)) end return f(1)'
    expect(() => process.run(deep)).toThrow('C stack overflow')
    expect(() => process.run(`return load(string.rep("(", 300) .. "1" .. string.rep(")", 300))() `)).toThrow(/nil|overflow|levels/)
    expect(process.run('local ok, e = pcall(string.find, string.rep("a", 300000), string.rep("a?", 300000)) return tostring(ok)')).toBe(
      'false',
    )
  })

  it('nothing of the machine reaches it', () => {
    const process = spawn(module)
    const probes: Readonly<Record<string, string>> = {
      'return tostring(os.getenv and os.getenv("PATH"))': 'nil',
      'return tostring((io.open("/etc/passwd")))': 'nil',
      'return tostring((io.open("out.txt", "w")))': 'nil',
      'return tostring((os.execute("touch /tmp/x")))': 'nil',
      'return tostring((os.remove("/etc/passwd")))': 'nil',
      'return tostring((os.rename("/a", "/b")))': 'nil',
      'return tostring((pcall(io.popen, "ls")))': 'false',
      'return os.date("%Y-%m-%d %H:%M:%S", 0)': '1970-01-01 00:00:00',
      'return os.date("!%A, %d %B %Y %j %U %w %p %y %%", 1700000000)': 'Tuesday, 14 November 2023 318 46 2 PM 23 %',
      'return os.date("%c")': 'Thu Jan 01 00:00:10 1970',
      'local t = os.date("*t", 86400 * 365) return t.year .. " " .. t.yday .. " " .. t.wday .. " " .. tostring(t.isdst)': '1971 1 6 false',
      'return tostring((io.read()))': 'nil',
    }
    for (const [code, answer] of Object.entries(probes)) expect(process.run(code), code).toBe(answer)
    expect(() => process.run('os.exit(0)')).toThrow('tried to end itself')
    expect(process.run('1')).toBe('1')
  })

  it('a bare memory, as other units keep it, is enough to go on', () => {
    const process = spawn(module)
    process.run('N = 41; Text = string.rep("text ", 100000)')
    const memory = process.instance.memory?.() ?? EMPTY
    const adopted = new Process(programOf(module).adopt!(memory, ENV), process.log)
    expect(equalBytes(adopted.instance.memory?.() ?? EMPTY, memory)).toBe(true)
    const message = process.log.next(evaluation('N = N + 1; return N .. #Text .. tostring({}) .. math.random(1000)'))
    expect(adopted.send(message)).toEqual(process.send(message))
    expect(adopted.run('N')).toBe('42')
    for (const size of [0, 1000, 65_536])
      expect(() => programOf(module).adopt!(new Uint8Array(size), ENV), String(size)).toThrow('none of this program')
    expect(() => programOf(module, { memoryBytesMax: 96 * MIB }).adopt!(new Uint8Array(128 * MIB), ENV)).toThrow(
      'more than this process may have',
    )
  })

  it('a program that spoils its own handle is told so, and keeps its state', () => {
    const process = spawn(module)
    process.run('N = 1')
    const before = process.stateHash
    expect(() => process.run('function handle() return "what" end N = 2')).not.toThrow()
    expect(() => process.run('1')).toThrow('no JSON object: what')
    const other = spawn(module)
    other.run('function handle() error("x") end')
    expect(() => other.run('1')).toThrow()
    expect(process.stateHash).not.toBe(before)
  })

  it('text and bytes go in as text', () => {
    const process = spawn(module)
    process.run(`Handlers.add('see', 'See', function (msg) Seen = msg.Data end)`)
    process.send(process.log.next({ tags: { Action: 'See' }, data: 'Grüße \0 "世界" \\ \u2028 \ud83d\ude00' }))
    expect(process.run('Seen')).toBe('Grüße \0 "世界" \\ \u2028 \ud83d\ude00')
    process.send(process.log.next({ tags: { Action: 'See' }, data: Uint8Array.of(0x61, 0xff, 0xfe, 0x62) }))
    expect(process.run('Seen')).toBe('a\ufffd\ufffdb')
    const large = 'xyz'.repeat(1_000_000)
    process.send(process.log.next({ tags: { Action: 'See' }, data: large }))
    expect(process.run('#Seen')).toBe(String(large.length))
  })

  it('its gas is the same each time', () => {
    const gas = Array.from({ length: 2 }, () => {
      const process = spawn(module)
      return ['1 + 1', 'local s = "" for i = 1, 500 do s = s .. i end return #s', 'return require("json").encode({ 1, 2, { a = 1 } })'].map(
        (code) => {
          process.run(code)
          return process.instance.gasUsed
        },
      )
    })
    expect(gas[0]).toEqual(gas[1])
    expect(Math.min(...gas[0]!)).toBeGreaterThan(1_000)
  })

  it('an instance that one process has left serves the next, which sees nothing of it', () => {
    const program = programOf(module)
    const used = spawn(module)
    used.run('Secret = string.rep("secret", 1000)')
    const snapshot = used.instance.snapshot()
    const fresh = new Process(program.spawn(PROCESS, ENV))
    fresh.send(fresh.log.boot())
    used.instance.close?.()
    const next = new Process(program.spawn(PROCESS, ENV))
    next.send(next.log.boot())
    expect(next.stateHash).toBe(fresh.stateHash)
    expect(next.run('tostring(Secret)')).toBe('nil')
    expect(stateHashOf(program.thaw(snapshot, ENV).snapshot())).toBe(stateHashOf(snapshot))
  })
})

/** Lua seeds its hashes with addresses and the time, so the order of tables tells whether both are as where AO units run. */
describe('the order of tables, and random numbers, are those of AO units', () => {
  const id = (letter: string): string => letter.repeat(43)
  const tag = (name: string, value: string) => ({ name, value })
  const env = {
    Process: { Id: id('p'), Owner: id('a'), Tags: [tag('Name', 't'), tag('Authority', id('a')), tag('Type', 'Process')] },
    Module: { Id: id('m'), Tags: [] },
  } as unknown as GuestEnv
  const fields = { Target: id('p'), From: id('a'), Owner: id('a'), Module: id('m') }
  const boot = {
    ...{ ...fields, Id: id('p'), 'Block-Height': '100000', Timestamp: '1700000000000' },
    ...{ Tags: [tag('Type', 'Process'), tag('Name', 't'), tag('Authority', id('a'))], Data: '1984' },
  }
  const evalAt = (slot: number, Data: string) => ({
    ...{ ...fields, Id: String(slot).padStart(43, 'i'), 'Block-Height': '100000', Timestamp: String(1_700_000_000_000 + slot) },
    ...{ Tags: [tag('Action', 'Eval')], Data },
  })

  it.each([
    [AOS_64, '4 12 8 9 6 2 5 3 7 10 1 11'],
    [AOS_32, '5 7 4 3 2 12 9 1 10 11 8 6'],
  ] as const)('$0.name', (module, order) => {
    const process = new Process(programOf(module).spawn(PROCESS, env))
    process.send(boot)
    const keys = evalAt(
      1,
      `local T, keys = {}, {} for i = 1, 12 do T['key' .. i] = i end
      for key in pairs(T) do keys[#keys + 1] = key:sub(4) end return table.concat(keys, ' ')`,
    )
    expect(textOf(process.send(keys).Output)).toBe(order)
    expect(textOf(process.send(evalAt(2, 'return math.random(1, 1000000) .. " " .. math.random(1, 1000000)')).Output)).toBe('104551 693133')
  })
})

describe('pong', () => {
  it('a module that is no aos, but speaks like one, runs', () => {
    const process = new Process(programOf(PONG).spawn(PROCESS, ENV))
    const first = process.send(process.log.boot())
    expect(first.Output).toContain('pong')
    const other = thaw(process, PONG)
    const message = process.log.next(evaluation('x'))
    expect(other.send(message)).toEqual(process.send(message))
    expect(other.stateHash).toBe(process.stateHash)
  })
})

describe('sqlite', () => {
  it('has a database that is kept with the rest', () => {
    const process = spawn(SQLITE)
    process.run(`sqlite = require('lsqlite3'); Db = sqlite.open_memory(); Db:exec('create table t (a integer, b text)')`)
    process.run(`for i = 1, 100 do Db:exec('insert into t values (' .. i .. ', "row ' .. i .. '")') end`)
    const other = thaw(process, SQLITE)
    const count = `local n = 0 for row in Db:nrows('select a from t where a > 10') do n = n + row.a end return n`
    expect(other.run(count)).toBe('4995')
    expect(() => process.run(`Db:exec('delete from t'); error('no')`)).toThrow('no')
    expect(process.run(count)).toBe('4995')
  })
})

describe('a module that needs more than the node gives', () => {
  it('is refused', () => {
    expect(() => programOf(LARGE)).toThrow(
      expect.objectContaining({ code: 'module-unsupported', message: expect.stringContaining('1258291200 bytes') }),
    )
  })
})
