/**
 * Which data the weave expects, for which transactions, and whether all of it is here.
 *
 * Wire        space `roots`: data root 32 + data size u64 -> 1 once every byte is here, else 0; the same + transaction id 32 -> 1 for a bundle, else 0
 * Invariants  A root is known before the upload of its transaction is acknowledged, and for ever after: chunks may come at any time.
 *             Each transaction is told once that its data is complete: by its own commit, or by that of the chunk that came last.
 */
import { concat } from '../../base/bytes.ts'
import { bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { DATA_ROOT_CACHE_MAX } from '../../base/limits.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { Completion } from './completion.ts'
import { type DataKey, dataKeyText, encodeDataKey } from './data-key.ts'

export interface Reference {
  readonly isBundle: boolean
  /** This node put the data together itself, and needs not hear of it. */
  readonly isOwn: boolean
  /** The transaction's own commit is durable. */
  isCommitted: boolean
}

/** What is known of one data root, while somebody works with it. Changed only by `DataRoots` and by the intake of chunks. */
export interface DataRoot {
  readonly key: DataKey
  receivedBytes: number
  /** Durably so. */
  isComplete: boolean
  /** The commit that makes it complete is under way. */
  isCompleting: boolean
  readonly references: Map<TxId, Reference>
  /** Chunks being written, by end offset. */
  readonly writing: Map<number, Promise<void>>
}

interface Held {
  users: number
  readonly root: Promise<DataRoot>
}

export class DataRoots {
  readonly #kv: KvStore
  readonly #chunks: ChunkStore
  readonly #held = new Map<string, Held>()

  constructor(kv: KvStore, chunks: ChunkStore) {
    this.#kv = kv
    this.#chunks = chunks
  }

  /** Runs `work` with the root held in memory; null when no transaction has announced it. */
  use<T>(key: DataKey, work: (root: DataRoot) => Promise<T>): Promise<T | null> {
    return this.announce<T | null>(key, async (root) => (root.references.size === 0 ? null : work(root)))
  }

  /** The same, for a transaction that announces the root by adding itself to the references. */
  async announce<T>(key: DataKey, work: (root: DataRoot) => Promise<T>): Promise<T> {
    const name = dataKeyText(key)
    const held = this.#held.get(name) ?? this.#hold(name, key)
    held.users += 1
    let isWanted = false
    try {
      const root = await held.root
      const result = await work(root)
      isWanted = root.references.size > 0
      return result
    } finally {
      held.users -= 1
      // A root that nobody announced is not remembered: anyone can ask for any number of them.
      if (held.users === 0 && !isWanted && this.#held.get(name) === held) this.#held.delete(name)
      if (this.#held.size > DATA_ROOT_CACHE_MAX) this.#shrink()
    }
  }

  #hold(name: string, key: DataKey): Held {
    const held = { users: 0, root: this.#load(key) }
    this.#held.set(name, held)
    return held
  }

  async #load(key: DataKey): Promise<DataRoot> {
    const prefix = encodeDataKey(key)
    const root = emptyRoot(key)
    for await (const entry of this.#kv.scan('roots', { prefix })) {
      if (entry.key.length === prefix.length) root.isComplete = entry.value[0] === 1
      else
        root.references.set(bytesToId(entry.key.subarray(prefix.length)), {
          isBundle: entry.value[0] === 1,
          isOwn: false,
          isCommitted: true,
        })
    }
    // Counted anew rather than kept: a count that follows every chunk could be wrong after a crash.
    if (!root.isComplete)
      for await (const { startOffset, endOffset } of this.#chunks.all(key)) root.receivedBytes += endOffset - startOffset
    root.isComplete ||= root.receivedBytes >= key.sizeBytes
    return root
  }

  #shrink(): void {
    for (const [name, { users }] of this.#held) {
      if (this.#held.size <= DATA_ROOT_CACHE_MAX / 2) return
      if (users === 0) this.#held.delete(name)
    }
  }
}

/** The commit under way makes the root complete: what it writes for that. */
export function beginCompletion(root: DataRoot, completion: Completion): KvWrite[] {
  root.isCompleting = true
  return [rootWrite(root.key, true), ...completion.writes(root.references)]
}

/** That commit is durable; returns the transactions that have to hear of it. One not committed yet will see it itself. */
export function endCompletion(root: DataRoot): TxId[] {
  root.isComplete = true
  root.isCompleting = false
  return [...root.references].filter(([, { isCommitted, isOwn }]) => isCommitted && !isOwn).map(([id]) => id)
}

export function rootWrite(key: DataKey, isComplete: boolean): KvWrite {
  return { space: 'roots', key: encodeDataKey(key), value: Uint8Array.of(isComplete ? 1 : 0) }
}

/** Null takes the reference back. */
export function referenceWrite(key: DataKey, id: TxId, isBundle: boolean | null): KvWrite {
  return {
    space: 'roots',
    key: concat([encodeDataKey(key), idBytes(id)]),
    value: isBundle === null ? null : Uint8Array.of(isBundle ? 1 : 0),
  }
}

function emptyRoot(key: DataKey): DataRoot {
  return { key, receivedBytes: 0, isComplete: false, isCompleting: false, references: new Map(), writing: new Map() }
}
