/**
 * The folder that holds everything a node keeps: marked as ours, used by one node at a time. `--fresh` deletes what nodes make there, nothing else.
 *
 * Invariants  The lock is the operating system's, on `heddle.lock`: it ends with the process, however that ends. `heddle.pid` only says who has it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorText } from '../base/errors.ts'
import { CommandError } from './command.ts'
import { fileProblem } from './files.ts'

const MARKER = 'heddle.json'
const LOCK = 'heddle.lock'
const HOLDER = 'heddle.pid'
/** What nodes make besides; `test/e2e/cli.test.ts` sees to it that the list is whole. */
const CONTENTS = ['kv', 'blobs', 'index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm']
const FORMAT = 1
const WAIT_MS = 2_000 // As long as a node takes to end.

export interface FolderOptions {
  /** Delete what an earlier node kept there. */
  readonly fresh?: boolean
  /** How long to wait for another node to leave the folder. */
  readonly waitMs?: number
}

export interface TakenFolder {
  /** Tells others who has the folder. */
  announce(url: string): void
  release(): void
}

/** Marks the folder and takes it for this process. */
export function takeDataFolder(folder: string, { fresh = false, waitMs = WAIT_MS }: FolderOptions = {}): TakenFolder {
  try {
    makeFolder(folder)
    const format = readFormat(folder)
    if (fresh && format === null && readdirSync(folder).length > 0)
      throw refused(`--fresh would delete what is in ${folder}, but no Heddle node made it; empty it yourself, or choose another --data`)
    if (!fresh && format !== null && format !== FORMAT)
      throw refused(
        `${folder} was written by another version (format ${format}, this one reads ${FORMAT}); choose another --data, or add --fresh`,
      )
    const taken = lock(folder, waitMs)
    if (fresh) for (const name of CONTENTS) rmSync(join(folder, name), { recursive: true, force: true })
    if (fresh || format === null) writeFileSync(join(folder, MARKER), `${JSON.stringify({ program: 'heddle', format: FORMAT })}\n`)
    return taken
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw refused(`the data folder ${folder} cannot be used: ${fileProblem(error)}; choose another --data`)
  }
}

/** Not `recursive`: that never returns where the system refuses to make folders, such as in /proc. */
function makeFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory() === false) throw refused(`the data folder ${folder} cannot be used: it is a file; choose another --data`)
  if (found !== undefined) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  mkdirSync(folder)
}

function lock(folder: string, waitMs: number): TakenFolder {
  const database = new DatabaseSync(join(folder, LOCK), { timeout: waitMs })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!/locked|busy/i.test(errorText(error))) throw error
    throw refused(`${folder} is in use by ${holderOf(folder)}; stop it, or choose another --data`)
  }
  writeFileSync(join(folder, HOLDER), String(process.pid))
  return {
    announce: (url) => writeFileSync(join(folder, HOLDER), `${process.pid} ${url}`),
    release() {
      rmSync(join(folder, HOLDER), { force: true })
      database.close()
    },
  }
}

function holderOf(folder: string): string {
  const path = join(folder, HOLDER)
  if (!existsSync(path)) return 'another node'
  const [processId, url] = readFileSync(path, 'utf8').split(' ')
  return `the node ${url === undefined ? '' : `at ${url} `}with process id ${processId}`
}

/** Null when the folder is not marked, NaN when the mark cannot be read. */
function readFormat(folder: string): number | null {
  const path = join(folder, MARKER)
  if (!existsSync(path)) return null
  try {
    return Number((JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown }).format)
  } catch {
    return Number.NaN
  }
}

function refused(problem: string): CommandError {
  return new CommandError('data-folder', problem)
}
