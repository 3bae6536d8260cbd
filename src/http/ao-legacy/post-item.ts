/**
 * POST / with a signed data item -> 202 {"message":"Processing DataItem","id"}, once it has its slot; a repeat answers the same.
 * POST /?process-id=P&assign=M[&base-layer][&exclude=Data,Tags] -> 202 {"message":"Processing Assignment","id":<assignment id>}.
 *
 * Source  permaweb/ao servers/mu (routes/base, routes/assign)
 */
import { HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { MESSAGE_BYTES_MAX } from '../../base/limits.ts'
import { decodeDataItem, itemHeaderBytesMax } from '../../codec/data-item.ts'
import { type TextTag, toTextTags } from '../../codec/tags.ts'
import type { Intake } from '../../services/intake.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { aoKind } from '../../services/machine/protocol.ts'
import { json, type Request, type Route } from '../route.ts'
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
      const { query } = request
      if (!query.has('process-id') && !query.has('assign'))
        return json(202, { message: 'Processing DataItem', id: await schedule(request, deps) })
      if (!query.has('process-id') || !query.has('assign')) {
        const message = 'You must set both process-id and assign to send an assignment, not just one'
        throw new HeddleError('request-invalid', { field: query.has('assign') ? 'process-id' : 'assign' }, message)
      }
      return json(202, { message: 'Processing Assignment', id: await assign(request, deps) })
    },
  }
}

/** Takes the item in the body; resolves to its id. What has no place in a log is refused in the words of the unit. */
export async function schedule(request: Request, { intake }: PostItemDeps, refusal: Refusal = refusalOfMessenger): Promise<TxId> {
  const raw = await request.body(MESSAGE_BYTES_MAX + itemHeaderBytesMax())
  const tags = toTextTags((await signed(async () => decodeDataItem(raw))).tags)
  if (aoKind(tags) === null) {
    const isAo = tags.some(({ name, value }) => name === 'Data-Protocol' && value === 'ao')
    const field = isAo ? 'Type' : 'Data-Protocol'
    throw new HeddleError('request-invalid', { field }, `${refusal(field, tags)}; other items are uploaded with POST /tx`)
  }
  return (await signed(() => intake.acceptItem(raw))).id
}

/** Says what is wrong with the tag that makes an item none for the units. */
export type Refusal = (field: 'Type' | 'Data-Protocol', tags: readonly TextTag[]) => string

const refusalOfMessenger: Refusal = (field) =>
  field === 'Type' ? "Tag 'Type': must be either 'Process' or 'Message'" : "Tag 'Data-Protocol': must contain 'ao'"

/** Gives what the query names a slot of the process that the query names; resolves to the id of the assignment. */
export async function assign({ query }: Request, { machine }: PostItemDeps): Promise<TxId> {
  const exclude = new Set((query.get('exclude') ?? '').split(',').filter((key) => key !== ''))
  const options = { baseLayer: query.has('base-layer'), exclude: [...exclude] }
  const { id } = await machine.assign(parseId(query.get('process-id'), 'process-id'), parseId(query.get('assign'), 'assign'), options)
  return id
}

/** Upstream says the same of a body that is no item and of one whose signature is wrong; which of both, and why, comes behind. */
async function signed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFailure(error, 'encoding-invalid') && !isFailure(error, 'signature-invalid')) throw error
    const message = `'body': A valid and signed data item must be provided as the body. ${error.message}`
    throw new HeddleError(error.code, error.facts, message, { cause: error })
  }
}
