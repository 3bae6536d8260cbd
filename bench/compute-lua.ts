/** The Lua guest against the limit of its language: the system's own `lua5.3` running the same handlers, if there is one. */
import { spawnSync } from 'node:child_process'
import { utf8 } from '../src/base/bytes.ts'
import { prepareProgram } from '../src/guests/formats.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { noFiles } from '../src/guests/host-files.ts'
import { encodeValue } from '../src/guests/value-codec.ts'
import { ENV, MODULE, PROCESS, transferMessage } from './compute-messages.ts'
import { median } from './load.ts'
import { TOKEN, WORK_NAMES, WORKS } from './lua-works.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const LIMITS = { memoryBytesMax: 2 ** 29, gasMax: 10 ** 10, resultBytesMax: 2 ** 24 }
const NAMES: Record<(typeof WORK_NAMES)[number], string> = {
  fib: 'fib(30)',
  loops: '3 million turns of a loop',
  sort: 'sort 100,000 numbers twice',
  strings: 'build, search and replace 100,000 strings',
  json: 'JSON, 2 KB, 300 times both ways',
}

export function benchLua({ share }: Scale): Promise<Row[]> {
  const rounds = Math.max(3, Math.ceil(9 * share))
  const native = nativeTimes(rounds, Math.ceil(100_000 * share))
  return Promise.resolve([...tokenRows(Math.ceil(20_000 * share), native), ...workRows(rounds, native)])
}

function session(source: string): GuestSession {
  const program = prepareProgram({ id: MODULE, format: 'heddle-lua-1', bytes: utf8(source) }, LIMITS, { files: noFiles })
  return new GuestSession(program.spawn(PROCESS, ENV))
}

/** Of this thread's work, as os.clock counts that of the other program. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function evaluate(guest: GuestSession, message: Uint8Array): void {
  const outcome = guest.evaluate(message)
  if (!outcome.ok) throw new Error(`the program failed: ${outcome.text}`)
}

function tokenRows(count: number, native: ReadonlyMap<string, number>): Row[] {
  const guest = session(TOKEN)
  const messages = Array.from({ length: count }, (_, slot) => transferMessage(slot))
  const warm = Math.floor(count / 5)
  for (const message of messages.slice(0, warm)) evaluate(guest, encodeValue(message))
  const startedMs = threadMs()
  const times = messages.slice(warm).map((message) => {
    const beganMs = performance.now()
    evaluate(guest, encodeValue(message))
    return performance.now() - beganMs
  })
  const own = (times.length * 1000) / (threadMs() - startedMs)
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
  const other = native.get('token')
  const against = other === undefined ? '' : `${perSecond(1000 / other)} lua5.3, handler alone`
  return [
    {
      work: 'Lua guest, token transfer, gas and undo, one core',
      heddle: `${perSecond(own)}, p99 ${milliseconds(p99)}`,
      against,
      ratio: other === undefined ? '' : ratio(own / (1000 / other)),
      aim: '8,000/s',
    },
  ]
}

function workRows(rounds: number, native: ReadonlyMap<string, number>): Row[] {
  const guest = session(`${WORKS} function handle(msg) works[msg.Work]() return { ok = true, response = {} } end`)
  return WORK_NAMES.map((work) => {
    const message = encodeValue({ Work: work })
    const times = Array.from({ length: rounds }, () => {
      const startedMs = threadMs()
      evaluate(guest, message)
      return threadMs() - startedMs
    })
    const own = median(times)
    const other = native.get(work)
    return {
      work: `Lua guest, ${NAMES[work]}`,
      heddle: milliseconds(own),
      against: other === undefined ? '' : `${milliseconds(other)} lua5.3`,
      ratio: other === undefined ? '' : ratio(other / own),
      aim: '0.33×',
    }
  })
}

/** Median milliseconds of each work, and of one transfer as `token`, in the system's Lua; empty when there is none. */
function nativeTimes(rounds: number, transfers: number): ReadonlyMap<string, number> {
  const script = `${WORKS}
    local names = { ${WORK_NAMES.map((name) => `"${name}"`).join(', ')} }
    for _, name in ipairs(names) do
      local times = {}
      for round = 1, ${rounds} do
        local started = os.clock()
        works[name]()
        times[round] = (os.clock() - started) * 1000
      end
      table.sort(times)
      print(name, times[#times // 2 + 1])
    end
    ${TOKEN}
    local started = os.clock()
    for slot = 1, ${transfers} do handle(${luaLiteral(transferMessage(1))}) end
    print("token", (os.clock() - started) * 1000 / ${transfers})`
  const { status, stdout } = spawnSync('lua5.3', ['-'], { input: script, encoding: 'utf8' })
  if (status !== 0) return new Map()
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([name = '', ms]) => [name, Number(ms)]),
  )
}

function luaLiteral(value: unknown): string {
  if (Array.isArray(value)) return `{ ${value.map(luaLiteral).join(', ')} }`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nil'
  return `{ ${Object.entries(value)
    .map(([key, entry]) => `["${key}"] = ${luaLiteral(entry)}`)
    .join(', ')} }`
}
