/**
 * A chunk as clients upload it: the body of POST /chunk and the checks that need nothing but the body.
 *
 * Wire        {"data_root","data_size","data_path","offset","chunk"}: bytes as base64url, integers as decimal strings; other members are ignored.
 *             `offset` is any byte of the chunk inside the transaction, 0 the first; arweave-js sends the last.
 * Source      ArweaveTeam/arweave ar_http_iface_middleware.erl, ar_poa.erl (2.9)
 * Invariants  The reasons are the words that nodes answer, tried in their order. Client: arweave-js 1.15 gives up at once on some of them and
 *             retries the others for an hour, so the word matters.
 */
import { equalBytes } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { CHUNK_BYTES_MAX, DATA_PATH_BYTES_MAX, TX_DATA_BYTES_MAX } from '../base/limits.ts'
import { isValidWithoutRebase, leafEndOf, type ProvenRange, validateDataPath } from './data-path.ts'
import { asJsonObject, bytesField, naturalField, sizedBytesField } from './json-fields.ts'

export interface ChunkUpload {
  readonly dataRoot: Uint8Array
  /** Of the whole transaction. */
  readonly dataBytes: bigint
  readonly dataPath: Uint8Array
  readonly offset: bigint
  readonly chunk: Uint8Array
}

export type ChunkRefusal =
  | 'invalid_json'
  | 'offset_field_required'
  | 'chunk_too_big'
  | 'data_path_too_big'
  | 'offset_too_big'
  | 'data_size_too_big'
  | 'chunk_proof_ratio_not_attractive'
  | 'invalid_proof'

export type ChunkCheck = { readonly ok: true; readonly range: ProvenRange } | { readonly ok: false; readonly reason: ChunkRefusal }

const OFFSET_MAX = 2n ** 256n - 1n
const DATA_ROOT_BYTES = 32

/** Fails with `chunk-refused`. */
export function parseChunkJson(value: unknown): ChunkUpload {
  try {
    const json = asJsonObject(value, 'chunk')
    if (json['offset'] === undefined)
      throw refused('offset_field_required', 'offset is missing; send any byte of the chunk, as a decimal string')
    return {
      dataRoot: sizedBytesField(json, 'data_root', DATA_ROOT_BYTES),
      dataBytes: naturalField(json, 'data_size'),
      dataPath: bytesField(json, 'data_path'),
      offset: naturalField(json, 'offset'),
      chunk: bytesField(json, 'chunk'),
    }
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code === 'chunk-refused') throw error
    throw refused('invalid_json', error.message, error)
  }
}

/** Does the chunk belong where it says it does? */
export function checkChunk(upload: ChunkUpload): ChunkCheck {
  const tooBig = oversized(upload)
  if (tooBig !== null) return { ok: false, reason: tooBig }
  if (!isWorthItsProof(upload)) return { ok: false, reason: 'chunk_proof_ratio_not_attractive' }
  const { dataRoot, offset, dataBytes, dataPath, chunk } = upload
  const range = validateDataPath(dataRoot, offset, dataBytes, dataPath)
  if (range === null || range.endOffset - range.startOffset !== BigInt(chunk.length)) return { ok: false, reason: 'invalid_proof' }
  if (isValidWithoutRebase(dataRoot, offset, dataBytes, dataPath)) return { ok: false, reason: 'invalid_proof' }
  return equalBytes(sha256(chunk), range.chunkHash) ? { ok: true, range } : { ok: false, reason: 'invalid_proof' }
}

function oversized({ chunk, dataPath, offset, dataBytes }: ChunkUpload): ChunkRefusal | null {
  if (chunk.length > CHUNK_BYTES_MAX) return 'chunk_too_big'
  if (dataPath.length > DATA_PATH_BYTES_MAX) return 'data_path_too_big'
  if (offset > OFFSET_MAX) return 'offset_too_big'
  return dataBytes > BigInt(TX_DATA_BYTES_MAX) ? 'data_size_too_big' : null
}

/** Tiny chunks with long proofs would cost more to keep than they pay; the last chunk may be tiny. */
function isWorthItsProof({ dataPath, dataBytes, chunk }: ChunkUpload): boolean {
  return leafEndOf(dataPath) === dataBytes || dataPath.length <= chunk.length
}

function refused(reason: ChunkRefusal, problem: string, cause?: Error): HeddleError<'chunk-refused'> {
  return new HeddleError('chunk-refused', { reason }, `chunk: ${problem}`, { cause })
}
