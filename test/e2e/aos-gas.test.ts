/** The formats that report gas of AO's first network report the numbers of the reference loader, which meters a module by a host call per run. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TxId } from '../../src/base/ids.ts'
import { prepareProgram } from '../../src/guests/formats.ts'
import type { GuestLimits, GuestProgram } from '../../src/guests/guest.ts'
import { GuestSession } from '../../src/guests/guest-session.ts'
import { noFiles } from '../../src/guests/host-files.ts'
import { encodeValue } from '../../src/guests/value-codec.ts'
import { ALICE, ENV, evaluation, MessageLog, PROCESS } from '../aos/messages.ts'
import { AOS_32, AOS_64, type NamedModule } from '../aos/modules.ts'
import { type RawResult, type Reference, startReference } from '../aos/reference.ts'

const MODULES: readonly NamedModule[] = [
  { ...AOS_32, format: 'wasm32-unknown-emscripten-metering' },
  { ...AOS_64, format: 'wasm64-unknown-emscripten-draft_2024_10_16-metering' },
]
const LIMITS: GuestLimits = { memoryBytesMax: 2 ** 30, gasMax: 2 ** 50, resultBytesMax: 2 ** 20 }
/** Has the allocator look for room, and the heap there holds 40 MiB of their loader's. */
const LARGE = 'return string.rep("x", 100000):gsub("x", "yy"):len()'
const log = new MessageLog()
const messages = [
  log.boot(),
  ...[
    evaluation('return 1 + 1'),
    evaluation('local t = {} for i = 1, 200 do t[i] = tostring(i * 1.5) end return table.concat(t)'),
    evaluation('Handlers.add("ping", "Ping", function(msg) msg.reply({ Data = "pong" }) end)'),
    { tags: { Action: 'Ping' }, from: ALICE },
    evaluation('return require("json").encode({ 1, { a = true } })'),
    evaluation('return pcall(error, "caught")'),
    evaluation('error("not caught")'),
    evaluation('return string.rep("x", 100):gsub("x", "yy"):len()'),
    evaluation('return collectgarbage("count") > 0'),
    evaluation(LARGE),
  ].map((draft) => log.next(draft)),
]

describe.each(MODULES)('$name', (module) => {
  let reference: Reference
  let theirs: readonly RawResult[]
  let program: GuestProgram
  const prepare = (limits: GuestLimits): GuestProgram =>
    prepareProgram({ id: module.name.padEnd(43, 'm') as TxId, format: module.format, bytes: readFileSync(module.path) }, limits, {
      files: noFiles,
    })
  const gasOf = (from: GuestProgram): readonly (readonly [ok: boolean, gasUsed: number])[] => {
    const session = new GuestSession(from.spawn(PROCESS, ENV))
    const used = messages.map((message) => session.evaluate(encodeValue(message))).map(({ ok, gasUsed }) => [ok, gasUsed] as const)
    session.close()
    return used
  }
  beforeAll(async () => {
    reference = startReference()
    theirs = await reference.run({ module, env: ENV, messages })
    program = prepare(LIMITS)
  }, 60_000)
  afterAll(() => reference.stop())

  it('costs the same, message by message', () => {
    const ours = gasOf(program)
    const expected = theirs.map(({ Error: reported, GasUsed }) => [reported === undefined, GasUsed])
    expect(ours.slice(1, -1)).toEqual(expected.slice(1, -1))
    // Looking for files costs more there: their loader unwinds the stack for it and winds it up again, and counts that.
    const share = (at: number): number => ours.at(at)![1] / Number(theirs.at(at)?.GasUsed)
    expect(share(0)).toBeGreaterThan(0.999)
    expect(share(0)).toBeLessThan(1)
    expect(Math.abs(share(-1) - 1)).toBeLessThan(0.0001)
  })

  it('ends at the limit of the process, not one unit before it', () => {
    const cost = gasOf(program)[0]![1]
    const bootOf = (legacyGasMax: number) => {
      const session = new GuestSession(prepare({ ...LIMITS, legacyGasMax }).spawn(PROCESS, ENV))
      const outcome = session.evaluate(encodeValue(messages[0]))
      session.close()
      return outcome
    }
    expect(bootOf(cost)).toMatchObject({ ok: true, gasUsed: cost })
    expect(bootOf(cost - 1)).toMatchObject({ ok: false, kind: 'gas', gasUsed: cost - 1, text: `out of gas: limit ${cost - 1}` })
    expect(bootOf(1000)).toMatchObject({ ok: false, kind: 'gas' })
  })
})
