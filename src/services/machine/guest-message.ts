/**
 * What a program is given: the message and its environment.
 *
 * Wire        Keys in this order, only when they apply: Id, Signature, Data, Owner, Target, Anchor, From, Forwarded-By, Tags, Epoch, Nonce,
 *             Timestamp, Block-Height, Hash-Chain, Cron, Read-Only. Environment: Process and Module, each Id, Owner, Tags.
 *             A tick has Owner and From (the owner of the process), Target, Tags, Timestamp, Block-Height, Cron (true) and Read-Only.
 * Source      permaweb/ao servers/cu (lib/evaluate, domain/model) and loader
 * Invariants  All of it follows from the log and the signed bytes: nothing here depends on the clock, settings or the node.
 *             Tags named From or Owner never reach a program, since they would pass for the verified fields.
 *             The program of a fork meets the fork under the id that it has for itself.
 */
import { toBase64url, toTextStrict } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import type { TextTag } from '../../codec/tags.ts'
import type { GuestEnv, GuestMessage } from '../../guests/guest.ts'
import { parseCrons } from '../../rules/cron.ts'
import { aoAddress, senderOf } from './protocol.ts'
import type { LogRecord } from './records.ts'
import type { ModuleFacts, SourceMessage } from './sources.ts'

/** Who gets a message. */
export interface Addressee {
  readonly process: TxId
  /** The id that its program has for itself. */
  readonly self: TxId
}

/** `source`: for a tick the process. */
export function guestMessage({ process, self }: Addressee, record: LogRecord, source: SourceMessage): GuestMessage {
  if (record.cron !== undefined) return tickMessage(self, record, source)
  const owner = aoAddress(source.owner)
  const { from, forwardedBy } = senderOf(source.tags, owner)
  const message: Record<string, unknown> = {
    Id: source.id,
    Signature: toBase64url(source.signature),
    Data: dataValue(source.data),
    Owner: owner,
    Target: record.slot === 0 || source.target === process ? self : source.target,
    Anchor: anchorText(source.anchor),
    From: from === process ? self : from,
    ...(forwardedBy === null ? {} : { 'Forwarded-By': forwardedBy }),
    Tags: withoutClaims(source.tags),
    Epoch: 0,
    Nonce: record.slot,
    Timestamp: record.timestampMs,
    'Block-Height': record.height,
    'Hash-Chain': record.hashChain,
    Cron: false,
    'Read-Only': false,
  }
  for (const key of record.exclude) if (EXCLUDABLE.has(key)) delete message[key]
  return message
}

function tickMessage(self: TxId, { cron, timestampMs, height }: LogRecord, process: SourceMessage): GuestMessage {
  const owner = aoAddress(process.owner)
  const tags = parseCrons(process.tags).find(({ key }) => key === cron)?.tags ?? []
  const at = { Timestamp: timestampMs, 'Block-Height': height }
  return { Owner: owner, Target: self, From: owner, Tags: withoutClaims(tags), ...at, Cron: true, 'Read-Only': false }
}

export function guestEnv(process: SourceMessage, module: ModuleFacts, authority: string | null): GuestEnv {
  const trusted = authority === null ? [] : [{ name: 'Authority', value: authority }]
  return {
    Process: { Id: process.id, Owner: aoAddress(process.owner), Tags: [...process.tags, ...trusted] },
    Module: { Id: module.id, Owner: module.owner, Tags: [...module.tags] },
  }
}

/** What a client may set in a dry run. */
export interface DryRunFields {
  readonly Id?: string | undefined
  readonly Owner: string
  readonly Target?: string | undefined
  /** Text as a rule; what else JSON can say reaches the program as it is. */
  readonly Data?: unknown
  readonly Anchor?: string | undefined
  readonly Tags: readonly TextTag[]
  readonly Timestamp?: number | undefined
  readonly 'Block-Height'?: number | undefined
}

/** The owner of a dry run is whoever the client says: nothing that it does is kept. */
export function dryRunMessage(
  { process, self }: Addressee,
  last: { readonly timestampMs: number; readonly height: number },
  fields: DryRunFields,
): GuestMessage {
  const { from } = senderOf(fields.Tags, fields.Owner)
  return {
    ...(fields.Id === undefined ? {} : { Id: fields.Id }),
    Data: fields.Data ?? '',
    Owner: fields.Owner,
    Target: fields.Target === undefined || fields.Target === process ? self : fields.Target,
    ...(fields.Anchor === undefined ? {} : { Anchor: fields.Anchor }),
    From: from === process ? self : from,
    Tags: withoutClaims(fields.Tags),
    Timestamp: fields.Timestamp ?? last.timestampMs,
    'Block-Height': fields['Block-Height'] ?? last.height,
    Cron: false,
    'Read-Only': true,
  }
}

const EXCLUDABLE: ReadonlySet<string> = new Set(['Data', 'Tags', 'Signature', 'Anchor'])

/** Bytes stay bytes when text cannot carry them. */
function dataValue(data: Uint8Array): string | Uint8Array {
  return toTextStrict(data) ?? data
}

/** As scheduler units show it: text, or null when there is none or it is not UTF-8. */
export function anchorText(anchor: Uint8Array): string | null {
  return anchor.length === 0 ? null : toTextStrict(anchor)
}

function withoutClaims(tags: readonly TextTag[]): TextTag[] {
  return tags.filter(({ name }) => name !== 'From' && name !== 'Owner')
}
