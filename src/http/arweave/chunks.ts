/**
 * Chunks by their place on the weave, and their upload.
 *
 * Wire    POST /chunk {data_root, data_size, data_path, offset, chunk} -> 200 empty; 400 {"error": word}; 413 "Payload too large"
 *         GET /chunk/{o} -> {chunk, tx_path, data_path, packing, absolute_end_offset, chunk_size} for any byte of it, one-based; 404 empty;
 *         /chunk2/{o} the same in binary; /chunk_proof/{o} without the bytes; /unconfirmed_chunk/{id}/{o} by byte of a transaction, 0 the first
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, ar_serialize.erl poa_map_to_binary, release 92
 * Client  arweave-js 1.15 takes any status but 200 for an error and waits some 30 s; so a chunk that a node would keep only for a while
 *         (303) is 200 here.
 */
import { bigEndian, toBase64url, utf8 } from '../../base/bytes.ts'
import { CHUNK_BODY_BYTES_MAX } from '../../base/limits.ts'
import { parseChunkJson } from '../../codec/chunk-upload.ts'
import type { Weave, WeaveChunk } from '../../services/weave/weave.ts'
import { bytes, empty, json, type Request, type Response, type Route } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findNatural, findTxId, parseJsonBody } from './parts.ts'

const PACKING = 'unpacked'

export function chunkRoutes({ weave }: ArweaveDeps): Route[] {
  return [
    { method: 'POST', path: '/chunk', handle: (request) => post(weave, request) },
    { method: 'GET', path: '/chunk/:offset', handle: (request) => get(weave, request, asJson) },
    { method: 'GET', path: '/chunk2/:offset', handle: (request) => get(weave, request, asBinary) },
    { method: 'GET', path: '/chunk_proof/:offset', handle: (request) => get(weave, request, asProof) },
    { method: 'GET', path: '/unconfirmed_chunk/:id/:offset', handle: (request) => getPending(weave, request) },
  ]
}

async function post(weave: Weave, request: Request): Promise<Response> {
  await weave.acceptChunk(parseChunkJson(parseJsonBody(await request.body(CHUNK_BODY_BYTES_MAX))))
  return empty(200)
}

async function get(weave: Weave, request: Request, show: (chunk: WeaveChunk) => Response): Promise<Response> {
  const offset = findNatural(request.params['offset'])
  if (offset === null) return json(400, { error: 'invalid_offset' })
  const chunk = await weave.chunkAt(offset, { byBucket: request.headers['x-bucket-based-offset'] !== undefined })
  return chunk === null ? empty(404) : show(chunk)
}

function asJson(chunk: WeaveChunk): Response {
  const body = {
    chunk: toBase64url(chunk.bytes),
    tx_path: toBase64url(chunk.txPath),
    data_path: toBase64url(chunk.dataPath),
    packing: PACKING,
    absolute_end_offset: String(chunk.endOffset),
    chunk_size: String(chunk.bytes.length),
  }
  return json(200, body, { 'arweave-absolute-end-offset': String(chunk.endOffset) })
}

function asBinary({ bytes: chunk, txPath, dataPath }: WeaveChunk): Response {
  const parts = [chunk, txPath, dataPath].flatMap((field) => [bigEndian(field.length, 3), field])
  return bytes(200, Buffer.concat([...parts, Uint8Array.of(PACKING.length), utf8(PACKING)]))
}

function asProof({ txPath, dataPath, endOffset }: WeaveChunk): Response {
  return json(200, { tx_path: toBase64url(txPath), data_path: toBase64url(dataPath), absolute_end_offset: String(endOffset) })
}

async function getPending(weave: Weave, { params }: Request): Promise<Response> {
  const id = findTxId(params['id'])
  const offset = findNatural(params['offset'])
  if (id === null) return json(400, { error: 'invalid_tx_id' })
  if (offset === null) return json(400, { error: 'invalid_offset' })
  const chunk = await weave.chunkOf(id, offset)
  if (chunk === null) return empty(404)
  return json(200, { chunk: toBase64url(chunk.bytes), data_path: toBase64url(chunk.dataPath), packing: PACKING, is_stored_long_term: true })
}
