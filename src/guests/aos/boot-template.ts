/**
 * States of nobody, that young processes are kept as differences to.
 *
 * What aos makes of its first message depends on more than its code: Lua hashes addresses on the C stack, where message and environment lie, and
 * its garbage collector goes by sizes. So a process resembles one whose first message and environment have the same shape: the same fields
 * and tags, and texts of the same length. Such a one is started here, with other texts. Processes that one client spawns mostly have one shape.
 *
 * Wire        a shape is JSON in which texts are "#" and their size in bytes
 * Invariants  A template follows from the module and the two shapes: every node makes the same one.
 */
import { LRUCache } from 'lru-cache'
import { toBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { GuestEnv } from '../guest.ts'
import type { StateImage } from '../wasm/state-image.ts'

/** Each holds a whole state. */
const TEMPLATES_MAX = 4
/** Beyond these a process brings so much of its own that little is left to share. */
const TEXT_BYTES_MAX = 16 * 1024
const SHAPE_CHARACTERS_MAX = 8 * 1024
/** Tags whose values say what is done with a message. */
const TELLING_TAGS: ReadonlySet<unknown> = new Set(['Data-Protocol', 'Type', 'Variant'])
/** A tag that makes aos run what the message brings. */
const RUNNING_TAG = 'On-Boot'
/** Lua keeps equal texts up to this size once, so those of different fields must differ. Larger ones are ids, of which some are compared. */
const SHORT_TEXT_BYTES_MAX = 40
const SIZE = /^#(\d{1,5})$/

/** Starts a process with a message and an environment; null when it does not take them. */
type Boot = (message: string, env: string) => StateImage | null

export class BootTemplates {
  readonly #boot: Boot
  readonly #known = new LRUCache<string, { readonly image: StateImage | null }>({ max: TEMPLATES_MAX })

  constructor(boot: Boot) {
    this.#boot = boot
  }

  /** For a process whose first message had this shape; null when there is none. */
  find(messageShape: string, env: GuestEnv): StateImage | null {
    const envShape = JSON.stringify(shapeOf(env))
    const key = `${messageShape} ${envShape}`
    const known = this.#known.get(key) ?? { image: this.#make(messageShape, envShape) }
    this.#known.set(key, known)
    return known.image
  }

  #make(messageShape: string, envShape: string): StateImage | null {
    if (messageShape.length + envShape.length > 2 * SHAPE_CHARACTERS_MAX) return null
    const [message, env] = [textOfShape(messageShape), textOfShape(envShape)]
    return message === null || env === null ? null : this.#boot(message, env)
  }
}

/** Null when the message is too large to have a template. */
export function shapeOfMessage(json: string): string | null {
  const shape = JSON.stringify(shapeOf(JSON.parse(json)))
  return json.length > TEXT_BYTES_MAX || shape.length > SHAPE_CHARACTERS_MAX ? null : shape
}

function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return `#${Buffer.byteLength(value)}`
  if (typeof value === 'number') return Number(String(value).replace(/\d/g, '1'))
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  const { name } = value as { readonly name?: unknown }
  const fields = Object.entries(value).map(([key, field]) => {
    const isPlain = key === 'name' ? field !== RUNNING_TAG : key === 'value' && TELLING_TAGS.has(name)
    return [key, isPlain ? field : shapeOf(field)]
  })
  return Object.fromEntries(fields)
}

/** Null for what is no shape. */
function textOfShape(shape: string): string | null {
  try {
    return JSON.stringify(textsOf(JSON.parse(shape), ''))
  } catch {
    return null
  }
}

/** `label` tells fields and tags apart. */
function textsOf(value: unknown, label: string): unknown {
  if (typeof value === 'string') return SIZE.test(value) ? textOf(Math.min(Number(value.slice(1)), TEXT_BYTES_MAX), label) : value
  if (Array.isArray(value)) return value.map((entry) => textsOf(entry, label))
  if (typeof value !== 'object' || value === null) return value
  const { name } = value as { readonly name?: unknown }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, textsOf(field, typeof name === 'string' ? name : key)]))
}

function textOf(size: number, label: string): string {
  if (size > SHORT_TEXT_BYTES_MAX) return 'A'.repeat(size)
  return toBase64url(sha256(utf8(label))).slice(0, size)
}
