/**
 * Files between a guest thread, which waits, and the main thread, which answers: one request at a time, over a block of shared memory.
 *
 * Wire        request: a small object, posted. Answer, in the shared block, little-endian: i32 0 while the thread waits, 1 when answered ·
 *             i32 kind · i32 number of the file · i32 size of the bytes · f64 size of the file · bytes: a piece of the file, or text.
 * Source      our own; engines measured the round trip at some 50 µs
 * Invariants  The thread waits without a bound of its own: the pool's watch ends it when an answer takes too long. An answer is written at most
 *             once for each request, and never after `close`.
 */
import { toText, utf8 } from '../base/bytes.ts'
import { errorText } from '../base/errors.ts'
import { GUEST_FILE_PIECE_BYTES } from '../base/limits.ts'
import { type FailureKind, type GuestEnv, GuestFault } from './guest.ts'

/** The message that is evaluated, as far as it decides what can be seen. */
export interface FileContext {
  /** Null in a dry run of what was never sent. */
  readonly id: string | null
  /** Its slot; its timestamp for a tick of a cron, whose program is not told the slot; null in a dry run. */
  readonly slot: number | null
  /** Its Block-Height; -1 when it has none. */
  readonly height: number
  /** Its Timestamp; -1 when it has none. */
  readonly timestampMs: number
}

/** Who asks for which file, while what is evaluated. */
export interface FileQuery {
  readonly env: GuestEnv
  readonly message: FileContext
  readonly path: string
}

export interface OpenFile {
  readonly sizeBytes: number
  /** Bytes [start, end), which lie inside of the file. */
  read(start: number, end: number, signal: AbortSignal): Promise<Uint8Array>
}

/**
 * Where the files of guests come from. What `open` answers to a query must be the same whenever it is asked.
 * Throws GuestFault when the program must not go on; whatever else is thrown is trouble of this node, and the message is tried again later.
 */
export interface FileSource {
  /** Null when the program may not see such a file, or there is none. */
  open(query: FileQuery, signal: AbortSignal): Promise<OpenFile | null>
}

/** What a thread asks for. Files are numbered by the desk, anew for each message. */
export type FileRequest =
  | { readonly op: 'open'; readonly handle: number; readonly message: FileContext; readonly path: string; readonly isFirst: boolean }
  | { readonly op: 'read'; readonly file: number; readonly start: number; readonly end: number }

export type FileAnswer =
  | { readonly kind: 'missing' }
  | { readonly kind: 'open'; readonly file: number; readonly sizeBytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The program must not go on. */
  | { readonly kind: FailureKind; readonly text: string }
  | { readonly kind: 'trouble'; readonly text: string }

const KINDS: readonly FileAnswer['kind'][] = ['missing', 'open', 'bytes', 'trouble', 'error', 'gas', 'memory', 'stack', 'trap', 'time']
const AT = { state: 0, kind: 1, file: 2, byteCount: 3 } as const
const SIZE_AT = 16
const BYTES_AT = 24
const WAITING = 0
const ANSWERED = 1

export function createBridge(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES_AT + GUEST_FILE_PIECE_BYTES)
}

/** The thread's end: `post` sends the request on its way, then the thread stands still until the answer is there. */
export function ask(bridge: SharedArrayBuffer, request: FileRequest, post: (request: FileRequest) => void): FileAnswer {
  const words = new Int32Array(bridge, 0, 4)
  Atomics.store(words, AT.state, WAITING)
  post(request)
  while (Atomics.load(words, AT.state) === WAITING) Atomics.wait(words, AT.state, WAITING)
  const kind = KINDS[words[AT.kind]!] ?? 'trouble'
  if (kind === 'missing') return { kind }
  if (kind === 'open') return { kind, file: words[AT.file]!, sizeBytes: new DataView(bridge).getFloat64(SIZE_AT, true) }
  const bytes = new Uint8Array(bridge, BYTES_AT, words[AT.byteCount]!).slice()
  return kind === 'bytes' ? { kind, bytes } : { kind, text: toText(bytes) }
}

/** The main thread's end, one for each guest thread. */
export class FileDesk {
  readonly bridge = createBridge()
  readonly #source: FileSource
  readonly #closing = new AbortController()
  /** Of the message under way. */
  #files: OpenFile[] = []
  #isBusy = false

  constructor(source: FileSource) {
    this.#source = source
  }

  /** The thread stands still, and waits for this node and not for its program. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** `env` is that of the process that asks; null when it is no longer open, so that nobody waits for its result. */
  async serve(request: FileRequest, env: GuestEnv | null): Promise<void> {
    this.#isBusy = true
    const answer = await this.#answer(request, env).catch(asAnswer)
    this.#isBusy = false
    if (!this.#closing.signal.aborted) this.#write(answer)
  }

  close(): void {
    this.#closing.abort()
    this.#files = []
  }

  async #answer(request: FileRequest, env: GuestEnv | null): Promise<FileAnswer> {
    const { signal } = this.#closing
    if (request.op === 'open') {
      if (request.isFirst) this.#files = []
      if (env === null) return { kind: 'trouble', text: 'the process is not open any more' }
      const { message, path } = request
      const file = await this.#source.open({ env, message, path }, signal)
      if (file === null) return { kind: 'missing' }
      return { kind: 'open', file: this.#files.push(file) - 1, sizeBytes: file.sizeBytes }
    }
    const { start, end } = request
    const bytes = await this.#files[request.file]!.read(start, end, signal)
    if (bytes.length !== end - start) return { kind: 'trouble', text: `a file gave ${bytes.length} bytes instead of ${end - start}` }
    return { kind: 'bytes', bytes }
  }

  #write(answer: FileAnswer): void {
    const words = new Int32Array(this.bridge, 0, 4)
    words[AT.kind] = KINDS.indexOf(answer.kind)
    if (answer.kind === 'open') {
      words[AT.file] = answer.file
      new DataView(this.bridge).setFloat64(SIZE_AT, answer.sizeBytes, true)
    } else if (answer.kind !== 'missing') {
      const bytes =
        answer.kind === 'bytes' ? answer.bytes : utf8((answer as { readonly text: string }).text).subarray(0, GUEST_FILE_PIECE_BYTES)
      new Uint8Array(this.bridge, BYTES_AT).set(bytes)
      words[AT.byteCount] = bytes.length
    }
    Atomics.store(words, AT.state, ANSWERED)
    Atomics.notify(words, AT.state)
  }
}

function asAnswer(error: unknown): FileAnswer {
  return error instanceof GuestFault ? { kind: error.kind, text: error.message } : { kind: 'trouble', text: errorText(error) }
}
