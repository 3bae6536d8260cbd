/** Finding again what was typed before: step by step, or by a part of it. */
import { type Draft, draftOf, type Key, lineEnd } from './edit.ts'

interface Search {
  readonly query: string
  /** Of the entry that is shown. */
  readonly index: number
  readonly before: Draft
}

/** What a key did to a search: the draft to show, and whether the key is still to be pressed on it. */
export interface Searched {
  readonly draft: Draft
  readonly passesOn: boolean
}

export class Recall {
  readonly #entries: readonly string[]
  #at: number
  /** What was typed and not sent, behind the newest entry. */
  #typed = ''
  #search: Search | null = null

  /** `entries`: oldest first, and may grow. */
  constructor(entries: readonly string[]) {
    this.#entries = entries
    this.#at = entries.length
  }

  /** The next statement begins. */
  restart(): void {
    this.#at = this.#entries.length
    this.#search = null
  }

  /** What is looked for; null when nothing is. */
  get query(): string | null {
    return this.#search?.query ?? null
  }

  /** An older or newer entry; null when there is none. */
  step(draft: Draft, step: 1 | -1): Draft | null {
    const at = this.#at + step
    if (at < 0 || at > this.#entries.length) return null
    if (this.#at === this.#entries.length) this.#typed = draft.text
    this.#at = at
    const text = this.#entries[at] ?? this.#typed
    // From above one arrives in the first line, so that the next key goes on.
    return step === 1 ? { text, cursor: lineEnd({ text, cursor: 0 }) } : draftOf(text)
  }

  begin(draft: Draft): void {
    this.#search = { query: '', index: this.#entries.length, before: draft }
  }

  /** A key while something is looked for. */
  press(draft: Draft, text: string | undefined, key: Key): Searched {
    const search = this.#search!
    const isText = key.ctrl !== true && key.meta !== true && text !== undefined && /^\P{Cc}+$/u.test(text)
    if (key.ctrl === true && key.name === 'r') return this.#find(draft, search)
    if (key.name === 'backspace') return this.#find(draft, { ...search, query: search.query.slice(0, -1), index: this.#entries.length })
    if (isText) return this.#find(draft, { ...search, query: search.query + text, index: search.index + 1 })
    this.#search = null
    const isGivenUp = key.ctrl === true && (key.name === 'c' || key.name === 'g')
    return { draft: isGivenUp ? search.before : draft, passesOn: !isGivenUp && key.name !== 'escape' }
  }

  /** The next older entry with the query in it; what is shown stays when there is none. */
  #find(draft: Draft, search: Search): Searched {
    const { query } = search
    const index = query === '' ? -1 : this.#entries.findLastIndex((entry, i) => i < search.index && entry.includes(query))
    const text = this.#entries[index]
    this.#search = text === undefined ? { ...search, index: Math.min(search.index, this.#entries.length) } : { ...search, index }
    return { draft: text === undefined ? draft : { text, cursor: text.indexOf(query) }, passesOn: false }
  }
}
