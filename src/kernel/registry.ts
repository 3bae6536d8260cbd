/**
 * The devices of this node, and which of their functions answers a key: the calling rules of AO-Core.
 *
 * Rules       1. the base's own device, else the default one; 2. it has the key unless it excludes it or exports others; then its
 *             3. handler, 4. function of that name (`Do_Thing` is `do-thing`), 5. fallback, a function or another device; 6. the default device.
 * Source      permaweb/HyperBEAM src/hb_ao_device.erl message_to_fun/3 (2025-11)
 * Invariants  Devices come with the program: a base can name one, never bring one.
 */
import { clip } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import type { Value } from '../codec/message/value.ts'
import type { AnyKeyFunction, Device, KeyFunction } from './device.ts'
import { NOT_FOUND } from './outcomes.ts'

/** What answers a key. Exactly one of the functions is there. */
export interface Callee {
  /** The base's own device, by whose groups resolutions wait for each other. */
  readonly device: Device
  readonly byName: KeyFunction | null
  readonly byKey: AnyKeyFunction | null
  /** Nothing but the default device reading the key: no computation, so neither cached nor waited for. */
  readonly isPlainRead: boolean
}

export interface Registry {
  /** Fails with `device-unknown`. `device` is the value that the base has at `device`. */
  find(device: Value | undefined, key: string): Callee
  /** The same without the default device: null when this device has no such key itself. */
  findOwn(device: string, key: string): Callee | null
}

interface Entry {
  readonly device: Device
  readonly functions: ReadonlyMap<string, Callee>
  readonly handler: Callee | null
  readonly fallback: Callee | string | null
  readonly exports: ReadonlySet<string> | null
  readonly excludes: ReadonlySet<string> | null
}

const FALLBACKS_MAX = 8

export function createRegistry(devices: readonly Device[], defaultDevice: string): Registry {
  const entries = new Map<string, Entry>()
  for (const device of devices) {
    if (entries.has(device.name)) throw new TypeError(`two devices are named ${device.name}`)
    entries.set(device.name, prepare(device, device.name === defaultDevice))
  }
  const found = entries.get(defaultDevice)
  if (found === undefined) throw new TypeError(`the default device ${defaultDevice} is not among the devices`)
  const fallbackEntry: Entry = found

  const entryOf = (name: Value | undefined): Entry => {
    if (name === undefined) return fallbackEntry
    const entry = typeof name === 'string' ? (entries.get(name) ?? entries.get(name.toLowerCase())) : undefined
    if (entry === undefined) throw unknownDevice(name)
    return entry
  }

  const search = (entry: Entry, key: string, depth: number): Callee => {
    const own = ownCallee(entry, key)
    if (own !== null && typeof own !== 'string') return own
    if (depth > FALLBACKS_MAX) throw unknownDevice(entry.device.name)
    if (own !== null) return search(entryOf(own), key, depth + 1)
    return entry === fallbackEntry ? unanswered(entry.device) : search(fallbackEntry, key, depth + 1)
  }

  return {
    find(name, key) {
      const entry = entryOf(name)
      const callee = search(entry, key, 0)
      return callee.device === entry.device || callee.isPlainRead ? callee : { ...callee, device: entry.device }
    },
    findOwn(name, key) {
      const own = ownCallee(entryOf(name), key)
      return typeof own === 'string' ? null : own
    },
  }
}

/** Rules 2 to 5; null when this device does not have the key. */
function ownCallee(entry: Entry, key: string): Callee | string | null {
  const { functions, handler, fallback, exports, excludes } = entry
  if (exports === null && excludes === null && handler === null) {
    const exact = functions.get(key)
    if (exact !== undefined) return exact
  }
  const name = functionName(key)
  if (excludes?.has(name) || exports?.has(name) === false) return null
  return handler ?? functions.get(name) ?? fallback
}

function functionName(key: string): string {
  return key.toLowerCase().replaceAll('_', '-')
}

function prepare(device: Device, isDefault: boolean): Entry {
  const { keys = {}, handler, fallback, exports, excludes } = device
  const byKey = (run: AnyKeyFunction, isPlainRead: boolean): Callee => ({ device, byName: null, byKey: run, isPlainRead })
  const names = (list: readonly string[] | undefined): ReadonlySet<string> | null =>
    list === undefined ? null : new Set(list.map(functionName))
  return {
    device,
    functions: new Map(
      Object.entries(keys).map(([key, run]) => [functionName(key), { device, byName: run, byKey: null, isPlainRead: false }]),
    ),
    handler: handler === undefined ? null : byKey(handler, false),
    fallback: fallback === undefined ? null : typeof fallback === 'string' ? fallback : byKey(fallback, isDefault),
    exports: names(exports),
    excludes: names(excludes),
  }
}

function unanswered(device: Device): Callee {
  return { device, byName: null, byKey: () => NOT_FOUND, isPlainRead: true }
}

function unknownDevice(name: Value): HeddleError<'device-unknown'> {
  const text = typeof name === 'string' ? clip(name) : 'a value that is not text'
  return new HeddleError(
    'device-unknown',
    { device: text },
    `device \`${text}\` is not on this node; GET /~meta@1.0/info lists those that are`,
  )
}
