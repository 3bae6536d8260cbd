/**
 * Bytes of a transaction or data item as an HTTP answer: whole, ranges, conditional, or only its headers.
 *
 * Wire        200, 206 (single or multipart/byteranges), 304, 400, 416; ETag, Content-Digest, Accept-Ranges, X-AR-IO-* as ar-io-node sends them
 * Invariants  Bytes are never re-encoded or compressed on the way: that would break digests, ranges and lengths.
 */
import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { type Archive, collect, dataBytesOf, type StoredRecord } from '../../services/archive.ts'
import { type Request, type Response, text } from '../route.ts'
import { contentEncodingHeader, contentTypeHeader } from './content-type.ts'
import { type ByteRange, matchesEtag, parseRange } from './range.ts'

const HOT_BYTES_MAX = 1024 * 1024
const HOT_TOTAL_BYTES = 256 * 1024 * 1024
const UNSTABLE_CACHE = 'public, max-age=7200'

export interface ServeOptions {
  /** `/raw/{id}`: bytes as stored, without Content-Encoding, since those who ask for raw bytes decode them themselves. */
  readonly raw: boolean
  readonly cacheControl?: string
}

interface Hot {
  readonly record: StoredRecord
  readonly bytes: Uint8Array
  readonly digest: string
}

/** Serves from the archive, with the small and often read kept in memory. */
export class DataServer {
  readonly #archive: Archive
  readonly #hot = new LRUCache<TxId, Hot>({ maxSize: HOT_TOTAL_BYTES, sizeCalculation: ({ bytes }) => bytes.length + 512 })

  constructor(archive: Archive) {
    this.#archive = archive
  }

  async findRecord(id: TxId): Promise<StoredRecord | null> {
    return this.#hot.get(id)?.record ?? (await this.#archive.find(id))
  }

  /** Null when the id is unknown or its bytes are not here. */
  async serve(id: TxId, request: Request, options: ServeOptions): Promise<Response | null> {
    const hot = await this.#load(id)
    if (hot !== null) return this.#answer(request, options, id, hot.record, hot.digest, hot.bytes)
    const record = await this.#archive.find(id)
    if (record === null) return null
    return this.#answer(request, options, id, record, record.kind === 'item' ? record.digest : null, null)
  }

  /** Forgets everything: the store was emptied. */
  clear(): void {
    this.#hot.clear()
  }

  async #load(id: TxId): Promise<Hot | null> {
    const held = this.#hot.get(id)
    if (held !== undefined) return held
    const record = await this.#archive.find(id)
    if (record === null || dataBytesOf(record) > HOT_BYTES_MAX) return null
    const bytes = await this.#complete(id, record)
    if (bytes === null) return null
    const known = record.kind === 'item' ? record.digest : null
    const hot = { record, bytes, digest: known ?? toBase64url(sha256(bytes)) }
    this.#hot.set(id, hot)
    return hot
  }

  /** The payload, or null while some of it has not arrived. */
  async #complete(id: TxId, record: StoredRecord): Promise<Uint8Array | null> {
    try {
      return await collect(this.#archive.streamData(id, record, 0, dataBytesOf(record)))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #answer(
    request: Request,
    options: ServeOptions,
    id: TxId,
    record: StoredRecord,
    digest: string | null,
    bytes: Uint8Array | null,
  ): Promise<Response | null> {
    const size = dataBytesOf(record)
    const headers = dataHeaders(id, record, digest, options)
    if (digest !== null && matchesEtag(request.headers['if-none-match'], `"${digest}"`)) {
      const { 'content-type': _type, 'content-encoding': _encoding, ...kept } = headers
      return { status: 304, headers: kept, body: null }
    }
    const source = (range: ByteRange): AsyncIterable<Uint8Array> | Uint8Array =>
      bytes?.subarray(range.start, range.end) ?? this.#archive.streamData(id, record, range.start, range.end, request.signal)
    const outcome = parseRange(request.headers['range'], size)
    switch (outcome.kind) {
      case 'whole':
        return this.#whole(headers, size, source)
      case 'ranges':
        return outcome.ranges.length === 1
          ? single(headers, size, outcome.ranges[0]!, source)
          : multipart(headers, size, outcome.ranges, source)
      case 'unsatisfiable':
        return text(416, 'Range not satisfiable', { 'content-range': `bytes */${size}` })
      case 'malformed':
        return text(400, `Malformed 'range' header`)
    }
  }

  /** Large data is checked to be here before 200 is sent: its first piece is read ahead. */
  async #whole(
    headers: Response['headers'],
    size: number,
    source: (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<Response | null> {
    const body = source({ start: 0, end: size })
    const full = { ...headers, 'content-length': size }
    if (body instanceof Uint8Array) return { status: 200, headers: full, body }
    const ready = await readAhead(body)
    return ready === null ? null : { status: 200, headers: full, body: ready }
  }
}

function dataHeaders(id: TxId, record: StoredRecord, digest: string | null, options: ServeOptions): Response['headers'] {
  const encoding = options.raw ? null : contentEncodingHeader(record.contentEncoding)
  return {
    'content-type': contentTypeHeader(record.contentType),
    'accept-ranges': 'bytes',
    'cache-control': options.cacheControl ?? UNSTABLE_CACHE,
    'x-ar-io-data-id': id,
    'cross-origin-resource-policy': 'cross-origin',
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
    ...(digest === null ? {} : digestHeaders(digest)),
  }
}

function digestHeaders(digest: string): Response['headers'] {
  return {
    etag: `"${digest}"`,
    'content-digest': `sha-256=:${Buffer.from(fromBase64url(digest)).toString('base64')}:`,
    'x-ar-io-digest': digest,
  }
}

async function single(
  headers: Response['headers'],
  size: number,
  range: ByteRange,
  source: (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array,
): Promise<Response | null> {
  const body = source(range)
  const ready = body instanceof Uint8Array ? body : await readAhead(body)
  if (ready === null) return null
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end - 1}/${size}`, 'content-length': range.end - range.start },
    body: ready,
  }
}

function multipart(
  headers: Response['headers'],
  size: number,
  ranges: readonly ByteRange[],
  source: (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array,
): Response {
  const boundary = `${'-'.repeat(26)}${randomBytes(12).toString('hex')}`
  const heads = ranges.map((range) =>
    utf8(
      `--${boundary}\r\nContent-Type: ${headers['content-type']}\r\nContent-Range: bytes ${range.start}-${range.end - 1}/${size}\r\n\r\n`,
    ),
  )
  const tail = utf8(`--${boundary}--\r\n`)
  const length = ranges.reduce((sum, { start, end }, i) => sum + heads[i]!.length + (end - start) + 2, tail.length)
  async function* body(): AsyncIterable<Uint8Array> {
    for (const [i, range] of ranges.entries()) {
      yield heads[i]!
      const part = source(range)
      if (part instanceof Uint8Array) yield part
      else yield* part
      yield utf8('\r\n')
    }
    yield tail
  }
  return {
    status: 206,
    headers: { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}`, 'content-length': length },
    body: body(),
  }
}

/** Starts reading, so that absent data is found before the status line is sent; null when it is absent. */
async function readAhead(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array> | null> {
  const iterator = source[Symbol.asyncIterator]()
  let first: IteratorResult<Uint8Array>
  try {
    first = await iterator.next()
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  return {
    async *[Symbol.asyncIterator]() {
      if (first.done !== true) yield first.value
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
    },
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'not-found'
}
