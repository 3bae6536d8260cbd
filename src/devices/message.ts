/**
 * message@1.0: what every message answers when its own device does not: its keys, changes of them, its ids, who committed to it.
 *
 * Keys        `keys` · `set` (other request keys; `set-mode: explicit`) · `set-path` {value} · `remove` {item | items} · `id`, `committed`, `verify`
 *             {committers, commitment-ids} · `committers` · `commit` {type, committed, bundle, commitment-device, secret} · `index` · any other: its value
 * Source      permaweb/HyperBEAM src/dev_message.erl (2025-11)
 * Invariants  Private keys are neither read, listed, set nor removed. A change to what somebody committed to takes all commitments away. A key is looked
 *             up exactly, then in any case. `verify` is true where nothing is selected: it says that nothing is wrong, not that somebody signed.
 */
import { HeddleError } from '../base/errors.ts'
import { commitSecret, commit as commitTo, commitUnsigned } from '../codec/message/commit.ts'
import { commonKeys } from '../codec/message/commitment.ts'
import { committersOf, messageId, type Selection, selectCommitments } from '../codec/message/id.ts'
import { sameValue } from '../codec/message/same-value.ts'
import { HTTPSIG_DEVICE } from '../codec/message/signature-headers.ts'
import {
  Atom,
  isBinary,
  isContainer,
  isList,
  isMessage,
  isPrivateKey,
  isTrue,
  LINK_SUFFIX,
  Link,
  type Message,
  sortedKeys,
  type Value,
} from '../codec/message/value.ts'
import { verifyCommitment } from '../codec/message/verify.ts'
import { changedMessage } from '../kernel/changed-message.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { loadWhole } from '../kernel/links.ts'
import { NOT_FOUND, ok, refused } from '../kernel/outcomes.ts'
import { readKey } from '../kernel/read-key.ts'
import { readOption } from '../kernel/settings.ts'
import { Cast } from '../kernel/steps.ts'

export const message: Device = {
  name: 'message@1.0',
  keys: { keys, set, 'set-path': setPath, remove, id, committers, committed, commit, verify, index },
  fallback: (key, base) => {
    const value = readKey(base, key)
    return value === undefined ? NOT_FOUND : ok(value)
  },
}

function keys(base: Message): Outcome {
  return ok(sortedKeys(base).filter((key) => !isPrivateKey(key)))
}

// Changes

/** They mean something to a request, so that they cannot be set by one. */
const NOT_SET: ReadonlySet<string> = new Set(['id', 'commitments', 'committers', 'keys', 'path', 'set', 'remove', 'verify', 'set-mode'])

async function set(base: Message, request: Message, env: Env): Promise<Outcome> {
  const isDeep = request.get('set-mode') !== 'explicit'
  const changes = new Map<string, Value | undefined>()
  for (const [key, value] of request) {
    if (NOT_SET.has(key) || isPrivateKey(key) || isAtom(value, 'undefined')) continue
    if (isAtom(value, 'unset')) changes.set(key, undefined)
    else changes.set(key, isDeep ? await merged(base.get(key), value, env) : value)
  }
  return ok(changedMessage(base, changes))
}

/** A message within takes a message key by key, by its own device. */
async function merged(old: Value | undefined, value: Value, env: Env): Promise<Value> {
  if (old === undefined || !isNested(old)) return value
  if (sameValue(old, value)) return old // As of every key that base and request both have from the path.
  const [child, request] = [await env.load(old), await env.load(value)]
  if (!isMessage(child) || !isMessage(request)) return value
  const { status, value: result } = await env.resolve(child, new Map(request).set('path', 'set'), { hashpath: 'ignore' })
  if (status !== 'ok')
    throw new HeddleError('request-invalid', { field: 'set' }, `a message within did not take its new keys: its device answered ${status}`)
  return result as Value
}

function setPath(base: Message, request: Message): Outcome {
  const value = request.get('value')
  if (value === undefined) return refused('error', 'set-path needs the key `value`: the new path, or the atom `unset`')
  return ok(changedMessage(base, new Map([['path', isAtom(value, 'unset') ? undefined : value]])))
}

async function remove(base: Message, request: Message, env: Env): Promise<Outcome> {
  const items = await namesIn(request.get('items') ?? request.get('item'), env)
  if (items === null) return refused('error', 'remove needs the key `item`, the name of a key, or `items`, a list of them')
  const removed = items.filter((key) => base.has(key) && !isPrivateKey(key))
  return ok(changedMessage(base, new Map(removed.map((key) => [key, undefined]))))
}

// Ids and commitments

async function id(base: Message, request: Message, env: Env): Promise<Outcome> {
  return ok(messageId(await withCommitmentsLoaded(base, env), await selectionOf(request, env)))
}

async function committers(base: Message, _request: Message, env: Env): Promise<Outcome> {
  return ok(committersOf(await withCommitmentsLoaded(base, env)))
}

/** Keys that every selected commitment is about. */
async function committed(base: Message, request: Message, env: Env): Promise<Outcome> {
  const subject = await withCommitmentsLoaded(base, env)
  const common = commonKeys(selectCommitments(subject, await selectionOf(request, env)))
  const isRaw = isTrue(request.get('raw'))
  return ok(common.map((key) => (isRaw && isNested(subject.get(key)) ? key + LINK_SUFFIX : key)))
}

async function verify(base: Message, request: Message, env: Env): Promise<Outcome> {
  const target = await targetOf(base, request, env)
  if (!isMessage(target)) return refused('error', 'there is no message to verify; `target` names the key of the request that has it')
  const subject = await withCommitmentsLoaded(target, env)
  const selected = selectCommitments(subject, await selectionOf(request, env))
  const whole = selected.some(isOverWhole) ? ((await loadWhole(env.store, subject)) as Message) : subject
  const secret = request.get('secret')
  for (const commitment of selected) if (!(await verifyCommitment(whole, commitment, isBinary(secret) ? { secret } : {}))) return ok(false)
  return ok(true)
}

/** By this node's key, unless a secret or nobody is to commit. */
async function commit(base: Message, request: Message, env: Env): Promise<Outcome> {
  const target = await targetOf(base, request, env)
  if (!isMessage(target)) return refused('error', 'there is no message to commit to; `target` names the key of the request that has it')
  const device = request.get('commitment-device') ?? readOption(env.node.options, 'commitment-device') ?? HTTPSIG_DEVICE
  if (device !== HTTPSIG_DEVICE && device !== message.name)
    return typeof device === 'string' ? env.apply(device, 'commit', target, request) : refused('error', '`commitment-device` is not text')
  const isBundle = isTrue(request.get('bundle'))
  const loaded = await withCommitmentsLoaded(target, env)
  const subject = isBundle ? ((await loadWhole(env.store, loaded)) as Message) : loaded
  const committed = await namesIn(request.get('committed'), env)
  const options = { bundle: isBundle, ...(committed === null ? {} : { committed }) }
  const type = request.get('type') ?? 'signed'
  const secret = request.get('secret')
  if (type === 'unsigned' || (type === 'hmac-sha256' && !isBinary(secret))) return ok(commitUnsigned(subject, options))
  if (type !== 'signed' && type !== 'rsa-pss-sha512' && type !== 'hmac-sha256')
    return refused('error', `\`type\` is none of signed, unsigned, rsa-pss-sha512 and hmac-sha256`)
  if (isBinary(secret) && type !== 'rsa-pss-sha512') return ok(commitSecret(subject, secret, options))
  return ok(await commitTo(subject, env.identity, { ...options, tag: env.hashpathOf(target) }))
}

/** What is committed to whole cannot be checked by links to it. */
function isOverWhole({ device, extra }: { readonly device: string; readonly extra: Message }): boolean {
  return device !== HTTPSIG_DEVICE || isTrue(extra.get('bundle'))
}

async function selectionOf(request: Message, env: Env): Promise<Selection> {
  const committers = await selected(request.get('committers'), env)
  const commitmentIds = await selected(request.get('commitment-ids'), env)
  return { committers, ...(commitmentIds === 'none' ? {} : { commitmentIds }) }
}

async function selected(value: Value | undefined, env: Env): Promise<'none' | 'all' | readonly string[]> {
  const word = value instanceof Atom ? value.name : value
  if (word === 'all' || word === 'none') return word
  return (await namesIn(word, env)) ?? 'none'
}

/** Another message than the base, where the request says so. */
async function targetOf(base: Message, request: Message, env: Env): Promise<Value> {
  const target = request.get('target')
  if (target === undefined || target === 'self') return base
  const named = typeof target === 'string' && !isPrivateKey(target) ? request.get(target) : undefined
  return env.load(named ?? request.get('body') ?? null)
}

async function withCommitmentsLoaded(base: Message, env: Env): Promise<Message> {
  const commitments = base.get('commitments')
  if (commitments === undefined) return base
  const loaded = await loadWhole(env.store, commitments)
  return loaded === commitments ? base : new Map(base).set('commitments', loaded)
}

// For people

async function index(base: Message, request: Message, env: Env): Promise<Outcome> {
  const option = readOption(env.node.options, 'default-index')
  const page = option === undefined ? undefined : await env.load(option)
  if (page === undefined) return refused('error', 'No default index message set.')
  const path = (isMessage(page) ? page.get('path') : undefined) ?? readOption(env.node.options, 'default-index-path') ?? 'index'
  if (!isMessage(page) && typeof page !== 'string')
    return refused('error', 'the option `default-index` is neither a device nor a message; correct it')
  const on = isMessage(page) ? changedMessage(base, page) : new Cast(page, changedMessage(base, [['path', undefined]]))
  return env.resolve(on, new Map(request).set('path', path))
}

// Values

/** A list, a list as a message is one, or one name alone; null for anything else. */
async function namesIn(value: Value | undefined, env: Env): Promise<readonly string[] | null> {
  const loaded = value === undefined ? null : await env.load(value)
  if (typeof loaded === 'string') return [loaded]
  const items = isList(loaded)
    ? loaded
    : isMessage(loaded)
      ? [...loaded].filter(([key]) => key !== 'commitments' && !isPrivateKey(key)).map(([, item]) => item)
      : null
  return items?.every((item) => typeof item === 'string') ? (items as string[]) : null
}

/** A message or list, here or elsewhere. */
function isNested(value: Value | undefined): boolean {
  return isContainer(value) || value instanceof Link
}

function isAtom(value: Value, name: string): boolean {
  return value instanceof Atom && value.name === name
}
