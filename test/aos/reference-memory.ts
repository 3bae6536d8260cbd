/**
 * A process of its own that makes a checkpoint as a compute unit of the first network would: `node reference-memory.ts <module> <format> <file>`,
 * with { env, before, after, goesOn } as JSON on its standard input. Writes the gzip of the whole memory after `before` to the file, and prints
 * the results of `after` as JSON. With `goesOn` the file is there already, and it begins with the memory in it.
 *
 * Source      @permaweb/ao-loader 0.0.49, whose memory also holds its own stack of 40 MiB for suspended calls
 * Invariants  Only programs that we wrote may run here: see reference-loader.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gunzipSync, gzipSync } from 'node:zlib'
import { allowNumbersInGrow } from './reference-grow.ts'

interface Result {
  readonly Memory: Uint8Array
  readonly Output?: unknown
  readonly Messages?: unknown
  readonly Error?: unknown
}
type Handle = (memory: Uint8Array | null, message: object, env: object) => Promise<Result>
type Load = (bytes: Uint8Array, options: { readonly format: string }) => Promise<Handle>

allowNumbersInGrow()
const [module = '', format = '', file = ''] = process.argv.slice(2)
const job = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly env: object
  readonly before: object[]
  readonly after: object[]
  readonly goesOn: boolean
}
const print = process.stdout.write.bind(process.stdout)
const load = createRequire(import.meta.url)('@permaweb/ao-loader') as Load
const handle = await load(readFileSync(module), { format })
let memory: Uint8Array | null = job.goesOn ? gunzipSync(readFileSync(file)) : null
for (const message of job.before) memory = (await handle(memory, message, job.env)).Memory
if (!job.goesOn) writeFileSync(file, gzipSync(memory ?? new Uint8Array(0), { level: 1 }))
const results: object[] = []
for (const message of job.after) {
  const { Memory, ...result }: Result = await handle(memory, message, job.env)
  memory = Memory
  results.push(result)
}
print(JSON.stringify(results))
