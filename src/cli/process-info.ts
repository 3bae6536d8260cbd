/** Processes as commands ask a node for them. */
import type { TextTag } from '../codec/tags.ts'
import type { StoredProcess } from '../services/machine/verify-source.ts'
import type { NodeClient } from './client.ts'
import { UsageError } from './command.ts'

export interface ProcessInfo extends StoredProcess {
  readonly env: { readonly Process: Described; readonly Module: Described }
}

export interface Described {
  readonly Id: string
  readonly Owner: string
  readonly Tags: readonly TextTag[]
}

export interface SnapshotInfo {
  readonly slot: number
  readonly stateHash: string
  readonly sha256: string
  readonly sizeBytes: number
}

export function processInfo(node: NodeClient, process: string): Promise<ProcessInfo> {
  return node.getJson(processPath(process), `process ${process} cannot be read`)
}

export function processPath(process: string): string {
  return `/heddle/processes/${process}`
}

const SLOT = /^(?:0|[1-9]\d{0,14})$/

/** A slot number from the command line. */
export function parseSlot(word: string | undefined, option: string): number {
  if (word === undefined) throw new UsageError(`--${option} <slot> is missing; "heddle result <process> <slot>" shows what a slot holds`)
  if (SLOT.test(word)) return Number(word)
  throw new UsageError(`--${option} ${word}: expected a slot, which is a number from 0`)
}
