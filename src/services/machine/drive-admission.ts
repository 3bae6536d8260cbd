/**
 * Which data a program may read, as of the Block-Height of its message.
 *
 * Wire        Tags of process and module: Extension=WeaveDrive on either; Availability-Type Assignments (the default) or Individual, the process's
 *             before the module's; On-Boot: an id that may always be read. Scheduler and every Attestor of the process are who may attest:
 *             with items tagged Data-Protocol=ao, Type=Attestation, Message=<id>, or for Individual also
 *             Data-Protocol=WeaveDrive, Type=Available, ID=<id>.
 * Source      permaweb/aos extensions/weavedrive. Of a tag that occurs twice the last one counts there, and so here.
 * Invariants  Attestations count from the block that includes them. Where nobody may attest nothing is attested.
 */

import type { GuestEnv } from '../../guests/guest.ts'
import { GuestFault } from '../../guests/guest.ts'
import type { FileContext } from '../../guests/host-bridge.ts'
import type { IndexedTransaction, IndexReader, TagFilter, TransactionQuery } from '../../store/index-store.ts'

export interface Admission {
  readonly index: Pick<IndexReader, 'transaction' | 'transactions'>
  readonly message: FileContext
  /** What waits for its block counts from when this node had it on. */
  readonly countsPending: boolean
}

type Tags = GuestEnv['Process']['Tags']

const MODES = ['Assignments', 'Individual', 'Library']

/** Throws GuestFault for what no program can be given here. */
export async function mayRead(admission: Admission, { Process, Module }: GuestEnv, id: string): Promise<boolean> {
  if (lastTag(Process.Tags, 'On-Boot') === id) return true
  if (![...Process.Tags, ...Module.Tags].some(({ name, value }) => name === 'Extension' && value === 'WeaveDrive')) return false
  const mode = lastTag(Process.Tags, 'Availability-Type') || lastTag(Module.Tags, 'Availability-Type') || 'Assignments'
  if (!MODES.includes(mode)) throw new GuestFault('error', `Unsupported WeaveDrive mode: ${mode}`)
  const attestors = attestorsOf(Process.Tags)
  if (await isAttested(admission, attestors, { Type: 'Attestation', Message: id, 'Data-Protocol': 'ao' })) return true
  if (mode === 'Library') throw new GuestFault('error', 'WeaveDrive with Availability-Type Library is not supported')
  return mode === 'Individual' && isAttested(admission, attestors, { Type: 'Available', ID: id, 'Data-Protocol': 'WeaveDrive' })
}

/** Was it on the weave, or on its way there as far as that counts, when the message got its slot? */
export function isKnownAt({ message, countsPending }: Admission, { block, ingestedAtS }: IndexedTransaction): boolean {
  if (block !== null && block.height <= message.height) return true
  return countsPending && ingestedAtS <= secondOf(message)
}

async function isAttested(admission: Admission, owners: readonly string[], tags: Readonly<Record<string, string>>): Promise<boolean> {
  if (owners.length === 0) return false
  const { index, message, countsPending } = admission
  const filters = Object.entries(tags).map(([name, value]): TagFilter => ({ name, values: [value], op: 'EQ', match: 'EXACT' }))
  const exists = async (when: Pick<TransactionQuery, 'height' | 'ingestedAtS'>): Promise<boolean> => {
    const { edges } = await index.transactions({ owners, tags: filters, ...when, sort: 'HEIGHT_ASC', first: 1, after: null })
    return edges.length > 0
  }
  if (await exists({ height: { min: 0, max: message.height } })) return true
  return countsPending && exists({ ingestedAtS: { min: 0, max: secondOf(message) } })
}

function secondOf({ timestampMs }: FileContext): number {
  return Math.floor(timestampMs / 1000)
}

function attestorsOf(tags: Tags): string[] {
  const scheduler = lastTag(tags, 'Scheduler') ?? ''
  const attestors = tags.filter(({ name }) => name === 'Attestor').map(({ value }) => value)
  return [...new Set([scheduler, ...attestors])].filter((owner) => owner !== '')
}

function lastTag(tags: Tags, wanted: string): string | undefined {
  return tags.findLast(({ name }) => name === wanted)?.value
}
