/**
 * One GraphQL request to one answer.
 *
 * Wire  {data?, errors?: [{message, locations, path?, extensions: {code}}]}. Status 400 when the request itself is wrong (syntax, validation, variables, bad
 *       arguments), else 200, also when a part of the answer failed.
 */
import { execute, type GraphQLError, type GraphQLFormattedError } from 'graphql'
import { HeddleError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Documents } from './documents.ts'
import { Effort } from './effort.ts'
import type { GraphqlRequest } from './request.ts'
import { type GraphqlContext, root } from './resolvers.ts'
import { schema } from './schema.ts'

export interface GraphqlAnswer {
  readonly status: 200 | 400
  readonly body: { readonly data?: unknown; readonly errors?: readonly GraphQLFormattedError[] }
}

export interface ExecuteDeps extends Omit<GraphqlContext, 'effort'> {
  readonly documents: Documents
  readonly log: Log
}

export async function executeRequest(request: GraphqlRequest, deps: ExecuteDeps): Promise<GraphqlAnswer> {
  const prepared = deps.documents.prepare(request.query)
  if ('errors' in prepared) return { status: 400, body: { errors: prepared.errors.map((error) => withCode(error, prepared.code)) } }
  const context: GraphqlContext = { index: deps.index, receiptOf: deps.receiptOf, effort: new Effort(prepared.weight) }
  const { data, errors } = await execute({
    schema,
    document: prepared.document,
    rootValue: root,
    contextValue: context,
    variableValues: request.variables,
    operationName: request.operationName,
  })
  if (errors === undefined) return { status: 200, body: { data } }
  // Without any data the variables did not fit, or the named operation does not exist.
  if (data === undefined) return { status: 400, body: { errors: errors.map((error) => withCode(error, 'BAD_USER_INPUT')) } }
  const shown = errors.map((error) => show(error, deps.log))
  const isBadInput = data === null && shown.every(({ extensions }) => extensions?.['code'] === 'BAD_USER_INPUT')
  return { status: isBadInput ? 400 : 200, body: { errors: shown, data } }
}

/** What failed as expected is told; anything else is a bug, told to the log only. */
function show(error: GraphQLError, log: Log): GraphQLFormattedError {
  const { originalError } = error
  if (originalError === undefined) return withCode(error, 'INTERNAL_SERVER_ERROR')
  if (originalError instanceof HeddleError) {
    if (originalError.code === 'query-invalid' || originalError.code === 'limit-reached') return withCode(error, 'BAD_USER_INPUT')
    return withCode(error, 'INTERNAL_SERVER_ERROR')
  }
  log.error({ err: originalError, path: error.path }, 'a GraphQL field failed')
  const { locations, path } = error.toJSON()
  return {
    message: 'Internal server error',
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  }
}

function withCode(error: GraphQLError, code: string): GraphQLFormattedError {
  return { ...error.toJSON(), extensions: { code } }
}
