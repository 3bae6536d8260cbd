/** Resolution in process: no HTTP, no disk, as HyperBEAM measures its own. */
import { silentLog } from '../src/base/log.ts'
import { type Message, message } from '../src/codec/message/value.ts'
import { message as messageDevice } from '../src/devices/message.ts'
import { createKernel, type Kernel } from '../src/kernel/kernel.ts'
import { MemoryMessageStore } from '../src/kernel/memory-message-store.ts'
import type { NodeMessage } from '../src/kernel/node-message.ts'
import type { RowOf } from './ao-core.ts'
import { perSecondAwaited } from './hyperbeam.ts'
import type { Row } from './table.ts'

/** A node without options, and without an identity: nothing here asks for one. */
const NODE: NodeMessage = {
  options: message({}),
  get: () => undefined,
  isOperator: () => false,
  update: () => Promise.reject(new Error('a benchmark changes no options')),
}
const IDENTITY = { publicKey: new Uint8Array(), address: '', sign: () => Promise.reject(new Error('a benchmark signs nothing')) }

export async function benchKernel(row: RowOf, ms: number): Promise<Row[]> {
  const kernel = createKernel({ devices: [messageDevice], store: new MemoryMessageStore(), node: NODE, identity: IDENTITY, log: silentLog })
  const flat = message({ a: '1', b: '2' })
  const deep = message({ a: { b: 'x' } })
  const path = (key: string): Message => message({ path: key })
  const steps = { one: [flat, path('a')], two: [deep, path('a'), path('b')], set: [flat, message({ path: 'set', c: '3', d: '4' })] }
  return [
    row('resolve one key', await perSecondAwaited(() => resolve(kernel, steps.one), ms), 'resolveKey', '1×'),
    row('resolve a path of two keys', await perSecondAwaited(() => resolve(kernel, steps.two), ms), 'resolvePath', '1×'),
    row('set two keys', await perSecondAwaited(() => resolve(kernel, steps.set), ms), 'setKeys', '1×'),
  ]
}

const { signal } = new AbortController()

async function resolve(kernel: Kernel, steps: readonly Message[]): Promise<void> {
  const { status } = await kernel.run(steps, { signal })
  if (status !== 'ok') throw new Error(`a resolution ended with ${status}`)
}
