/**
 * A guest's state on disk: self-describing, compressed, with the hash of what it holds.
 *
 * Wire        "HDLS" · u32 size of the header, little-endian · header (JSON) · body
 *             header: version, module, format, engine (what made it and must be the same to read it), ranges, globals, anchors, stateHash,
 *             packing (`raw`: the body is not compressed, else zstd); base and baseName when the body is what snapshot-pages.ts makes of the
 *             pages that differ from a template: its hash, and what its program calls it. It is then the dictionary of zstd as well.
 *             Without a base the body is the bytes of the ranges.
 * Source      our own
 * Invariants  `stateHash` is the SHA-256 of ranges, globals, anchors and bytes: equal states have equal hashes, however they are packed.
 *             Unpacking checks sizes before it allocates and the hash before it returns.
 *             Packing takes a millisecond or two for each 2 MiB: what takes longer to compress is left to `sealSnapshot`, off the thread.
 */
import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { asBuffer, concat, EMPTY, toHex, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { GUEST_MEMORY_BYTES_MAX } from '../base/limits.ts'
import { packPages, pagesBytesMax, unpackPages } from './snapshot-pages.ts'
import { type Range, rangeBytes, type StateImage } from './wasm/state-image.ts'

const MAGIC = Buffer.from('HDLS', 'latin1')
const VERSION = 2
const PREFIX_BYTES = 8
/** The lowest level that finds most of what a state has in common with its template; half the size of level 3. */
const COMPRESSION: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 5 } }
const FAST: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
const HEADER_BYTES_MAX = 64 * 1024
/** Bodies up to this size are compressed at once: a millisecond or two. */
const COMPRESSED_AT_ONCE_BYTES_MAX = 512 * 1024

export interface SnapshotOrigin {
  readonly module: string
  readonly format: string
  readonly engine: string
}

export interface SnapshotHeader extends SnapshotOrigin {
  readonly version: number
  readonly ranges: readonly (readonly [start: number, end: number])[]
  readonly globals: readonly string[]
  readonly anchors: readonly number[]
  /** Hexadecimal; what the state is known by. */
  readonly stateHash: string
  readonly packing: 'raw' | 'zstd'
  readonly base?: string
  readonly baseName?: string
}

/**
 * `template` is a state of the same module, if there is one: a process that still resembles it is kept as what differs.
 * The same template must be given to unpack; a program with several gives them names.
 */
export function packSnapshot(
  origin: SnapshotOrigin,
  image: StateImage,
  template: StateImage | null,
  templateName = '',
): Uint8Array<ArrayBuffer> {
  const pages = template === null ? null : packPages(image, template)
  const body = pages ?? image.bytes
  const isRaw = pages !== null || body.length > COMPRESSED_AT_ONCE_BYTES_MAX
  const { module, format, engine } = origin
  const header: SnapshotHeader = {
    version: VERSION,
    ...{ module, format, engine },
    ranges: image.ranges.map(({ start, end }) => [start, end] as const),
    globals: image.globals.map(String),
    anchors: image.anchors,
    stateHash: stateHash(image),
    packing: isRaw ? 'raw' : 'zstd',
    ...(pages === null || template === null ? {} : { base: templateHash(template), baseName: templateName }),
  }
  const snapshot = join(header, isRaw ? body : zstdCompressSync(body, FAST))
  if (pages !== null && template !== null) dictionaries.set(snapshot, sharedBytes(template))
  return snapshot
}

/** What `sealSnapshot` needs of the thread that packed the snapshot, if anything. Threads share it. */
export function dictionaryOf(snapshot: Uint8Array): Uint8Array | undefined {
  return dictionaries.get(snapshot)
}

/** The same snapshot, compressed if it was not; for the disk and the network. Works in the background. */
export async function sealSnapshot(snapshot: Uint8Array, dictionary = dictionaryOf(snapshot)): Promise<Uint8Array> {
  const { header, body } = splitSnapshot(snapshot)
  if (header.packing === 'zstd' || (header.base !== undefined && dictionary === undefined)) return snapshot
  const options = header.base === undefined || dictionary === undefined ? COMPRESSION : { ...COMPRESSION, dictionary }
  return join({ ...header, packing: 'zstd' }, await promisify(zstdCompress)(body, options))
}

/** What identifies the state: equal for equal states, however they are packed. Hexadecimal SHA-256. */
export function stateHashOf(snapshot: Uint8Array): string {
  return readSnapshotHeader(snapshot).stateHash
}

export function stateHash({ ranges, globals, anchors, bytes }: StateImage): string {
  const shape = JSON.stringify([ranges.map(({ start, end }) => [start, end]), globals.map(String), anchors])
  return toHex(sha256(concat([sha256(bytes), utf8(shape)])))
}

export function readSnapshotHeader(snapshot: Uint8Array): SnapshotHeader {
  return splitSnapshot(snapshot).header
}

/** The image inside; `expected` and `template` must be what the snapshot was made with. A function is asked for a template by its name. */
export function unpackSnapshot(
  snapshot: Uint8Array,
  expected: SnapshotOrigin,
  memoryBytesMax: number,
  template: StateImage | null | ((name: string) => StateImage | null),
): StateImage {
  const { header, body } = splitSnapshot(snapshot)
  const end = header.ranges.at(-1)?.[1] ?? 0
  if (end > memoryBytesMax) throw invalid(`needs ${end} bytes of memory, a process may have ${memoryBytesMax} here`)
  for (const key of ['module', 'format', 'engine'] as const)
    if (header[key] !== expected[key])
      throw invalid(`was made with ${key} "${header[key]}", here is "${expected[key]}"; compute the state again`)
  const base = header.base === undefined ? null : typeof template === 'function' ? template(header.baseName ?? '') : template
  const image = imageOf(header, body, base)
  const actual = stateHash(image)
  if (actual !== header.stateHash) throw invalid(`has the state hash ${actual}, its header says ${header.stateHash}`)
  return image
}

function imageOf(header: SnapshotHeader, body: Uint8Array, template: StateImage | null): StateImage {
  const ranges = header.ranges.map(([start, end]): Range => ({ start, end }))
  const size = rangeBytes(ranges)
  const parts = { ranges, globals: header.globals.map(BigInt), anchors: header.anchors }
  if (header.base === undefined) {
    const bytes = header.packing === 'raw' ? body : decompress(body, size)
    if (bytes.length !== size) throw invalid(`holds ${bytes.length} bytes, its header says ${size}`)
    return { ...parts, bytes }
  }
  if (template === null || templateHash(template) !== header.base)
    throw invalid(`was made as a difference to ${header.base}, which is not here; compute the state again`)
  const pages = header.packing === 'raw' ? body : decompress(body, pagesBytesMax(size), template.bytes)
  const bytes = unpackPages(pages, ranges, template)
  if (bytes === null) throw invalid('has pages that do not fit its ranges')
  return { ...parts, bytes }
}

/** Templates are made once for each module and never change. */
const templateHashes = new WeakMap<StateImage, string>()
const templateBytes = new WeakMap<StateImage, Uint8Array>()
const dictionaries = new WeakMap<Uint8Array, Uint8Array>()

function templateHash(template: StateImage): string {
  const known = templateHashes.get(template) ?? stateHash(template)
  templateHashes.set(template, known)
  return known
}

function sharedBytes(template: StateImage): Uint8Array {
  const known = templateBytes.get(template)
  if (known !== undefined) return known
  const shared = new Uint8Array(new SharedArrayBuffer(template.bytes.length))
  shared.set(template.bytes)
  templateBytes.set(template, shared)
  return shared
}

function join(header: SnapshotHeader, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = utf8(JSON.stringify(header))
  const out = new Uint8Array(PREFIX_BYTES + text.length + body.length) // Not from a pool: it travels between threads.
  out.set(MAGIC)
  new DataView(out.buffer).setUint32(MAGIC.length, text.length, true)
  out.set(text, PREFIX_BYTES)
  out.set(body, PREFIX_BYTES + text.length)
  return out
}

function splitSnapshot(snapshot: Uint8Array): { readonly header: SnapshotHeader; readonly body: Uint8Array } {
  const bytes = asBuffer(snapshot)
  if (bytes.length < PREFIX_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('does not begin with HDLS')
  const size = bytes.readUInt32LE(MAGIC.length)
  if (size > HEADER_BYTES_MAX || PREFIX_BYTES + size > bytes.length) throw invalid(`has a header of ${size} bytes`)
  const header = parseHeader(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + size))
  return { header, body: snapshot.subarray(PREFIX_BYTES + size) }
}

function parseHeader(text: string): SnapshotHeader {
  let header: Partial<SnapshotHeader> | null
  try {
    header = JSON.parse(text) as Partial<SnapshotHeader> | null
  } catch {
    throw invalid('has a header that is not JSON')
  }
  if (header?.version !== VERSION) throw invalid(`has version ${header?.version}, this program reads version ${VERSION}`)
  const { module, format, engine, stateHash, ranges, globals, anchors, packing, base = '', baseName = '' } = header
  const isText = [module, format, engine, stateHash, base, baseName].every((value) => typeof value === 'string')
  if (!isText || !Array.isArray(ranges) || !Array.isArray(globals) || !Array.isArray(anchors)) throw invalid('has an incomplete header')
  if (packing !== 'raw' && packing !== 'zstd') throw invalid(`is packed as ${String(packing)}`)
  if (!areRanges(ranges)) throw invalid('has memory ranges that overlap or do not fit')
  if (!globals.every((value) => /^-?\d{1,20}$/.test(String(value)))) throw invalid('has globals that are not numbers')
  if (!anchors.every((value) => Number.isSafeInteger(value) && value >= 0)) throw invalid('has anchors that are not numbers')
  return header as SnapshotHeader
}

function areRanges(ranges: readonly unknown[]): boolean {
  let end = 0
  return ranges.every((range) => {
    const [start, last] = Array.isArray(range) ? (range as readonly unknown[]) : []
    if (!isAddress(start) || !isAddress(last) || start < end || last < start) return false
    end = last
    return true
  })
}

function isAddress(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= GUEST_MEMORY_BYTES_MAX
}

function decompress(body: Uint8Array, sizeMax: number, dictionary?: Uint8Array): Uint8Array {
  if (sizeMax === 0) return EMPTY
  try {
    return zstdDecompressSync(body, { maxOutputLength: sizeMax, ...(dictionary === undefined ? {} : { dictionary }) })
  } catch (cause) {
    throw invalid('cannot be decompressed', cause)
  }
}

function invalid(problem: string, cause?: unknown): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'guest snapshot', at: 0 }, `the snapshot ${problem}`, { cause })
}
