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
import { toTextTags } from '../../codec/tags.ts'
import { type Archive, collect, dataBytesOf, type StoredRecord } from '../../services/archive.ts'
import { type Request, type Response, text } from '../route.ts'
import { contentEncodingHeader, contentTypeHeader } from './content-type.ts'
import { type ByteRange, matchesEtag, parseRange } from './range.ts'
import { tagHeaders } from './tag-headers.ts'

const HOT_BYTES_MAX = 1024 * 1024
const HOT_TOTAL_BYTES = 256 * 1024 * 1024
const UNSTABLE_CACHE = 'public, max-age=7200'

export interface ServeOptions {
  /** `/raw/{id}`: bytes as stored, without Content-Encoding, since those who ask for raw bytes decode them themselves. */
  readonly raw: boolean
  readonly cacheControl?: string
}

/** What an answer is made of. */
interface Source {
  readonly id: TxId
  readonly record: StoredRecord
  /** Null when they are streamed. */
  readonly bytes: Uint8Array | null
  /** Null when nobody has computed it: data that came in a bundle or a transaction, and is large. */
  readonly digest: string | null
  /** Of AO items: what their tags say. */
  readonly tags: Response['headers'] | null
}

type RangeReader = (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array

/** Serves from the archive, with the small and often read kept in memory. */
export class DataServer {
  readonly #archive: Archive
  readonly #hot = new LRUCache<TxId, Source>({ maxSize: HOT_TOTAL_BYTES, sizeCalculation: ({ bytes }) => (bytes?.length ?? 0) + 512 })

  constructor(archive: Archive) {
    this.#archive = archive
  }

  async findRecord(id: TxId): Promise<StoredRecord | null> {
    return this.#hot.get(id)?.record ?? (await this.#archive.find(id))
  }

  /** Null when the id is unknown or its bytes are not here. */
  async serve(id: TxId, request: Request, options: ServeOptions): Promise<Response | null> {
    const held = this.#hot.get(id)
    if (held !== undefined) return this.#answer(request, options, held)
    const record = await this.#archive.find(id)
    if (record === null) return null
    return this.#answer(request, options, (await this.#load(id, record)) ?? (await this.#large(id, record)))
  }

  /** Forgets everything: the store was emptied. */
  clear(): void {
    this.#hot.clear()
  }

  /** Null for what is not kept in memory, and while some of it has not arrived. */
  async #load(id: TxId, record: StoredRecord): Promise<Source | null> {
    if (dataBytesOf(record) > HOT_BYTES_MAX || !(await this.#archive.hasData(id, record))) return null
    const bytes = await collect(this.#archive.streamData(id, record, 0, dataBytesOf(record)))
    const known = record.kind === 'item' ? record.digest : null
    const hot = { id, record, bytes, digest: known ?? toBase64url(sha256(bytes)), tags: await this.#tags(id, record) }
    this.#hot.set(id, hot)
    return hot
  }

  async #large(id: TxId, record: StoredRecord): Promise<Source> {
    return { id, record, bytes: null, digest: record.kind === 'item' ? record.digest : null, tags: await this.#tags(id, record) }
  }

  async #tags(id: TxId, record: StoredRecord): Promise<Response['headers'] | null> {
    if (record.kind !== 'item' || record.isAo !== true) return null
    const header = await this.#archive.itemHeader(id)
    return header === null ? null : tagHeaders(toTextTags(header.tags))
  }

  async #answer(request: Request, options: ServeOptions, source: Source): Promise<Response | null> {
    const { id, record, digest } = source
    const size = dataBytesOf(record)
    const headers = dataHeaders(source, options)
    if (digest !== null && matchesEtag(request.headers['if-none-match'], `"${digest}"`)) {
      const { 'content-type': _type, 'content-encoding': _encoding, ...kept } = headers
      return { status: 304, headers: kept, body: null }
    }
    const read: RangeReader = ({ start, end }) =>
      source.bytes?.subarray(start, end) ?? this.#archive.streamData(id, record, start, end, request.signal)
    const outcome = parseRange(request.headers['range'], size)
    switch (outcome.kind) {
      case 'whole':
        // Checked before the status line goes out: a stream that breaks off is no answer.
        if (source.bytes === null && !(await this.#archive.hasData(id, record))) return null
        return { status: 200, headers: { ...headers, 'content-length': size }, body: read({ start: 0, end: size }) }
      case 'ranges':
        return outcome.ranges.length === 1
          ? single(headers, size, outcome.ranges[0]!, read)
          : multipart(headers, size, outcome.ranges, read)
      case 'unsatisfiable':
        return text(416, 'Range not satisfiable', { 'content-range': `bytes */${size}` })
      case 'malformed':
        return text(400, `Malformed 'range' header`)
    }
  }
}

function dataHeaders({ id, record, digest, tags }: Source, options: ServeOptions): Response['headers'] {
  const encoding = options.raw ? null : contentEncodingHeader(record.contentEncoding)
  return {
    ...tags,
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

function single(headers: Response['headers'], size: number, range: ByteRange, read: RangeReader): Response {
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end - 1}/${size}`, 'content-length': range.end - range.start },
    body: read(range),
  }
}

function multipart(headers: Response['headers'], size: number, ranges: readonly ByteRange[], read: RangeReader): Response {
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
      const part = read(range)
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
