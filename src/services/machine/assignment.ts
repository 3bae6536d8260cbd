/**
 * Assignments: the signed statement that a message has a slot of a process.
 *
 * Wire        a data item with empty target and data, a random 32-byte anchor, and the tags below in this order; the process's own
 *             assignment (nonce 0) names no Message, and a tick names its cron instead, in Heddle's own tag Cron. Hash chain: HC(0) = SHA-256(process id), HC(n) = SHA-256(assignment id(n-1) + HC(n-1)).
 * Source      permaweb/ao servers/su (assignment order of AOP-6)
 */
import { concat, EMPTY, fromBase64url, toBase64url } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { createDataItemSync, type DataItem, type ItemSigner } from '../../codec/data-item.ts'
import { type Tag, textTag } from '../../codec/tags.ts'
import { AO_VARIANT } from './protocol.ts'

/** Names the cron whose tick an assignment is. */
export const CRON_TAG = 'Cron'

const HEIGHT_DIGITS = 12

export interface AssignmentFields {
  readonly process: TxId
  readonly slot: number
  readonly hashChain: string
  readonly height: number
  readonly timestampMs: number
  /** Null at slot 0, and for a tick. */
  readonly message: TxId | null
  /** Of a tick. */
  readonly cron?: string | undefined
  readonly exclude: readonly string[]
}

export function firstHashChain(process: TxId): string {
  return toBase64url(sha256(idBytes(process)))
}

export function nextHashChain(assignment: TxId, hashChain: string): string {
  return toBase64url(sha256(concat([idBytes(assignment), fromBase64url(hashChain)])))
}

/** Block heights as scheduler units write them. */
export function heightText(height: number): string {
  return String(height).padStart(HEIGHT_DIGITS, '0')
}

export function assignmentTags(fields: AssignmentFields): Tag[] {
  return [
    { name: NAMES.process, value: ascii(fields.process) },
    EPOCH,
    { name: NAMES.nonce, value: ascii(String(fields.slot)) },
    { name: NAMES.hashChain, value: ascii(fields.hashChain) },
    { name: NAMES.height, value: ascii(heightText(fields.height)) },
    { name: NAMES.timestamp, value: ascii(String(fields.timestampMs)) },
    ...KIND,
    ...(fields.message === null ? [] : [{ name: NAMES.message, value: ascii(fields.message) }]),
    ...(fields.cron === undefined ? [] : [textTag(CRON_TAG, fields.cron)]),
    ...fields.exclude.map((value) => textTag('Exclude', value)),
  ]
}

/** Signed at once, not in the thread pool: the next slot's hash chain needs this id. */
export function createAssignment(fields: AssignmentFields, signer: ItemSigner, anchor: Uint8Array): DataItem {
  return createDataItemSync({ tags: assignmentTags(fields), data: EMPTY, anchor }, signer)
}

/** Encoded once: this runs for every message. */
const NAMES = {
  process: ascii('Process'),
  nonce: ascii('Nonce'),
  hashChain: ascii('Hash-Chain'),
  height: ascii('Block-Height'),
  timestamp: ascii('Timestamp'),
  message: ascii('Message'),
}
const EPOCH = textTag('Epoch', '0')
const KIND = [textTag('Data-Protocol', 'ao'), textTag('Type', 'Assignment'), textTag('Variant', AO_VARIANT)]

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
