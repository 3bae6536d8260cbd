/**
 * From what a program answered to what the node sends for it: the order of the entries, and the fields of the items made of them.
 *
 * Wire        All Messages, then all Spawns, then all Assignments. A message becomes an item with the program's tags less Data-Protocol, Type,
 *             From-Process, From-Module, Pushed-For and Assignments, then Data-Protocol=ao, Type=Message, Variant (unless set), From-Process,
 *             From-Module, Pushed-For. Numbers and booleans in tags become text; tags without a value are left out.
 * Source      permaweb/ao servers/mu (lib/build-tx, api/processSpawn)
 * Invariants  Pure: the same result gives the same fields, so an Ed25519 authority gives the same ids, and pushing again after a crash
 *             repeats nothing. A program cannot write the tags that say where an item comes from.
 */
import { bigEndian, concat, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { ID_BYTES, idBytes, isTxId, type TxId } from '../../base/ids.ts'
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
  readonly undelivered: readonly Undelivered[]
}

/** Where a result stands: what its entries carry on. */
export interface PushContext {
  readonly process: TxId
  /** The id that its program has for itself: what it sends there is for the process. */
  readonly self: TxId
  readonly module: TxId
  /** The Scheduler tag of the process, for spawns that name none. */
  readonly scheduler: string
  readonly slot: number
  readonly origin: string
}

type Outcome = OutboxEntry | string

/** What can be delivered, and why the rest cannot. `depth` is the depth of the message that was evaluated. */
export function planOutbox(result: Pick<ResultRecord, 'messages' | 'spawns' | 'assignments'>, depth: number): OutboxPlan {
  const all = [
    ...result.messages.map((entry, i) => planMessage(entry, i)),
    ...result.spawns.map((entry, i) => planSpawn(entry, result.messages.length + i)),
    ...result.assignments.map((entry, i) => planAssignment(entry, result.messages.length + result.spawns.length + i)),
  ]
  const cut = depth >= PUSH_DEPTH_MAX ? `cut: ${depth} pushes deep, at most ${PUSH_DEPTH_MAX} follow one message from outside` : null
  const entries: OutboxEntry[] = []
  const undelivered: Undelivered[] = []
  all.forEach((outcome, index) => {
    const reason =
      typeof outcome === 'string'
        ? outcome
        : (cut ?? (index >= PUSH_FANOUT_MAX ? `cut: at most ${PUSH_FANOUT_MAX} entries of one result are sent` : null))
    if (reason === null) entries.push(outcome as OutboxEntry)
    else undelivered.push({ index, reason })
  })
  return { entries, undelivered }
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
  const tags = [
    ...without(entry.tags, OWNED_BY_UNIT),
    ...scheduler,
    ...variantIfNone(entry.tags),
    tag('Data-Protocol', 'ao'),
    tag('Type', 'Process'),
    ...provenance(context),
  ]
  return { anchor: anchorOf(null, context, entry.index), tags, data: dataOf(entry.data) }
}

/** Tells the spawner which process its spawn became; aos matches it by Action, From and Reference. */
export function spawnedFields(entry: OutboxEntry & { kind: 'spawn' }, context: PushContext, spawned: TxId): ItemFields {
  const own = without(entry.tags, SPAWNED_TAGS)
  const tags = [
    ...own,
    tag('Data-Protocol', 'ao'),
    tag('Type', 'Message'),
    tag('Variant', AO_VARIANT),
    tag('Process', spawned),
    tag('Action', 'Spawned'),
    ...provenance(context),
  ]
  return { target: idBytes(context.process), anchor: sha256(idBytes(spawned)), tags, data: ' ' }
}

const OWNED_BY_UNIT: ReadonlySet<string> = new Set(['Data-Protocol', 'Type', 'From-Process', 'From-Module', 'Pushed-For', 'Assignments'])
const SPAWNED_TAGS: ReadonlySet<string> = new Set([...OWNED_BY_UNIT, 'Variant', 'Action', 'Process'])
const ANCHOR_BYTES = 32

function planMessage(entry: Entry, index: number): Outcome {
  const target = entry['Target']
  if (typeof target !== 'string' || !isTxId(target)) return `Target ${shown(target)} is not an id of 43 base64url characters`
  const listed = listTags(entry['Tags'])
  if (typeof listed === 'string') return listed
  const assignTo = listed.find(({ name }) => name === 'Assignments')?.value
  const tags = textTags(listed.filter(({ name }) => name !== 'Assignments'))
  if (typeof tags === 'string') return tags
  return { kind: 'message', index, target, anchor: entry['Anchor'], data: entry['Data'], tags, assignTo: ids(assignTo) }
}

function planSpawn(entry: Entry, index: number): Outcome {
  const listed = listTags(entry['Tags'])
  if (typeof listed === 'string') return listed
  const tags = textTags(listed)
  if (typeof tags === 'string') return tags
  if (findTag(tags, 'Module') === undefined) return 'the spawn names no Module'
  return { kind: 'spawn', index, data: entry['Data'], tags }
}

function planAssignment(entry: Entry, index: number): Outcome {
  const processes = ids(entry['Processes'])
  const message = entry['Message']
  if (processes.length === 0) return `Processes ${shown(entry['Processes'])} holds no process id`
  if (typeof message !== 'string' || !isTxId(message)) return `Message ${shown(message)} is not an id of 43 base64url characters`
  const exclude = Array.isArray(entry['Exclude']) ? entry['Exclude'].filter((key): key is string => typeof key === 'string') : []
  return { kind: 'assignment', index, processes, message, baseLayer: entry['BaseLayer'] === true, exclude }
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
  return [tag('From-Process', process), tag('From-Module', module), tag('Pushed-For', origin)]
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
  if (data === undefined || data === null) return ' '
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  return typeof data === 'object' ? JSON.stringify(data) : String(data)
}

function ids(value: unknown): TxId[] {
  return Array.isArray(value) ? value.filter((id): id is TxId => typeof id === 'string' && id.length > ID_BYTES && isTxId(id)) : []
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
