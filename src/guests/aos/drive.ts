/**
 * WeaveDrive: the files that a program reads with io.open, which are items, transactions and blocks of the weave.
 *
 * Wire        paths /data/<id>, /tx/<id>, /tx2/<id>, /block/<height>; descriptors from 4 on, 0 for a file that is not there
 * Source      permaweb/aos extensions/weavedrive and its Lua client, which reads a file by `f:read(f:seek("end"))`
 * Invariants  Descriptors live for one message. C's stdio does not seek back before that read, so a read after a seek to the end begins
 *             at 0, as it does where AO units run.
 */
import { toText } from '../../base/bytes.ts'
import type { GuestFiles } from '../guest.ts'

const PATH = /^\/(?:data|tx2?|block)\/[^/]+$/
const FIRST_DESCRIPTOR = 4
const DESCRIPTORS_MAX = 1024
export const SEEK = { set: 0, current: 1, end: 2 } as const

interface OpenFile {
  readonly path: string
  readonly size: number
  position: number
  isAtSoughtEnd: boolean
}

export class Drive {
  readonly #files: GuestFiles
  #open: (OpenFile | null)[] = []

  constructor(files: GuestFiles) {
    this.#files = files
  }

  /** Before each message. */
  reset(): void {
    if (this.#open.length > 0) this.#open = []
  }

  isDrivePath(path: Uint8Array): boolean {
    return path[0] === 0x2f && PATH.test(toText(path))
  }

  open(path: string): number {
    if (this.#open.length >= DESCRIPTORS_MAX) return 0
    const size = this.#files.open(path)
    if (size === null) return 0
    return FIRST_DESCRIPTOR + this.#open.push({ path, size, position: 0, isAtSoughtEnd: false }) - 1
  }

  /** Null when nothing is open under that number. */
  read(descriptor: number, size: number): Uint8Array | null {
    const file = this.#find(descriptor)
    if (file === null) return null
    if (file.isAtSoughtEnd) file.position = 0
    file.isAtSoughtEnd = false
    const wanted = Math.min(size, file.size - file.position)
    if (wanted <= 0) return new Uint8Array(0)
    const bytes = this.#files.read(file.path, file.position, wanted)
    file.position += bytes.length
    return bytes
  }

  /** The new position, null when nothing is open under that number, NaN when there is no such position. */
  seek(descriptor: number, offset: number, whence: number): number | null {
    const file = this.#find(descriptor)
    if (file === null) return null
    const base = whence === SEEK.set ? 0 : whence === SEEK.current ? file.position : file.size
    if (base + offset < 0) return Number.NaN
    file.position = base + offset
    if (whence !== SEEK.current) file.isAtSoughtEnd = whence === SEEK.end && offset === 0
    return file.position
  }

  close(descriptor: number): boolean {
    if (this.#find(descriptor) === null) return false
    this.#open[descriptor - FIRST_DESCRIPTOR] = null
    return true
  }

  #find(descriptor: number): OpenFile | null {
    return this.#open[descriptor - FIRST_DESCRIPTOR] ?? null
  }
}
