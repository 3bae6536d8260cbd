/**
 * Verification: computes a process again from its signed log, in guests of its own, and compares every result and every snapshot that a node keeps.
 *
 * Invariants  The state is made from the first message on, never from a snapshot of the node; a fork begins as its original, which is computed
 *             first. A result that the node marks as its own failure cannot be compared: it is named, and the message leaves no trace, as there.
 *             A damaged log ends the verification, since nothing after it follows from anything; a wrong result or snapshot does not.
 */
import { toBase64url } from '../../base/bytes.ts'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { findTag, toTextTags } from '../../codec/tags.ts'
import { ownerOf } from '../../codec/transaction.ts'
import type { GuestEnv, GuestModule } from '../../guests/guest.ts'
import { readSnapshotHeader } from '../../guests/snapshot.ts'
import { isModuleAlias } from '../aliases.ts'
import { evaluatedBy, forkedEvaluation, isOfProgram, programFailure } from './evaluation.ts'
import { forkOf } from './fork.ts'
import { guestEnv, guestMessage } from './guest-message.ts'
import type { Guests } from './instance.ts'
import { aoAddress } from './protocol.ts'
import type { ResultRecord, SnapshotRecord } from './records.ts'
import type { ModuleFacts } from './sources.ts'
import { checkTransaction, LogVerifier, Mismatch, signedEntries, signedItem, type VerifiedEntry } from './verify-log.ts'
import { differences } from './verify-result.ts'
import type { StoredProcess, VerifySource } from './verify-source.ts'

export interface Finding {
  readonly process: TxId
  readonly slot: number
  readonly what: string
}

export interface VerifyReport {
  readonly process: TxId
  /** Slots and snapshots that were compared, those of the originals of a fork included. */
  readonly slots: number
  readonly snapshots: number
  readonly mismatches: readonly Finding[]
  /** What this node, or this computer, has no answer of its own for. */
  readonly notComparable: readonly Finding[]
  /** What a reader should know, though nothing is wrong; absent when there is nothing. */
  readonly notes?: readonly Finding[]
}

export interface VerifyDeps {
  readonly source: VerifySource
  readonly guests: Pick<Guests, 'open' | 'evaluate' | 'snapshot' | 'close'>
  readonly onProgress?: (done: number, total: number) => void
  /** From now on it is this process's log that is computed. */
  readonly onProcess?: (process: TxId) => void
}

/** A process and the last slot of it that is computed. */
interface Segment {
  readonly stored: StoredProcess
  readonly upTo: number
}

/** Messages that are computed at once. */
const BATCH = 32
const MISMATCHES_MAX = 20

/** `to`: the last slot; all that are evaluated when left out. */
export async function verifyProcess(process: TxId, to: number | null, deps: VerifyDeps): Promise<VerifyReport> {
  const run = new Verification(deps)
  return run.verify(process, to)
}

class Verification {
  readonly #deps: VerifyDeps
  readonly #mismatches: Finding[] = []
  readonly #notComparable: Finding[] = []
  readonly #notes: Finding[] = []
  #module: { readonly facts: ModuleFacts; readonly module: GuestModule } | null = null
  /** Null until slot 0 of the first process. */
  #env: GuestEnv | null = null
  /** What kept the program from being opened. */
  #closed: unknown = null
  #slots = 0
  #snapshots = 0
  #done = 0
  #total = 0

  constructor(deps: VerifyDeps) {
    this.#deps = deps
  }

  async verify(process: TxId, to: number | null): Promise<VerifyReport> {
    const segments = await this.#lineage(process, to)
    this.#total = segments.reduce((sum, { upTo }) => sum + upTo + 1, 0)
    const instance = instanceId(process, 'state')
    try {
      this.#module = await this.#readModule(segments[0]!.stored.module)
      for (const segment of segments) await this.#segment(segment, instance)
    } catch (error) {
      if (!(error instanceof Stop)) throw error
    } finally {
      await this.#deps.guests.close(instance).catch(() => {}) // It may never have been opened.
    }
    const { length } = this.#mismatches
    const mismatches = this.#mismatches.slice(0, MISMATCHES_MAX)
    if (length > MISMATCHES_MAX)
      mismatches.push({ process, slot: this.#mismatches[MISMATCHES_MAX]!.slot, what: `and ${length - MISMATCHES_MAX} more` })
    return {
      process,
      slots: this.#slots,
      snapshots: this.#snapshots,
      mismatches,
      notComparable: this.#notComparable,
      ...(this.#notes.length === 0 ? {} : { notes: this.#notes }),
    }
  }

  /** The first original first. */
  async #lineage(process: TxId, to: number | null): Promise<Segment[]> {
    const stored = await this.#deps.source.process(process)
    if (to !== null && to > stored.evaluated)
      throw new HeddleError(
        'not-found',
        { what: 'slot', id: String(to) },
        `slot ${to} of process ${process} is not evaluated; its last is ${stored.evaluated}`,
      )
    const own = { stored, upTo: to ?? stored.evaluated }
    return stored.fork === null ? [own] : [...(await this.#lineage(stored.fork.of, stored.fork.at)), own]
  }

  async #segment({ stored, upTo }: Segment, instance: TxId): Promise<void> {
    const { source } = this.#deps
    const { process } = stored
    this.#deps.onProcess?.(process)
    const log = new LogVerifier(process)
    const snapshots = new Map((await source.snapshots(process)).map((record) => [record.slot, record]))
    const results = source.results(process)[Symbol.asyncIterator]()
    let batch: Promise<void>[] = []
    let next = 0
    for await (const { signed } of signedEntries(process, source)) {
      if (next > upTo) break
      const verified = await this.#attempt(process, next, async () => log.verify(await signed))
      const { value: result } = (await results.next()) as { value: ResultRecord | undefined }
      if (next === 0) await this.#begin(stored, verified, instance)
      const work = this.#slot(stored, verified, result ?? null, instance)
      work.catch(() => {}) // Heard of when the batch is awaited.
      batch.push(work)
      const snapshot = snapshots.get(next)
      next += 1
      if (batch.length < BATCH && snapshot === undefined && next <= upTo) continue
      await Promise.all(batch)
      batch = []
      if (snapshot !== undefined) await this.#snapshot(process, snapshot, instance)
      this.#deps.onProgress?.(this.#done, this.#total)
    }
    await Promise.all(batch)
    await results.return?.()
    if (next <= upTo) this.#stop(process, next, 'the log ends here, though the node says that it is longer')
  }

  /** Opens the program at slot 0 of the first process; forks go on in it. */
  async #begin({ process, authority, fork }: StoredProcess, { source }: VerifiedEntry, instance: TxId): Promise<void> {
    await this.#attempt(process, 0, async () => {
      const signed = forkOf(source.tags)
      if (signed?.of !== fork?.of || signed?.at !== fork?.at) throw new Mismatch('it is not the fork that the node says it is')
      const named = findTag(source.tags, 'Module')
      const { id } = this.#module!.facts
      if (named === id) return
      if (!isModuleAlias(named ?? '')) throw new Mismatch(`it does not run module ${id}`)
      this.#notes.push({ process, slot: 0, what: `it names module ${named}, a well-known id that stands for module ${id} on its node` })
    })
    if (fork !== null) return
    this.#env = guestEnv(source, this.#module!.facts, authority)
    try {
      await this.#deps.guests.open(instance, this.#module!.module, this.#env, null)
    } catch (error) {
      if (!isOfProgram(error)) this.#stop(process, 0, `this computer could not open the program: ${errorText(error)}`)
      this.#closed = error
    }
  }

  async #slot(
    { process, fork }: StoredProcess,
    { record, source }: VerifiedEntry,
    stored: ResultRecord | null,
    instance: TxId,
  ): Promise<void> {
    this.#done += 1
    const { slot } = record
    if (stored === null || stored.slot !== slot) this.#stop(process, slot, 'no result is stored')
    if (stored.nodeFailure !== undefined) {
      this.#notComparable.push({ process, slot, what: `the node gave up on it (${stored.nodeFailure})` })
      if (stored.kept) this.#mismatches.push({ process, slot, what: 'kept: stored true, though the node gave up on it' })
      return
    }
    const computed =
      fork !== null && slot === 0 && this.#closed === null
        ? forkedEvaluation(record).result
        : await this.#compute(process, { record, source }, instance)
    const found = differences(stored, computed)
    if (found.length > 0) this.#mismatches.push({ process, slot, what: found.join('; ') })
    this.#slots += 1
  }

  async #compute(process: TxId, { record, source }: VerifiedEntry, instance: TxId): Promise<ResultRecord> {
    if (this.#closed !== null) return programFailure(record, this.#closed).result
    const message = guestMessage({ process, self: this.#env!.Process.Id as TxId }, record, source)
    const evaluation = await this.#deps.guests
      .evaluate(instance, message)
      .catch((error) => this.#stop(process, record.slot, `this computer could not compute it: ${errorText(error)}`))
    if (evaluation.failure === 'time') this.#stop(process, record.slot, 'this computer took too long to compute it')
    return evaluatedBy(evaluation, record).result
  }

  async #snapshot(process: TxId, record: SnapshotRecord, instance: TxId): Promise<void> {
    const { slot } = record
    const what = await this.#snapshotProblem(process, record, instance)
    if (what === null) this.#snapshots += 1
    else if (what instanceof Error) this.#notComparable.push({ process, slot, what: `snapshot: ${what.message}` })
    else this.#mismatches.push({ process, slot, what: `snapshot: ${what}` })
  }

  /** Null when it is what it should be; an Error when that cannot be said here. */
  async #snapshotProblem(process: TxId, record: SnapshotRecord, instance: TxId): Promise<string | Error | null> {
    const bytes = await this.#deps.source.snapshot(process, record.slot)
    if (bytes === null) return 'its bytes are gone'
    if (toBase64url(sha256(bytes)) !== record.sha256) return `its bytes are not those that were stored as ${record.sha256}`
    if (this.#closed !== null) return 'there is one of a program that cannot run'
    const computed = readSnapshotHeader(await this.#deps.guests.snapshot(instance))
    try {
      const stored = readSnapshotHeader(bytes)
      if (stored.engine !== computed.engine) return new Error(`another version of the guests made it (${stored.engine})`)
      if (stored.stateHash !== record.stateHash) return `its state hash is ${stored.stateHash}, its record says ${record.stateHash}`
      if (stored.stateHash !== computed.stateHash) return `state hash: stored ${stored.stateHash}, computed ${computed.stateHash}`
      return await this.#thawProblem(process, bytes)
    } catch (error) {
      if (!isFailure(error, 'encoding-invalid')) throw error
      return error.message.includes('this program reads version') ? error : error.message
    }
  }

  /** A header is quickly copied: only opening it shows that the state is what its hash says. */
  async #thawProblem(process: TxId, bytes: Uint8Array): Promise<string | null> {
    const { guests } = this.#deps
    const thawed = instanceId(process, 'thawed')
    try {
      await guests.open(thawed, this.#module!.module, this.#env!, bytes)
      return null
    } finally {
      await guests.close(thawed).catch(() => {}) // It may not have opened.
    }
  }

  async #readModule(id: TxId): Promise<{ readonly facts: ModuleFacts; readonly module: GuestModule }> {
    return this.#attempt(id, 0, async () => {
      const raw = await this.#deps.source.item(id)
      const item = raw === null ? null : await signedItem(raw, 'module')
      const found = item === null ? await this.#deps.source.transaction(id) : null
      if (item === null && found === null) throw new Mismatch(`module ${id} is gone`)
      if (item !== null && item.id !== id) throw new Mismatch(`module ${id} is ${item.id}`)
      if (found !== null) await checkTransaction(found, id)
      const owner = item?.owner ?? ownerOf(found!.transaction)
      const tags = toTextTags(item?.tags ?? found!.transaction.tags)
      const format = findTag(tags, 'Module-Format') ?? ''
      return { facts: { id, owner: aoAddress(owner), tags, format }, module: { id, format, bytes: item?.data ?? found!.data } }
    })
  }

  async #attempt<T>(process: TxId, slot: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Mismatch || isFailure(error, 'encoding-invalid')) this.#stop(process, slot, error.message)
      throw error
    }
  }

  #stop(process: TxId, slot: number, what: string): never {
    this.#mismatches.push({ process, slot, what })
    throw new Stop()
  }
}

/** Nothing more can be said. */
class Stop extends Error {}

/** An id in the guests that no process has. */
function instanceId(process: TxId, what: string): TxId {
  return bytesToId(sha256(Buffer.concat([idBytes(process), Buffer.from(`verification ${what}`)])))
}
