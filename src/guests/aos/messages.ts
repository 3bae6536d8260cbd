/**
 * Between the values of the machine and the JSON of aos modules.
 *
 * Wire        in: the message as JSON, its keys in the order that they came in; bytes that are not UTF-8 become U+FFFD, as they do where AO
 *             units read them. out: {"ok":true,"response":{Output,Messages,Spawns,Assignments,Error}} or {"ok":false,"response":text}
 * Source      ao-loader 0.0.49; permaweb/ao servers/cu for what an Error does
 */
import { asBuffer, concat } from '../../base/bytes.ts'
import { isFailure } from '../../base/errors.ts'
import { GuestFault, type Reply } from '../guest.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'

const OUT_OF_MEMORY = /not enough memory( for buffer allocation)?$/
const SHOWN_CHARACTERS = 200

export function messageJson(encoded: Uint8Array): string {
  return valueJson(decodeValue(encoded))
}

export function valueJson(value: unknown): string {
  return JSON.stringify(hasBytes(value) ? withoutBytes(value) : value)
}

/** Few messages hold bytes, and stringifying is several times faster without a function that looks at each value. */
function hasBytes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Uint8Array || (Array.isArray(value) ? value : Object.values(value)).some(hasBytes)
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return asBuffer(value).toString('utf8')
  if (Array.isArray(value)) return value.map(withoutBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutBytes(entry)]))
}

/** Throws GuestFault for what is no result, and for results that say that nothing of it counts. */
export function readReply(text: Uint8Array): Reply {
  const { ok, response } = parse(asBuffer(text).toString('utf8'))
  if (ok !== true) throw errorOf(response)
  if (typeof response !== 'object' || response === null) throw new GuestFault('error', 'the program returned a reply without a result')
  const { Output, Messages, Spawns, Assignments, Error: reported } = response as Readonly<Record<string, unknown>>
  if (typeof Output === 'string' && OUT_OF_MEMORY.test(Output)) throw new GuestFault('memory', Output)
  const isError = Boolean(reported)
  return { values: encode([Output, Messages, Spawns, Assignments, isError ? reported : null]), isError }
}

function parse(text: string): { readonly ok?: unknown; readonly response?: unknown } {
  if (text === '') throw new GuestFault('error', 'the program returned nothing; its handle function may have been overwritten')
  try {
    const reply = JSON.parse(text) as unknown
    if (typeof reply === 'object' && reply !== null) return reply
  } catch {
    // Told below.
  }
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  throw new GuestFault('error', `the program returned what is no JSON object: ${shown}`)
}

/** An error that no handler caught. */
function errorOf(response: unknown): GuestFault {
  const text = typeof response === 'string' ? response : (JSON.stringify(response) ?? 'the program failed without saying why')
  return new GuestFault(OUT_OF_MEMORY.test(text) ? 'memory' : 'error', text)
}

function encode(values: readonly unknown[]): Uint8Array {
  try {
    return concat(values.map((value) => encodeValue(value ?? null)))
  } catch (error) {
    if (!isFailure(error, 'too-large') && !isFailure(error, 'request-invalid')) throw error
    throw new GuestFault('error', `the program returned a result that cannot be kept: ${error.message}`)
  }
}
