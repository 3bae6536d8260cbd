/**
 * How index events travel to the writer's thread, and how a row is kept: packed into one buffer, since cloning thousands of small objects costs more
 * than indexing them.
 *
 * Wire        Event: kind u8, then its fields in the order of `packEvents`. Row body: see `packBody`. Integers are big-endian.
 * Invariants  A row's body is stored as it was packed and unpacked only by the thread that asked for it. The public key travels beside the body, because
 *             the index keeps one copy of it for each owner.
 */
import { asBuffer, bigEndian, fromBigEndian, minimalBigEndian } from '../../base/bytes.ts'
import type { Address, TxId } from '../../base/ids.ts'
import { bytesToAddress, bytesToId } from '../../base/ids.ts'
import type { Tag } from '../../codec/tags.ts'
import type { IndexBlock, IndexEvent, IndexRow } from '../index-store.ts'

export const ID_BYTES = 32
const HASH_BYTES = 48
const FIRST_BUFFER_BYTES = 64 * 1024

const KINDS = ['row', 'bundled', 'block', 'unblock', 'drop'] as const

/** An event as the writer reads it: views into the packed buffer. */
export type PackedEvent =
  | { readonly kind: 'row'; readonly key: Uint8Array; readonly parent: Uint8Array | null; readonly body: Uint8Array }
  | { readonly kind: 'bundled'; readonly parent: Uint8Array; readonly ids: readonly Uint8Array[] }
  | {
      readonly kind: 'block'
      readonly hash: Uint8Array
      readonly previous: Uint8Array
      readonly height: number
      readonly timestampS: number
      readonly txIds: readonly Uint8Array[]
    }
  | { readonly kind: 'unblock'; readonly hash: Uint8Array }
  | { readonly kind: 'drop'; readonly id: Uint8Array }

/** Where the parts of a packed body stand that the writer needs. */
export interface BodyFacts {
  readonly id: Uint8Array
  readonly ownerAddress: Uint8Array
  readonly isDataItem: boolean
  readonly ingestedAtS: number
  readonly target: Uint8Array
}

class Packer {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  #at = 0

  uint(value: number, size: 1 | 2 | 4 | 6): void {
    this.#room(size)
    this.#at = this.#buffer.writeUIntBE(value, this.#at, size)
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Its length as u32, then the bytes. */
  blob(bytes: Uint8Array): void {
    this.uint(bytes.length, 4)
    this.bytes(bytes)
  }

  /** The bytes that a checked identifier stands for. */
  ident(text: string, size: number): void {
    this.#room(size)
    this.#buffer.write(text, this.#at, size, 'base64url')
    this.#at += size
  }

  /** Reserves a u32 that tells the length of what `fill` writes. */
  sized(fill: () => void): void {
    const at = this.#at
    this.uint(0, 4)
    fill()
    this.#buffer.writeUInt32BE(this.#at - at - 4, at)
  }

  /** The bytes written, in an ArrayBuffer of their own that can be handed to another thread. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#at)
  }

  #room(size: number): void {
    if (this.#at + size <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + size))
    grown.set(this.#buffer.subarray(0, this.#at))
    this.#buffer = grown
  }
}

export function packEvents(events: readonly IndexEvent[]): Uint8Array<ArrayBuffer> {
  const out = new Packer()
  for (const event of events) {
    out.uint(KINDS.indexOf(event.kind), 1)
    switch (event.kind) {
      case 'row':
        packRow(out, event.row)
        break
      case 'bundled':
        out.ident(event.parent, ID_BYTES)
        packIds(out, event.ids)
        break
      case 'block':
        packBlock(out, event.block)
        break
      case 'unblock':
        out.ident(event.hash, HASH_BYTES)
        break
      case 'drop':
        out.ident(event.id, ID_BYTES)
        break
    }
  }
  return out.finish()
}

export function* unpackEvents(packed: Uint8Array): Generator<PackedEvent> {
  const from = new Unpacker(packed)
  while (!from.isAtEnd()) {
    const kind = KINDS[from.uint(1)]!
    switch (kind) {
      case 'row': {
        const parent = from.uint(1) === 1 ? from.bytes(ID_BYTES) : null
        yield { kind, parent, key: from.blob(), body: from.blob() }
        break
      }
      case 'bundled':
        yield { kind, parent: from.bytes(ID_BYTES), ids: unpackIds(from) }
        break
      case 'block': {
        const [height, timestampS, hash, previous] = [from.uint(4), from.uint(6), from.bytes(HASH_BYTES), from.blob()]
        yield { kind, height, timestampS, hash, previous, txIds: unpackIds(from) }
        break
      }
      case 'unblock':
        yield { kind, hash: from.bytes(HASH_BYTES) }
        break
      case 'drop':
        yield { kind, id: from.bytes(ID_BYTES) }
        break
    }
  }
}

export function bodyFacts(body: Uint8Array): BodyFacts {
  const from = new Unpacker(body)
  const [id, ownerAddress, flags] = [from.bytes(ID_BYTES), from.bytes(ID_BYTES), from.uint(1)]
  from.bytes(2)
  const ingestedAtS = from.uint(6)
  from.bytes(8)
  return { id, ownerAddress, isDataItem: (flags & 1) !== 0, ingestedAtS, target: from.blob() }
}

/** The tags of a packed body, in order. */
export function bodyTags(body: Uint8Array): Tag[] {
  const from = new Unpacker(body)
  from.bytes(2 * ID_BYTES + 1 + 2 + 6 + 8)
  for (let i = 0; i < 5; i++) from.blob() // target, quantity, reward, signature, anchor
  return unpackTags(from)
}

/** What the body does not hold. */
export interface RowContext {
  readonly owner: Uint8Array
  readonly parent: TxId | null
}

export function unpackRow(body: Uint8Array, { owner, parent }: RowContext): IndexRow {
  const from = new Unpacker(body)
  const [id, ownerAddress, flags] = [bytesToId(from.bytes(ID_BYTES)), bytesToAddress(from.bytes(ID_BYTES)), from.uint(1)]
  const [type, ingestedAtS, dataBytes] = [from.uint(2), from.uint(6), fromBigEndian(from.bytes(8))]
  const target = asBuffer(from.blob()).toString('base64url') as TxId | Address | ''
  const [quantityWinston, rewardWinston] = [fromBigEndian(from.blob()), fromBigEndian(from.blob())]
  const [signature, anchor] = [from.blob(), from.blob()]
  return {
    id,
    signatureType: (flags & 2) !== 0 ? type : null,
    signature,
    owner,
    ownerAddress,
    target,
    anchor,
    tags: unpackTags(from),
    quantityWinston,
    rewardWinston,
    dataBytes,
    parent,
    isDataItem: (flags & 1) !== 0,
    ingestedAtS,
  }
}

function packRow(out: Packer, row: IndexRow): void {
  out.uint(row.parent === null ? 0 : 1, 1)
  if (row.parent !== null) out.ident(row.parent, ID_BYTES)
  out.blob(row.owner)
  out.sized(() => packBody(out, row))
}

/** Fixed part first, so that the writer finds its fields without reading the rest. */
function packBody(out: Packer, row: IndexRow): void {
  out.ident(row.id, ID_BYTES)
  out.ident(row.ownerAddress, ID_BYTES)
  out.uint((row.isDataItem ? 1 : 0) | (row.signatureType === null ? 0 : 2), 1)
  out.uint(row.signatureType ?? 0, 2)
  out.uint(Math.max(0, Math.floor(row.ingestedAtS)), 6)
  out.bytes(bigEndian(row.dataBytes, 8))
  out.blob(Buffer.from(row.target, 'base64url'))
  out.blob(minimalBigEndian(row.quantityWinston))
  out.blob(minimalBigEndian(row.rewardWinston))
  out.blob(row.signature)
  out.blob(row.anchor)
  out.uint(row.tags.length, 4)
  for (const { name, value } of row.tags) {
    out.blob(name)
    out.blob(value)
  }
}

function packBlock(out: Packer, block: IndexBlock): void {
  out.uint(block.height, 4)
  out.uint(block.timestampS, 6)
  out.ident(block.hash, HASH_BYTES)
  out.blob(Buffer.from(block.previous, 'base64url'))
  packIds(out, block.txIds)
}

function packIds(out: Packer, ids: readonly TxId[]): void {
  out.uint(ids.length, 4)
  for (const id of ids) out.ident(id, ID_BYTES)
}

function unpackIds(from: Unpacker): Uint8Array[] {
  return Array.from({ length: from.uint(4) }, () => from.bytes(ID_BYTES))
}

function unpackTags(from: Unpacker): Tag[] {
  return Array.from({ length: from.uint(4) }, () => ({ name: from.blob(), value: from.blob() }))
}

/** Reads what `Packer` wrote; never sees bytes from outside. */
class Unpacker {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = asBuffer(bytes)
  }

  isAtEnd(): boolean {
    return this.#at >= this.#buffer.length
  }

  uint(size: 1 | 2 | 4 | 6): number {
    const value = this.#buffer.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  bytes(size: number): Uint8Array {
    this.#at += size
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + this.#at - size, size)
  }

  blob(): Uint8Array {
    return this.bytes(this.uint(4))
  }
}
