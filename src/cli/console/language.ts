/**
 * What the console has to know of the language that a process speaks.
 *
 * Invariants  Questions to the process are dry runs whose value is JSON text; nothing in them changes the process, and what they list is bounded.
 */
import type { Incomplete } from './incomplete.ts'

/** A name in a table of the process. */
export interface Name {
  readonly name: string
  /** As the language calls it: `function`, `table`, `number` … */
  readonly type: string
}

/** A row of `.state`. */
export interface Entry extends Name {
  /** Bytes of text, entries of a table; null where size means nothing. */
  readonly size: number | null
  readonly preview: string
}

export interface Listing {
  /** Of all entries; `entries` may be fewer. */
  readonly count: number
  readonly entries: readonly Entry[]
  /** What is no table, in full. */
  readonly value?: string
}

export interface InboxEntry {
  readonly index: number
  readonly from: string
  readonly action: string | null
  readonly timestamp: string
  readonly id: string
  readonly data: string
  readonly tags: readonly (readonly [string, string])[]
}

export interface HandlerEntry {
  readonly name: string
  readonly pattern: string
  readonly runs: string
}

/** Where an error says it happened; lines and columns from 1. */
export interface Place {
  readonly line: number
  readonly column: number | null
}

export interface Language {
  readonly name: 'Lua' | 'JavaScript'
  readonly keywords: readonly string[]
  readonly isIncomplete: Incomplete
  /** The answer to a question as JSON text. */
  decode(answer: string): string
  /** Names that can be written after what stands before the cursor. */
  readonly wordBefore: RegExp
  /** Source that lists names: globals, or those of a table. */
  names(path: string | null): string
  /** Source that lists what the program added to the globals, or what is in a table. */
  list(path: string | null): string
  /** Source that tells the newest messages; null when a process of this language keeps none. */
  inbox(count: number): string | null
  handlers(): string | null
  /** Source that tells the value of an expression which printed nothing; null when it is no plain expression. */
  emptyValue(source: string): string | null
  /** All places in the text of an error that mean the source which was run, and their texts. */
  readonly places: RegExp
  placeOf(match: RegExpMatchArray): Place
}
