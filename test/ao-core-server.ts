/** AO-Core over HTTP with everything in memory: the kernel with its standard devices behind a real server, for tests of the HTTP layer. */
import { type Log, silentLog } from '../src/base/log.ts'
import { itemSigner } from '../src/codec/data-item.ts'
import { keyFromJwk } from '../src/codec/keys.ts'
import type { MessageSigner } from '../src/codec/message/commitment.ts'
import { EMPTY_MESSAGE, type Message } from '../src/codec/message/value.ts'
import { requireVerified } from '../src/codec/message/verified.ts'
import { standardDevices } from '../src/devices/standard.ts'
import { aoCoreSurface } from '../src/http/ao-core/surface.ts'
import type { Surface } from '../src/http/route.ts'
import { createServer } from '../src/http/server.ts'
import type { Device } from '../src/kernel/device.ts'
import { createKernel, type Kernel } from '../src/kernel/kernel.ts'
import { MemoryMessageStore } from '../src/kernel/memory-message-store.ts'
import { NodeOptions } from '../src/services/ao-core/node-message.ts'
import { createMemoryKvStore } from '../src/store/memory/memory-kv-store.ts'
import { vectorKeys } from './ao-core-vectors.ts'

export interface AoCoreServer {
  readonly port: number
  readonly address: string
  readonly store: MemoryMessageStore
  readonly node: NodeOptions
  readonly kernel: Kernel
  /** How often something was signed. */
  signatures(): number
  stop(): Promise<void>
}

export interface AoCoreServerOptions {
  /** Of the node message. */
  readonly options?: Message
  readonly devices?: readonly Device[]
  /** Asked between the two surfaces of AO-Core. */
  readonly gateway?: Surface
  isKnownElsewhere?(id: string, isAlone: boolean): Promise<boolean>
  readonly log?: Log
}

export async function startAoCore({
  options = EMPTY_MESSAGE,
  devices = [],
  gateway,
  isKnownElsewhere,
  log = silentLog,
}: AoCoreServerOptions = {}): Promise<AoCoreServer> {
  const wallet = keyFromJwk(vectorKeys['key-1'])
  const key = keyFromJwk(vectorKeys['key-1'], { saltBytes: 64, digest: 'sha512' })
  let signatures = 0
  const identity: MessageSigner = {
    publicKey: key.publicKey,
    address: key.address,
    sign(base) {
      signatures += 1
      return key.sign(base)
    },
  }
  const all = [...standardDevices({ version: '1.2.3', itemSigner: itemSigner(wallet) }), ...devices]
  const store = new MemoryMessageStore()
  const node = await NodeOptions.open({
    kv: createMemoryKvStore(),
    facts: { address: wallet.address, isDevelopment: true, devices: all.map(({ name }) => name) },
    configured: options,
    port: () => 1984,
    verify: async (message) => void (await requireVerified(message)),
  })
  const kernel = createKernel({ devices: all, store, node, identity, log })
  const { recognised, rest } = aoCoreSurface({
    kernel,
    store,
    node,
    identity,
    itemSigner: itemSigner(wallet),
    isKnownElsewhere: isKnownElsewhere ?? (async () => false),
  })
  const server = createServer({ surfaces: [recognised, ...(gateway === undefined ? [] : [gateway]), rest], log })
  const port = await server.listen(0, '127.0.0.1')
  return { stop: () => server.close(100), port, address: wallet.address, store, node, kernel, signatures: () => signatures }
}
