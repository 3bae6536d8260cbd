/** What `heddle inspect` is given: a URL to ask, or a file, whose form shows in its bytes. */
import { fromLatin1, toLatin1, toText, toTextStrict } from '../base/bytes.ts'
import { isFailure } from '../base/errors.ts'
import { OWN_BUNDLE_BYTES_MAX } from '../base/limits.ts'
import { type BundleHeader, decodeBundleHeader } from '../codec/bundle.ts'
import { type DataItem, decodeDataItem } from '../codec/data-item.ts'
import { fetchForm } from '../codec/message/client.ts'
import { decodeFlat, decodeFlatText } from '../codec/message/flat.ts'
import { decodeJson } from '../codec/message/json.ts'
import { decodeStructured } from '../codec/message/structured.ts'
import { type Binary, type HttpsigForm, isMessage, type Message, toBinary } from '../codec/message/value.ts'
import { decodeTransaction, parseTransactionJson, type Transaction } from '../codec/transaction.ts'
import { unreachable } from './client.ts'
import { CommandError } from './command.ts'
import { readFileOf, statOf } from './files.ts'

export type Source =
  | { readonly kind: 'http'; readonly form: HttpsigForm; readonly status: number | null }
  | { readonly kind: 'message'; readonly codec: 'json@1.0' | 'flat@1.0'; readonly message: Message }
  | { readonly kind: 'item'; readonly item: DataItem }
  | { readonly kind: 'bundle'; readonly bundle: BundleHeader; readonly bytes: Uint8Array }
  | { readonly kind: 'transaction'; readonly transaction: Transaction }

const START_LINE = /^(?:HTTP\/[0-9.]+ ([0-9]{3})[^\r\n]*|[A-Z]+ \S+ HTTP\/[0-9.]+)\r?\n/

export async function readUrl(url: string, headers: Readonly<Record<string, string>>): Promise<Source> {
  try {
    const { form, status } = await fetchForm(url, { headers, bytesMax: OWN_BUNDLE_BYTES_MAX })
    return fromHttp(form, status)
  } catch (error) {
    if (isFailure(error, 'peer-failed')) throw unreachable(url, error.cause ?? error)
    throw error
  }
}

export async function readPath(path: string): Promise<Source> {
  const { size } = await statOf(path)
  if (size > OWN_BUNDLE_BYTES_MAX)
    throw new CommandError('too-large', `${path} has ${size} bytes; up to ${OWN_BUNDLE_BYTES_MAX} are read, upload larger bundles instead`)
  return recognise(await readFileOf(path), path)
}

/** The form of these bytes; `name` is for the message when they have none. */
export function recognise(bytes: Uint8Array, name: string): Source {
  const json = bytes[0] === 0x7b ? fromJson(bytes) : null // A bundle of 123 items begins with that byte too, and is not UTF-8.
  const source = json ?? fromDump(bytes) ?? fromBytes(bytes) ?? fromFlat(bytes)
  if (source !== null) return source
  throw new CommandError(
    'not-a-message',
    `${name} holds no message: neither HTTP as "curl -i" saves it, nor JSON, flat text, a data item, a bundle or a transaction`,
  )
}

/** A gateway sends the bytes of items and transactions as they are, and JSON of transactions. */
function fromHttp(form: HttpsigForm, status: number | null): Source {
  const type = form.headers.get('content-type')
  const isSigned = form.headers.has('signature-input')
  if (isSigned || form.body === null || form.headers.has('ao-result') || typeof type !== 'string') return { kind: 'http', form, status }
  const isJson = type.startsWith('application/json')
  const found = isJson ? transactionJson(form.body) : type.startsWith('application/octet-stream') ? fromBytes(form.body) : null
  return found ?? { kind: 'http', form, status }
}

function fromJson(bytes: Uint8Array): Source | null {
  const text = toTextStrict(bytes)
  return text === null ? null : (transactionJson(bytes) ?? { kind: 'message', codec: 'json@1.0', message: decodeJson(text) })
}

function transactionJson(bytes: Uint8Array): Source | null {
  const transaction = attempt(() => parseTransactionJson(JSON.parse(toText(bytes))))
  return transaction === null ? null : { kind: 'transaction', transaction }
}

/** Binary forms, those first that have more to be checked by. */
function fromBytes(bytes: Uint8Array): Source | null {
  const bundle = attempt(() => decodeBundleHeader(bytes, bytes.length))
  if (bundle !== null && bundle.count > 0) return { kind: 'bundle', bundle, bytes }
  const transaction = attempt(() => decodeTransaction(bytes))
  if (transaction !== null) return { kind: 'transaction', transaction }
  const item = attempt(() => decodeDataItem(bytes))
  return item === null ? null : { kind: 'item', item }
}

/** A request or reply as it was on the wire. */
function fromDump(bytes: Uint8Array): Source | null {
  const head = headOf(bytes)
  const start = head === null ? null : START_LINE.exec(head.text)
  if (head === null || start === null) return null
  const headers = new Map<string, Binary>()
  for (const line of head.text.slice(start[0].length).split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = toBinary(fromLatin1(line.slice(colon + 1).trim()))
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${toTextOf(before)}, ${toTextOf(value)}`)
  }
  const body = bytes.subarray(head.end)
  return {
    kind: 'http',
    form: { headers, body: body.length === 0 ? null : body },
    status: start[1] === undefined ? null : Number(start[1]),
  }
}

/** All before the first empty line, one character a byte. */
function headOf(bytes: Uint8Array): { readonly text: string; readonly end: number } | null {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 0x0a) continue
    const gap = bytes[at + 1] === 0x0a ? 1 : bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a ? 2 : 0
    if (gap > 0 || at === bytes.length - 1) return { text: toLatin1(bytes.subarray(0, at + 1)), end: at + 1 + gap }
  }
  return null
}

function toTextOf(value: Binary): string {
  return typeof value === 'string' ? value : toText(value)
}

function fromFlat(bytes: Uint8Array): Source | null {
  const text = toTextStrict(bytes)?.trimEnd()
  if (text === undefined || text === '' || !text.split('\n').every((line) => /^[^\s:]+: /.test(line))) return null
  const message = attempt(() => decodeStructured(decodeFlat(decodeFlatText(text))))
  return message === null || !isMessage(message) ? null : { kind: 'message', codec: 'flat@1.0', message }
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
