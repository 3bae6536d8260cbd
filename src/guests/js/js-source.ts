/**
 * The source of a JavaScript process, and of what it is given to import.
 *
 * Wire        Data of a module of format `heddle-js-1`: the text of one ES module; or, for several files, the JSON
 *             {"main": name, "files": {name: text}}, which is no JavaScript. Names are paths with forward slashes; they are what traces show.
 * Invariants  `heddle/process` and the files beside it are ours. Everything else is imported by relative path, from the same module.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toHex, toTextStrict, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import type { GuestModule } from '../guest.ts'

export const JS_FORMAT = 'heddle-js-1'
export const PROCESS_MODULE = 'heddle/process'
export const PRELUDE_NAME = 'heddle:prelude'
/** The one file of a module that is plain text. */
const ONLY_FILE = 'module.js'
const OWN_FOLDER = fileURLToPath(new URL('../../../processes/js/', import.meta.url))
const OWN_PREFIX = 'heddle/'
/** Begins names that no file has. */
const NOWHERE = './'

export interface JsSource {
  readonly main: string
  /** The file of a name, when there is one; asked for once somebody imports it. */
  readonly files: Pick<ReadonlyMap<string, Uint8Array>, 'get'>
}

/** The data of a module: what `readJsSource` reads. */
export function writeJsSource(main: string, files: ReadonlyMap<string, string>): string {
  return JSON.stringify({ main, files: Object.fromEntries(files) })
}

interface OwnSource {
  readonly prelude: Uint8Array
  /** By the name that imports resolve to. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** What processes compute depends on it. */
  readonly version: string
}

let own: OwnSource | undefined

export function ownSource(): OwnSource {
  own ??= readOwnSource()
  return own
}

function readOwnSource(): OwnSource {
  const names = readdirSync(OWN_FOLDER).sort()
  const texts = new Map(names.map((name) => [name, readFileSync(OWN_FOLDER + name)]))
  const version = toHex(sha256(utf8(JSON.stringify([...texts].map(([name, text]) => [name, text.toString('utf8')])))))
  const prelude = texts.get('prelude.js')!
  texts.delete('prelude.js')
  const files = new Map([...texts].map(([name, text]) => [OWN_PREFIX + (name === 'process.js' ? 'process' : name), text]))
  return { prelude, files, version: version.slice(0, 16) }
}

export function readJsSource(module: GuestModule): JsSource {
  const text = toTextStrict(module.bytes)
  if (text === null) throw refuse(module, 'its data is not UTF-8 text')
  const container = /^\s*\{/.test(text) ? parseContainer(text) : undefined
  if (container === undefined) return { main: ONLY_FILE, files: new Map([[ONLY_FILE, module.bytes]]) }
  const { main, files } = container as { main?: unknown; files?: unknown }
  if (typeof main !== 'string' || typeof files !== 'object' || files === null) throw refuse(module, 'its JSON has no "main" and "files"')
  const entries = Object.entries(files as Record<string, unknown>)
  const odd = entries.find(([name, source]) => typeof source !== 'string' || !isFileName(name))
  if (odd !== undefined) throw refuse(module, `its file "${odd[0]}" is not text with a plain relative path as its name`)
  if (!Object.hasOwn(files, main)) throw refuse(module, `its files lack "${main}", which is to be the main one`)
  return { main, files: new Map(entries.map(([name, source]) => [name, utf8(source as string)])) }
}

function isFileName(name: string): boolean {
  return posix.normalize(name) === name && !name.startsWith('../') && !name.startsWith('/') && !name.startsWith(OWN_PREFIX)
}

/** Where `specifier` leads from the file `from`. Of ours, programs reach `heddle/process` only: its parts would show them the host's functions. */
export function resolveImport(from: string, specifier: string): string {
  if (!/^\.\.?\//.test(specifier))
    return specifier.startsWith(OWN_PREFIX) && specifier !== PROCESS_MODULE ? `${NOWHERE}${specifier}` : specifier
  return posix.join(from === PRELUDE_NAME ? '' : posix.dirname(from), specifier)
}

function parseContainer(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? value : undefined
  } catch {
    return undefined
  }
}

function refuse({ id }: GuestModule, reason: string): HeddleError<'module-unsupported'> {
  return new HeddleError('module-unsupported', { module: id, reason }, `module ${id} cannot run: ${reason}`)
}
