/**
 * The linear memory of a guest as its host reads and writes it: checked, and the same for 32 and 64 bit addresses.
 *
 * Invariants  Addresses come from the guest and are never trusted: what does not lie in the memory is the program's fault, not a crash.
 */
import { asBuffer } from '../../base/bytes.ts'
import { GuestFault } from '../guest.ts'

export const PAGE_BYTES = 65_536
const EMPTY_PAGE = new Uint8Array(PAGE_BYTES)

export class GuestMemory {
  readonly is64: boolean
  /** Of a pointer, and of what C calls size_t and long. */
  readonly wordBytes: 4 | 8
  #memory: WebAssembly.Memory | null = null
  #bytes = new Uint8Array(0)
  #view = new DataView(new ArrayBuffer(0))

  constructor(is64: boolean) {
    this.is64 = is64
    this.wordBytes = is64 ? 8 : 4
  }

  /** Imports are made before the instance that has the memory. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory
  }

  /** All of it as it is now; growth makes older views useless. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#refresh()
    return this.#bytes
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  get pages(): number {
    return this.sizeBytes / PAGE_BYTES
  }

  /** Up to exactly so many pages. The caller knows that the module may have them. */
  growTo(pages: number): void {
    const missing = pages - this.pages
    if (missing <= 0) return
    try {
      this.#memory?.grow((this.is64 ? BigInt(missing) : missing) as number) // 64 bit memories take a BigInt in this version of V8.
    } catch (cause) {
      // The node, not the guest, is short of memory. Other nodes go on, so this must not become a result: no GuestFault.
      throw new Error(`this node has no ${pages * PAGE_BYTES} bytes of memory for a process`, { cause })
    }
    this.#refresh()
  }

  slice(address: number, size: number): Uint8Array {
    const at = this.#checked(address, size)
    return this.bytes.subarray(at, at + size)
  }

  /** What lies beyond the end is left out, as in AO units: where Lua finds no room for a text it copies nothing from 0 to 0, and then says so. */
  copy(target: number, source: number, size: number): void {
    const from = this.#unsigned(source)
    this.bytes.copyWithin(this.#unsigned(target), from, from + this.#unsigned(size))
  }

  readI32(address: number): number {
    return this.#viewOf(address, 4).getInt32(this.#unsigned(address), true)
  }

  writeI32(address: number, value: number): void {
    this.#viewOf(address, 4).setInt32(this.#unsigned(address), value, true)
  }

  writeI64(address: number, value: number): void {
    this.#viewOf(address, 8).setBigInt64(this.#unsigned(address), BigInt(value), true)
  }

  /** A pointer or size_t. */
  readWord(address: number): number {
    const view = this.#viewOf(address, this.wordBytes)
    const at = this.#unsigned(address)
    return this.is64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true)
  }

  writeWord(address: number, value: number): void {
    if (this.is64) this.writeI64(address, value)
    else this.writeI32(address, value)
  }

  /** The bytes of a C string without its end. */
  cString(address: number, sizeMax: number): Uint8Array {
    const found = this.findCString(address, sizeMax)
    if (found === null) throw new GuestFault('error', `the program gave more than ${sizeMax} bytes of text`)
    return found
  }

  /** The same; null when it is longer. */
  findCString(address: number, sizeMax: number): Uint8Array | null {
    const from = this.#checked(address, 1)
    const found = this.bytes.subarray(from, from + sizeMax + 1)
    const size = found.indexOf(0)
    if (size >= 0) return found.subarray(0, size)
    if (found.length > sizeMax) return null
    throw new GuestFault('trap', `the program gave text at ${from} that has no end`)
  }

  isZero(start: number, end: number): boolean {
    for (let at = start; at < end; at += PAGE_BYTES) {
      const size = Math.min(PAGE_BYTES, end - at)
      if (Buffer.compare(asBuffer(this.bytes.subarray(at, at + size)), EMPTY_PAGE.subarray(0, size)) !== 0) return false
    }
    return true
  }

  /** Touches only what is not zero already: memory that was never written takes no room on the machine. */
  clear(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = Math.min(end, at - (at % PAGE_BYTES) + PAGE_BYTES)
      if (!this.isZero(at, next)) this.bytes.fill(0, at, next)
      at = next
    }
  }

  /** All of it; as `clear`, pages of zeros stay untouched. */
  overwrite(bytes: Uint8Array): void {
    this.clear(bytes.length, this.sizeBytes)
    for (let start = 0; start < bytes.length; start += PAGE_BYTES) {
      const page = bytes.subarray(start, start + PAGE_BYTES)
      if (Buffer.compare(page, EMPTY_PAGE.subarray(0, page.length)) === 0) this.clear(start, start + page.length)
      else this.bytes.set(page, start)
    }
  }

  #viewOf(address: number, size: number): DataView {
    this.#checked(address, size)
    return this.#view
  }

  #unsigned(address: number): number {
    return this.is64 ? address : address >>> 0
  }

  #checked(address: number, size: number): number {
    const at = this.#unsigned(address)
    if (at >= 0 && size >= 0 && at + size <= this.sizeBytes) return at
    throw new GuestFault('trap', `the program gave the address ${at}, which is not in its memory of ${this.sizeBytes} bytes`)
  }

  #refresh(): void {
    if (this.#memory === null) throw new Error('the memory is not there yet')
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
  }
}
