/**
 * A guest's state on disk: self-describing, compressed, with the hash of what it holds.
 *
 * Wire        "HDLS" · u32 size of the header, little-endian · header (JSON) · state image (zstd)
 *             header: version, module, format, engine (what made it and must be the same to read it), ranges, globals, anchors, stateHash
 * Source      our own
 * Invariants  `stateHash` is the SHA-256 of globals and image: equal states have equal hashes, whatever compressed them.
 *             Unpacking checks sizes before it allocates and the hash before it returns.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { concat, toHex, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { GUEST_MEMORY_BYTES_MAX } from '../base/limits.ts'
import { type Range, rangeBytes, type StateImage } from './wasm/state-image.ts'

const MAGIC = Buffer.from('HDLS', 'latin1')
const VERSION = 1
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const HEADER_BYTES_MAX = 64 * 1024

export interface SnapshotHeader {
  readonly version: number
  readonly module: string
  readonly format: string
  readonly engine: string
  readonly ranges: readonly (readonly [start: number, end: number])[]
  readonly globals: readonly string[]
  readonly anchors: readonly number[]
  readonly stateHash: string
}

export function packSnapshot(origin: Pick<SnapshotHeader, 'module' | 'format' | 'engine'>, image: StateImage): Uint8Array {
  const header: SnapshotHeader = {
    version: VERSION,
    ...origin,
    ranges: image.ranges.map(({ start, end }) => [start, end] as const),
    globals: image.globals.map(String),
    anchors: image.anchors,
    stateHash: stateHash(image),
  }
  const text = utf8(JSON.stringify(header))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(text.length)
  return concat([MAGIC, size, text, zstdCompressSync(image.bytes, FAST)])
}

/** Hexadecimal SHA-256 of the state. */
export function stateHash(image: StateImage): string {
  return toHex(sha256(concat([sha256(image.bytes), utf8(JSON.stringify([image.ranges, image.globals.map(String)]))])))
}

export function readSnapshotHeader(snapshot: Uint8Array): SnapshotHeader {
  return splitSnapshot(snapshot).header
}

/** The image inside; `expected` must be what the snapshot was made with. */
export function unpackSnapshot(
  snapshot: Uint8Array,
  expected: Pick<SnapshotHeader, 'module' | 'format' | 'engine'>,
  memoryBytesMax = GUEST_MEMORY_BYTES_MAX,
): StateImage {
  const { header, body } = splitSnapshot(snapshot)
  const end = header.ranges.at(-1)?.[1] ?? 0
  if (end > memoryBytesMax) throw invalid(`needs ${end} bytes of memory, a process may have ${memoryBytesMax} here`)
  for (const key of ['module', 'format', 'engine'] as const)
    if (header[key] !== expected[key])
      throw invalid(`was made with ${key} "${header[key]}", here is "${expected[key]}"; compute the state again`)
  const ranges = header.ranges.map(([start, end]): Range => ({ start, end }))
  const image = { ranges, globals: header.globals.map(BigInt), anchors: header.anchors, bytes: decompress(body, rangeBytes(ranges)) }
  const actual = stateHash(image)
  if (actual !== header.stateHash) throw invalid(`has the state hash ${actual}, its header says ${header.stateHash}`)
  return image
}

function splitSnapshot(snapshot: Uint8Array): { readonly header: SnapshotHeader; readonly body: Uint8Array } {
  const bytes = Buffer.from(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength)
  if (bytes.length < 8 || !bytes.subarray(0, 4).equals(MAGIC)) throw invalid('does not begin with HDLS')
  const size = bytes.readUInt32LE(4)
  if (size > HEADER_BYTES_MAX || 8 + size > bytes.length) throw invalid(`has a header of ${size} bytes`)
  const header = parseHeader(bytes.toString('utf8', 8, 8 + size))
  return { header, body: bytes.subarray(8 + size) }
}

function parseHeader(text: string): SnapshotHeader {
  let header: Partial<SnapshotHeader> | null
  try {
    header = JSON.parse(text) as Partial<SnapshotHeader> | null
  } catch {
    throw invalid('has a header that is not JSON')
  }
  if (header?.version !== VERSION) throw invalid(`has version ${header?.version}, this program reads version ${VERSION}`)
  const isText = [header.module, header.format, header.engine, header.stateHash].every((value) => typeof value === 'string')
  const { ranges, globals, anchors } = header
  if (!isText || !Array.isArray(ranges) || !Array.isArray(globals) || !Array.isArray(anchors)) throw invalid('has an incomplete header')
  if (!areRanges(ranges)) throw invalid('has memory ranges that overlap or do not fit')
  if (!globals.every((value) => /^-?\d{1,20}$/.test(String(value)))) throw invalid('has globals that are not numbers')
  if (!anchors.every(isAddress)) throw invalid('has addresses outside of the memory')
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

function decompress(body: Uint8Array, size: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = zstdDecompressSync(body, { maxOutputLength: Math.max(size, 1) })
  } catch (cause) {
    throw invalid('cannot be decompressed', cause)
  }
  if (bytes.length !== size) throw invalid(`holds ${bytes.length} bytes, its header says ${size}`)
  return bytes
}

function invalid(problem: string, cause?: unknown): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'guest snapshot', at: 0 }, `the snapshot ${problem}`, { cause })
}
