/** What state costs: dry runs, thawing, spawning, many processes at once, and a second core. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { prepareProgram } from '../src/guests/formats.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { noFiles } from '../src/guests/host-files.ts'
import { encodeValue } from '../src/guests/value-codec.ts'
import { aosModule, LIMITS, openToken, prepareAos, run } from './compute-aos.ts'
import type { ManyReport } from './compute-many.ts'
import { BOOT, ENV, PROCESS, transferMessage } from './compute-messages.ts'
import { median } from './load.ts'
import { milliseconds, type Row, ratio, type Scale } from './table.ts'

const MIB = 1024 * 1024
const USED_TRANSFERS = 500

export async function benchState({ share }: Scale): Promise<Row[]> {
  const program = prepareAos('wasm64')
  const session = openToken(program)
  for (let slot = 2; slot < USED_TRANSFERS; slot++) run(session, transferMessage(slot))
  return [
    dryRuns(session, Math.ceil(500 * share)),
    thaws(session, Math.ceil(100 * share)),
    spawns(Math.ceil(50 * share)),
    ...(await manyProcesses(Math.ceil(1_000 * share))),
    await secondCore(Math.ceil(4_000 * share)),
  ]
}

function dryRuns(session: GuestSession, count: number): Row {
  const hot: number[] = []
  const dry: number[] = []
  for (let slot = USED_TRANSFERS; slot < USED_TRANSFERS + count; slot++) {
    hot.push(run(session, transferMessage(slot)))
    const bytes = encodeValue(transferMessage(slot))
    const began = performance.now()
    session.dryRun(bytes)
    dry.push(performance.now() - began)
  }
  const [ours, message] = [median(dry), median(hot)]
  return {
    work: 'dry run of an aos wasm64 transfer, with undo',
    heddle: milliseconds(ours),
    against: `${milliseconds(message)} the hot message`,
    ratio: ratio(message / ours),
    aim: 'under 2 ms, 0.50×',
  }
}

function thaws(used: GuestSession, count: number): Row {
  const snapshot = used.snapshot()
  const program = prepareAos('wasm64')
  const times: number[] = []
  for (let turn = 0; turn < count; turn++) {
    const began = performance.now()
    const session = new GuestSession(program.thaw(snapshot, ENV))
    run(session, transferMessage(turn))
    times.push(performance.now() - began)
    session.close()
  }
  times.sort((a, b) => a - b)
  const boots = Array.from({ length: 5 }, () => {
    const began = performance.now()
    openToken(prepareAos('wasm64'))
    return performance.now() - began
  })
  const p50 = median(times)
  return {
    work: 'thaw of a used aos process and its first message',
    heddle: `p50 ${milliseconds(p50)}, p99 ${milliseconds(times[Math.floor(times.length * 0.99)] ?? 0)}`,
    against: `${milliseconds(median(boots))} fresh boot`,
    ratio: ratio(median(boots) / p50),
    aim: 'p50 under 15 ms, p99 under 50 ms',
  }
}

function spawns(count: number): Row {
  const program = prepareAos('wasm64')
  const timeOf = (spawn: () => GuestSession): number => {
    const began = performance.now()
    run(spawn(), BOOT)
    return performance.now() - began
  }
  const known = Array.from({ length: count }, () => timeOf(() => new GuestSession(program.spawn(PROCESS, ENV)))).slice(2)
  const module = aosModule('wasm64')
  const fresh = Array.from({ length: 5 }, () =>
    timeOf(() => new GuestSession(prepareProgram(module, LIMITS, { files: noFiles }).spawn(PROCESS, ENV))),
  )
  return {
    work: 'spawn of an aos wasm64 process, known module',
    heddle: milliseconds(median(known)),
    against: `${milliseconds(median(fresh))} from nothing`,
    ratio: ratio(median(fresh) / median(known)),
    aim: 'under 25 ms',
  }
}

async function manyProcesses(count: number): Promise<Row[]> {
  const { residentBytes, freshBytes, usedBytes } = await many(['live', String(count)])
  const virtual = 105 * MIB * count
  return [
    {
      work: `${count} live aos wasm64 processes in one node, resident`,
      heddle: `${(residentBytes / MIB / 1024).toFixed(2)} GiB`,
      against: `${(virtual / MIB / 1024).toFixed(0)} GiB, 105 MiB each`,
      ratio: ratio(virtual / residentBytes),
      aim: 'under 3 GiB',
    },
    {
      work: 'an idle aos process on disk, fresh and used',
      heddle: `${(freshBytes / 1024).toFixed(1)} KiB, ${(usedBytes / 1024).toFixed(0)} KiB`,
      against: '',
      ratio: '',
      aim: '13 KiB, 400 KiB',
    },
  ]
}

async function secondCore(messages: number): Promise<Row> {
  const one = await many(['rate', '1', String(messages)])
  const two = await many(['rate', '2', String(messages)])
  return {
    work: 'aos wasm64 messages over 16 processes, two workers',
    heddle: `${Math.round(two.perSecond).toLocaleString('en')}/s`,
    against: `${Math.round(one.perSecond).toLocaleString('en')}/s one worker`,
    ratio: ratio(two.perSecond / one.perSecond),
    aim: '1.70×',
  }
}

/** In an OS process of its own, so that its memory is only what is measured. */
async function many(words: readonly string[]): Promise<ManyReport> {
  const script = fileURLToPath(new URL('./compute-many.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...words])
  return JSON.parse(stdout) as ManyReport
}
