/**
 * The reference loader, in a process of its own since it patches globals: `node bench/compute-loader.ts <file> <format> <in-out|hot> <count>`.
 * Prints the milliseconds of each message as JSON.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { allowNumbersInGrow } from '../test/aos/reference-grow.ts'
import { AOS_TOKEN, BOOT, ENV, evalMessage, HEAVY, transferMessage } from './compute-messages.ts'

type Handle = (memory: unknown, message: unknown, env: unknown) => Promise<{ Memory: unknown; Error?: unknown; Output?: unknown }>
type Loader = (binary: Uint8Array, options: object) => Promise<Handle>

const now = performance.now.bind(performance)
const write = process.stdout.write.bind(process.stdout)
allowNumbersInGrow()

const [file = '', format = '', mode = '', count = '0', work = 'eval'] = process.argv.slice(2)
const load = createRequire(import.meta.url)('@permaweb/ao-loader') as Loader
const isHot = mode === 'hot'
const handle = await load(readFileSync(file), { format, UNSAFE_MEMORY: isHot, computeLimit: 9e15, memoryLimit: '16-gb' })
let memory: unknown = null
async function evaluate(message: unknown): Promise<number> {
  const began = now()
  const result = await handle(isHot ? null : memory, message, ENV)
  const ms = now() - began
  if (result.Error !== undefined) throw new Error(`the loader answered ${JSON.stringify(result.Error)}`)
  memory = result.Memory
  return ms
}
await evaluate(BOOT)
await evaluate(evalMessage(1, AOS_TOKEN))
const times: number[] = []
for (let slot = 2; slot < 2 + Number(count); slot++) {
  const message = {
    eval: () => evalMessage(slot, 'return 1 + 1'),
    transfer: () => transferMessage(slot),
    heavy: () => evalMessage(slot, HEAVY),
  }[work]
  times.push(await evaluate(message?.()))
}
write(JSON.stringify(times))
process.exit(0)
