/**
 * Does a statement go on in the next line? Decides what Enter does.
 *
 * Invariants  What is wrong anyway counts as complete, so that it is run and its error seen: nobody is kept in a statement that cannot end.
 */
import { type LuaToken, luaTokens } from './lua-tokens.ts'

export type Incomplete = (source: string) => boolean

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' }
/** After these something has to follow. */
const LUA_OPEN_ENDED = new Set(
  'and or not in local = == ~= < > <= >= + - * / // % ^ # & ~ | << >> .. . : , until goto function if elseif while for'.split(' '),
)

export function isLuaIncomplete(source: string): boolean {
  const tokens = luaTokens(source)
  const last = tokens.at(-1)
  if (last === undefined) return false
  if (!last.isClosed) return true
  const open = openBlocks(tokens)
  return open !== null && (open.length > 0 || LUA_OPEN_ENDED.has(last.text))
}

/** What still has to come, innermost last; null when something closes that was never opened. */
function openBlocks(tokens: readonly LuaToken[]): readonly string[] | null {
  const open: string[] = []
  for (const { kind, text } of tokens) {
    if (kind === 'other') return null
    if (kind !== 'keyword' && kind !== 'operator') continue
    if (!advance(open, text)) return null
  }
  return open
}

/** False when it does not fit. */
function advance(open: string[], word: string): boolean {
  switch (word) {
    case '(':
    case '{':
    case '[':
      open.push(CLOSERS[word]!)
      return true
    case ')':
    case '}':
    case ']':
    case 'until':
      return open.pop() === word
    case 'function':
      open.push('end')
      return true
    case 'if':
      open.push('then')
      return true
    case 'while':
    case 'for':
      open.push('do')
      return true
    case 'repeat':
      open.push('until')
      return true
    case 'do':
      if (open.at(-1) === 'do') open.pop()
      open.push('end')
      return true
    case 'then':
      return replace(open, 'then', 'end')
    case 'elseif':
      return replace(open, 'end', 'then')
    case 'else':
      return open.at(-1) === 'end'
    case 'end':
      return open.pop() === 'end'
    default:
      return true
  }
}

function replace(open: string[], expected: string, next: string): boolean {
  if (open.pop() !== expected) return false
  open.push(next)
  return true
}

/** Brackets, templates and comments; a trailing operator. Regular expressions are told from divisions by what stands before them. */
export function isJsIncomplete(source: string): boolean {
  const open: string[] = []
  let before = ''
  for (let at = 0; at < source.length; ) {
    const { end, isClosed, shown } = open.at(-1) === '`' ? template(source, at) : jsPiece(source, at, before)
    if (!isClosed) return true
    if (shown !== '') before = shown
    if (shown === '`') open.at(-1) === '`' ? open.pop() : open.push('`')
    else if (shown === '${') open.push('}')
    else if (CLOSERS[shown] !== undefined) open.push(CLOSERS[shown])
    else if ((shown === ')' || shown === '}' || shown === ']') && open.pop() !== shown) return false
    at = end
  }
  return open.length > 0 || JS_OPEN_ENDED.test(before)
}

interface Piece {
  readonly end: number
  readonly isClosed: boolean
  /** A bracket, a word or an operator; empty for blanks and comments. */
  readonly shown: string
}

const JS_OPEN_ENDED = /^(?:[=+\-*/%&|^<>?:,.]|=>|[<>=!]==?|&&|\|\||\?\?|\*\*|[-+*/%]=)$/
const JS_PIECE = /\s+|[\w$]+|=>|===|!==|==|!=|<=|>=|&&|\|\||\?\?|\*\*|\+\+|--|[-+*/%]=|[^\s\w$]/y
const BEFORE_DIVISION = /^(?:[\w$]+|[)\]}]|\+\+|--|["'/])$/
const BEFORE_PATTERN = /^(?:return|typeof|case|in|of|void|delete|throw|await|yield)$/

function jsPiece(source: string, at: number, before: string): Piece {
  const char = source[at]!
  if (source.startsWith('//', at)) return { end: lineEnd(source, at), isClosed: true, shown: '' }
  if (source.startsWith('/*', at)) return closedBy(source, at + 2, '*/', '')
  if (char === '"' || char === "'")
    return { end: Math.min(escapedEnd(source, at + 1, char), lineEnd(source, at) + 1), isClosed: true, shown: char }
  if (char === '/' && (!BEFORE_DIVISION.test(before) || BEFORE_PATTERN.test(before)))
    return { end: escapedEnd(source, at + 1, '/'), isClosed: true, shown: '"' }
  JS_PIECE.lastIndex = at
  const text = JS_PIECE.exec(source)?.[0] ?? char
  return { end: at + text.length, isClosed: true, shown: text.trim() }
}

/** Inside a template: up to its end or the next `${`. */
function template(source: string, at: number): Piece {
  let end = at
  while (end < source.length && source[end] !== '`' && !source.startsWith('${', end)) end += source[end] === '\\' ? 2 : 1
  if (end >= source.length) return { end, isClosed: false, shown: '' }
  return source[end] === '`' ? { end: end + 1, isClosed: true, shown: '`' } : { end: end + 2, isClosed: true, shown: '${' }
}

function closedBy(source: string, from: number, close: string, shown: string): Piece {
  const at = source.indexOf(close, from)
  return at < 0 ? { end: source.length, isClosed: false, shown } : { end: at + close.length, isClosed: true, shown }
}

function escapedEnd(source: string, from: number, quote: string): number {
  let end = from
  while (end < source.length && source[end] !== quote && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1
  return Math.min(end + 1, source.length)
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at)
  return end < 0 ? source.length : end
}
