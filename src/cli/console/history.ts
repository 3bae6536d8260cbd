/**
 * What was typed in earlier sessions.
 *
 * Wire        one JSON text per line, oldest first: a statement may have many lines. Sessions at the same time append to the same file.
 * Invariants  The file is the user's alone (0600) and bounded. A home that cannot be written costs the history, nothing else.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CONSOLE_HISTORY_BYTES_MAX, CONSOLE_HISTORY_MAX } from '../../base/limits.ts'

export interface History {
  /** Oldest first. */
  readonly entries: readonly string[]
  add(entry: string): void
}

/** Trimmed to this share when it is too long, so that it is not written anew each time. */
const KEPT = 0.8

/** `path` null: for this session only. */
export function openHistory(path: string | null): History {
  const entries = path === null ? [] : readEntries(path)
  return {
    entries,
    add(entry) {
      if (entry.trim() === '' || entry === entries.at(-1) || entry.length > CONSOLE_HISTORY_BYTES_MAX / 10) return
      entries.push(entry)
      if (entries.length > CONSOLE_HISTORY_MAX) entries.shift()
      if (path !== null) quietly(() => appendFileSync(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 }))
    },
  }
}

function readEntries(path: string): string[] {
  let entries: string[] = []
  quietly(() => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
  quietly(() => {
    const text = readFileSync(path, 'utf8')
    entries = text.split('\n').flatMap(parseEntry)
    if (entries.length <= CONSOLE_HISTORY_MAX && text.length <= CONSOLE_HISTORY_BYTES_MAX) return
    entries = entries.slice(-Math.round(CONSOLE_HISTORY_MAX * KEPT))
    while (sizeOf(entries) > CONSOLE_HISTORY_BYTES_MAX * KEPT) entries = entries.slice(Math.ceil(entries.length / 10))
    writeFileSync(`${path}.new`, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  })
  return entries
}

function parseEntry(line: string): string[] {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'string' ? [entry] : []
  } catch {
    return []
  }
}

function sizeOf(entries: readonly string[]): number {
  return entries.reduce((sum, entry) => sum + entry.length, 0)
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // Without a history it works as well.
  }
}
