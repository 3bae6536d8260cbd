/**
 * From what a program answered to what the node sends for it: the order of the entries, and the fields of the items made of them.
 *
 * Wire        All Messages, then all Spawns, then all Assignments. A message becomes an item with the program's tags less Data-Protocol, Type,
 *             From-Process, From-Module, Pushed-For and Assignments, then Data-Protocol=ao, Type=Message, Variant (unless set), From-Process,
 *             From-Module, Pushed-For. Numbers and booleans in tags become text; tags without a value are left out. From-Module is the Module tag
 *             of the sender. Pushed-For is the item from outside that set it all off; what a tick of cron set off has none. No data is one space.
 *             A spawn keeps the Variant ao.N.1, and so does what tells of it. A message for `device=patch@1.0` is for the process's state: it
 *             stays in the result and is sent to nobody.
 * Source      permaweb/ao servers/mu (lib/build-tx, lib/spawn-process, lib/build-success-tx, lib/pull-result, clients/signer)
 * Invariants  Pure: the same result gives the same fields, so an Ed25519 authority gives the same ids, and pushing again after a crash
 *             repeats nothing. A program cannot write the tags that say where an item comes from.
 */
import { bigEndian, concat, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { PUSH_DEPTH_MAX, PUSH_FANOUT_MAX } from '../../base/limits.ts'
import type { ItemFields } from '../../codec/data-item.ts'
import { findTag, type TextTag } from '../../codec/tags.ts'
import { AO_VARIANT } from './protocol.ts'
import type { Entry, ResultRecord, Undelivered } from './records.ts'

export type OutboxEntry =
  | {
      readonly kind: 'message'
      readonly index: number
      readonly target: string
      readonly anchor: unknown
      readonly data: unknown
      readonly tags: readonly TextTag[]
      readonly assignTo: readonly TxId[]
    }
  | { readonly kind: 'spawn'; readonly index: number; readonly data: unknown; readonly tags: readonly TextTag[] }
  | {
      readonly kind: 'assignment'
      readonly index: number
      readonly processes: readonly TxId[]
      readonly message: TxId
      readonly baseLayer: boolean
      readonly exclude: readonly string[]
    }

export interface OutboxPlan {
  readonly entries: readonly OutboxEntry[]
  /** Of an entry that is there as well: the part of it that cannot be delivered. */
  readonly undelivered: readonly Undelivered[]
}

/** Where a result stands: what its entries carry on. */
export interface PushContext {
  readonly process: TxId
  /** The id that its program has for itself: what it sends there is for the process. */
  readonly self: TxId
  /** The Module tag of the process, which may be another name of the module that it runs. */
  readonly module: string
  /** The Scheduler tag of the process, for spawns that name none. */
  readonly scheduler: string
  readonly slot: number
  readonly origin: string
}

type Sent = Pick<ResultRecord, 'messages' | 'spawns' | 'assignments'>

/** Either may be missing: a message for the process's state is no entry and no problem. */
interface Outcome {
  readonly entry?: OutboxEntry
  readonly problem?: string
}

/** What ticks of cron set off has this in place of the id of an item. */
export const CRON_ORIGIN = 'cron:'
/** How reasons begin that are limits of this node. */
export const CUT = 'cut: '

/** What can be delivered, and why the rest cannot. `depth` is the depth of the message that was evaluated. */
export function planOutbox(result: Sent, depth: number): OutboxPlan {
  const count = result.messages.length + result.spawns.length + result.assignments.length
  const tooDeep = depth >= PUSH_DEPTH_MAX ? `${CUT}${depth} pushes deep, at most ${PUSH_DEPTH_MAX} follow one message from outside` : null
  const entries: OutboxEntry[] = []
  const undelivered: Undelivered[] = []
  let sent = 0
  for (let index = 0; index < count; index++) {
    const { entry, problem } = planEntry(result, index)
    sent += entry === undefined ? 0 : deliveriesOf(entry)
    const cut =
      tooDeep ?? (sent > PUSH_FANOUT_MAX ? `${CUT}at most ${PUSH_FANOUT_MAX} messages and assignments of one result are sent` : null)
    if (entry !== undefined && cut === null) entries.push(entry)
    const reason = entry === undefined ? problem : (cut ?? problem)
    if (reason !== undefined) undelivered.push({ index, reason })
  }
  return { entries, undelivered }
}

/** One entry, whatever its depth and how many came before it. */
export function planEntry({ messages, spawns, assignments }: Sent, index: number): Outcome & { readonly isThere: boolean } {
  const [message, spawn] = [messages[index], spawns[index - messages.length]]
  const assignment = assignments[index - messages.length - spawns.length]
  if (message !== undefined) return { ...planMessage(message, index), isThere: true }
  if (spawn !== undefined) return { ...planSpawn(spawn, index), isThere: true }
  return assignment === undefined ? { isThere: false } : { ...planAssignment(assignment, index), isThere: true }
}

/** Was it this node's limits, so that it can be sent when somebody asks for it? */
export function isCut({ reason }: Undelivered): boolean {
  return reason.startsWith(CUT)
}

/** How many slots it asks for. */
export function deliveriesOf(entry: OutboxEntry): number {
  if (entry.kind === 'message') return 1 + entry.assignTo.length
  return entry.kind === 'assignment' ? entry.processes.length : 1
}

/** Where something goes that the program addresses to this id. */
export function recipient(id: TxId, { process, self }: Pick<PushContext, 'process' | 'self'>): TxId {
  return id === self ? process : id
}

export function messageFields(entry: OutboxEntry & { kind: 'message' }, context: PushContext, target: Uint8Array): ItemFields {
  const tags = [
    ...without(entry.tags, OWNED_BY_UNIT),
    tag('Data-Protocol', 'ao'),
    tag('Type', 'Message'),
    ...variantIfNone(entry.tags),
    ...provenance(context),
  ]
  return { target, anchor: anchorOf(entry.anchor, context, entry.index), tags, data: dataOf(entry.data) }
}

export function spawnFields(entry: OutboxEntry & { kind: 'spawn' }, context: PushContext): ItemFields {
  const scheduler = findTag(entry.tags, 'Scheduler') === undefined ? [tag('Scheduler', context.scheduler)] : []
  const isNamed = entry.tags.some(({ name, value }) => name === 'Variant' && (value === AO_VARIANT || value === MAINNET_VARIANT))
  const tags = [
    ...without(entry.tags, OWNED_BY_SPAWN),
    ...scheduler,
    ...(isNamed ? [] : [tag('Variant', AO_VARIANT)]),
    tag('Data-Protocol', 'ao'),
    tag('Type', 'Process'),
    ...provenance(context),
  ]
  return { anchor: anchorOf(null, context, entry.index), tags, data: dataOf(entry.data) }
}

/** Tells the spawner which process its spawn became; aos matches it by Action, From and Reference. */
export function spawnedFields(entry: OutboxEntry & { kind: 'spawn' }, context: PushContext, spawned: TxId): ItemFields {
  const tags = [
    ...without(entry.tags, SPAWNED_TAGS),
    tag('Data-Protocol', 'ao'),
    tag('Type', 'Message'),
    tag('Variant', findTag(entry.tags, 'Variant') === MAINNET_VARIANT ? MAINNET_VARIANT : AO_VARIANT),
    tag('Process', spawned),
    tag('Action', 'Spawned'),
    ...provenance(context),
  ]
  return { target: idBytes(context.process), anchor: sha256(idBytes(spawned)), tags, data: ' ' }
}

const OWNED_BY_UNIT: ReadonlySet<string> = new Set(['Data-Protocol', 'Type', 'From-Process', 'From-Module', 'Pushed-For', 'Assignments'])
/** It becomes a process, so nothing is assigned by a tag: that is the program's own. */
const OWNED_BY_SPAWN: ReadonlySet<string> = new Set([...OWNED_BY_UNIT].filter((name) => name !== 'Assignments'))
const SPAWNED_TAGS: ReadonlySet<string> = new Set([...OWNED_BY_SPAWN, 'Variant', 'Action', 'Process'])
const MAINNET_VARIANT = 'ao.N.1'
const PATCH_DEVICE = 'patch@1.0'
const ETHEREUM_ADDRESS = /^0x[0-9a-f]{40}$/i
const ANCHOR_BYTES = 32

function planMessage(entry: Entry, index: number): Outcome {
  const target = entry['Target']
  const listed = listTags(entry['Tags'])
  if (isPatch(target, listed)) return {}
  if (typeof target !== 'string' || !isTxId(target)) return { problem: badTarget(target) }
  if (typeof listed === 'string') return { problem: listed }
  const assignments = listed.find(({ name }) => name === 'Assignments')?.value
  const tags = textTags(listed.filter(({ name }) => name !== 'Assignments'))
  if (typeof tags === 'string') return { problem: tags }
  const { ids: assignTo, others } = idsOf(assignments)
  const planned = { kind: 'message', index, target, anchor: entry['Anchor'], data: entry['Data'], tags, assignTo } as const
  return others.length === 0 ? { entry: planned } : { entry: planned, problem: `the tag Assignments names ${noProcesses(others)}` }
}

function planSpawn(entry: Entry, index: number): Outcome {
  const listed = listTags(entry['Tags'])
  if (typeof listed === 'string') return { problem: listed }
  const tags = textTags(listed)
  if (typeof tags === 'string') return { problem: tags }
  if (findTag(tags, 'Module') === undefined) return { problem: 'the spawn names no Module' }
  return { entry: { kind: 'spawn', index, data: entry['Data'], tags } }
}

function planAssignment(entry: Entry, index: number): Outcome {
  const { ids: processes, others } = idsOf(entry['Processes'])
  const message = entry['Message']
  if (processes.length === 0) return { problem: `Processes ${shown(entry['Processes'])} holds no process id` }
  if (typeof message !== 'string' || !isTxId(message))
    return { problem: `Message ${shown(message)} is not an id of 43 base64url characters` }
  const exclude = Array.isArray(entry['Exclude']) ? entry['Exclude'].filter((key): key is string => typeof key === 'string') : []
  const planned = { kind: 'assignment', index, processes, message, baseLayer: entry['BaseLayer'] === true, exclude } as const
  return others.length === 0 ? { entry: planned } : { entry: planned, problem: `Processes names ${noProcesses(others)}` }
}

/** What a token says about its balances to the device that keeps them: tables, and nobody to send them to. */
function isPatch(target: unknown, listed: ReturnType<typeof listTags>): boolean {
  if (typeof listed === 'string') return false
  if (!listed.some(({ name, value }) => name.toLowerCase() === 'device' && value === PATCH_DEVICE)) return false
  const isForNobody = target === undefined || target === null || target === ''
  return isForNobody || listed.some(({ value }) => typeof value === 'object' && value !== null)
}

function badTarget(target: unknown): string {
  if (typeof target === 'string' && ETHEREUM_ADDRESS.test(target))
    return `Target ${target} is an Ethereum address, which has no room in the target of a data item; whoever holds it finds the message in this result`
  return `Target ${shown(target)} is not an id of 43 base64url characters`
}

function noProcesses(others: readonly unknown[]): string {
  return `${others.slice(0, 3).map(shown).join(', ')}${others.length > 3 ? ` and ${others.length - 3} more` : ''}, which is no process id`
}

/** Tags as a program may write them; an empty Lua table looks like an empty object. */
function listTags(value: unknown): readonly { readonly name: string; readonly value: unknown }[] | string {
  if (value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0)) return []
  if (!Array.isArray(value)) return `Tags ${shown(value)} is not a list of {name, value}`
  const tags: { name: string; value: unknown }[] = []
  for (const one of value) {
    if (!isObject(one) || typeof one['name'] !== 'string' || one['name'] === '') return `tag ${shown(one)} has no name`
    tags.push({ name: one['name'], value: one['value'] })
  }
  return tags
}

function textTags(tags: readonly { readonly name: string; readonly value: unknown }[]): TextTag[] | string {
  const texts: TextTag[] = []
  for (const { name, value } of tags) {
    if (value === undefined || value === null) continue
    if (value instanceof Uint8Array) return `tag ${name} holds bytes that are not UTF-8; encode them as text first`
    if (typeof value === 'object') return `tag ${name} holds a table; make it text first, with json.encode`
    texts.push({ name, value: String(value) })
  }
  return texts
}

function provenance({ process, module, origin }: PushContext): TextTag[] {
  const pushedFor = origin.startsWith(CRON_ORIGIN) ? [] : [tag('Pushed-For', origin)]
  return [tag('From-Process', process), tag('From-Module', module), ...pushedFor]
}

function variantIfNone(tags: readonly TextTag[]): TextTag[] {
  return findTag(tags, 'Variant') === undefined ? [tag('Variant', AO_VARIANT)] : []
}

/** The program's own anchor if it has 32 bytes, else one that names this entry. */
function anchorOf(anchor: unknown, { process, slot }: PushContext, index: number): Uint8Array {
  const own = typeof anchor === 'string' ? utf8(anchor) : null
  return own?.length === ANCHOR_BYTES ? own : sha256(concat([idBytes(process), bigEndian(slot, 8), bigEndian(index, 4)]))
}

function dataOf(data: unknown): Uint8Array | string {
  if (data === undefined || data === null || data === '') return ' '
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  return typeof data === 'object' ? JSON.stringify(data) : String(data)
}

/** A list, or text with commas; each id once. */
function idsOf(value: unknown): { readonly ids: readonly TxId[]; readonly others: readonly unknown[] } {
  const list: unknown[] = typeof value === 'string' ? value.split(',').map((id) => id.trim()) : Array.isArray(value) ? value : []
  const isId = (id: unknown): id is TxId => typeof id === 'string' && isTxId(id)
  return { ids: [...new Set(list.filter(isId))], others: list.filter((id) => !isId(id)) }
}

function without(tags: readonly TextTag[], names: ReadonlySet<string>): TextTag[] {
  return tags.filter(({ name }) => !names.has(name))
}

function tag(name: string, value: string): TextTag {
  return { name, value }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return value === undefined ? '(none)' : (JSON.stringify(value) ?? String(value)).slice(0, 80)
}
