/** A kernel with a store in memory, for tests. */

import type { Log } from '../src/base/log.ts'
import { silentLog } from '../src/base/log.ts'
import { messageSigner } from '../src/codec/message/signers.ts'
import { EMPTY_MESSAGE, type Message } from '../src/codec/message/value.ts'
import { message as messageDevice } from '../src/devices/message.ts'
import type { Device, Env } from '../src/kernel/device.ts'
import { createKernel, type Kernel } from '../src/kernel/kernel.ts'
import { MemoryMessageStore } from '../src/kernel/memory-message-store.ts'
import type { NodeMessage } from '../src/kernel/node-message.ts'
import type { Resolved } from '../src/kernel/outcomes.ts'
import type { Step } from '../src/kernel/steps.ts'
import { vectorKeys } from './ao-core-vectors.ts'

export const signer = messageSigner(vectorKeys['key-1'])
export const otherSigner = messageSigner(vectorKeys['key-2'])

export interface KernelRig {
  readonly kernel: Kernel
  readonly store: MemoryMessageStore
  readonly env: Env
  readonly abort: AbortController
  /** What was logged as an error. */
  readonly errors: object[]
  run(...steps: Step[]): Promise<Resolved>
  /** Options of the node from now on. */
  setOptions(options: Message): void
}

export function kernelRig(devices: readonly Device[] = [], options: Message = EMPTY_MESSAGE): KernelRig {
  const abort = new AbortController()
  const store = new MemoryMessageStore()
  const errors: object[] = []
  const log: Log = { ...silentLog, error: (facts) => errors.push(facts) }
  let current = options
  const node: NodeMessage = {
    get options() {
      return current
    },
    get: (name) => current.get(name),
    isOperator: () => false,
    update: () => Promise.reject(new Error('the options of a rig are set by setOptions')),
  }
  const kernel = createKernel({ devices: [messageDevice, ...devices], store, node, identity: signer, log })
  return {
    kernel,
    store,
    env: kernel.env(abort.signal),
    abort,
    errors,
    run: (...steps) => kernel.run(steps, { signal: abort.signal }),
    setOptions(changed) {
      current = changed
    },
  }
}

/** A promise and the means to end it. */
export function deferred<T = void>(): { readonly promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  return Promise.withResolvers<T>()
}

/** Lets everything run that can run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
