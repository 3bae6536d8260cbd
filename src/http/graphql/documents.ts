/** Query texts to checked documents. Clients send the same few texts again and again, so the outcome is kept. */
import { type DocumentNode, GraphQLError, parse, validate } from 'graphql'
import { LRUCache } from 'lru-cache'
import { GRAPHQL_CACHE_BYTES_MAX, GRAPHQL_TOKENS_MAX } from '../../base/limits.ts'
import { type Weight, weightOf } from './effort.ts'
import { renameInputTypes, rules } from './rules.ts'
import { schema } from './schema.ts'

export type Prepared =
  | { readonly document: DocumentNode; readonly weight: Weight }
  | { readonly code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED'; readonly errors: readonly GraphQLError[] }

export class Documents {
  // A parsed document takes some forty times the room of its text.
  readonly #known = new LRUCache<string, Prepared>({
    maxSize: GRAPHQL_CACHE_BYTES_MAX,
    sizeCalculation: (_, text) => 40 * (text.length + 1),
  })

  prepare(text: string): Prepared {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const prepared = prepare(text)
    this.#known.set(text, prepared)
    return prepared
  }
}

function prepare(text: string): Prepared {
  let document: DocumentNode | null = null
  try {
    document = renameInputTypes(parse(text, { maxTokens: GRAPHQL_TOKENS_MAX }))
    const errors = validate(schema, document, rules)
    return errors.length > 0 ? { code: 'GRAPHQL_VALIDATION_FAILED', errors } : { document, weight: weightOf(document) }
  } catch (error) {
    const code = document === null ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED'
    if (error instanceof GraphQLError) return { code, errors: [error] }
    if (error instanceof RangeError) return { code, errors: [new GraphQLError('The query is nested too deeply to be read.')] } // The stack.
    throw error
  }
}
