/**
 * What is run, and where its lines were written: at the prompt, or in files that were put together.
 *
 * Invariants  Line numbers count from 1. A line of the text comes from one line of one file, or from none.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { CommandError } from '../command.ts'
import { fileProblem } from '../files.ts'
import { isProcessSource, withoutTypes } from '../process-source.ts'
import { luaStringText, luaTokens } from './lua-tokens.ts'

export interface Origin {
  /** Null for what was typed. */
  readonly file: string | null
  readonly line: number
  readonly text: string
}

export interface Source {
  readonly text: string
  readonly label: string
  originOf(line: number): Origin | null
}

export function plainSource(text: string, file: string | null = null): Source {
  const lines = text.split('\n')
  return {
    text,
    label: file ?? text,
    originOf: (line) => (lines[line - 1] === undefined ? null : { file, line, text: lines[line - 1]! }),
  }
}

/** A file as it is sent to a process: JavaScript without types; Lua with the files that it requires. */
export function loadSource(path: string): Source {
  if (isProcessSource(path)) return plainSource(withoutTypes(path, readText(path, path)), path)
  return loadLua(path)
}

interface Module {
  readonly path: string
  readonly names: Set<string>
  readonly text: string
}

/**
 * One chunk of a Lua file and the local files that it requires, those first that others need. As the aos command line does it: `require('a.b')` means
 * `a/b.lua` beside the main file; what is not there belongs to the process. Here a file may also lie beside the one that requires it.
 */
function loadLua(path: string): Source {
  const modules: Module[] = []
  const main = resolve(path)
  const text = readText(path, path)
  collect({ path: main, text }, { root: dirname(main), trail: [basename(main)], modules })
  const lines: { text: string; origin: Origin | null }[] = []
  for (const module of modules) {
    lines.push({ text: 'do local value = (function(...)', origin: null })
    addLines(lines, module.text, relative(process.cwd(), module.path) || module.path)
    const names = [...module.names].map((name) => ` package.loaded[${JSON.stringify(name)}] = value`).join('')
    lines.push({ text: `end)(${JSON.stringify([...module.names][0])}) if value == nil then value = true end${names} end`, origin: null })
  }
  addLines(lines, text, path)
  return { text: lines.map((line) => line.text).join('\n'), label: path, originOf: (line) => lines[line - 1]?.origin ?? null }
}

interface Search {
  readonly root: string
  /** Who requires whom, from the main file on. */
  readonly trail: readonly string[]
  readonly modules: Module[]
}

function collect(file: { readonly path: string; readonly text: string }, { root, trail, modules }: Search): void {
  for (const name of requiredNames(file.text)) {
    const path = findModule(name, [root, dirname(file.path)])
    if (path === null) continue
    const known = modules.find((module) => module.path === path)
    if (known !== undefined) known.names.add(name)
    else {
      const shown = relative(root, path)
      if (trail.includes(shown)) throw new CommandError('file', `${[...trail, shown].join(' requires ')}: a circle cannot be loaded`)
      const other = modules.find(({ names }) => names.has(name))
      if (other !== undefined)
        throw new CommandError('file', `"${name}" means ${path} in ${trail.at(-1)} and ${other.path} elsewhere; rename one`)
      const text = readText(path, `${path}, which ${trail.at(-1)} requires`)
      collect({ path, text }, { root, trail: [...trail, shown], modules })
      modules.push({ path, names: new Set([name]), text })
    }
  }
}

/** The texts in `require "x"` and `require('x')`; not those in comments and strings. */
export function requiredNames(text: string): string[] {
  const tokens = luaTokens(text)
  const names = tokens.flatMap((token, i) => {
    if (token.kind !== 'name' || token.text !== 'require' || tokens[i - 1]?.text === '.' || tokens[i - 1]?.text === ':') return []
    const next = tokens[i + 1]?.text === '(' ? tokens[i + 2] : tokens[i + 1]
    return next?.kind === 'string' && next.isClosed ? [luaStringText(next)] : []
  })
  return [...new Set(names)]
}

function findModule(name: string, folders: readonly string[]): string | null {
  if (name === '' || name.includes('\0')) return null
  const paths = folders.map((folder) => join(folder, `${name.replaceAll('.', '/')}.lua`))
  return paths.find((path) => existsSync(path)) ?? null
}

function addLines(lines: { text: string; origin: Origin | null }[], text: string, file: string): void {
  // A first line for Unix, as `#!/usr/bin/lua`, is no Lua.
  for (const [i, line] of text.split('\n').entries())
    lines.push({ text: i === 0 && line.startsWith('#') ? '' : line, origin: { file, line: i + 1, text: line } })
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandError('file', `cannot read ${shown}: ${fileProblem(error)}`)
  }
}
