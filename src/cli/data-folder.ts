/**
 * The folder that holds everything a node keeps: marked as ours, used by one node at a time. `--fresh` deletes what nodes make there, nothing else.
 *
 * Invariants  The lock is the operating system's, on `heddle.lock`: it ends with the process, however that ends. `heddle.pid` only says who has it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
const WAIT_MS = 2_000 // For a node that is just ending.

export interface FolderOptions {
  /** Delete what an earlier node kept there. */
  readonly fresh?: boolean
}

/** Marks the folder and takes it for this process; returns how to give it back. */
export function takeDataFolder(folder: string, { fresh = false }: FolderOptions = {}): () => void {
  try {
    mkdirSync(folder, { recursive: true })
    const format = readFormat(folder)
    if (fresh && format === null && readdirSync(folder).length > 0)
      throw refused(`--fresh would delete what is in ${folder}, but no Heddle node made it; empty it yourself, or choose another --data`)
    const release = lock(folder)
    if (fresh) for (const name of CONTENTS) rmSync(join(folder, name), { recursive: true, force: true })
    else if (format !== null && format !== FORMAT)
      throw refused(`${folder} was written by another version (format ${format}, this one reads ${FORMAT}); choose another --data, or add --fresh`)
    if (fresh || format === null) writeFileSync(join(folder, MARKER), `${JSON.stringify({ program: 'heddle', format: FORMAT })}\n`)
    return release
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw refused(`the data folder ${folder} cannot be used: ${fileProblem(error)}; choose another --data`)
  }
}

function lock(folder: string): () => void {
  const database = new DatabaseSync(join(folder, LOCK), { timeout: WAIT_MS })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!/locked|busy/i.test(errorText(error))) throw error
    throw refused(`${folder} is in use by the node with process id ${holderOf(folder)}; stop it, or choose another --data`)
  }
  writeFileSync(join(folder, HOLDER), String(process.pid))
  return () => {
    rmSync(join(folder, HOLDER), { force: true })
    database.close()
  }
}

function holderOf(folder: string): string {
  const path = join(folder, HOLDER)
  return existsSync(path) ? readFileSync(path, 'utf8') : 'unknown'
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
