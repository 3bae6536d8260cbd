/**
 * Lua source as tokens, as far as a line editor and a file loader have to know it.
 *
 * Source      Lua 5.3 manual, section 3.1
 * Invariants  Never fails: what is no Lua becomes a token of kind `other`, what the source ends within is not `isClosed`.
 *             Comments and blanks are left out, but for a long comment that nothing closes.
 */

export interface LuaToken {
  readonly kind: 'name' | 'keyword' | 'number' | 'string' | 'comment' | 'operator' | 'other'
  /** As written, quotes included. */
  readonly text: string
  /** Where it begins. */
  readonly at: number
  /** False for a string or comment that goes on beyond the end of the source. */
  readonly isClosed: boolean
}

export const LUA_KEYWORDS: readonly string[] =
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(' ')

const KEYWORDS = new Set(LUA_KEYWORDS)
const BLANK = /\s+/y
const NAME = /[A-Za-z_]\w*/y
const NUMBER = /0[xX][\da-fA-F.]*(?:[pP][+-]?\d*)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d*)?/y
const OPERATOR = /\.\.\.|\.\.|::|\/\/|<<|>>|[<>=~]=|[-+*/%^#&~|<>=(){}[\];:,.]/y
const LONG_OPEN = /\[(=*)\[/y

export function luaTokens(source: string): LuaToken[] {
  const tokens: LuaToken[] = []
  let at = 0
  while (at < source.length) {
    const next = tokenAt(source, at)
    if (next.token !== null) tokens.push(next.token)
    at = next.end
  }
  return tokens
}

/** The text of a closed string without its quotes; escapes stay as they are written. */
export function luaStringText({ text }: LuaToken): string {
  const level = /^\[=*\[/.exec(text)?.[0].length ?? 1
  return text.slice(level, -level)
}

interface Step {
  readonly token: LuaToken | null
  readonly end: number
}

function tokenAt(source: string, at: number): Step {
  const blank = match(BLANK, source, at)
  if (blank !== null) return { token: null, end: at + blank.length }
  if (source.startsWith('--', at)) return comment(source, at)
  const char = source[at]!
  if (char === '"' || char === "'") return quoted(source, at, char)
  const long = longEnd(source, at)
  if (long !== null) return step(source, at, 'string', long.end, long.isClosed)
  const name = match(NAME, source, at)
  if (name !== null) return step(source, at, KEYWORDS.has(name) ? 'keyword' : 'name', at + name.length)
  const number = match(NUMBER, source, at)
  if (number !== null) return step(source, at, 'number', at + number.length)
  const operator = match(OPERATOR, source, at)
  return operator === null ? step(source, at, 'other', at + 1) : step(source, at, 'operator', at + operator.length)
}

function step(source: string, at: number, kind: LuaToken['kind'], end: number, isClosed = true): Step {
  return { token: { kind, text: source.slice(at, end), at, isClosed }, end }
}

function comment(source: string, at: number): Step {
  const long = longEnd(source, at + 2)
  if (long !== null) return long.isClosed ? { token: null, end: long.end } : step(source, at, 'comment', long.end, false)
  const end = source.indexOf('\n', at)
  return { token: null, end: end < 0 ? source.length : end }
}

/** A string between quotes ends with its line, unless a backslash stands before the line's end. */
function quoted(source: string, at: number, quote: string): Step {
  let end = at + 1
  while (end < source.length && source[end] !== quote && source[end] !== '\n') {
    if (source[end] !== '\\') end += 1
    else if (source[end + 1] === 'z') end += 2 + (match(BLANK, source, end + 2)?.length ?? 0)
    else end += 2
  }
  if (source[end] === quote) return step(source, at, 'string', end + 1)
  if (source[end] === '\n') return step(source, at, 'other', end)
  return step(source, at, 'string', source.length, !/\\(?:z\s*|\r?\n)?$/.test(source.slice(at)))
}

function longEnd(source: string, at: number): { readonly end: number; readonly isClosed: boolean } | null {
  const open = match(LONG_OPEN, source, at)
  if (open === null) return null
  const close = source.indexOf(`]${'='.repeat(open.length - 2)}]`, at + open.length)
  return close < 0 ? { end: source.length, isClosed: false } : { end: close + open.length, isClosed: true }
}

function match(pattern: RegExp, source: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0] ?? null
}
