/**
 * POST / with a signed data item -> 202 {"message":"Processing DataItem","id"}, once it has its slot; a repeat answers the same.
 * POST /?process-id=P&assign=M[&base-layer][&exclude=Data,Tags] -> 202 {"message":"Processing Assignment","id":<assignment id>}.
 *
 * Source  permaweb/ao servers/mu (routes/base, routes/assign)
 */
import { HeddleError, isFailure } from '../../base/errors.ts'
import { MESSAGE_BYTES_MAX } from '../../base/limits.ts'
import { type DataItem, decodeDataItem, itemHeaderBytesMax } from '../../codec/data-item.ts'
import { toTextTags } from '../../codec/tags.ts'
import type { Intake } from '../../services/intake.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { aoKind } from '../../services/machine/protocol.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { parseId } from './parameters.ts'

export interface PostItemDeps {
  readonly intake: Pick<Intake, 'acceptItem'>
  readonly machine: Pick<Machine, 'assign'>
}

export function postItem(deps: PostItemDeps): Route {
  return {
    method: 'POST',
    path: '/',
    async handle(request) {
      return request.query.has('process-id') || request.query.has('assign') ? assign(request, deps) : schedule(request, deps)
    },
  }
}

async function schedule(request: Request, { intake }: PostItemDeps): Promise<Response> {
  const raw = await request.body(MESSAGE_BYTES_MAX + itemHeaderBytesMax())
  checkAo(decode(raw))
  const { id } = await intake.acceptItem(raw)
  return json(202, { message: 'Processing DataItem', id })
}

async function assign({ query }: Request, { machine }: PostItemDeps): Promise<Response> {
  if (!query.has('process-id') || !query.has('assign')) {
    const message = 'You must set both process-id and assign to send an assignment, not just one'
    throw new HeddleError('request-invalid', { field: query.has('assign') ? 'process-id' : 'assign' }, message)
  }
  const exclude = (query.get('exclude') ?? '').split(',').filter((key) => key !== '')
  const options = { baseLayer: query.has('base-layer'), exclude }
  const { id } = await machine.assign(parseId(query.get('process-id'), 'process-id'), parseId(query.get('assign'), 'assign'), options)
  return json(202, { message: 'Processing Assignment', id })
}

function decode(raw: Uint8Array): DataItem {
  try {
    return decodeDataItem(raw)
  } catch (error) {
    if (!isFailure(error, 'encoding-invalid')) throw error
    const message = `'body': A valid and signed data item must be provided as the body. ${error.message}`
    throw new HeddleError('encoding-invalid', error.facts, message, { cause: error })
  }
}

/** Anything else belongs to the upload service, which stores it without scheduling. */
function checkAo({ tags }: DataItem): void {
  const texts = toTextTags(tags)
  if (aoKind(texts) !== null) return
  const isAo = texts.some(({ name, value }) => name === 'Data-Protocol' && value === 'ao')
  const problem = isAo ? "Tag 'Type': must be either 'Process' or 'Message'" : "Tag 'Data-Protocol': must contain 'ao'"
  throw new HeddleError('request-invalid', { field: isAo ? 'Type' : 'Data-Protocol' }, `${problem}; other items are uploaded with POST /tx`)
}
