/**
 * The reference loader, in a process of its own since it patches globals: `node bench/compute-loader.ts <file> <format> <in-out|hot> <count>`.
 * Prints the milliseconds of each message as JSON.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { AOS_TOKEN, BOOT, ENV, evalMessage, HEAVY, transferMessage } from './compute-messages.ts'

type Handle = (memory: unknown, message: unknown, env: unknown) => Promise<{ Memory: unknown; Error?: unknown; Output?: unknown }>
type Loader = (binary: Uint8Array, options: object) => Promise<Handle>

const now = performance.now.bind(performance)
const write = process.stdout.write.bind(process.stdout)
// It grows memory by a fraction of a page, which memories with 64-bit addresses refuse.
const grow = WebAssembly.Memory.prototype.grow as (this: WebAssembly.Memory, pages: unknown) => number
WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
  try {
    return grow.call(this, pages)
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error
    return grow.call(this, BigInt(Math.ceil(Number(pages))))
  }
}

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
