/**
 * Files as a guest thread sees them: opened and read as if they were local, while the thread waits for the main one.
 *
 * Invariants  Which files there are follows from the message that is being handled, also when a message is repeated to take a later one back:
 *             nothing is remembered from one message to the next. Outside of a message there are no files.
 *             The bounds are counted in what the program asked for, so that a program meets them on every node at the same point.
 */
import { LRUCache } from 'lru-cache'
import { GUEST_FILE_BYTES_MAX, GUEST_FILE_OPENS_MAX, GUEST_FILE_PIECE_BYTES } from '../base/limits.ts'
import { GuestFault, type GuestFiles, type GuestInstance } from './guest.ts'
import { ask, type FileAnswer, type FileContext, type FileRequest } from './host-bridge.ts'
import { withHandle } from './result-bounds.ts'
import { decodeValue } from './value-codec.ts'

/** For programs that run where no node is. */
export const noFiles: GuestFiles = {
  open: () => null,
  read: () => new Uint8Array(0),
}

/** The node could not give a file that is there. The message has no result for now, and the instance must not be used any more. */
export class FileTrouble extends Error {
  override readonly name = 'FileTrouble'
}

interface Current {
  readonly handle: number
  readonly message: Uint8Array
  context: FileContext | null
  opens: number
  bytes: number
}

interface OpenedFile {
  readonly file: number
  readonly sizeBytes: number
}

/** Everything else is not found without asking; programs look for many things when they start. */
const PATH = /^\/(?:(?:data|tx)\/[A-Za-z0-9_-]{43}|block\/\d{1,15})$/
const PIECES_HELD_MAX = 32

export class HostFiles implements GuestFiles {
  readonly #bridge: SharedArrayBuffer
  readonly #post: (request: FileRequest) => void
  #current: Current | null = null
  readonly #files = new Map<string, OpenedFile | null>()
  readonly #pieces = new LRUCache<string, Uint8Array>({ max: PIECES_HELD_MAX })

  constructor(bridge: SharedArrayBuffer, post: (request: FileRequest) => void) {
    this.#bridge = bridge
    this.#post = post
  }

  /** The same instance, which finds files while it handles a message. */
  attach(handle: number, instance: GuestInstance): GuestInstance {
    return withHandle(instance, (message) => this.#during(handle, message, () => instance.handle(message)))
  }

  open(path: string): number | null {
    const current = this.#current
    if (current === null || !PATH.test(path)) return null
    const known = this.#files.get(path)
    if (known !== undefined) return known?.sizeBytes ?? null
    current.opens += 1
    if (current.opens > GUEST_FILE_OPENS_MAX)
      throw new GuestFault('error', `a message may look for ${GUEST_FILE_OPENS_MAX} files, this one looks for more`)
    current.context ??= contextOf(current.message)
    const { handle, context } = current
    const answer = this.#ask({ op: 'open', handle, message: context, path, isFirst: current.opens === 1 })
    const file = answer.kind === 'open' ? answer : null
    this.#files.set(path, file)
    return file?.sizeBytes ?? null
  }

  read(path: string, offset: number, size: number): Uint8Array {
    const file = this.#files.get(path)
    const current = this.#current
    if (file === undefined || file === null || current === null) throw new GuestFault('error', `${path} is read before it is opened`)
    const start = Math.max(0, Math.trunc(offset))
    const end = Math.min(file.sizeBytes, start + Math.max(0, Math.trunc(size)))
    if (!(end > start)) return new Uint8Array(0)
    current.bytes += end - start
    if (current.bytes > GUEST_FILE_BYTES_MAX)
      throw new GuestFault('error', `a message may read ${GUEST_FILE_BYTES_MAX} bytes of files, this one reads more`)
    return this.#range(file, start, end)
  }

  #during<T>(handle: number, message: Uint8Array, run: () => T): T {
    this.#current = { handle, message, context: null, opens: 0, bytes: 0 }
    try {
      return run()
    } finally {
      this.#current = null
      if (this.#files.size > 0) this.#files.clear()
      if (this.#pieces.size > 0) this.#pieces.clear()
    }
  }

  #range(file: OpenedFile, start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - start)
    for (let at = start; at < end; ) {
      const index = Math.floor(at / GUEST_FILE_PIECE_BYTES)
      const from = at - index * GUEST_FILE_PIECE_BYTES
      const part = this.#piece(file, index).subarray(from, from + end - at)
      bytes.set(part, at - start)
      at += part.length
    }
    return bytes
  }

  /** Whole pieces, since programs read a few bytes at a time. */
  #piece({ file, sizeBytes }: OpenedFile, index: number): Uint8Array {
    const key = `${file}/${index}`
    const known = this.#pieces.get(key)
    if (known !== undefined) return known
    const start = index * GUEST_FILE_PIECE_BYTES
    const answer = this.#ask({ op: 'read', file, start, end: Math.min(sizeBytes, start + GUEST_FILE_PIECE_BYTES) })
    if (answer.kind !== 'bytes') throw new FileTrouble(`the node answered a read with "${answer.kind}"`)
    this.#pieces.set(key, answer.bytes)
    return answer.bytes
  }

  #ask(request: FileRequest): Extract<FileAnswer, { kind: 'missing' | 'open' | 'bytes' }> {
    const answer = ask(this.#bridge, request, this.#post)
    if (answer.kind === 'missing' || answer.kind === 'open' || answer.kind === 'bytes') return answer
    if (answer.kind === 'trouble') throw new FileTrouble(answer.text)
    throw new GuestFault(answer.kind, answer.text)
  }
}

function contextOf(encoded: Uint8Array): FileContext {
  const value = decodeValue(encoded)
  const message = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const id = message['Id']
  return {
    id: typeof id === 'string' ? id : null,
    slot: naturalOf(message[message['Cron'] === true ? 'Timestamp' : 'Nonce']),
    height: naturalOf(message['Block-Height']) ?? -1,
    timestampMs: naturalOf(message['Timestamp']) ?? -1,
  }
}

/** Clients write numbers as text, too. */
function naturalOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}
