/** Many aos processes in one guest pool: `node bench/compute-many.ts live <processes>` or `rate <workers> <messages>`. Prints a report as JSON. */
import { toBase64url, utf8 } from '../src/base/bytes.ts'
import { sha256 } from '../src/base/hash.ts'
import { parseTxId, type TxId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import { createGuestPool, type GuestPool } from '../src/guests/guest-pool.ts'
import { aosModule } from './compute-aos.ts'
import { AOS_TOKEN, BOOT, ENV, evalMessage, transferMessage } from './compute-messages.ts'

export interface ManyReport {
  readonly residentBytes: number
  readonly freshBytes: number
  readonly usedBytes: number
  readonly perSecond: number
}

const USED_TRANSFERS = 400
const RATE_PROCESSES = 16
const module = aosModule('wasm64')

async function open(pool: GuestPool, name: string): Promise<TxId> {
  const process = parseTxId(toBase64url(sha256(utf8(name))))
  await pool.open(process, module, ENV, null)
  await pool.evaluate(process, BOOT)
  return process
}

async function live(count: number): Promise<ManyReport> {
  const pool = createGuestPool({ workers: 2, memoryBytesMax: 16 * 2 ** 30, log: silentLog })
  const processes: TxId[] = []
  for (let i = 0; i < count; i++) processes.push(await open(pool, `live ${i}`))
  for (const process of processes) await pool.evaluate(process, evalMessage(1, 'return 1 + 1'))
  if (!processes.every((process) => pool.isOpen(process))) throw new Error('a process was evicted')
  const residentBytes = globalThis.process.memoryUsage().rss
  const [used = processes[0]!] = processes
  const fresh = await open(pool, 'fresh')
  const freshBytes = (await pool.snapshot(fresh)).length
  await pool.evaluate(used, evalMessage(2, AOS_TOKEN))
  for (let slot = 3; slot < USED_TRANSFERS; slot++) await pool.evaluate(used, transferMessage(slot))
  const usedBytes = (await pool.snapshot(used)).length
  await pool.stop()
  return { residentBytes, freshBytes, usedBytes, perSecond: 0 }
}

async function rate(workers: number, messages: number): Promise<ManyReport> {
  const pool = createGuestPool({ workers, memoryBytesMax: 2 ** 30, log: silentLog })
  const processes: TxId[] = []
  for (let i = 0; i < RATE_PROCESSES; i++) processes.push(await open(pool, `rate ${i}`))
  await Promise.all(processes.map((process) => pool.evaluate(process, evalMessage(1, AOS_TOKEN))))
  const each = Math.ceil(messages / RATE_PROCESSES)
  const work = async (process: TxId, from: number, count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, i) => pool.evaluate(process, transferMessage(from + i))))
  }
  await Promise.all(processes.map((process) => work(process, 2, Math.ceil(each / 4))))
  const began = performance.now()
  await Promise.all(processes.map((process) => work(process, 2 + each, each)))
  const perSecond = (each * RATE_PROCESSES) / ((performance.now() - began) / 1_000)
  await pool.stop()
  return { residentBytes: 0, freshBytes: 0, usedBytes: 0, perSecond }
}

const [mode, first = '1', second = '1'] = process.argv.slice(2)
const report = mode === 'live' ? await live(Number(first)) : await rate(Number(first), Number(second))
process.stdout.write(JSON.stringify(report))
process.exit(0)
