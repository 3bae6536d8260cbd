/**
 * Assignments: the signed statement that a message has a slot of a process.
 *
 * Wire        a data item with empty target and data, a random 32-byte anchor, and the tags below in this order; the process's own
 *             assignment (nonce 0) names no Message. Hash chain: HC(0) = SHA-256(process id), HC(n) = SHA-256(assignment id(n-1) + HC(n-1)).
 * Source      permaweb/ao servers/su (assignment order of AOP-6)
 */
import { concat, EMPTY, fromBase64url, toBase64url } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { createDataItemSync, type DataItem, type ItemSigner } from '../../codec/data-item.ts'
import type { TextTag } from '../../codec/tags.ts'
import { AO_VARIANT } from './protocol.ts'

const HEIGHT_DIGITS = 12

export interface AssignmentFields {
  readonly process: TxId
  readonly slot: number
  readonly hashChain: string
  readonly height: number
  readonly timestampMs: number
  /** Null at slot 0. */
  readonly message: TxId | null
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

export function assignmentTags(fields: AssignmentFields): TextTag[] {
  return [
    { name: 'Process', value: fields.process },
    { name: 'Epoch', value: '0' },
    { name: 'Nonce', value: String(fields.slot) },
    { name: 'Hash-Chain', value: fields.hashChain },
    { name: 'Block-Height', value: heightText(fields.height) },
    { name: 'Timestamp', value: String(fields.timestampMs) },
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Assignment' },
    { name: 'Variant', value: AO_VARIANT },
    ...(fields.message === null ? [] : [{ name: 'Message', value: fields.message }]),
    ...fields.exclude.map((value) => ({ name: 'Exclude', value })),
  ]
}

/** Signed at once, not in the thread pool: the next slot's hash chain needs this id. */
export function createAssignment(fields: AssignmentFields, signer: ItemSigner, anchor: Uint8Array): DataItem {
  return createDataItemSync({ tags: assignmentTags(fields), data: EMPTY, anchor }, signer)
}
