/** What is to be said of a message: its ids, its commitments and whether each holds, its hashpath. */
import { errorText, HeddleError } from '../base/errors.ts'
import { decodeDataItem, verifyDataItem } from '../codec/data-item.ts'
import { decodeAns104 } from '../codec/message/ans104.ts'
import { decodeReply, replyCodec, withoutTransport } from '../codec/message/client.ts'
import { type Commitment, commitmentsOf } from '../codec/message/commitment.ts'
import { detectDialect } from '../codec/message/dialect.ts'
import { committersOf, messageId, unsignedId } from '../codec/message/id.ts'
import { decodeTx } from '../codec/message/tx.ts'
import type { HttpsigForm, Message } from '../codec/message/value.ts'
import { committedOnly } from '../codec/message/verified.ts'
import { verifyCommitment, verifyReceived } from '../codec/message/verify.ts'
import type { Source } from './inspect-source.ts'

export interface Checked {
  readonly commitment: Commitment
  readonly isValid: boolean
}

export interface CheckedItem {
  readonly id: string
  readonly bytes: number
  readonly owner: string | null
  /** Null when it is a good item. */
  readonly problem: string | null
}

export interface Report {
  /** `reply over HTTP, status 200`. */
  readonly what: string
  /** Null for a bundle. */
  readonly message: Message | null
  /** Keys that came along but are not covered by every commitment, though there are some. */
  readonly uncommitted: ReadonlySet<string>
  readonly unsignedId: string | null
  /** Of all commitments with a committer; null when there are none. */
  readonly signedId: string | null
  readonly commitments: readonly Checked[]
  /** What a signature says, else the id, with which one begins. */
  readonly hashpath: { readonly path: string; readonly isSigned: boolean } | null
  /** Of a bundle. */
  readonly items: readonly CheckedItem[]
  readonly problems: readonly string[]
}

const CHECKED_AT_ONCE = 64 // Items of a bundle, in the threads that verify.

export async function examine(source: Source): Promise<Report> {
  switch (source.kind) {
    case 'http':
      return ofForm(source.form, source.status)
    case 'message':
      return ofMessage(`message in ${source.codec}`, source.message)
    case 'item':
      return ofMessage('data item', decodeAns104(source.item))
    case 'transaction':
      return ofMessage(`transaction of format ${source.transaction.format}`, decodeTx(source.transaction))
    case 'bundle':
      return ofBundle(source)
  }
}

/** Nothing is wrong with it. */
export function isGood({ commitments, items, problems }: Report): boolean {
  return problems.length === 0 && commitments.every(({ isValid }) => isValid) && items.every(({ problem }) => problem === null)
}

async function ofForm(form: HttpsigForm, status: number | null): Promise<Report> {
  const codec = replyCodec(form)
  const generation = detectDialect(form.headers)
  const notes = [
    status === null ? 'request over HTTP' : `reply over HTTP, status ${status}`,
    ...(codec === 'httpsig@1.0' ? [] : [codec]),
    ...(generation === 'g0' || generation === 'g1' ? [`of an older generation, ${generation.toUpperCase()}`] : []),
  ]
  if (codec !== 'httpsig@1.0') return ofMessage(notes.join(', '), decodeReply(form))
  try {
    const report = await ofMessage(notes.join(', '), withoutTransport((await verifyReceived(form)).message))
    const all = [...withoutTransport(decodeReply(form)).keys()]
    return { ...report, uncommitted: new Set(all.filter((key) => !report.message!.has(key))) }
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    return ofMessage(notes.join(', '), withoutTransport(decodeReply(form)), [error.message]) // Shown all the same, with what is wrong.
  }
}

async function ofMessage(what: string, message: Message, problems: readonly string[] = []): Promise<Report> {
  const commitments: Checked[] = []
  for (const commitment of commitmentsOf(message)) commitments.push({ commitment, isValid: await verifyCommitment(message, commitment) })
  commitments.sort((a, b) => Number(a.commitment.committer === null) - Number(b.commitment.committer === null)) // Digests last.
  const committed = committedOnly(message)
  const kept = new Set(committed.keys())
  const id = unsignedId(committed)
  const tag = commitments.map(({ commitment }) => commitment.extra.get('tag')).find((path) => typeof path === 'string')
  return {
    what,
    message,
    uncommitted: new Set([...message.keys()].filter((key) => key !== 'commitments' && !kept.has(key))),
    unsignedId: id,
    signedId: committersOf(message).length === 0 ? null : messageId(message, { committers: 'all' }),
    commitments,
    hashpath: { path: tag ?? id, isSigned: tag !== undefined },
    items: [],
    problems,
  }
}

async function ofBundle({ bundle, bytes }: Source & { kind: 'bundle' }): Promise<Report> {
  const items: CheckedItem[] = []
  for (let at = 0; at < bundle.count; at += CHECKED_AT_ONCE) {
    const checks = bundle.entries.slice(at, at + CHECKED_AT_ONCE).map(async ({ id, startOffset, itemBytes }) => {
      return { id, bytes: itemBytes, ...(await checkItem(id, bytes.subarray(startOffset, startOffset + itemBytes))) }
    })
    items.push(...(await Promise.all(checks)))
  }
  const none = { message: null, unsignedId: null, signedId: null, hashpath: null }
  return { what: `bundle of ${bundle.count} data items`, ...none, uncommitted: new Set(), commitments: [], items, problems: [] }
}

async function checkItem(id: string, raw: Uint8Array): Promise<Pick<CheckedItem, 'owner' | 'problem'>> {
  try {
    const item = decodeDataItem(raw)
    const owner = item.ownerAddress
    if (item.id !== id) return { owner, problem: `its signature makes it ${item.id}` }
    return { owner, problem: (await verifyDataItem(item)) ? null : 'it is not signed by its owner, or was changed since' }
  } catch (error) {
    return { owner: null, problem: errorText(error) }
  }
}
