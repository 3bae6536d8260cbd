/** A weave over stores in memory, for unit tests. What the index would learn is kept in `events`. */
import { readFileSync } from 'node:fs'
import type { Clock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { keyFromJwk, type SigningKey } from '../src/codec/keys.ts'
import { signTransaction, type Transaction, type TransactionFields } from '../src/codec/transaction.ts'
import type { Commit } from '../src/services/journal.ts'
import { devGenesis } from '../src/services/weave/genesis.ts'
import { openWeave, type Weave, type WeaveDeps } from '../src/services/weave/weave.ts'
import type { IndexEvent } from '../src/store/index-store.ts'
import type { KvStore } from '../src/store/kv-store.ts'
import { createMemoryBlobStore } from '../src/store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../src/store/memory/memory-kv-store.ts'

export interface TestWeave {
  readonly weave: Weave
  readonly kv: KvStore
  readonly events: IndexEvent[]
  readonly clock: { nowMs(): number; advance(ms: number): void }
  /** Fails the next commit. */
  failNext(): void
  /** Opens another weave on the same stores, as after a restart. */
  reopen(changes?: TestWeaveOptions): Promise<TestWeave>
}

export type TestWeaveOptions = Partial<Pick<WeaveDeps, 'genesis' | 'sealing' | 'readComposite' | 'completionWrites'>>

const START_MS = 1_750_000_000_000

export async function openTestWeave(options: TestWeaveOptions = {}): Promise<TestWeave> {
  const stores = { kv: createMemoryKvStore(), blobs: createMemoryBlobStore() }
  return openOn(stores, testClock(), options)
}

async function openOn(stores: Pick<WeaveDeps, 'kv' | 'blobs'>, clock: TestWeave['clock'], options: TestWeaveOptions): Promise<TestWeave> {
  const events: IndexEvent[] = []
  let fails = false
  const commit = async (work: Commit): Promise<void> => {
    if (fails) {
      fails = false
      throw new Error('the disk is full')
    }
    await stores.kv.write(work.writes)
    events.push(...work.events)
  }
  const weave = await openWeave({
    ...stores,
    journal: { commit },
    clock,
    log: silentLog,
    genesis: devGenesis(),
    miner: wallet('dave'),
    sealing: { mode: 'manual' },
    readComposite: async function* () {},
    ...options,
  })
  return {
    weave,
    kv: stores.kv,
    events,
    clock,
    failNext: () => {
      fails = true
    },
    reopen: (changes) => openOn(stores, clock, { ...options, ...changes }),
  }
}

function testClock(): TestWeave['clock'] {
  let nowMs = START_MS
  const clock: Clock = { nowMs: () => nowMs }
  return {
    ...clock,
    advance: (ms) => {
      nowMs += ms
    },
  }
}

/** One of the public development wallets. RSA signatures without salt, so that ids repeat. */
export function wallet(name: 'alice' | 'bob' | 'carol' | 'dave' | 'erin'): SigningKey {
  const jwk: unknown = JSON.parse(readFileSync(new URL(`../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
  return keyFromJwk(jwk, { saltBytes: 0 })
}

/** Signed with a fee that is just enough, anchored on the tip unless said otherwise. */
export async function signed(weave: Weave, key: SigningKey, fields: Partial<TransactionFields> = {}): Promise<Transaction> {
  const dataBytes = fields.dataBytes ?? BigInt(fields.data?.length ?? 0)
  const target =
    fields.target === undefined || fields.target.length === 0
      ? null
      : (Buffer.from(fields.target).toString('base64url') as SigningKey['address'])
  return signTransaction({ lastTx: weave.anchor(), rewardWinston: weave.price(dataBytes, target), ...fields }, key)
}

/** Data of which every byte depends on its place. */
export function testData(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 255)
}
