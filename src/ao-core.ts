/** Puts AO-Core together: messages, options, devices, kernel and its place in HTTP. Loaded when it is first asked for, see node.ts. */
import { isTxId } from './base/ids.ts'
import { AO_CORE_BODY_BYTES_MAX } from './base/limits.ts'
import type { Log } from './base/log.ts'
import { isManifestType } from './codec/manifest.ts'
import type { Message } from './codec/message/value.ts'
import { requireVerified } from './codec/message/verified.ts'
import { verifyCommitment } from './codec/message/verify.ts'
import { standardDevices } from './devices/standard.ts'
import { type AoCoreSurfaces, aoCoreSurface } from './http/ao-core/surface.ts'
import type { Device } from './kernel/device.ts'
import { createKernel, type Kernel } from './kernel/kernel.ts'
import { signerOnRequest } from './kernel/own-signature.ts'
import { DurableMessageStore } from './services/ao-core/message-store.ts'
import { NodeOptions } from './services/ao-core/node-message.ts'
import { queuedSigner } from './services/ao-core/signing-queue.ts'
import { type Archive, dataBytesOf } from './services/archive.ts'
import type { NodeIdentity } from './services/identity.ts'
import type { BlobStore } from './store/blob-store.ts'
import type { KvStore } from './store/kv-store.ts'
import { VERSION } from './version.ts'

export interface AoCoreParts {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly archive: Archive
  readonly identity: NodeIdentity
  readonly log: Log
  readonly isDevelopment: boolean
  /** Besides the standard ones. */
  readonly devices: readonly Device[]
  /** Options of the node message, by the settings. */
  readonly configured: Message
  /** What messages that need not be durable may take of the disk. */
  readonly cacheBytesMax: number
  /** Null until the node listens. */
  readonly port: () => number | null
}

export interface AoCore extends AoCoreSurfaces {
  readonly kernel: Kernel
  /** What was written is on disk when it resolves. */
  stop(): Promise<void>
}

export async function openAoCore(parts: AoCoreParts): Promise<AoCore> {
  const { kv, blobs, archive, identity, log } = parts
  const signer = queuedSigner(signerOnRequest(identity.messages))
  const devices = [...standardDevices({ version: VERSION, itemSigner: identity.replies }), ...parts.devices]
  const store = await DurableMessageStore.open({
    kv,
    blobs,
    archive,
    log,
    cacheBytesMax: parts.cacheBytesMax,
    verify: verifyCommitment,
  })
  const node = await NodeOptions.open({
    kv,
    facts: { address: identity.wallet.address, isDevelopment: parts.isDevelopment, devices: devices.map(({ name }) => name) },
    configured: parts.configured,
    port: parts.port,
    verify: async (request) => {
      await requireVerified(request)
    },
  })
  const kernel = createKernel({ devices, store, node, identity: signer, log })
  const surfaces = aoCoreSurface({
    kernel,
    store,
    node,
    identity: signer,
    itemSigner: identity.replies,
    isKnownElsewhere: (id, isAlone) => isKnownToGateway(archive, id, isAlone),
  })
  return {
    ...surfaces,
    kernel,
    async stop() {
      await node.stop()
      await store.close()
    },
  }
}

/** Whether the gateway answers: with data, and with more behind the id as a manifest. What is too large for a message is data only. */
async function isKnownToGateway(archive: Archive, id: string, isAlone: boolean): Promise<boolean> {
  const record = isTxId(id) ? await archive.find(id) : null
  if (record === null) return false
  return isAlone || isManifestType(record.contentType ?? '') || dataBytesOf(record) > AO_CORE_BODY_BYTES_MAX
}
