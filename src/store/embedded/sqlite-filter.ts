/**
 * From the filters of a query to clauses over terms: the planner knows nothing else.
 *
 * Tag filters that are patterns are looked up in the dictionary of distinct values, not in the rows; only when they fit very many values, or ask for a
 * frequent name with any value, are the tags of the rows themselves looked at.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { asBuffer, EMPTY, equalBytes, fromBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { isAddress, isTxId } from '../../base/ids.ts'
import type { Tag } from '../../codec/tags.ts'
import type { TagFilter, TransactionQuery } from '../index-store.ts'
import { all, one } from './sqlite-lookup.ts'
import { hasPattern, literalFront, type TextTest, textTest } from './sqlite-pattern.ts'
import { KIND, OWNER, PARENT, RECIPIENT, TERM_L1 } from './sqlite-schema.ts'

/** `rows` is how many rows fit at most, as far as it is known. */
export type Clause =
  | { readonly kind: 'any'; readonly terms: ReadonlySet<number>; readonly rows: number }
  | { readonly kind: 'none'; readonly terms: ReadonlySet<number> }
  | { readonly kind: 'tags'; readonly fits: (tags: readonly Tag[]) => boolean }

interface Term {
  readonly p: number
  readonly row_count: number
}

/** Up to so many distinct values a pattern or a bare name is turned into terms. */
const TERMS_MAX = 20_000
/** So many distinct values are read for a pattern before it is tried on the rows instead. */
const SCAN_MAX = 100_000

export class FilterCompiler {
  readonly #term: StatementSync
  readonly #name: StatementSync
  readonly #names: StatementSync
  readonly #termsOfName: StatementSync
  readonly #termsFrom: StatementSync

  constructor(db: DatabaseSync) {
    this.#term = db.prepare('SELECT p, row_count FROM term WHERE n = ? AND text = ?')
    this.#name = db.prepare('SELECT n, row_count FROM name WHERE text = ?')
    this.#names = db.prepare('SELECT n FROM name')
    this.#termsOfName = db.prepare('SELECT p, row_count FROM term WHERE n = ? LIMIT ?')
    this.#termsFrom = db.prepare('SELECT text, p, row_count FROM term WHERE n = ? AND text >= ?')
  }

  /** Null when nothing can fit. */
  compile(query: TransactionQuery): Clause[] | null {
    const clauses: (Clause | null | 'all')[] = [
      this.#idents(OWNER, query.owners, addressBytes),
      this.#idents(RECIPIENT, query.recipients, idBytesOf),
      query.bundledIn === 'none' ? this.#l1() : this.#idents(PARENT, query.bundledIn, idBytesOf),
      ...(query.tags ?? []).map((filter) => this.#tag(filter)),
    ]
    const found = clauses.filter((clause) => clause !== 'all')
    return found.includes(null) ? null : (found as Clause[])
  }

  #idents(n: number, texts: readonly string[] | null | undefined, toBytes: (text: string) => Uint8Array | null): Clause | null | 'all' {
    if (texts === null || texts === undefined) return 'all'
    return anyOf(texts.map(toBytes).flatMap((bytes) => (bytes === null ? [] : this.#terms(n, bytes))))
  }

  #l1(): Clause | null {
    const l1 = one<Term>(this.#term, KIND, EMPTY)
    return anyOf([{ p: TERM_L1, row_count: l1?.row_count ?? 0 }])
  }

  #tag(filter: TagFilter): Clause | null | 'all' {
    const { name, values, op } = filter
    if (name === null && values === null) return 'all'
    if (values?.length === 0) return op === 'EQ' ? null : 'all'
    const terms = this.#termsOfTag(filter)
    if (terms === null) {
      const fits = tagTest(filter)
      return { kind: 'tags', fits: op === 'EQ' ? fits : (tags) => !fits(tags) }
    }
    if (op === 'EQ') return anyOf(terms)
    return terms.length === 0 ? 'all' : { kind: 'none', terms: new Set(terms.map(({ p }) => p)) }
  }

  /** All terms that a tag filter fits, op aside; null when they are too many. */
  #termsOfTag(filter: TagFilter): Term[] | null {
    const { name, values, match } = filter
    const names = name === null ? all<{ n: number }>(this.#names).map(({ n }) => n) : this.#nameNumbers(name)
    if (values === null) {
      const terms = names.flatMap((n) => all<Term>(this.#termsOfName, n, TERMS_MAX + 1))
      return terms.length > TERMS_MAX ? null : terms
    }
    if (match === 'EXACT' || (match === 'WILDCARD' && !values.some(hasPattern)))
      return names.flatMap((n) => values.flatMap((value) => this.#terms(n, utf8(value))))
    return this.#termsThatFit(names, values, match)
  }

  #termsThatFit(names: readonly number[], values: readonly string[], match: TagFilter['match']): Term[] | null {
    const found = new Map<number, Term>()
    let scanned = 0
    for (const value of values) {
      const front = match === 'WILDCARD' ? utf8(literalFront(value)) : EMPTY
      const fits = textTest(value, match)
      for (const n of names) {
        for (const row of this.#termsFrom.iterate(n, front)) {
          const { text, p, row_count } = row as unknown as Term & { readonly text: Uint8Array }
          if (!equalBytes(text.subarray(0, front.length), front)) break
          if (++scanned > SCAN_MAX) return null
          if (fits(asBuffer(text).toString('utf8'))) found.set(p, { p, row_count })
          if (found.size > TERMS_MAX) return null
        }
      }
    }
    return [...found.values()]
  }

  #nameNumbers(name: string): number[] {
    const found = one<{ n: number }>(this.#name, utf8(name))
    return found === undefined ? [] : [found.n]
  }

  #terms(n: number, text: Uint8Array): Term[] {
    const found = one<Term>(this.#term, n, text)
    return found === undefined ? [] : [found]
  }
}

/** Does a row with these terms (its parent among them) fit? `tags` is asked for only if a clause needs them. */
export function fitsClauses(clauses: readonly Clause[], terms: readonly number[], tags: () => readonly Tag[]): boolean {
  return clauses.every((clause) => {
    if (clause.kind === 'tags') return clause.fits(tags())
    return terms.some((term) => clause.terms.has(term)) === (clause.kind === 'any')
  })
}

function anyOf(found: readonly Term[]): Clause | null {
  const counts = new Map(found.filter(({ row_count }) => row_count > 0).map(({ p, row_count }) => [p, row_count]))
  if (counts.size === 0) return null
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { kind: 'any', terms: new Set(counts.keys()), rows }
}

function tagTest({ name, values, match }: TagFilter): (tags: readonly Tag[]) => boolean {
  const wanted = name === null ? null : utf8(name)
  const tests: readonly TextTest[] | null = values === null ? null : values.map((value) => textTest(value, match))
  return (tags) =>
    tags.some((tag) => {
      if (wanted !== null && !equalBytes(tag.name, wanted)) return false
      if (tests === null) return true
      const text = asBuffer(tag.value).toString('utf8')
      return tests.some((fits) => fits(text))
    })
}

/** Clients send addresses; some schema texts also allow the public key. */
function addressBytes(text: string): Uint8Array | null {
  if (isAddress(text)) return fromBase64url(text)
  if (text.length <= 43) return null
  try {
    return sha256(fromBase64url(text))
  } catch {
    return null
  }
}

function idBytesOf(text: string): Uint8Array | null {
  return isTxId(text) ? fromBase64url(text) : null
}
