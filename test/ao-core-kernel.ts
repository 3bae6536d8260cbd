/** A kernel with the devices that every node has, on stores in memory: for tests that need no HTTP. */
import { readFileSync } from 'node:fs'
import { silentLog } from '../src/base/log.ts'
import { itemSigner } from '../src/codec/data-item.ts'
import { keyFromJwk } from '../src/codec/keys.ts'
import type { MessageSigner } from '../src/codec/message/commitment.ts'
import { messageSigner } from '../src/codec/message/signers.ts'
import type { Message, Value } from '../src/codec/message/value.ts'
import { requireVerified } from '../src/codec/message/verified.ts'
import { verifyCommitment } from '../src/codec/message/verify.ts'
import { standardDevices } from '../src/devices/standard.ts'
import type { Outcome } from '../src/kernel/device.ts'
import { createKernel, type Kernel } from '../src/kernel/kernel.ts'
import { parsePath } from '../src/kernel/singleton.ts'
import { DurableMessageStore } from '../src/services/ao-core/message-store.ts'
import { NodeOptions } from '../src/services/ao-core/node-message.ts'
import { configuredOptions } from '../src/services/ao-core/node-options.ts'
import { createMemoryBlobStore } from '../src/store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../src/store/memory/memory-kv-store.ts'

export interface TestKernel {
  readonly kernel: Kernel
  readonly store: DurableMessageStore
  readonly node: NodeOptions
  /** Whose key the node has. */
  readonly operator: MessageSigner
  /** What a request with these keys at this path comes to, without hooks. */
  get(path: string, keys?: Message): Promise<Outcome & { readonly value: Value }>
}

export function walletOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
}

export async function openTestKernel(options: Record<string, unknown> = {}): Promise<TestKernel> {
  const wallet = keyFromJwk(walletOf('dave'))
  const operator = messageSigner(walletOf('dave'))
  const kv = createMemoryKvStore()
  const archive = {
    find: async () => null,
    itemRaw: async () => null,
    transaction: async () => null,
    readData: async () => null,
    hasData: async () => false,
  }
  const store = await DurableMessageStore.open({ kv, blobs: createMemoryBlobStore(), archive, log: silentLog, verify: verifyCommitment })
  const devices = standardDevices({ version: 'test', itemSigner: itemSigner(wallet) })
  const node = await NodeOptions.open({
    kv,
    facts: { address: operator.address, isDevelopment: true, devices: devices.map(({ name }) => name) },
    configured: configuredOptions(undefined, options),
    port: () => 1984,
    verify: async (request) => {
      await requireVerified(request)
    },
  })
  const kernel = createKernel({ devices, store, node, identity: operator, log: silentLog })
  const signal = new AbortController().signal
  return {
    kernel,
    store,
    node,
    operator,
    get: (path, keys = new Map()) =>
      kernel.run(parsePath({ target: path, keys }), { signal, ...(keys.has('cache-control') ? { cacheControl: [] } : {}) }),
  }
}
