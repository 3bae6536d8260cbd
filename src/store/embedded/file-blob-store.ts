/**
 * BlobStore in files: `<folder>/<kind>/<first byte of the id in hex>/<name>`, drafts in `<folder>/drafts`.
 *
 * Durability  Bytes go to a draft file, fdatasync, rename, fsync of the folder: a name is there with all its bytes or not at all.
 * Invariants  The first bytes under a name stay: calls for one name run one after another, and rename only onto an absent name.
 *             One process owns the folder. Drafts of a process that died are removed when the store opens.
 */
import { constants } from 'node:fs'
import { access, type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText, HeddleError } from '../../base/errors.ts'
import { BLOB_PIECE_BYTES_MAX } from '../../base/limits.ts'
import { blobNotFound, checkName, clampRange } from '../blob-name.ts'
import type { BlobDraft, BlobName, BlobStore } from '../blob-store.ts'
import { FolderSync } from './folder-sync.ts'

const KINDS = ['item', 'chunk', 'snapshot', 'module', 'result', 'value'] as const

/** Creates the folder if need be; throws `store-failed` when it cannot. */
export async function openFileBlobStore(folder: string): Promise<BlobStore> {
  const folders = new FolderSync()
  const drafts = join(folder, 'drafts')
  await attempt(`open ${folder}`, async () => {
    await rm(drafts, { recursive: true, force: true })
    await folders.make(drafts)
    await access(drafts, constants.W_OK)
  })
  return new FileBlobStore(folder, drafts, folders)
}

class FileBlobStore implements BlobStore {
  readonly #folder: string
  readonly #draftFolder: string
  readonly #folders: FolderSync
  readonly #buckets = new Map<string, Promise<void>>()
  readonly #changes = new Map<BlobName, Promise<unknown>>()
  readonly #drafts = new Set<FileDraft>()
  #clearing: Promise<void> | null = null
  #draftCount = 0
  #closed = false

  constructor(folder: string, draftFolder: string, folders: FolderSync) {
    this.#folder = folder
    this.#draftFolder = draftFolder
    this.#folders = folders
  }

  async put(name: BlobName, bytes: Uint8Array): Promise<void> {
    this.#check(name)
    if ((await this.sizeBytes(name)) !== null) return this.#change(name, () => this.#syncName(name))
    const draft = await this.#newDraft()
    try {
      await draft.append(bytes)
      await draft.keep(name)
    } finally {
      await draft.drop()
    }
  }

  async draft(): Promise<BlobDraft> {
    this.#checkOpen()
    return this.#newDraft()
  }

  async #newDraft(): Promise<FileDraft> {
    this.#draftCount += 1
    const path = join(this.#draftFolder, String(this.#draftCount))
    const file = await attempt('create a draft', () => open(path, 'wx+'))
    const draft = new FileDraft(path, file, {
      keep: (name) => this.#keep(path, name),
      end: () => this.#drafts.delete(draft),
    })
    this.#drafts.add(draft)
    return draft
  }

  /** Gives a draft whose bytes are durable its name, unless the name is taken. */
  async #keep(path: string, name: BlobName): Promise<void> {
    this.#check(name)
    await this.#change(name, async () => {
      const { bucket, file } = this.#place(name)
      await this.#makeBucket(bucket)
      if (await isAbsent(file)) await rename(path, file)
      await this.#folders.sync(bucket)
    })
  }

  /** A name that was found may come from a process that died before it could sync the folder. */
  async #syncName(name: BlobName): Promise<void> {
    await this.#folders.sync(this.#place(name).bucket)
  }

  #makeBucket(bucket: string): Promise<void> {
    let made = this.#buckets.get(bucket)
    if (made === undefined) {
      made = this.#folders.make(bucket)
      this.#buckets.set(bucket, made)
      made.catch(() => this.#buckets.delete(bucket))
    }
    return made
  }

  async read(name: BlobName, start: number, end: number): Promise<Uint8Array | null> {
    this.#check(name)
    return attempt(`read ${name}`, async () => {
      const file = await openExisting(this.#place(name).file)
      if (file === null) return null
      try {
        const range = clampRange(start, end, (await file.stat()).size)
        return await readExactly(file, range.start, range.end)
      } finally {
        await file.close()
      }
    })
  }

  async *stream(name: BlobName, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#check(name)
    signal?.throwIfAborted()
    const doing = `read ${name}`
    const file = await attempt(doing, () => openExisting(this.#place(name).file))
    if (file === null) throw blobNotFound(name)
    let ahead: Promise<Uint8Array> | null = null
    try {
      const range = clampRange(start, end, (await file.stat()).size)
      const readFrom = (at: number): Promise<Uint8Array> | null => {
        if (at >= range.end) return null
        const piece = attempt(doing, () => readExactly(file, at, Math.min(at + BLOB_PIECE_BYTES_MAX, range.end)))
        piece.catch(() => {}) // It is awaited later, or never.
        return piece
      }
      ahead = readFrom(range.start)
      for (let at = range.start; ahead !== null; ) {
        const piece: Uint8Array = await ahead
        signal?.throwIfAborted()
        at += piece.length
        ahead = readFrom(at)
        yield piece
        signal?.throwIfAborted()
      }
    } finally {
      await ahead?.catch(() => {}) // The file must not close under a read.
      await file.close()
    }
  }

  async sizeBytes(name: BlobName): Promise<number | null> {
    this.#check(name)
    return attempt(`look for ${name}`, () => sizeOf(this.#place(name).file))
  }

  async delete(name: BlobName): Promise<void> {
    this.#check(name)
    await this.#change(name, async () => {
      await unlink(this.#place(name).file).catch(ignoreAbsent)
    })
  }

  async clear(): Promise<void> {
    this.#checkOpen()
    while (this.#clearing !== null) await this.#clearing
    this.#clearing = this.#removeAll().finally(() => {
      this.#clearing = null
    })
    await this.#clearing
  }

  async #removeAll(): Promise<void> {
    await Promise.allSettled(this.#changes.values())
    this.#buckets.clear()
    await attempt('clear the blobs', () => Promise.all(KINDS.map((kind) => rm(join(this.#folder, kind), { recursive: true, force: true }))))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#clearing
    await Promise.allSettled(this.#changes.values())
    await Promise.all([...this.#drafts].map((draft) => draft.drop()))
  }

  /** Runs changes of one name in the order of the calls, and none while the store is being cleared. */
  async #change(name: BlobName, act: () => Promise<void>): Promise<void> {
    while (this.#clearing !== null) await this.#clearing
    const before = this.#changes.get(name)
    const change = (before ?? Promise.resolve()).catch(() => {}).then(() => attempt(`change ${name}`, act))
    this.#changes.set(name, change)
    try {
      await change
    } finally {
      if (this.#changes.get(name) === change) this.#changes.delete(name)
    }
  }

  #place(name: BlobName): { readonly bucket: string; readonly file: string } {
    const dash = name.indexOf('-')
    const [first = 0] = Buffer.from(name.slice(dash + 1, dash + 3), 'base64url')
    const bucket = join(this.#folder, name.slice(0, dash), first.toString(16).padStart(2, '0'))
    return { bucket, file: join(bucket, name) }
  }

  #check(name: BlobName): void {
    this.#checkOpen()
    checkName(name)
  }

  #checkOpen(): void {
    if (this.#closed) throw new HeddleError('store-failed', { what: 'closed' }, `the blob store in ${this.#folder} is closed`)
  }
}

interface DraftEnds {
  /** Moves the file to its name, or leaves it where it is when the name is taken. */
  keep(name: BlobName): Promise<void>
  end(): void
}

class FileDraft implements BlobDraft {
  readonly #path: string
  readonly #file: FileHandle
  readonly #ends: DraftEnds
  #size = 0
  #appended: Promise<void> = Promise.resolve()
  #ended: Promise<void> | null = null

  constructor(path: string, file: FileHandle, ends: DraftEnds) {
    this.#path = path
    this.#file = file
    this.#ends = ends
  }

  append(bytes: Uint8Array): Promise<void> {
    if (this.#ended !== null) return Promise.reject(endedFailure())
    const at = this.#size
    this.#size += bytes.length
    // One after another: what follows a failed append fails with it.
    this.#appended = this.#appended.then(() => attempt('append to a draft', () => writeFully(this.#file, bytes, at)))
    this.#appended.catch(() => {}) // The caller has it; here it is only kept for what follows.
    return this.#appended
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    if (this.#ended !== null) throw endedFailure()
    const range = clampRange(start, end, this.#size)
    await this.#appended
    return attempt('read a draft', () => readExactly(this.#file, range.start, range.end))
  }

  async keep(name: BlobName): Promise<void> {
    if (this.#ended !== null) throw endedFailure()
    checkName(name)
    await this.#appended
    await attempt('sync a draft', () => this.#file.datasync())
    await this.#ends.keep(name)
    await this.drop() // Removes the file if the name was taken.
  }

  drop(): Promise<void> {
    this.#ended ??= this.#remove()
    return this.#ended
  }

  async #remove(): Promise<void> {
    await this.#appended.catch(() => {})
    await this.#file.close()
    await unlink(this.#path).catch(ignoreAbsent)
    this.#ends.end()
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function readExactly(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(end - start)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) throw new Error(`the file ends at byte ${start + done}, expected ${end}`)
    done += bytesRead
  }
  return bytes
}

async function openExisting(path: string): Promise<FileHandle | null> {
  return open(path, 'r').catch(ignoreAbsent)
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(({ size }) => size, ignoreAbsent)
}

async function isAbsent(path: string): Promise<boolean> {
  return (await sizeOf(path)) === null
}

function ignoreAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

async function attempt<T>(doing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof HeddleError) throw error
    const message = `the blob store failed to ${doing}: ${errorText(error)}; check the disk's free space and health`
    throw new HeddleError('store-failed', { what: doing }, message, { cause: error })
  }
}

function endedFailure(): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what: 'draft' }, 'the draft was already kept or dropped')
}
