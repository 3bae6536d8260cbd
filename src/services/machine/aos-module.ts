/**
 * The source of the built-in aos-compatible module: the Lua files of `processes/aos` as one chunk, and the other processes that ship.
 *
 * Wire        loader.lua as it stands; then one `preload` call for each other file, named by its path: `crypto/digest.lua` is
 *             `.crypto.digest`; then main.lua, whose value is the module's handle function.
 * Source      module format `heddle-lua-1`: a Lua 5.3 chunk that is run once
 * Invariants  The same files give the same bytes: files go in by the order of their names. Each is compiled under its own name, so that
 *             errors and tracebacks tell file and line. What a process never requires stays text, and comments and indentation are left
 *             out, line by line: a small state is cheap to copy.
 *             Files that end in `_test.lua` stay out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROCESSES = fileURLToPath(new URL('../../../processes/', import.meta.url))
const FIRST = 'loader.lua'
const LAST = 'main.lua'

let assembled: string | undefined

/** The module's source: Lua text, to be run as a chunk. */
export function aosModuleSource(): string {
  assembled ??= assemble()
  return assembled
}

/** The source of a process that ships, such as `token`. */
export function processSource(name: string): string {
  return readFileSync(`${PROCESSES}${name}.lua`, 'utf8')
}

/** A Lua statement, after loader.lua, that makes `source` available to `require(name)`, which is when it is compiled. */
export function preloadStatement(name: string, source: string): string {
  return `preload('${name}', ${quoteLua(source)})\n`
}

function assemble(): string {
  const folder = `${PROCESSES}aos/`
  const read = (file: string): string => compact(readFileSync(folder + file, 'utf8'))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.lua') && !file.endsWith('_test.lua') && file !== FIRST && file !== LAST)
    .sort()
  const modules = files.map((file) => preloadStatement(moduleName(file), read(file)))
  return [read(FIRST), ...modules, read(LAST)].join('\n')
}

/** Without comments that have lines of their own and without indentation; every line stays where it is. */
function compact(source: string): string {
  const code = source.replace(/^--\[\[[\s\S]*?\]\]/, (header) => header.replace(/[^\n]/g, ''))
  if (/\[=*\[/.test(code)) return source // There may be text in which blanks count.
  return code.replace(/^[ \t]+/gm, '').replace(/^--.*$/gm, '')
}

function moduleName(file: string): string {
  return `.${file.slice(0, -'.lua'.length).replaceAll('/', '.')}`
}

/** Text in long brackets of a level that does not occur in it; Lua drops the line break after the opening one. */
function quoteLua(text: string): string {
  let level = ''
  while (text.includes(`]${level}]`) || text.endsWith(`]${level}`)) level += '='
  return `[${level}[\n${text}]${level}]`
}
