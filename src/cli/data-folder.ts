/** The folder that holds everything a node keeps: marked as ours, used by one node at a time, and only ever emptied when it is marked. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './command.ts'

const MARKER = 'heddle.json'
const LOCK = 'heddle.pid'
const FORMAT = 1

/** Deletes what a node kept there; refuses a folder that is not a node's. */
export function emptyDataFolder(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return
  if (!existsSync(join(folder, MARKER)))
    throw new UsageError(`--fresh would delete ${folder}, which no Heddle node made; delete it yourself or choose another --data`)
  rmSync(folder, { recursive: true })
}

/** Marks the folder and takes it for this process; returns how to give it back. */
export function takeDataFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const format = readFormat(folder)
  if (format !== null && format !== FORMAT)
    throw new UsageError(`${folder} was written by another version (format ${format}, this one reads ${FORMAT}); choose another --data`)
  if (format === null) writeFileSync(join(folder, MARKER), `${JSON.stringify({ program: 'heddle', format: FORMAT })}\n`)
  const lock = join(folder, LOCK)
  const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0
  if (holder > 0 && holder !== process.pid && isRunning(holder))
    throw new UsageError(`${folder} is in use by the node with process id ${holder}; stop it or choose another --data`)
  writeFileSync(lock, String(process.pid))
  return () => rmSync(lock, { force: true })
}

function readFormat(folder: string): number | null {
  const path = join(folder, MARKER)
  return existsSync(path) ? Number((JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown }).format) : null
}

/** After a crash the id may belong to somebody else's process by now; then a restart needs --data or the lock file removed, which the message tells. */
function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
  } catch {
    return false
  }
  return isNode(processId)
}

/** Where the system tells, a process that is not Node.js does not count: process ids are used again. */
function isNode(processId: number): boolean {
  const path = `/proc/${processId}/cmdline`
  return !existsSync('/proc/self/cmdline') || (existsSync(path) && readFileSync(path, 'utf8').includes('heddle'))
}
