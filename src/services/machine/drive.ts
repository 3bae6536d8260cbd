/**
 * WeaveDrive: the weave as files that programs open while they evaluate a message.
 *
 * Wire        /data/<id>: the data of a transaction or item. /tx/<id>: the JSON of GET /tx/<id>, with ownerAddress. /block/<height>: the JSON of
 *             GET /block/height/<height>.
 * Source      permaweb/aos extensions/weavedrive; who may see which data is in drive-admission.ts
 * Invariants  A program sees what the weave held at the Block-Height of its message, however late the message is evaluated. What it was told is
 *             kept, durable before it is told, so that evaluating the message again tells the same: also when data came late, or a block was
 *             taken back. What was found and is gone since is trouble of this node, never "not found". Decision 0009.
 */
import { utf8 } from '../../base/bytes.ts'
import { isFailure } from '../../base/errors.ts'
import { type BlockHash, isTxId, type TxId } from '../../base/ids.ts'
import { findTag } from '../../codec/tags.ts'
import { ownerAddress, transactionToJson } from '../../codec/transaction.ts'
import { type GuestEnv, GuestFault } from '../../guests/guest.ts'
import type { FileQuery, FileSource, OpenFile } from '../../guests/host-bridge.ts'
import type { IndexReader } from '../../store/index-store.ts'
import { type Archive, dataBytesOf, type StoredRecord } from '../archive.ts'
import { type Admission, isKnownAt, mayRead } from './drive-admission.ts'
import { type DriveLog, type Outcome, TEXT_KEPT_BYTES_MAX } from './drive-log.ts'

export interface DriveDeps {
  readonly archive: Pick<Archive, 'find' | 'hasData' | 'streamData' | 'transaction'>
  readonly weave: {
    hashAt(height: number): Promise<BlockHash | null>
    blockJson(hash: BlockHash): Promise<string | null>
  }
  readonly index: Pick<IndexReader, 'transaction' | 'transactions'>
  readonly log: DriveLog
  /** What waits for its block counts from when this node had it on: for a network of this node alone. */
  readonly countsPending: boolean
}

type Wanted = { readonly kind: 'data' | 'tx'; readonly id: TxId } | { readonly kind: 'block'; readonly height: number }

/** Text is made when the file is opened; data is read from the archive as it is asked for. */
type Content = { readonly text: string } | { readonly id: TxId; readonly record: StoredRecord }

export function createDrive(deps: DriveDeps): FileSource {
  return { open: (query) => openFile(deps, query) }
}

async function openFile(deps: DriveDeps, query: FileQuery): Promise<OpenFile | null> {
  const wanted = parsePath(query.path)
  if (wanted === null) return null
  const { env, message, path } = query
  const known = await deps.log.find(env.Process.Id, message, path)
  if (known !== null) return openAgain(deps, wanted, known, path)
  const outcome = await lookUp(deps, query, wanted)
  await deps.log.keep(env.Process.Id, message, path, outcome.kept)
  if (outcome.kept.kind === 'fault') throw new GuestFault('error', outcome.kept.text)
  return outcome.content === null ? null : fileOf(deps, outcome.content)
}

function parsePath(path: string): Wanted | null {
  const [, kind, name = '', ...rest] = path.split('/')
  if (rest.length > 0) return null
  if ((kind === 'data' || kind === 'tx') && isTxId(name)) return { kind, id: name }
  return kind === 'block' && /^\d{1,15}$/.test(name) ? { kind, height: Number(name) } : null
}

/** As the program was told before. */
async function openAgain(deps: DriveDeps, wanted: Wanted, outcome: Outcome, path: string): Promise<OpenFile | null> {
  if (outcome.kind === 'missing') return null
  if (outcome.kind === 'fault') throw new GuestFault('error', outcome.text)
  if (outcome.text !== undefined) return fileOf(deps, { text: outcome.text })
  const content = await contentOf(deps, wanted)
  const file = content === null ? null : fileOf(deps, content)
  if (file?.sizeBytes !== outcome.sizeBytes) throw new Error(`${path} was here when the message was first evaluated, and is gone`)
  return file
}

interface Found {
  readonly kept: Outcome
  readonly content: Content | null
}

async function lookUp(deps: DriveDeps, query: FileQuery, wanted: Wanted): Promise<Found> {
  const { env, message } = query
  const admission: Admission = { index: deps.index, message, countsPending: deps.countsPending }
  try {
    const isVisible = wanted.kind !== 'data' || (await mayRead(admission, env, wanted.id))
    const content = isVisible && (await wasThere(admission, wanted)) ? await contentOf(deps, wanted) : null
    if (content === null && wanted.kind === 'data' && isHalted(env)) throw new GuestFault('error', 'HALT: FILE NOT FOUND')
    return { kept: outcomeOf(content), content }
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error
    return { kept: { kind: 'fault', text: error.message }, content: null }
  }
}

/** Where AO units run, modules of 64 bits do not go on without data that they look for; those of 32 bits do. */
function isHalted({ Module }: GuestEnv): boolean {
  return findTag(Module.Tags, 'Module-Format')?.startsWith('wasm64') === true
}

async function wasThere(admission: Admission, wanted: Wanted): Promise<boolean> {
  if (wanted.kind === 'block') return wanted.height <= admission.message.height
  const row = await admission.index.transaction(wanted.id)
  return row !== null && isKnownAt(admission, row)
}

/** Null when this node does not have all of it. */
async function contentOf({ archive, weave }: DriveDeps, wanted: Wanted): Promise<Content | null> {
  switch (wanted.kind) {
    case 'block': {
      const hash = await weave.hashAt(wanted.height)
      const text = hash === null ? null : await weave.blockJson(hash)
      return text === null ? null : { text }
    }
    case 'tx': {
      const tx = await archive.transaction(wanted.id)
      return tx === null ? null : { text: JSON.stringify({ ...transactionToJson(tx), ownerAddress: ownerAddress(tx) }) }
    }
    case 'data': {
      const { id } = wanted
      const record = await archive.find(id)
      return record !== null && (await archive.hasData(id, record)) ? { id, record } : null
    }
  }
}

function outcomeOf(content: Content | null): Outcome {
  if (content === null) return { kind: 'missing' }
  if (!('text' in content)) return { kind: 'found', sizeBytes: dataBytesOf(content.record) }
  const sizeBytes = utf8(content.text).length
  return sizeBytes > TEXT_KEPT_BYTES_MAX ? { kind: 'found', sizeBytes } : { kind: 'found', sizeBytes, text: content.text }
}

function fileOf({ archive }: Pick<DriveDeps, 'archive'>, content: Content): OpenFile {
  if ('text' in content) {
    const bytes = utf8(content.text)
    return { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
  }
  const { id, record } = content
  return {
    sizeBytes: dataBytesOf(record),
    async read(start, end, signal) {
      const parts: Uint8Array[] = []
      try {
        for await (const part of archive.streamData(id, record, start, end, signal)) parts.push(part)
      } catch (error) {
        if (isFailure(error, 'not-found')) throw new Error(`data of ${id} is gone from this node`, { cause: error })
        throw error
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
  }
}
