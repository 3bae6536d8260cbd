/**
 * What a guest costs in one thread: a token transfer by a bare program, and a message to a process of the aos-compatible runtime that counts and
 * replies; taking messages back, spawn, snapshot and thaw. `node bench/guests.ts` prints medians.
 */
import { utf8 } from '../src/base/bytes.ts'
import { parseTxId } from '../src/base/ids.ts'
import { prepareProgram } from '../src/guests/formats.ts'
import type { GuestMessage, GuestModule } from '../src/guests/guest.ts'
import { GuestSession } from '../src/guests/guest-session.ts'
import { noFiles } from '../src/guests/host-files.ts'
import { encodeValue, ValueReader } from '../src/guests/value-codec.ts'
import { aosModuleSource } from '../src/services/machine/aos-module.ts'
import { TOKEN } from './lua-works.ts'

/** Counts, and replies to whoever sent the message. */
const COUNTER = `Count = 0
Handlers.add('inc', { Action = 'Inc' }, function (msg) Count = Count + 1 msg.reply({ Data = tostring(Count) }) end)`
const process = parseTxId(`${'p'.repeat(42)}A`)
const module = { id: parseTxId(`${'m'.repeat(42)}A`), format: 'heddle-lua-1', bytes: utf8(TOKEN) }
const env = { Process: { Id: process, Owner: process, Tags: [] }, Module: { Id: module.id, Owner: process, Tags: [] } }
const tags = {
  'Data-Protocol': 'ao',
  Variant: 'ao.TN.1',
  Type: 'Message',
  SDK: 'aoconnect',
  Action: 'Transfer',
  Recipient: 'r'.repeat(43),
  Quantity: '1',
}
const message = {
  ...{ Id: process, Signature: 's'.repeat(86), Data: '', Owner: process, Target: process, Anchor: '0'.repeat(32), From: process },
  Tags: Object.entries(tags).map(([name, value]) => ({ name, value })),
  ...{ Epoch: 0, Nonce: 3, Timestamp: 1_700_000_000_000, 'Block-Height': 100, 'Hash-Chain': 'h'.repeat(43), Cron: false },
}

function measure(name: string, turns: number, run: () => unknown): void {
  const times: number[] = []
  for (let round = 0; round < 12; round++) {
    const startedMs = performance.now()
    for (let turn = 0; turn < turns; turn++) run()
    if (round > 0) times.push(((performance.now() - startedMs) * 1000) / turns)
  }
  times.sort((a, b) => a - b)
  console.log(`${name.padEnd(34)} ${times[5]!.toFixed(1).padStart(8)} µs`)
}

const limits = { memoryBytesMax: 2 ** 29, gasMax: 10 ** 9, resultBytesMax: 2 ** 24 }

function measureGuest(module: GuestModule, first: GuestMessage | null, work: GuestMessage): void {
  const startedMs = performance.now()
  const program = prepareProgram(module, limits, { files: noFiles })
  console.log(`${'  first module in a thread'.padEnd(34)} ${((performance.now() - startedMs) * 1000).toFixed(1).padStart(8)} µs`)
  const instance = program.spawn(process, env)
  const session = new GuestSession(instance)
  if (first !== null) session.evaluate(encodeValue(first))
  const bytes = encodeValue(work)
  const { values } = instance.handle(bytes)
  const reader = new ValueReader(values)
  reader.value()
  if ((reader.value() as unknown[]).length === 0) throw new Error('the program sent nothing')
  const readAll = (): void => {
    for (const reader = new ValueReader(values); !reader.isAtEnd; ) reader.value()
  }
  measure('  encode a message', 2000, () => encodeValue(work))
  measure('  message, nothing kept for undo', 2000, () => instance.handle(bytes))
  measure('  message', 2000, () => session.evaluate(bytes))
  measure('  message as a dry run', 2000, () => session.dryRun(bytes))
  measure('  read the result', 2000, readAll)
  measure('  spawn', 40, () => program.spawn(process, env))
  measure('  snapshot', 40, () => instance.snapshot())
  const snapshot = instance.snapshot()
  measure('  thaw', 40, () => program.thaw(snapshot, env))
  console.log(`  state ${instance.stateBytes} bytes, snapshot ${snapshot.length} bytes, gas per message ${instance.gasUsed}`)
}

console.log('token transfer, bare')
measureGuest(module, null, message)
console.log('aos-compatible runtime, counter')
const bootTags = [
  { name: 'Type', value: 'Process' },
  { name: 'On-Boot', value: 'Data' },
]
measureGuest(
  { id: parseTxId(`${'a'.repeat(42)}A`), format: 'heddle-lua-1', bytes: utf8(aosModuleSource()) },
  { ...message, Data: COUNTER, Tags: bootTags },
  {
    ...{ ...message, Id: 'i'.repeat(43), From: 'f'.repeat(43), Owner: 'f'.repeat(43) },
    Tags: [{ name: 'Action', value: 'Inc' }, ...message.Tags.filter(({ name }) => name !== 'Action')],
  },
)
