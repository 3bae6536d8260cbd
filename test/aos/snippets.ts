/** The corpus: Lua snippets in files, each file one process that evaluates them one after another. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Snippet {
  /** File and title: what a failing test shows. */
  readonly name: string
  readonly source: string
  /** Its numbers differ between hosts, which is why only their shape is compared. */
  readonly isMasked: boolean
}

export interface SnippetFile {
  readonly name: string
  readonly snippets: readonly Snippet[]
}

const FOLDER = fileURLToPath(new URL('./corpus/', import.meta.url))
const TITLE = /^---- (.*)$/m
const MASKED = '[masked: its value]'

/** What the snippets use; evaluated first. `show` tells integers from floats, and `false` from nothing. */
export const HELPERS = `
function show(...)
  local out = {}
  for i = 1, select('#', ...) do out[i] = tostring((select(i, ...))) end
  return table.concat(out, ' ')
end
function both(...) return '(' .. show(...) .. ')' end
function precise(...)
  local out = {}
  for i = 1, select('#', ...) do out[i] = string.format('%.17g', (select(i, ...))) end
  return table.concat(out, ' ')
end
function hex(s) return (s:gsub('.', function(c) return string.format('%02x', c:byte()) end)) end
return 'ready'`

export function readCorpus(): readonly SnippetFile[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.lua'))
  return files.sort().map((file) => ({ name: file.slice(0, -'.lua'.length), snippets: snippetsOf(file) }))
}

function snippetsOf(file: string): readonly Snippet[] {
  const [, ...parts] = readFileSync(FOLDER + file, 'utf8').split(TITLE)
  const snippets: Snippet[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const title = parts[i] ?? ''
    snippets.push({ name: `${file}: ${title}`, source: (parts[i + 1] ?? '').trim(), isMasked: title.endsWith(MASKED) })
  }
  return snippets
}
