/**
 * POST /dry-run?process-id=P[&to=<message id, slot or time>], body {Owner, Tags, Data?, Id?, Target?, Anchor?, Timestamp?, "Block-Height"?} -> 200 result; changes nothing.
 *
 * Source      permaweb/ao servers/cu (routes/dryRun)
 * Invariants  Evaluated on the state after the last message that has a slot at the time of the request, never on an older one, and never cached;
 *             with `to` on the state after that message, exactly. The header `x-max-age`, how old a state a client would take, is therefore not read.
 */

import { toText } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { DRY_RUN_QUEUE_MAX, JSON_BODY_BYTES_MAX, VALUE_DEPTH_MAX } from '../../base/limits.ts'
import type { TextTag } from '../../codec/tags.ts'
import type { DryRunFields } from '../../services/machine/guest-message.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { parseMoment } from './moment.ts'
import { optional, parseId } from './parameters.ts'
import { evaluationJson } from './shapes.ts'

type DryRunDeps = Pick<Machine, 'dryRun' | 'dryRunAt' | 'slotOf' | 'slotAt' | 'getHead'>

export function dryRun(machine: DryRunDeps): Route {
  let running = 0
  return {
    method: 'POST',
    path: '/dry-run',
    async handle(request) {
      if (running >= DRY_RUN_QUEUE_MAX)
        throw new HeddleError(
          'limit-reached',
          { what: 'dry runs', max: DRY_RUN_QUEUE_MAX },
          `${running} dry runs are waiting already; ask again in a second`,
        )
      running += 1
      try {
        return await evaluate(request, machine)
      } finally {
        running -= 1
      }
    },
  }
}

async function evaluate(request: Request, machine: DryRunDeps): Promise<Response> {
  const process = parseId(request.query.get('process-id'), 'process-id')
  const to = optional(request, 'to')
  const fields = parseFields(parseJson(await request.body(JSON_BODY_BYTES_MAX)))
  const evaluation =
    to === undefined
      ? await machine.dryRun(process, fields, request.signal)
      : await machine.dryRunAt(process, await parseMoment(machine, process, to), fields)
  return json(200, evaluationJson(evaluation))
}

function parseFields(body: unknown): DryRunFields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('body', 'the body is not a JSON object with Owner, Tags and Data')
  const fields = body as Record<string, unknown>
  const owner = fields['Owner']
  if (typeof owner !== 'string' || owner === '') throw invalid('Owner', 'Owner is missing; set it to the address that the message is from')
  return {
    Owner: owner,
    Tags: parseTags(fields['Tags']),
    Id: textOf(fields, 'Id'),
    Target: textOf(fields, 'Target'),
    Data: dataOf(fields),
    Anchor: textOf(fields, 'Anchor'),
    Timestamp: numberOf(fields, 'Timestamp'),
    'Block-Height': numberOf(fields, 'Block-Height'),
  }
}

function parseTags(value: unknown): TextTag[] {
  if (!Array.isArray(value)) throw invalid('Tags', 'Tags is missing; expected a list of {"name", "value"}')
  return value.map((tag: unknown, i) => {
    const { name, value: text } = (typeof tag === 'object' && tag !== null ? tag : {}) as Record<string, unknown>
    if (typeof name === 'string' && typeof text === 'string') return { name, value: text }
    throw invalid('Tags', `tag ${i} is not {"name": text, "value": text}`)
  })
}

/** Text as a rule. Upstream takes whatever JSON can say, and so do we, as deep as programs can hold it. */
function dataOf({ Data: data }: Record<string, unknown>): unknown {
  const levels = VALUE_DEPTH_MAX - 1 // The message itself is one.
  if (isDeeper(data, levels)) throw invalid('Data', `Data is nested deeper than ${levels} levels; send it as text`)
  return data
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

function textOf(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(name, `${name} is not text`)
}

function numberOf(fields: Record<string, unknown>, name: string): number | undefined {
  const text = textOf(fields, name)
  if (text === undefined) return undefined
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  throw invalid(name, `${name} is not a whole number`)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(toText(bytes))
  } catch (cause) {
    throw new HeddleError('encoding-invalid', { format: 'json', at: 0 }, 'the body is not JSON', { cause })
  }
}

function invalid(field: string, message: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, message)
}
