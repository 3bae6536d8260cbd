/**
 * A message as handlers see it.
 *
 * Wire        From the host, as text joined by NUL: Id, From, Owner, Target, Data, Timestamp, Block-Height, then name and value of each tag; beside it
 *             JSON of the other fields, and Data if that is bytes. Or, when that cannot be, the message as an object of AO's fields.
 */
import { post, replyFields } from './outbox.js'

/** What a forwarded message does not take along. */
const DELIVERY = new Set([
  ...['Data-Protocol', 'Variant', 'From-Process', 'From-Module', 'Type', 'Pushed-For', 'Reference'],
  ...['Reply-To', 'X-Reference', 'X-Origin', 'Action'],
])
const TAGS = 7

export class Message {
  /** Fields and tags, as the host writes them. */
  #parts
  /** As JSON. */
  #others
  #raw
  #tags

  constructor(given, others, bytes) {
    const parts = typeof given === 'string' ? given.split('\0') : partsOf(given)
    this.#parts = parts
    this.#others = others
    this.#raw = typeof given === 'string' ? undefined : given
    this.id = parts[0]
    this.from = parts[1]
    this.owner = parts[2]
    this.target = parts[3]
    this.data = bytes ?? parts[4]
    this.timestamp = +parts[5]
    this.blockHeight = +parts[6]
    this.action = this.find('Action')
  }

  /** The value of the first tag of that name. */
  find(name) {
    const parts = this.#parts
    for (let i = TAGS; i < parts.length; i += 2) if (parts[i] === name) return parts[i + 1]
    return undefined
  }

  /** The value of a tag that must be there. */
  tag(name) {
    const value = this.find(name)
    if (value === undefined) throw new Error(`the tag ${name} is missing`)
    return value
  }

  /** By name; of a name that is there twice the first. */
  get tags() {
    if (this.#tags === undefined) {
      const record = { __proto__: null }
      const parts = this.#parts
      for (let i = TAGS; i < parts.length; i += 2) if (record[parts[i]] === undefined) record[parts[i]] = parts[i + 1]
      this.#tags = record
    }
    return this.#tags
  }

  get tagList() {
    const list = []
    for (let i = TAGS; i < this.#parts.length; i += 2) list.push({ name: this.#parts[i], value: this.#parts[i + 1] })
    return list
  }

  /** The message as AO units give it. */
  get raw() {
    this.#raw ??= {
      Id: this.id,
      From: this.from,
      Owner: this.owner,
      Target: this.target,
      Data: this.data,
      Timestamp: this.timestamp,
      'Block-Height': this.blockHeight,
      ...JSON.parse(this.#others),
      Tags: this.tagList,
    }
    return this.#raw
  }

  get nonce() {
    return this.raw.Nonce
  }

  get anchor() {
    return this.raw.Anchor ?? undefined
  }

  get hashChain() {
    return this.raw['Hash-Chain']
  }

  get forwardedBy() {
    return this.raw['Forwarded-By']
  }

  get isCron() {
    return this.raw.Cron === true
  }

  /** A dry run: nothing that it does is kept. */
  get isReadOnly() {
    return this.raw['Read-Only'] === true
  }

  get date() {
    return new Date(this.timestamp)
  }

  /** The data as text. */
  get text() {
    return typeof this.data === 'string' ? this.data : new TextDecoder().decode(this.data)
  }

  /** The data as bytes. */
  get bytes() {
    return typeof this.data === 'string' ? new TextEncoder().encode(this.data) : this.data
  }

  json() {
    try {
      return JSON.parse(this.text)
    } catch (cause) {
      throw new Error(`the data of the message is not JSON: ${cause.message}`)
    }
  }

  reply(answer) {
    const { replyTo, tags } = this.#answering(undefined)
    return post(replyTo, replyFields(answer), tags)
  }

  /** Sends the same message on; whoever gets it replies to the one that sent this. */
  forward(target, { action = this.action, data = this.data, tags: further = {} } = {}) {
    const kept = this.tagList.filter(({ name }) => !DELIVERY.has(name))
    const own = Array.isArray(further) ? further : Object.entries(further).map(([name, value]) => ({ name, value }))
    const { replyTo, tags } = this.#answering(this.from)
    return post(target, { action, data, tags: [...kept, ...own, { name: 'Reply-To', value: replyTo }] }, tags)
  }

  /** Who gets the answer, and the tags that name the message that is answered, so that its sender knows which one it was. */
  #answering(sender) {
    const parts = this.#parts
    let replyTo
    let origin
    let own
    let forwarded
    for (let i = TAGS; i < parts.length; i += 2) {
      const name = parts[i]
      const { length } = name
      if (length === 8) {
        if (name === 'Reply-To') replyTo ??= parts[i + 1]
        else if (name === 'X-Origin') origin ??= parts[i + 1]
      } else if (length === 9) {
        if (name === 'Reference') own ??= parts[i + 1]
      } else if (length === 11) {
        if (name === 'X-Reference') forwarded ??= parts[i + 1]
      }
    }
    const reference = forwarded ?? own
    origin ??= sender
    const tags = reference === undefined ? [] : ['X-Reference', reference]
    if (origin !== undefined) tags.push('X-Origin', origin)
    return { replyTo: replyTo ?? this.from, tags }
  }
}

function partsOf(raw) {
  const { Id, From, Owner, Target, Data = '', Timestamp, Tags } = raw
  const parts = [Id, From, Owner, Target, Data, Timestamp, raw['Block-Height']]
  for (const { name, value } of Tags ?? []) parts.push(name, value)
  return parts
}
