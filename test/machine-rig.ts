/** A machine with a real intake, archive and journal over stores in memory, and guests that are JavaScript: for tests of schedule, compute and push. */
import type { Clock } from '../src/base/clock.ts'
import { HeddleError } from '../src/base/errors.ts'
import { bytesToId, idBytes, type TxId } from '../src/base/ids.ts'
import { GUEST_MEMORY_BYTES_MAX } from '../src/base/limits.ts'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/base/random.ts'
import { createDataItem, type DataItem, type ItemSigner, itemSigner, verifyDataItem } from '../src/codec/data-item.ts'
import { generateKey } from '../src/codec/keys.ts'
import type { TextTag } from '../src/codec/tags.ts'
import { toTextTags } from '../src/codec/tags.ts'
import { isSupportedFormat } from '../src/guests/formats.ts'
import type { Evaluation, GuestEnv, GuestMessage, GuestModule } from '../src/guests/guest.ts'
import { packSnapshot, unpackSnapshot } from '../src/guests/snapshot.ts'
import { Archive } from '../src/services/archive.ts'
import { FairGate } from '../src/services/fair-gate.ts'
import { Intake } from '../src/services/intake.ts'
import { Journal } from '../src/services/journal.ts'
import type { Guests } from '../src/services/machine/instance.ts'
import { Machine } from '../src/services/machine/machine.ts'
import type { Chain } from '../src/services/machine/scheduler.ts'
import { rowSource } from '../src/services/rows.ts'
import type { BlobStore } from '../src/store/blob-store.ts'
import type { IndexRow, IndexStore } from '../src/store/index-store.ts'
import type { KvStore } from '../src/store/kv-store.ts'
import { createMemoryBlobStore } from '../src/store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../src/store/memory/memory-kv-store.ts'

/** What the test program answers to one message; `state` may be changed in place. */
export type Program = (message: GuestMessage, env: GuestEnv, state: Record<string, unknown>) => Partial<Evaluation['result']>

export interface Rig {
  readonly machine: Machine
  readonly intake: Intake
  readonly guests: FakeGuests
  readonly archive: Archive
  readonly kv: KvStore
  /** Rows of all that is durable, as the query index learned of them. */
  rows(): Promise<readonly IndexRow[]>
  readonly module: TxId
  readonly user: ItemSigner
  /** From now on nothing that this machine writes reaches the store. */
  crash(): void
  /** While set, nothing can be written, as on a full disk. */
  fail(isFailing: boolean): void
  /** A new machine on the same stores. */
  restart(): Promise<Rig>
  stop(): Promise<void>
  spawn(options?: { readonly tags?: readonly TextTag[]; readonly data?: string; readonly signer?: ItemSigner }): Promise<TxId>
  send(
    process: string,
    action: string,
    options?: { readonly tags?: readonly TextTag[]; readonly data?: string | Uint8Array; readonly signer?: ItemSigner },
  ): Promise<TxId>
  /** Waits until nothing waits to be evaluated or delivered. */
  settled(): Promise<void>
}

export interface RigOptions {
  readonly program?: Program
  readonly clock?: Clock
  readonly injectAuthority?: boolean
  /** When blocks were made, from height 0 on; the last one is the tip. One that never moves when left out. */
  readonly blocksMs?: readonly number[]
  /** Real guests, which stay over a restart, and the Lua source of the module that they run. */
  readonly lua?: { readonly guests: Guests; readonly source: string }
  /** Waited for before the query index learns anything. */
  readonly beforeIndexing?: () => Promise<void>
  /** Called before each write of the machine; throwing loses it and all that follow. */
  readonly onWrite?: (count: number) => void
}

export const SCHEDULER = 'SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4'
const keys = Promise.all([generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')])

interface Stores {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly rows: IndexRow[]
  position: number
}

export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const stores = { kv: createMemoryKvStore(), blobs: createMemoryBlobStore(), rows: [], position: 0 }
  return open(stores, options)
}

async function open(stores: Stores, options: RigOptions): Promise<Rig> {
  const [schedulerKey, authorityKey, userKey] = await keys
  const clock = options.clock ?? { nowMs: () => Date.now() }
  const cut = { isDead: false, isFailing: false, count: 0 }
  const kv = breakable(stores.kv, cut, options.onWrite)
  const archive = await Archive.open({ kv, blobs: stores.blobs, transactions: noTransactions })
  const journal = await Journal.open(kv, fakeIndex(stores, options.beforeIndexing), rowSource(archive))
  const guests = new FakeGuests(options.program ?? counterProgram)
  const moduleFormat = options.lua === undefined ? 'test-1' : 'heddle-lua-1'
  let arrivals = 0
  const queue = {
    enqueue: (id: TxId) =>
      ({ space: 'unbundled', key: Buffer.concat([Buffer.from([arrivals++ & 0xff]), idBytes(id)]), value: new Uint8Array(0) }) as const,
  }
  const user = itemSigner(userKey)
  const machine = new Machine({
    kv,
    blobs: stores.blobs,
    journal,
    archive,
    guests: options.lua?.guests ?? guests,
    supportsFormat: (format) => format === moduleFormat || (options.lua !== undefined && isSupportedFormat(format)),
    chain: chainOf(options, clock),
    clock,
    random: systemRandom,
    queue,
    logger: silentLog,
    scheduler: itemSigner(schedulerKey),
    authority: itemSigner(authorityKey),
    injectAuthority: options.injectAuthority ?? true,
  })
  const unbundler = {
    markUnfinished: () => ({ space: 'unbundling', key: new Uint8Array(1), value: null }) as const,
    unbundle: async () => {},
  }
  const intake = new Intake({
    verifier: { verify: verifyDataItem },
    journal,
    archive,
    blobs: stores.blobs,
    clock,
    height: () => 7,
    queue,
    unbundler,
    handlers: [machine.handler],
    gate: new FairGate({ backlog: (process) => machine.backlog(process), nowMs: () => performance.now() }),
  })
  await machine.start(intake)
  const moduleItem = await createDataItem(
    { data: options.lua?.source ?? 'program', tags: [...ao('Module'), { name: 'Module-Format', value: moduleFormat }] },
    { ...user, sign: deterministic(user) },
  )
  await intake.acceptItem(moduleItem.raw)

  const accept = async (item: DataItem): Promise<TxId> => (await intake.acceptItem(item.raw)).id
  return {
    machine,
    intake,
    guests,
    archive,
    kv: stores.kv,
    async rows() {
      await journal.indexed()
      return stores.rows
    },
    module: moduleItem.id,
    user,
    crash() {
      cut.isDead = true
    },
    fail(isFailing) {
      cut.isFailing = isFailing
    },
    restart: () => open(stores, { ...options, onWrite: () => {} }),
    stop: () => machine.stop(),
    async spawn({ tags = [], data = ' ', signer = user } = {}) {
      const own = [...tags, ...ao('Process'), { name: 'Module', value: moduleItem.id }, { name: 'Scheduler', value: SCHEDULER }]
      return accept(await createDataItem({ data, tags: own, anchor: systemRandom.bytes(32) }, signer))
    },
    async send(process, action, { tags = [], data = ' ', signer = user } = {}) {
      const own = [{ name: 'Action', value: action }, ...tags, ...ao('Message')]
      return accept(await createDataItem({ data, tags: own, target: idBytes(process as TxId), anchor: systemRandom.bytes(32) }, signer))
    },
    async settled() {
      for (let quiet = 0; quiet < 3; ) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        quiet = cut.isDead || ((await isSettled(stores.kv)) && guests.running === 0) ? quiet + 1 : 0
      }
    },
  }
}

function chainOf({ blocksMs }: RigOptions, clock: Clock): Chain {
  return {
    height: () => (blocksMs === undefined ? 7 : blocksMs.length - 1),
    timestampMs: () => clock.nowMs(),
    blockTimeMs: async (height) => blocksMs![height]!,
    heightAt: async (timestampMs) => (blocksMs === undefined ? 7 : blocksMs.findLastIndex((madeMs) => madeMs <= timestampMs)),
  }
}

export function ao(type: string): TextTag[] {
  return [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: type },
  ]
}

/** The messages of a process, oldest first, without ticks. */
export async function messagesOf(rig: Rig, process: TxId): Promise<{ id: TxId; tags: TextTag[]; data: string; owner: Uint8Array }[]> {
  const records = await rig.machine.records(process, { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 })
  const entries = await Promise.all(records.map((record) => rig.machine.entry(record)))
  return entries.flatMap(({ message }) =>
    message === null
      ? []
      : [{ id: message.id, tags: [...message.tags], data: Buffer.from(message.data).toString('utf8'), owner: message.owner }],
  )
}

/**
 * Counts: `Inc` adds one and tells, `Do` answers its Data as the result, `Fail` changes the state and fails, `Ping` replies to its sender,
 * `Bounce` sends on to the process in Data.
 */
export const counterProgram: Program = (message, env, state) => {
  const tags = message['Tags'] as TextTag[]
  const action = tags.find(({ name }) => name === 'Action')?.value
  state['count'] = ((state['count'] as number | undefined) ?? 0) + 1
  const reply = (target: unknown, tag: string): object => ({
    Target: target,
    Data: String(state['count']),
    Tags: [{ name: 'Action', value: tag }],
  })
  switch (action) {
    case 'Do':
      return JSON.parse(message['Data'] as string) as Partial<Evaluation['result']>
    case 'Fail':
      return { Error: 'failed on purpose' }
    case 'Ping':
      return { Messages: [reply(message['From'], 'Pong')] }
    case 'Bounce':
      return { Messages: [{ ...reply(message['Data'], 'Bounce'), Data: env.Process.Id }] }
    case 'Message':
      return { Output: message }
    case 'Env':
      return { Output: env }
    default:
      return { Output: String(state['count']) }
  }
}

export class FakeGuests implements Guests {
  readonly #program: Program
  readonly #open = new Map<TxId, { env: GuestEnv; state: Record<string, unknown> }>()
  readonly #lost: ((process: TxId, reason: string) => void)[] = []
  readonly #evicted: ((process: TxId, takeSnapshot: () => Promise<Uint8Array>) => void)[] = []
  /** How often each process was opened, and from what. */
  readonly opened: { process: TxId; fromSnapshot: boolean }[] = []
  evaluations = 0
  running = 0
  /** Evaluations to lose before they happen, from which slot on, and through what of their own; null when it was not their doing. */
  losses = 0
  lossFrom = 0
  lossCause: 'time' | 'crash' | null = null
  openError: unknown = null
  /** Tells which snapshots look as if another version had made them. */
  isForeign: (snapshot: Uint8Array) => boolean = () => false

  constructor(program: Program) {
    this.#program = program
  }

  async open(process: TxId, _module: GuestModule, env: GuestEnv, snapshot: Uint8Array | null): Promise<void> {
    await tick()
    if (this.openError !== null) throw this.openError
    if (snapshot !== null && this.isForeign(snapshot))
      throw new HeddleError('encoding-invalid', { format: 'guest snapshot', at: 0 }, 'the snapshot was made with another engine')
    this.opened.push({ process, fromSnapshot: snapshot !== null })
    const state = snapshot === null ? {} : stateIn(snapshot)
    this.#open.set(process, { env, state })
  }

  isOpen(process: TxId): boolean {
    return this.#open.has(process)
  }

  async evaluate(process: TxId, message: GuestMessage): Promise<Evaluation> {
    this.running += 1
    try {
      await tick()
      if (this.losses > 0 && Number(message['Nonce']) >= this.lossFrom) {
        this.losses -= 1
        this.lose(process)
        if (this.lossCause === 'time') return OUT_OF_TIME
        if (this.lossCause === 'crash') throw new HeddleError('guest-lost', { process, cause: 'crash' }, 'the worker ended')
      }
      const evaluation = this.#run(process, message, true)
      this.evaluations += 1
      return evaluation
    } finally {
      this.running -= 1
    }
  }

  async dryRun(process: TxId, message: GuestMessage): Promise<Evaluation> {
    await tick()
    return this.#run(process, message, false)
  }

  async snapshot(process: TxId): Promise<Uint8Array> {
    const snapshot = snapshotOf(this.#get(process).state) // Before any message that comes after.
    await tick()
    return snapshot
  }

  async memory(process: TxId): Promise<Uint8Array> {
    throw new HeddleError('request-invalid', { field: 'process' }, `the state of ${process} is more than bare memory`)
  }

  async close(process: TxId): Promise<void> {
    this.#open.delete(process)
  }

  onLost(listener: (process: TxId, reason: string) => void): void {
    this.#lost.push(listener)
  }

  onEvicted(listener: (process: TxId, takeSnapshot: () => Promise<Uint8Array>) => void): void {
    this.#evicted.push(listener)
  }

  lose(process: TxId): void {
    this.#open.delete(process)
    for (const listener of this.#lost) listener(process, 'lost by the test')
  }

  evict(process: TxId): void {
    const snapshot = snapshotOf(this.#get(process).state)
    this.#open.delete(process)
    for (const listener of this.#evicted) listener(process, async () => snapshot)
  }

  #get(process: TxId): { env: GuestEnv; state: Record<string, unknown> } {
    const open = this.#open.get(process)
    if (open === undefined) throw new HeddleError('guest-lost', { process }, `process ${process} is not open`)
    return open
  }

  #run(process: TxId, message: GuestMessage, keep: boolean): Evaluation {
    const open = this.#get(process)
    const state = structuredClone(open.state)
    const answer = this.#program(message, open.env, state)
    const result = { Output: '', Messages: [], Spawns: [], Assignments: [], ...answer }
    const ok = result.Error === undefined
    if (ok && keep) open.state = state
    return { ok, result, gasUsed: 5, unitsUsed: 5, timeMs: 0.1 }
  }
}

const ORIGIN = { module: 'rig', format: 'rig', engine: 'rig' }

export function snapshotOf(state: Record<string, unknown>): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(state))
  return packSnapshot(ORIGIN, { ranges: [{ start: 0, end: bytes.length }], globals: [], anchors: [], bytes }, null)
}

export function stateIn(snapshot: Uint8Array): Record<string, unknown> {
  const { bytes } = unpackSnapshot(snapshot, ORIGIN, GUEST_MEMORY_BYTES_MAX, null)
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
}

export function idOf(fill: number): TxId {
  return bytesToId(new Uint8Array(32).fill(fill))
}

export function rowTags(row: IndexRow): TextTag[] {
  return toTextTags(row.tags)
}

const OUT_OF_TIME: Evaluation = {
  ok: false,
  result: { Output: '', Messages: [], Spawns: [], Assignments: [], Error: 'out of time' },
  gasUsed: 0,
  unitsUsed: 0,
  timeMs: 1,
  failure: 'time',
}

/** Ed25519 signatures repeat, so that the module keeps its id over a restart. */
function deterministic(signer: ItemSigner): ItemSigner['sign'] {
  return (message) => signer.sign(message)
}

async function tick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

async function isSettled(kv: KvStore): Promise<boolean> {
  for await (const _ of kv.scan('outbox', { limit: 1 })) return false
  const slots = { log: 0, results: 0 }
  for await (const _ of kv.scan('log')) slots.log += 1
  for await (const _ of kv.scan('results')) slots.results += 1
  return slots.log === slots.results
}

function breakable(kv: KvStore, cut: { isDead: boolean; isFailing: boolean; count: number }, onWrite?: (count: number) => void): KvStore {
  return {
    get: (space, key) => kv.get(space, key),
    getMany: (space, all) => kv.getMany(space, all),
    scan: (space, range) => kv.scan(space, range),
    clear: () => kv.clear(),
    close: async () => {},
    async write(batch) {
      cut.count += 1
      if (!cut.isDead) {
        try {
          onWrite?.(cut.count)
        } catch {
          cut.isDead = true
        }
      }
      if (cut.isDead || cut.isFailing) throw new HeddleError('store-failed', { what: 'test' }, 'nothing can be written')
      await kv.write(batch)
    },
  }
}

const noTransactions = {
  async *readData(): AsyncIterable<Uint8Array> {
    yield* []
  },
  hasData: async () => false,
}

function fakeIndex(stores: Stores, beforeIndexing: () => Promise<void> = async () => {}): IndexStore {
  const index: Pick<IndexStore, 'position' | 'apply' | 'clear' | 'close'> = {
    position: async () => stores.position,
    apply: async (events, position) => {
      await beforeIndexing()
      for (const event of events) if (event.kind === 'row') stores.rows.push(event.row)
      stores.position = position
    },
    clear: async () => {},
    close: async () => {},
  }
  return index as IndexStore
}
