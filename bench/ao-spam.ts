/**
 * A wallet that floods one process with all it has, while others use theirs: how long do these wait from POST to result? Quiet and flooded times
 * alternate, so that both see the same machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ItemSigner } from '../src/codec/data-item.ts'
import { defaultProgram, oneByOne, onePort, prepare, quantile, spawnCounter, type Units } from './ao-client.ts'
import { createSigner } from './items.ts'
import { median } from './load.ts'
import { startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const OTHERS = 4
const FLOODER = fileURLToPath(new URL('./flooder.ts', import.meta.url))
/** More than any node takes in the time. */
const FLOOD_MESSAGES = 40_000

interface Flood {
  readonly taken: number
  readonly refused: number
  readonly seconds: number
}

export async function benchAoSpam({ runs, share }: Scale): Promise<Row[]> {
  const node = await startHeddle()
  try {
    const units = onePort(node.url)
    const program = await defaultProgram(node.url)
    const signers = await Promise.all(Array.from({ length: OTHERS }, () => createSigner('ed25519')))
    const spawned = await Promise.all(signers.map((signer) => spawnCounter(units, signer, program)))
    const others = spawned.map((process, i) => ({ process, signer: signers[i]! }))
    const count = Math.ceil(300 * share)
    await timesOf(units, others, count) // Warms up.
    const quiet: number[][] = []
    const flooded: number[][] = []
    const floods: Flood[] = []
    for (let run = 0; run < runs; run++) {
      quiet.push(await timesOf(units, others, count))
      const victim = await spawnCounter(units, signers[0]!, program)
      const [times, flood] = await whileFlooded(node.url, victim, Math.ceil(FLOOD_MESSAGES * share), () => timesOf(units, others, count))
      flooded.push(times)
      floods.push(flood)
    }
    return rows(quiet, flooded, floods)
  } finally {
    await node.stop()
  }
}

function rows(quiet: readonly number[][], flooded: readonly number[][], floods: readonly Flood[]): Row[] {
  const at = (runs: readonly number[][], share: number): number => median(runs.map((times) => quantile(times, share)))
  const rate = median(floods.map(({ taken, seconds }) => taken / seconds))
  return ([0.5, 0.99] as const).map((share) => ({
    work: `AO: others' POST to result, one wallet floods a process (${perSecond(rate)} taken), p${share * 100}`,
    heddle: milliseconds(at(flooded, share)),
    against: `${milliseconds(at(quiet, share))} quiet`,
    ratio: ratio(at(quiet, share) / at(flooded, share)),
    aim: share === 0.99 ? '0.50×' : '',
  }))
}

interface Other {
  readonly process: string
  readonly signer: ItemSigner
}

/** Sorted, of all: each waits for its result before it sends again. */
async function timesOf(units: Units, others: readonly Other[], count: number): Promise<number[]> {
  const batches = await Promise.all(others.map(({ process, signer }) => prepare(units, signer, [process], count)))
  const times = await Promise.all(batches.map((batch) => oneByOne(units, batch)))
  return times.flat().sort((a, b) => a - b)
}

async function whileFlooded<T>(url: string, process: string, count: number, work: () => Promise<T>): Promise<[T, Flood]> {
  const flooder = spawn(globalThis.process.execPath, [FLOODER, url, process, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const report = reportOf(flooder)
  await once(flooder.stdout!, 'data')
  flooder.stdin!.write('go\n')
  await new Promise((resolve) => setTimeout(resolve, 500)) // Until it floods with all it has.
  const value = await work()
  flooder.stdin!.end()
  return [value, await report]
}

async function reportOf(flooder: ChildProcess): Promise<Flood> {
  let text = ''
  flooder.stdout!.on('data', (piece: Buffer) => {
    text += piece.toString()
  })
  await once(flooder, 'exit')
  return JSON.parse(text.slice(text.indexOf('{'))) as Flood
}
