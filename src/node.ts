/** Puts the parts of a node together. The only place that knows them all. */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AoCore } from './ao-core.ts'
import type { Clock } from './base/clock.ts'
import { errorText, HeddleError } from './base/errors.ts'
import { isTxId, type TxId } from './base/ids.ts'
import { EVALUATIONS_END_MS, GUEST_CACHE_BYTES_MAX } from './base/limits.ts'
import type { Log } from './base/log.ts'
import { systemRandom } from './base/random.ts'
import type { Config } from './cli/config.ts'
import { createDataItemSync } from './codec/data-item.ts'
import type { Message } from './codec/message/value.ts'
import { findTagIgnoringCase, toTextTags } from './codec/tags.ts'
import { isSupportedFormat } from './guests/formats.ts'
import { createGuestPool, type GuestPool } from './guests/guest-pool.ts'
import type { FileSource } from './guests/host-bridge.ts'
import { schedulerSurface } from './http/ao-legacy/scheduler-surface.ts'
import { aoLegacySurface } from './http/ao-legacy/surface.ts'
import { computeRoot, messengerRoot, schedulerRest, schedulerRoot } from './http/ao-legacy/unit-roots.ts'
import { arweaveSurface } from './http/arweave/surface.ts'
import { statusJson } from './http/bundler/status.ts'
import { bundlerRoot, bundlerSurface, type ItemStatus } from './http/bundler/surface.ts'
import { gatewaySurface } from './http/gateway/surface.ts'
import { graphqlSurface } from './http/graphql/surface.ts'
import type { Receipt } from './http/graphql/views.ts'
import { heddleSurface } from './http/heddle/surface.ts'
import { lazySurface } from './http/lazy-surface.ts'
import { createMetrics, type Metrics } from './http/metrics.ts'
import type { Request } from './http/route.ts'
import { openPorts, type PortSurfaces, UNITS, type UnitUrls } from './http/unit-ports.ts'
import type { Device } from './kernel/device.ts'
import { isModuleAlias, MODULE_ALIASES } from './services/aliases.ts'
import { aliasIndex } from './services/aliases-index.ts'
import { configuredOptions } from './services/ao-core/node-options.ts'
import { Archive, type TransactionData } from './services/archive.ts'
import { BundleReader, Bundler } from './services/bundler.ts'
import { FairGate } from './services/fair-gate.ts'
import { type NodeIdentity, nodeIdentity } from './services/identity.ts'
import { Intake } from './services/intake.ts'
import { indexReader, Journal } from './services/journal.ts'
import { Locations } from './services/locations.ts'
import { aosModuleSource } from './services/machine/aos-module.ts'
import { createDrive } from './services/machine/drive.ts'
import { DriveLog } from './services/machine/drive-log.ts'
import { Machine } from './services/machine/machine.ts'
import type { Beyond } from './services/machine/sources.ts'
import { signPromise } from './services/receipts.ts'
import { rowSource } from './services/rows.ts'
import { BundleOpener } from './services/unbundler.ts'
import { Upstream } from './services/upstream.ts'
import { HOP_HEADER } from './services/upstream-gateway.ts'
import { upstreamIndex } from './services/upstream-index.ts'
import { VerifyPool } from './services/verify-pool.ts'
import { devGenesis } from './services/weave/genesis.ts'
import { openWeave, type Weave } from './services/weave/weave.ts'
import type { BlobStore } from './store/blob-store.ts'
import { openFileBlobStore } from './store/embedded/file-blob-store.ts'
import { openLmdbKvStore } from './store/embedded/lmdb-kv-store.ts'
import { openSqliteIndexStore } from './store/embedded/sqlite-index-store.ts'
import type { IndexedTransaction, IndexReader, IndexStore } from './store/index-store.ts'
import type { KvStore } from './store/kv-store.ts'
import { VERSION } from './version.ts'

export interface HeddleNode {
  /** Base URL. */
  readonly url: string
  /** Null when the units have no ports of their own. */
  readonly unitUrls: UnitUrls | null
  stop(): Promise<void>
}

interface OpenOptions {
  readonly log: Log
  readonly clock: Clock
  /** Devices of AO-Core besides those that every node has. */
  readonly devices?: readonly Device[]
}

interface Stores {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly index: IndexStore
}

interface Environment {
  readonly config: Config
  /** Options of AO-Core, by the settings. */
  readonly configured: Message
  readonly identity: NodeIdentity
  readonly log: Log
  readonly clock: Clock
  readonly devices: readonly Device[]
  /** Known once the node listens. */
  readonly unitUrls: () => UnitUrls | null
  readonly port: () => number | null
}

/** Everything above the stores; made anew by a reset. */
interface Parts {
  readonly surfaces: PortSurfaces
  readonly metrics: Metrics
  /** Lets others find the node's scheduler here. */
  announce(url: string): Promise<void>
  stopMachine(): Promise<void>
  stop(): Promise<void>
}

const AO_CORE_LOADED_AFTER_MS = 300
const DEV_IDENTITY = new URL('../dev/wallets/dave.json', import.meta.url)

export async function openNode(config: Config, { log, clock, devices = [] }: OpenOptions): Promise<HeddleNode> {
  const configured = configuredOptions(config.operator, config.aoOptions)
  const [stores, identity] = await Promise.all([openStores(config.data), readIdentity(config.identity)])
  let unitUrls: UnitUrls | null = null
  let listening: number | null = null
  const environment = { config, identity, log, clock, devices, configured, unitUrls: () => unitUrls, port: () => listening }
  let resetting: Promise<void> | null = null
  let parts = await openParts(stores, environment, reset)
  const { host } = config
  const ports = await openPorts({
    surfaces: parts.surfaces,
    port: config.port,
    host,
    withUnits: config.unitPorts,
    log,
    observe: (...facts) => parts.metrics.observe(...facts),
  })
  const { port, unitPorts } = ports
  listening = port
  const urlOf = (at: number): string => `http://${host === '127.0.0.1' || host === '0.0.0.0' ? 'localhost' : host}:${at}`
  if (unitPorts !== null) unitUrls = Object.fromEntries(UNITS.map((unit) => [unit, urlOf(unitPorts[unit])])) as unknown as UnitUrls
  const place = config.publicUrl ?? unitUrls?.su ?? urlOf(port)
  await parts.announce(place)
  return {
    url: urlOf(port),
    unitUrls,
    async stop() {
      const closed = ports.close()
      await parts.stopMachine() // Those who wait for a result hear that there will be none.
      await closed
      await resetting
      await parts.stop()
      await closeStores(stores)
    },
  }

  /** Those who ask while one is under way get that one. */
  function reset(): Promise<void> {
    resetting ??= begin().finally(() => {
      resetting = null
    })
    return resetting
  }

  async function begin(): Promise<void> {
    await parts.stop()
    await Promise.all([stores.kv.clear(), stores.blobs.clear(), stores.index.clear()])
    parts = await openParts(stores, environment, reset)
    await parts.announce(place)
    ports.use(parts.surfaces)
  }
}

async function openStores(folder: string): Promise<Stores> {
  const [kv, blobs, index] = await Promise.all([
    openLmdbKvStore(join(folder, 'kv')),
    openFileBlobStore(join(folder, 'blobs')),
    openSqliteIndexStore(join(folder, 'index.sqlite')),
  ])
  return { kv, blobs, index }
}

async function closeStores({ kv, blobs, index }: Stores): Promise<void> {
  await index.close()
  await blobs.close()
  await kv.close()
}

async function readIdentity(path: string | undefined): Promise<NodeIdentity> {
  try {
    return nodeIdentity(JSON.parse(await readFile(path ?? DEV_IDENTITY, 'utf8')))
  } catch (error) {
    const problem = `identity ${path ?? 'of the development network'}: ${errorText(error)}`
    throw new HeddleError('config-invalid', { problems: [problem] }, problem, { cause: error })
  }
}

async function openParts(stores: Stores, environment: Environment, reset: () => Promise<void>): Promise<Parts> {
  const { kv, blobs, index } = stores
  const { config, configured, identity, log, clock, devices } = environment
  let weave: Weave | null = null
  const transactions: TransactionData = {
    readData: (...range) => opened(weave).readData(...range),
    hasData: (id) => opened(weave).hasData(id),
  }
  const archive = await Archive.open({ kv, blobs, transactions })
  const bundles = new BundleReader(kv, archive)
  const journal = await Journal.open(kv, index, rowSource(archive), log)
  const height = (): number => opened(weave).height()
  const opener = new BundleOpener({ kv, journal, archive, clock, height, log })
  weave = await openWeave({
    kv,
    blobs,
    journal,
    clock,
    log,
    genesis: devGenesis(),
    miner: identity.wallet,
    sealing: { mode: config.seal, delayMs: config.sealMs },
    readComposite: (...range) => bundles.read(...range),
    completionWrites: (id) => [opener.markUnfinished(id)],
  })
  const bundler = await Bundler.open({ kv, archive, carrier: weave, key: identity.wallet, delayMs: config.bundleMs, log })
  weave.onDataComplete((id) => opener.unbundle(id))
  const told = new DriveLog(kv)
  const drive = createDrive({ archive, weave, index: indexReader(index, journal), log: told, countsPending: true })
  const guests = createGuestPool({
    workers: config.workers === 0 ? availableParallelism() : config.workers,
    memoryBytesMax: GUEST_CACHE_BYTES_MAX,
    files: drive,
    log,
  })
  let module: TxId | null = null
  const upstream = new Upstream({
    urls: config.upstream,
    log,
    store: {
      verify: (item) => verifier.verify(item),
      item: (item) => intake.acceptForeign(item),
      transaction: (tx, data) => opened(weave).acceptForeign(tx, data),
    },
  })
  const beyond: Beyond = {
    bring: (id) => upstream.bring(id),
    standIn: (id) => (config.aliases === 'on' && isModuleAlias(id) ? module : null),
  }
  const machine = openMachine(stores, environment, { journal, archive, guests, weave, bundler, beyond })
  const verifier = new VerifyPool({ threads: availableParallelism() > 2 ? 2 : 1, log }) // Two verify more than the main thread can take in.
  const intake = new Intake({
    verifier,
    journal,
    archive,
    blobs,
    clock,
    height,
    queue: bundler,
    unbundler: opener,
    handlers: [machine.handler],
    gate: new FairGate({ backlog: (process) => machine.backlog(process), nowMs: () => performance.now() }),
  })
  module = await publishModule(intake, identity)
  await machine.start(intake)
  await opener.resume()
  bundler.start()
  const metrics = createMetrics({ height, mempool: () => opened(weave).pendingIds().length })
  const local = indexReader(index, journal)
  const locations = new Locations({
    kv,
    archive,
    journal,
    queue: bundler,
    clock,
    height,
    random: systemRandom,
    scheduler: identity.scheduler,
  })
  const aoCore = new LaterAoCore(async () => {
    const { openAoCore } = await import('./ao-core.ts')
    return openAoCore({
      kv,
      blobs,
      archive,
      identity,
      log,
      devices,
      isDevelopment: config.profile === 'dev',
      configured,
      cacheBytesMax: config.aoCacheBytes,
      port: environment.port,
    })
  })
  let machineStopped: Promise<void> | null = null
  const stopMachine = (): Promise<void> => {
    machineStopped ??= endMachine(machine, guests)
    return machineStopped
  }
  return {
    metrics,
    async announce(url) {
      await locations.announce(url)
      aoCore.loadSoon(log)
    },
    stopMachine,
    surfaces: surfacesOf({
      aoCore,
      index: local,
      beyond,
      locations,
      environment,
      weave,
      archive,
      intake,
      machine,
      drive,
      told,
      metrics,
      module,
      reset,
    }),
    async stop() {
      await upstream.stop()
      await bundler.stop()
      await stopMachine()
      await intake.stop()
      await aoCore.stop()
      await verifier.stop()
      await opened(weave).stop()
      await journal.indexed()
    },
  }
}

/** AO-Core, loaded by whoever asks for it first, or when the node has nothing else to do after its start. */
class LaterAoCore {
  readonly #open: () => Promise<AoCore>
  #opening: Promise<AoCore> | null = null
  #soon: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(open: () => Promise<AoCore>) {
    this.#open = open
  }

  async get(): Promise<AoCore> {
    if (this.#isStopped) throw new HeddleError('stopping', {}, 'the node is stopping')
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null // Whoever asks next tries again.
      throw error
    })
    return this.#opening
  }

  loadSoon(log: Log): void {
    const load = (): Promise<unknown> => this.get().catch((error: unknown) => log.error({ err: error }, 'AO-Core could not be loaded'))
    this.#soon = setTimeout(load, AO_CORE_LOADED_AFTER_MS).unref()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#soon !== null) clearTimeout(this.#soon)
    const opened = await this.#opening?.catch(() => null) // Whoever asked for it has heard of it.
    await opened?.stop()
  }
}

/** Lets evaluations end that take no longer than a moment. What is cut off then is evaluated again at the next start. */
async function endMachine(machine: Machine, guests: GuestPool): Promise<void> {
  const ended = machine.stop()
  const moment = new AbortController()
  await Promise.race([ended, sleep(EVALUATIONS_END_MS, undefined, { signal: moment.signal }).catch(() => {})])
  moment.abort()
  await guests.stop()
  await ended
}

interface MachineParts {
  readonly journal: Journal
  readonly archive: Archive
  readonly guests: GuestPool
  readonly weave: Weave
  readonly bundler: Bundler
  readonly beyond: Beyond
}

function openMachine({ kv, blobs }: Stores, { identity, log, clock }: Environment, parts: MachineParts): Machine {
  const { journal, archive, guests, weave, bundler, beyond } = parts
  return new Machine({
    kv,
    blobs,
    journal,
    archive,
    guests,
    supportsFormat: isSupportedFormat,
    chain: {
      height: () => weave.height(),
      timestampMs: () => clock.nowMs(),
      blockTimeMs: (height) => weave.blockTimeMs(height),
      heightAt: (timestampMs) => weave.heightAt(timestampMs),
    },
    clock,
    random: systemRandom,
    queue: bundler,
    logger: log,
    scheduler: identity.scheduler,
    authority: identity.authority,
    injectAuthority: true,
    beyond,
  })
}

/** The aos-compatible runtime as a module that processes can name. The same source has the same id on every node with the same identity. */
async function publishModule(intake: Intake, { authority }: NodeIdentity): Promise<TxId> {
  const tags = [
    { name: 'Content-Type', value: 'text/x-lua' },
    { name: 'Name', value: 'heddle-aos' },
    { name: 'Module-Format', value: 'heddle-lua-1' },
    { name: 'Input-Encoding', value: 'JSON-1' },
    { name: 'Output-Encoding', value: 'JSON-1' },
    { name: 'Memory-Limit', value: '512-mb' },
    { name: 'Compute-Limit', value: '9000000000000' },
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: 'Module' },
  ]
  const item = createDataItemSync({ data: aosModuleSource(), tags }, authority)
  await intake.acceptItem(item.raw, { trusted: true })
  return item.id
}

interface SurfaceParts {
  readonly aoCore: LaterAoCore
  readonly index: IndexReader
  readonly beyond: Beyond
  readonly locations: Locations
  readonly environment: Environment
  readonly weave: Weave
  readonly archive: Archive
  readonly intake: Intake
  readonly machine: Machine
  readonly drive: FileSource
  readonly told: DriveLog
  readonly metrics: Metrics
  readonly module: TxId
  readonly reset: () => Promise<void>
}

/** In the order in which they are asked. */
function surfacesOf({
  aoCore,
  index,
  beyond,
  locations,
  environment,
  weave,
  archive,
  intake,
  machine,
  drive,
  told,
  metrics,
  module,
  reset,
}: SurfaceParts): PortSurfaces {
  const { identity, clock, config, log } = environment
  const status = (id: TxId): Promise<ItemStatus | null> => itemStatus(id, index, weave)
  const info = (): Record<string, unknown> => ({
    addresses: { arweave: identity.wallet.address },
    heddle: {
      version: VERSION,
      profile: config.profile,
      modules: { default: module, aliases: aliasesOf(beyond) },
      units: machine.units,
      ...unitInfo(environment),
    },
  })
  const brought = config.upstream.length === 0 ? index : upstreamIndex({ index, upstream: beyond, known: (ids) => archive.known(ids) })
  const bundler = { intake, status, key: identity.receipts, version: VERSION }
  const units = aoLegacySurface({ intake, machine })
  const all = [
    units, // Before the node API: `GET /` with some parameters is a messenger's.
    arweaveSurface({
      weave,
      clock,
      info,
      peers: () => [],
      reset,
      itemStatus: async (id) => nodeStatus(await status(id)),
      bring: (id, request) => (isHop(request) ? Promise.resolve(false) : beyond.bring(id)),
    }),
    bundlerSurface(bundler),
    graphqlSurface({
      index: aliasIndex({ index: brought, standIn: beyond.standIn, location: () => (config.aliases === 'on' ? locations.current : null) }),
      local: index,
      isLocal: isHop,
      log,
      receiptOf: (id) => uploadReceipt(id, archive, identity),
    }),
    metrics.surface,
    heddleSurface({ machine, archive, drive, told, isDevelopment: config.profile === 'dev' }),
    schedulerSurface(machine),
    lazySurface('ao-core', async () => (await aoCore.get()).recognised),
    gatewaySurface(archive, async (id, request) => {
      if (isHop(request)) return null
      return (await beyond.bring(id)) ? id : beyond.standIn(id)
    }),
  ]
  const rest = lazySurface('ao-core-rest', async () => (await aoCore.get()).rest)
  const root = { intake, machine, address: identity.wallet.address }
  return {
    all: [...all, rest],
    units: {
      bundler: [bundlerRoot(bundler), ...all, rest],
      mu: [units, messengerRoot(), ...all, rest],
      su: [schedulerRoot(root), ...all, schedulerRest()],
      cu: [computeRoot(root), ...all, rest],
    },
  }
}

/** Another node asks what is here: neither what others have, nor what only stands for something. */
function isHop({ headers }: Request): boolean {
  return headers[HOP_HEADER] !== undefined
}

/** The well-known modules that the default one stands in for. */
function aliasesOf({ standIn }: Beyond): TxId[] {
  return [...MODULE_ALIASES.keys()].filter((id) => standIn(id) !== null)
}

function unitInfo({ unitUrls }: Environment): { readonly unitUrls?: UnitUrls } {
  const urls = unitUrls()
  return urls === null ? {} : { unitUrls: urls }
}

/** The receipt that the upload of an item got; null for what was not uploaded by itself. */
async function uploadReceipt(id: string, archive: Archive, { receipts }: NodeIdentity): Promise<Receipt | null> {
  if (!isTxId(id)) return null
  const record = await archive.find(id)
  if (record?.kind !== 'item' || record.isForeign === true || (typeof record.at === 'object' && 'parent' in record.at)) return null
  const promise = { id, timestampMs: record.acceptedAtMs, height: record.acceptedHeight }
  const { signature, timestamp, version, deadlineHeight } = await signPromise(promise, receipts)
  return { signature, timestamp: String(timestamp), version, deadlineHeight }
}

async function itemStatus(id: TxId, index: IndexReader, weave: Weave): Promise<ItemStatus | null> {
  const found = await index.transaction(id)
  if (found === null || !found.isDataItem) return null
  const { block } = found
  return {
    bundleId: await carrierOf(found, index),
    parentId: found.parent,
    block: block === null ? null : { height: block.height, hash: block.hash },
    confirmations: block === null ? 0 : weave.height() - block.height + 1,
    payloadBytes: Number(found.dataBytes),
    payloadType: findTagIgnoringCase(toTextTags(found.tags), 'Content-Type') ?? null,
  }
}

/** The transaction at the root of an item's bundles; null while there is none. */
async function carrierOf({ parent }: IndexedTransaction, index: IndexReader): Promise<TxId | null> {
  if (parent === null) return null
  const found = await index.transaction(parent)
  return found?.isDataItem === true ? carrierOf(found, index) : parent
}

/** Of an item, as GET /tx/{id}/status says it of transactions, with what upload services add. */
function nodeStatus(status: ItemStatus | null): Record<string, unknown> | 'pending' | null {
  if (status === null) return null
  if (status.block === null) return 'pending'
  const { height, hash } = status.block
  return { block_height: height, block_indep_hash: hash, number_of_confirmations: status.confirmations, ...statusJson(status) }
}

function opened(weave: Weave | null): Weave {
  if (weave === null) throw new HeddleError('stopping', {}, 'the weave is not open yet')
  return weave
}
