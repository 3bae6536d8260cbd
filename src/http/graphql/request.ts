/** What a client asks, out of the body of a POST or the query string of a GET. */
import { toTextStrict } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { GRAPHQL_BATCH_MAX, GRAPHQL_BODY_BYTES_MAX } from '../../base/limits.ts'
import type { Request } from '../route.ts'

export interface GraphqlRequest {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
  readonly operationName: string | null
}

/** A list when the body is one. The content type is not asked for: tools like curl send another one. */
export async function requestsOfBody(request: Request): Promise<GraphqlRequest | readonly GraphqlRequest[]> {
  const text = toTextStrict(await request.body(GRAPHQL_BODY_BYTES_MAX))
  if (text === null) throw bad('body', 'the body is not UTF-8')
  if (request.headers['content-type']?.startsWith('application/graphql') === true && !text.trimStart().startsWith('{"'))
    return toRequest({ query: text })
  const value = parseJson(text, 'body')
  if (!Array.isArray(value)) return toRequest(value)
  if (value.length > GRAPHQL_BATCH_MAX)
    throw bad('body', `the body lists ${value.length} queries, at most ${GRAPHQL_BATCH_MAX} are allowed`)
  return value.map(toRequest)
}

export function requestOfUrl({ query }: Request): GraphqlRequest {
  const variables = query.get('variables')
  return toRequest({
    query: query.get('query'),
    variables: variables ? parseJson(variables, 'variables') : null,
    operationName: query.get('operationName'),
  })
}

function toRequest(value: unknown): GraphqlRequest {
  if (!isObject(value)) throw bad('body', 'the body is not a JSON object; send {"query": "...", "variables": {...}}')
  const { query, variables, operationName } = value as Record<'query' | 'variables' | 'operationName', unknown>
  if (typeof query !== 'string' || query === '') throw bad('query', 'the request has no query; send {"query": "...", "variables": {...}}')
  const values = typeof variables === 'string' ? parseJson(variables || 'null', 'variables') : (variables ?? {})
  if (!isObject(values ?? {})) throw bad('variables', 'the variables are not a JSON object')
  if (operationName !== null && operationName !== undefined && typeof operationName !== 'string')
    throw bad('operationName', 'the operation name is not a string')
  return { query, variables: (values ?? {}) as GraphqlRequest['variables'], operationName: operationName || null }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string, field: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw bad(field, `the ${field} is not JSON; send {"query": "...", "variables": {...}}`)
  }
}

function bad(field: string, message: string): HeddleError {
  return new HeddleError('request-invalid', { field }, message)
}
