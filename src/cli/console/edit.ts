/**
 * What keys do to a text with a cursor in it. Pure; the reader draws.
 *
 * Invariants  The cursor never stands inside a character. Lines are separated by `\n`, other control characters but tabs do not get in.
 */
import { nextAt, previousAt } from './width.ts'

export interface Draft {
  readonly text: string
  readonly cursor: number
}

export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
  readonly shift?: boolean | undefined
}

export const EMPTY_DRAFT: Draft = { text: '', cursor: 0 }

export function draftOf(text: string): Draft {
  return { text, cursor: text.length }
}

export function insert({ text, cursor }: Draft, added: string): Draft {
  const clean = added.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, '')
  return { text: text.slice(0, cursor) + clean + text.slice(cursor), cursor: cursor + clean.length }
}

export function lineStart({ text, cursor }: Draft): number {
  return text.lastIndexOf('\n', cursor - 1) + 1
}

export function lineEnd({ text, cursor }: Draft): number {
  const end = text.indexOf('\n', cursor)
  return end < 0 ? text.length : end
}

/** Without what lies between the cursor and `to`. */
export function cut({ text, cursor }: Draft, to: number): { readonly draft: Draft; readonly removed: string } {
  const [from, end] = to < cursor ? [to, cursor] : [cursor, to]
  return { draft: { text: text.slice(0, from) + text.slice(end), cursor: from }, removed: text.slice(from, end) }
}

export function wordBefore({ text, cursor }: Draft): number {
  return cursor - (/(?:[\w]+|[^\w\s]+)?\s*$/.exec(text.slice(0, cursor))?.[0].length ?? 0)
}

export function wordAfter({ text, cursor }: Draft): number {
  return cursor + (/^\s*(?:[\w]+|[^\w\s]+)?/.exec(text.slice(cursor))?.[0].length ?? 0)
}

/** The same column in the line above or below; null when there is none. */
export function vertical(draft: Draft, down: boolean): Draft | null {
  const { text, cursor } = draft
  const start = lineStart(draft)
  const end = lineEnd(draft)
  if (down ? end === text.length : start === 0) return null
  const other = down ? end + 1 : text.lastIndexOf('\n', start - 2) + 1
  const otherEnd = lineEnd({ text, cursor: other })
  const target = Math.min(other + (cursor - start), otherEnd)
  return {
    text,
    cursor: target === otherEnd ? target : nextAt(text, previousAt(text, target)) === target ? target : previousAt(text, target),
  }
}

/** Moves the cursor; null for keys that do not. */
export function move(draft: Draft, { name, ctrl = false, meta = false }: Key): Draft | null {
  const at = (cursor: number): Draft => ({ text: draft.text, cursor })
  const { text, cursor } = draft
  const isWord = ctrl || meta
  switch (name) {
    case 'left':
      return at(isWord ? wordBefore(draft) : previousAt(text, cursor))
    case 'right':
      return at(isWord ? wordAfter(draft) : nextAt(text, cursor))
    case 'home':
      return at(lineStart(draft))
    case 'end':
      return at(lineEnd(draft))
    case 'a':
      return ctrl ? at(lineStart(draft)) : null
    case 'e':
      return ctrl ? at(lineEnd(draft)) : null
    case 'b':
      return meta ? at(wordBefore(draft)) : ctrl ? at(previousAt(text, cursor)) : null
    case 'f':
      return meta ? at(wordAfter(draft)) : ctrl ? at(nextAt(text, cursor)) : null
    default:
      return null
  }
}

/** Up to where a key deletes, from the cursor; null for keys that do not. */
export function deletes(draft: Draft, { name, ctrl = false, meta = false }: Key): number | null {
  const { text, cursor } = draft
  switch (name) {
    case 'backspace':
      return ctrl || meta ? wordBefore(draft) : previousAt(text, cursor)
    case 'delete':
      return ctrl || meta ? wordAfter(draft) : nextAt(text, cursor)
    case 'h':
      return ctrl ? previousAt(text, cursor) : null
    case 'd':
      return meta ? wordAfter(draft) : ctrl ? nextAt(text, cursor) : null
    case 'w':
      return ctrl ? wordBefore(draft) : null
    case 'u':
      return ctrl ? lineStart(draft) : null
    case 'k':
      return ctrl ? lineEnd(draft) : null
    default:
      return null
  }
}
