/** What tag filters other than EXACT mean: WILDCARD (`*` is any run of characters) and FUZZY (whole words, in any case). */
import type { TagFilter } from '../index-store.ts'

export type TextTest = (text: string) => boolean

const WORDS = /[\p{L}\p{N}]+/gu

export function hasPattern(value: string): boolean {
  return value.includes('*')
}

/** What every text that fits a wildcard begins with. */
export function literalFront(value: string): string {
  const star = value.indexOf('*')
  return star === -1 ? value : value.slice(0, star)
}

export function textTest(value: string, match: TagFilter['match']): TextTest {
  switch (match) {
    case 'EXACT':
      return (text) => text === value
    case 'WILDCARD':
      return hasPattern(value) ? (text) => fitsWildcard(text, value.split('*')) : (text) => text === value
    case 'FUZZY_AND':
      return fuzzy(value, (words, has) => words.every(has))
    case 'FUZZY_OR':
      return fuzzy(value, (words, has) => words.some(has))
  }
}

/** The parts between the stars in their order, the first at the start and the last at the end. Takes linear time, which a regular expression would not. */
function fitsWildcard(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at <= text.length - last.length
}

function fuzzy(value: string, join: (words: readonly string[], has: TextTest) => boolean): TextTest {
  const wanted = wordsOf(value)
  if (wanted.length === 0) return () => false
  return (text) => {
    const words = new Set(wordsOf(text))
    return join(wanted, (word) => words.has(word))
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORDS) ?? []
}
