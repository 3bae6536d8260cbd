/**
 * What Tab proposes: dot commands and their words, keywords, globals, fields of tables, ids that were seen, files.
 *
 * Invariants  The process is asked with dry runs only, which change nothing, and once for each table until a statement is run.
 *             A process that does not answer in time costs the completion, never the typing.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Name } from './language.ts'
import type { Completion } from './reader.ts'
import type { Session } from './session.ts'

export interface Completer {
  complete(text: string, cursor: number): Promise<Completion>
  /** The state changed: names have to be asked again. */
  forget(): void
  /** Remembers the ids in a text. */
  see(text: string): void
}

export interface CommandWords {
  readonly name: string
  /** What its words are. */
  readonly takes: 'file' | 'id' | 'code' | 'nothing'
}

const ID = /[A-Za-z0-9_-]{43}/g
const IDS_MAX = 500
const ASK_MS_MAX = 1_500
const NOTHING: Completion = { from: 0, candidates: [] }

export function createCompleter(session: () => Session, commands: readonly CommandWords[]): Completer {
  const names = new Map<string | null, Promise<readonly Name[]>>()
  const ids = new Set<string>()

  const namesIn = (path: string | null): Promise<readonly Name[]> => {
    const known = names.get(path)
    if (known !== undefined) return known
    const { language, ask } = session()
    const asked = inTime(ask<readonly Name[]>({ source: language.names(path) })).catch((): readonly Name[] => [])
    names.set(path, asked)
    return asked
  }
  const completeCode = async (before: string): Promise<Completion> => {
    const quoted = /["'`]([A-Za-z0-9_-]*)$/.exec(before)?.[1]
    if (quoted !== undefined) return { from: before.length - quoted.length, candidates: startingWith([...ids], quoted) }
    const { language } = session()
    const [, path = '', word = ''] = language.wordBefore.exec(before) ?? []
    if (path === '' && word === '') return NOTHING
    const found = await namesIn(path === '' ? null : path.replace(/[.:]$/, ''))
    const wanted = path.endsWith(':') ? found.filter(({ type }) => type === 'function') : found
    const candidates = startingWith([...wanted.map(({ name }) => name), ...(path === '' ? language.keywords : [])], word)
    return { from: before.length - word.length, candidates }
  }
  const completeCommand = (line: string): Completion | Promise<Completion> => {
    const space = line.indexOf(' ')
    if (space < 0)
      return {
        from: 0,
        candidates: startingWith(
          commands.map(({ name }) => `.${name}`),
          line,
        ),
      }
    const command = commands.find(({ name }) => `.${name}` === line.slice(0, space))
    const word = /\S*$/.exec(line)![0]
    const from = line.length - word.length
    if (command?.takes === 'file') return { from, candidates: filesLike(word) }
    if (command?.takes === 'id') return { from, candidates: startingWith([...ids], word) }
    return command?.takes === 'code' ? completeCode(line) : NOTHING
  }
  return {
    async complete(text, cursor) {
      const before = text.slice(0, cursor)
      return before.startsWith('.') && !before.includes('\n') ? completeCommand(before) : completeCode(before)
    },
    forget: () => names.clear(),
    see(text) {
      for (const [id] of text.matchAll(ID)) {
        ids.delete(id)
        ids.add(id)
      }
      for (const id of ids) {
        if (ids.size <= IDS_MAX) break
        ids.delete(id)
      }
    },
  }
}

function startingWith(words: readonly string[], start: string): string[] {
  return [...new Set(words)].filter((word) => word.startsWith(start) && word !== start).sort()
}

function filesLike(word: string): string[] {
  const folder = word.endsWith('/') ? word : dirname(word)
  const start = word.endsWith('/') ? '' : basename(word)
  try {
    return readdirSync(folder === '' ? '.' : folder, { withFileTypes: true })
      .filter(({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
      .filter((entry) => entry.isDirectory() || /\.(?:lua|[cm]?[jt]s)$/.test(entry.name))
      .map((entry) => (word.includes('/') ? join(folder, entry.name) : entry.name) + (entry.isDirectory() ? '/' : ''))
      .sort()
  } catch {
    return []
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('too late')), ASK_MS_MAX)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
