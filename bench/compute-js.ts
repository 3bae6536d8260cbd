/**
 * The JavaScript guest against the limit of its interpreter: the same token in the same QuickJS without our host, as its package runs it: messages and
 * results as JSON, no gas, no undo, the clock of the machine.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { QuickJS } from 'quickjs-wasi'
import { utf8 } from '../src/base/bytes.ts'
import { prepareProgram } from '../src/guests/formats.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { noFiles } from '../src/guests/host-files.ts'
import { encodeValue } from '../src/guests/value-codec.ts'
import { BOOT, ENV, MODULE, PROCESS, transferMessage } from './compute-messages.ts'
import { median } from './load.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const LIMITS = { memoryBytesMax: 2 ** 29, gasMax: 10 ** 9, resultBytesMax: 2 ** 24 }

/** As a process: with handlers, tags and notices as users of aos know them. */
const TOKEN = `import { ao, on, onSpawn, send } from 'heddle/process'
const balances = new Map()
onSpawn(() => balances.set(ao.owner, 10n ** 18n))
on('Transfer', (msg) => {
  const to = msg.tag('Recipient')
  const quantity = BigInt(msg.tag('Quantity'))
  const balance = balances.get(msg.from) ?? 0n
  if (balance < quantity) throw new Error('Insufficient Balance!')
  balances.set(msg.from, balance - quantity)
  balances.set(to, (balances.get(to) ?? 0n) + quantity)
  msg.reply({ action: 'Debit-Notice', tags: { Recipient: to, Quantity: quantity }, data: 'You transferred ' + quantity })
  send({ target: to, action: 'Credit-Notice', tags: { Sender: msg.from, Quantity: quantity }, data: 'You received ' + quantity })
})`

/** The same by hand, from JSON to JSON. */
const PLAIN_TOKEN = `const balances = new Map([['${'a'.repeat(43)}', 10n ** 18n]])
let reference = 0
const message = (target, action, tags, data) => {
  reference += 1
  const list = [['Data-Protocol', 'ao'], ['Variant', 'ao.TN.1'], ['Type', 'Message'], ['Reference', String(reference)], ['Action', action], ...tags]
  return { Target: target, Data: data, Anchor: String(reference).padStart(32, '0'), Tags: list.map(([name, value]) => ({ name, value })) }
}
function handle(json) {
  const msg = JSON.parse(json)
  const tag = (name) => msg.Tags.find((tag) => tag.name === name)?.value
  const to = tag('Recipient')
  const quantity = BigInt(tag('Quantity'))
  const balance = balances.get(msg.From) ?? 0n
  if (balance < quantity) throw new Error('Insufficient Balance!')
  balances.set(msg.From, balance - quantity)
  balances.set(to, (balances.get(to) ?? 0n) + quantity)
  return JSON.stringify({ Output: { data: '', prompt: 'bench> ', print: true }, Spawns: [], Assignments: [], Messages: [
    message(msg.From, 'Debit-Notice', [['Recipient', to], ['Quantity', String(quantity)]], 'You transferred ' + quantity),
    message(to, 'Credit-Notice', [['Sender', msg.From], ['Quantity', String(quantity)]], 'You received ' + quantity)] })
}`

const ROUNDS = 20

export async function benchJs({ share }: Scale): Promise<Row[]> {
  const messages = Array.from({ length: Math.ceil(1_500 * share) }, (_, slot) => transferMessage(slot + 1))
  const tokens = { own: ownToken(), plain: await plainToken() }
  const rates = { own: [] as number[], plain: [] as number[] }
  const times: number[] = []
  for (
    let round = 0;
    round < ROUNDS;
    round++ // In turns, since the machine is not the same all the time.
  )
    for (const name of ['own', 'plain'] as const) {
      const rate = measure(messages, tokens[name], name === 'own' && round > ROUNDS / 5 ? times : [])
      if (round > ROUNDS / 5) rates[name].push(rate)
    }
  const [own, plain] = [median(rates.own), median(rates.plain)]
  const p99Ms = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
  return [
    {
      work: 'JavaScript guest, token transfer, gas and undo, one core',
      heddle: `${perSecond(own)}, p99 ${milliseconds(p99Ms)}`,
      against: `${perSecond(plain)} QuickJS without our host`,
      ratio: ratio(own / plain),
      aim: '8,000/s',
    },
  ]
}

type Message = ReturnType<typeof transferMessage>

type Token = (message: Message) => void

/** Messages a second of this thread's processor time; adds what each took to `times`. */
function measure(messages: readonly Message[], evaluate: Token, times: number[]): number {
  const started = process.threadCpuUsage()
  for (const message of messages) {
    const beganMs = performance.now()
    evaluate(message)
    times.push(performance.now() - beganMs)
  }
  const { user, system } = process.threadCpuUsage(started)
  return (messages.length * 1_000_000) / (user + system)
}

/** As a worker of the node does: from encoded bytes to encoded bytes. */
function ownToken(): Token {
  const program = prepareProgram({ id: MODULE, format: 'heddle-js-1', bytes: utf8(TOKEN) }, LIMITS, { files: noFiles })
  const session = new GuestSession(program.spawn(PROCESS, ENV))
  const evaluate = (message: Message): void => {
    const outcome = session.evaluate(encodeValue(message))
    if (!outcome.ok) throw new Error(`the program failed: ${outcome.text}`)
  }
  evaluate(BOOT)
  return evaluate
}

/** The package's own interface. */
async function plainToken(): Promise<Token> {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'))
  const vm = await QuickJS.create({ wasm: new WebAssembly.Module(wasm) as never })
  const handle = vm.evalCode(`${PLAIN_TOKEN}\nhandle`)
  return (message) => {
    const input = vm.newString(JSON.stringify(message))
    const output = vm.callFunction(handle, vm.undefined, input)
    const { Messages } = JSON.parse(output.toString()) as { readonly Messages: readonly unknown[] }
    if (Messages.length !== 2) throw new Error(`the plain program sent ${Messages.length} messages`)
    output.dispose()
    input.dispose()
  }
}
