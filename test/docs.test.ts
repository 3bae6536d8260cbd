/** The documents say what the program does: what they list exists, what exists is listed, what they point to is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type FailureCode, HeddleError } from '../src/base/errors.ts'
import * as limits from '../src/base/limits.ts'
import { silentLog } from '../src/base/log.ts'
import { usualSettings, variableOf } from '../src/cli/config.ts'
import { startCommand } from '../src/cli/start.ts'
import { aoFailure } from '../src/http/ao-legacy/failures.ts'
import { arweaveFailure } from '../src/http/arweave/failures.ts'
import { bundlerSurface } from '../src/http/bundler/surface.ts'
import { gatewaySurface } from '../src/http/gateway/surface.ts'
import { graphqlSurface } from '../src/http/graphql/surface.ts'
import type { Request, Response } from '../src/http/route.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const SKIPPED = new Set(['node_modules', '.git', '.heddle', 'dist', 'coverage'])
const BUG_STATUS = 500

const files = allFiles(root)
const documents = files.filter((path) => path.endsWith('.md'))

function allFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? allFiles(path) : [relative(root, path)]
  })
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Rows of all tables, without their heads. */
function rowsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .filter(([first = '']) => first.startsWith('`'))
}

/** The name between the first backticks. */
function nameOf(cell = ''): string {
  return /^`([^`]+)`/.exec(cell)?.[1] ?? ''
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  ms: 1,
  s: 1_000,
  min: 60_000,
}

/** `10 MiB`, `75 s`, `1 000 000`. */
function amount(text: string): number {
  const [, digits = '', unit = ''] = /^([\d ]+?)(?: ([A-Za-z]+))?$/.exec(text) ?? []
  return Number(digits.replaceAll(' ', '') || 'x') * (UNITS[unit] ?? Number.NaN)
}

describe('docs/limits.md', () => {
  const rows = rowsOf(read('docs/limits.md'))

  it('lists every limit once, and nothing else', () => {
    expect(rows.map(([name]) => nameOf(name)).sort()).toEqual(Object.keys(limits).sort())
  })

  it('has their values and what happens beyond', () => {
    for (const [name, value = '', beyond] of rows) {
      expect(amount(value), `${name} is "${value}"`).toBe((limits as Readonly<Record<string, number>>)[nameOf(name)])
      expect(beyond, String(name)).not.toBe('')
    }
  })

  it('marks the limits of the protocol as the source does', () => {
    const inSource = [...read('src/base/limits.ts').matchAll(/^export const (\w+) = [^/\n]*\/\/ P\b/gm)].map(([, name]) => name)
    const inDocument = rows.filter(([name = '']) => name.includes('**P**')).map(([name]) => nameOf(name))
    expect(inDocument.sort()).toEqual(inSource.sort())
  })

  it('every limit is one', () => {
    const sources = files
      .filter((path) => /^src\/.*\.ts$/.test(path) && path !== 'src/base/limits.ts' && !path.endsWith('.test.ts'))
      .map(read)
    const unused = Object.keys(limits).filter((name) => !sources.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
    expect(unused).toEqual([])
  })
})

describe('docs/errors.md', () => {
  const [failures = '', commands = ''] = read('docs/errors.md').split('## Command line')
  const rows = rowsOf(failures)
  const source = read('src/base/errors.ts')
  const codes = [...source.slice(0, source.indexOf('export type FailureCode')).matchAll(/^ {2}'?([a-z-]+)'?: /gm)].map(([, code]) => code!)

  it('lists every code once, and nothing else', () => {
    expect(codes.length).toBeGreaterThan(20)
    expect(rows.map(([name]) => nameOf(name)).sort()).toEqual([...codes].sort())
  })

  it('every code is thrown by something', () => {
    const sources = files.filter((path) => /^src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts')).map(read)
    const idle = codes.filter((code) => !sources.some((text) => new RegExp(`new HeddleError\\(\\s*'${code}'`).test(text)))
    expect(idle).toEqual([])
  })

  it('has the status that each door answers', () => {
    const wrong = rows.flatMap(([name, , , ...cells]) => {
      const actual = statusesOf(nameOf(name) as FailureCode)
      const shown = cells.map((cell, i) => (cell === '—' && actual[i] === BUG_STATUS ? BUG_STATUS : Number(cell)))
      return shown.join() === actual.join() ? [] : [`${nameOf(name)}: the document says ${shown.join()}, the doors answer ${actual.join()}`]
    })
    expect(wrong).toEqual([])
  })

  it('lists every code of the command line', () => {
    const thrown = files
      .filter((path) => /^(src\/(cli\/.*|main)\.ts|bin\/.*\.js)$/.test(path))
      .flatMap((path) => [...read(path).matchAll(/(?:CommandError|NodeError)\(\s*'([a-z-]+)'|\bcode: '([a-z-]+)'/g)])
      .map(([, thrownCode, shownCode]) => thrownCode ?? shownCode!)
      .filter((code) => !codes.includes(code))
    expect(
      rowsOf(commands)
        .map(([name]) => nameOf(name))
        .sort(),
    ).toEqual([...new Set([...thrown, 'data-folder', 'demo-failed'])].sort())
  })

  /** Node API, gateway, GraphQL, uploads, AO. */
  function statusesOf(code: FailureCode): number[] {
    // Only what the doors look at is there.
    const error = new HeddleError(code, { rules: [], what: 'body', reason: 'invalid_proof' } as never, 'a message')
    const request = { method: 'GET', path: '/x' } as Request
    const doors: ((failure: unknown) => Response)[] = [
      (failure) => arweaveFailure(failure, request),
      (failure) => gatewaySurface({} as never).failure(failure, request),
      (failure) => graphqlSurface({ index: {} as never, log: silentLog }).failure(failure, request),
      (failure) => bundlerSurface({} as never).failure(failure, request),
      aoFailure,
    ]
    return doors.map((door) => door(error).status)
  }
})

describe('docs/settings.md', () => {
  const rows = rowsOf(read('docs/settings.md'))
  const usual = usualSettings()

  it('lists every setting with its variable and usual value', () => {
    expect(rows.map(([name, , variable, value]) => [nameOf(name), nameOf(variable), nameOf(value)])).toEqual(
      [...usual].map(([name, value]) => [name, variableOf(name), value === undefined ? '' : String(value)]),
    )
  })

  it('lists the flags that there are', () => {
    const { options } = startCommand(() => Promise.reject(new Error('not started here')))
    const flags = rows.map(([, flag]) => nameOf(flag)).filter((flag) => flag !== '')
    expect([...flags, '--fresh'].sort()).toEqual(
      Object.keys(options)
        .map((name) => `--${name}`)
        .sort(),
    )
  })
})

describe('documents', () => {
  it('point to files and headings that exist', () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !exists(target, path))
        .map((target) => `${path}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('name source files that exist', () => {
    const names = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md', ...documents.filter((path) => /^docs\/[^/]+\.md$/.test(path))]
    const missing = names.flatMap((path) =>
      filesNamedIn(read(path))
        .filter((name) => !isFile(name))
        .map((name) => `${path}: ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('ARCHITECTURE.md traces a transaction, a GET, an AO message and an AO-Core request through at least five files each', () => {
    const traces = read('ARCHITECTURE.md').split(/^## /m).slice(1)
    expect(traces.map((text) => text.split('\n')[0])).toEqual([
      expect.stringContaining('transaction'),
      expect.stringContaining('GET'),
      expect.stringContaining('AO message'),
      expect.stringContaining('AO-Core request'),
    ])
    for (const trace of traces) expect(new Set(filesNamedIn(trace)).size, trace.split('\n')[0]!).toBeGreaterThanOrEqual(5)
  })

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = documents.flatMap((path) =>
      [...read(path).matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)].map(([, run, short]) => run ?? short!),
    )
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })
})

function exists(target: string, from: string): boolean {
  const [path = '', heading] = target.split('#')
  const file = path === '' ? from : join(dirname(from), decodeURIComponent(path))
  if (!existsSync(join(root, file))) return false
  return heading === undefined || headingsOf(read(file)).includes(heading)
}

/** As GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** What stands in backticks and looks like a file of ours. */
function filesNamedIn(text: string): string[] {
  return [...text.matchAll(/`([\w./-]+\.(?:ts|lua|js|md))`/g)].map(([, name = '']) => name)
}

/** From the root or from src/; a bare name may be anywhere. */
function isFile(name: string): boolean {
  if (!name.includes('/')) return files.some((path) => basename(path) === name)
  return existsSync(join(root, name)) || existsSync(join(root, 'src', name))
}
