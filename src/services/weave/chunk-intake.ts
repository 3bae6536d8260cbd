/**
 * The way in for chunks: check the proof, store the bytes durably, tell whose data became complete.
 *
 * Invariants  A chunk is durable when `accept` resolves. A repeated one changes nothing. Nothing unproven is stored.
 */
import { toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { type ChunkUpload, checkChunk } from '../../codec/chunk-upload.ts'
import type { Commit } from '../journal.ts'
import type { ChunkProof, ChunkStore } from './chunk-store.ts'
import type { Completion } from './completion.ts'
import { beginCompletion, type DataRoot, type DataRoots, endCompletion } from './data-roots.ts'

export interface ChunkIntakeDeps {
  readonly chunks: ChunkStore
  readonly roots: DataRoots
  readonly completion: Completion
  readonly commit: (commit: Commit) => Promise<void>
}

export class ChunkIntake {
  readonly #deps: ChunkIntakeDeps

  constructor(deps: ChunkIntakeDeps) {
    this.#deps = deps
  }

  async accept(upload: ChunkUpload): Promise<void> {
    const key = { root: upload.dataRoot, sizeBytes: Number(upload.dataBytes) }
    const proof = prove(upload)
    const done = await this.#deps.roots.use(key, async (root) => {
      await this.#storeOnce(root, proof, upload.chunk)
      return true
    })
    if (done === true) return
    throw refused(
      'data_root_not_found',
      `no transaction with data root ${toBase64url(upload.dataRoot)} and size ${upload.dataBytes} is known; post the transaction first`,
    )
  }

  #storeOnce(root: DataRoot, proof: ChunkProof, bytes: Uint8Array): Promise<void> {
    const running = root.writing.get(proof.endOffset)
    if (running !== undefined) return running
    const storing = this.#store(root, proof, bytes).finally(() => root.writing.delete(proof.endOffset))
    root.writing.set(proof.endOffset, storing)
    return storing
  }

  async #store(root: DataRoot, proof: ChunkProof, bytes: Uint8Array): Promise<void> {
    const { chunks, completion, commit } = this.#deps
    if (await chunks.has(root.key, proof.endOffset)) return
    const record = await chunks.prepare(root.key, proof, bytes)
    root.receivedBytes += bytes.length
    const completes = !root.isComplete && !root.isCompleting && root.receivedBytes >= root.key.sizeBytes
    try {
      await commit({ writes: completes ? [record, ...beginCompletion(root, completion)] : [record], events: [] })
    } catch (error) {
      root.receivedBytes -= bytes.length
      if (completes) root.isCompleting = false
      throw error
    }
    if (completes) await completion.announce(endCompletion(root))
  }
}

function prove(upload: ChunkUpload): ChunkProof {
  const check = checkChunk(upload)
  if (!check.ok)
    throw refused(
      check.reason,
      `the chunk of ${upload.chunk.length} bytes at offset ${upload.offset} does not prove its place in data root ${toBase64url(upload.dataRoot)} of ${upload.dataBytes} bytes: ${check.reason}`,
    )
  return { startOffset: Number(check.range.startOffset), endOffset: Number(check.range.endOffset), dataPath: upload.dataPath }
}

function refused(reason: string, message: string): HeddleError<'chunk-refused'> {
  return new HeddleError('chunk-refused', { reason }, message)
}
