/**
 * GraphQL over HTTP: `POST /graphql` with {query, variables?, operationName?} or a list of such, `GET /graphql?query=&variables=&operationName=`.
 *
 * Wire        JSON answers; failures as {"errors":[{message, extensions:{code}}]}, 400 for a bad request, 413 for a large one. A browser that opens the
 *             address without a query gets a page to try queries on.
 * Source      GraphQL over HTTP as ar-io (Apollo Server 4) and Goldsky speak it
 */
import { errorText, HeddleError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { IndexReader } from '../../store/index-store.ts'
import { json, type Request, type Response, type Route, type Surface } from '../route.ts'
import type { GraphqlAnswer } from './execute.ts'
import { EXPLORER } from './explorer.ts'
import { type GraphqlRequest, requestOfUrl, requestsOfBody } from './request.ts'
import type { Receipt } from './views.ts'

export interface GraphqlDeps {
  readonly index: IndexReader
  /** What requests read for which `isLocal` holds; the same index when left out. */
  readonly local?: IndexReader
  readonly isLocal?: (request: Request) => boolean
  readonly log: Log
  /** Receipts of uploads, where the node keeps them. */
  readonly receiptOf?: (id: string) => Promise<Receipt | null>
}

export function graphqlSurface({ index, local = index, isLocal = () => false, log, receiptOf = async () => null }: GraphqlDeps): Surface {
  let engine: Promise<Engine> | null = null
  const answer = async (request: Request, asked: Asked): Promise<Response> => {
    engine ??= openEngine({ log, receiptOf })
    const execute = await engine
    return answerWith((one) => execute(one, isLocal(request) ? local : index), asked)
  }
  const routes: Route[] = [
    { method: 'POST', path: '/graphql', handle: async (request) => answer(request, await requestsOfBody(request)) },
    { method: 'GET', path: '/graphql', handle: async (request) => (wantsPage(request) ? page() : answer(request, requestOfUrl(request))) },
  ]
  return { name: 'graphql', routes, failure }
}

type Asked = GraphqlRequest | readonly GraphqlRequest[]
type Engine = (request: GraphqlRequest, index: IndexReader) => Promise<GraphqlAnswer>

/** With the first query: the library and the schema would make a quarter of the node's start. */
async function openEngine(deps: Pick<Required<GraphqlDeps>, 'log' | 'receiptOf'>): Promise<Engine> {
  const [{ Documents }, { executeRequest }] = await Promise.all([import('./documents.ts'), import('./execute.ts')])
  const documents = new Documents()
  return (request, index) => executeRequest(request, { ...deps, index, documents })
}

async function answerWith(execute: (request: GraphqlRequest) => Promise<GraphqlAnswer>, asked: Asked): Promise<Response> {
  if (isOne(asked)) {
    const { status, body } = await execute(asked)
    return json(status, body)
  }
  const answers = await Promise.all(asked.map((one) => execute(one)))
  return json(
    200,
    answers.map(({ body }) => body),
  )
}

function isOne(asked: Asked): asked is GraphqlRequest {
  return !Array.isArray(asked)
}

function wantsPage({ query, headers }: Request): boolean {
  return !query.has('query') && headers['accept']?.includes('text/html') === true
}

function page(): Response {
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: EXPLORER }
}

function failure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return errors(500, 'INTERNAL_SERVER_ERROR', 'Internal server error')
  switch (error.code) {
    case 'request-invalid':
      return errors(400, 'BAD_REQUEST', error.message)
    case 'too-large':
      return errors(413, 'BAD_REQUEST', error.message)
    case 'store-failed':
    case 'stopping':
      return errors(503, 'INTERNAL_SERVER_ERROR', error.message)
    default:
      return errors(500, 'INTERNAL_SERVER_ERROR', errorText(error))
  }
}

function errors(status: number, code: string, message: string): Response {
  return json(status, { errors: [{ message, extensions: { code } }] })
}
