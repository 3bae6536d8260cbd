/** Makes new names in folders durable. Callers that want the same folder at the same time share one fsync. */
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

interface Round {
  readonly running: Promise<void>
  next: Promise<void> | null
}

export class FolderSync {
  readonly #rounds = new Map<string, Round>()

  /** Resolves when every name that was in the folder at the call is on the disk. */
  sync(folder: string): Promise<void> {
    const round = this.#rounds.get(folder)
    if (round === undefined) return this.#start(folder)
    // The one under way may have begun before the caller's rename, so it does not count.
    round.next ??= round.running.then(noop, noop).then(() => this.#start(folder))
    return round.next
  }

  #start(folder: string): Promise<void> {
    const running = syncFolder(folder)
    const round: Round = { running, next: null }
    this.#rounds.set(folder, round)
    const forget = (): void => {
      if (round.next === null && this.#rounds.get(folder) === round) this.#rounds.delete(folder)
    }
    running.then(forget, forget)
    return running
  }

  /** Creates a folder, and its parents where they lack, durably. */
  async make(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true })
    if (first === undefined) return
    for (let path = folder; path.length >= first.length; path = dirname(path)) await this.sync(dirname(path))
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // Folders cannot be opened there; NTFS journals names by itself.
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function noop(): void {}
