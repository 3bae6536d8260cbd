/**
 * What a message makes the process send: messages, spawns, assignments.
 *
 * Wire        The fields of a reply, all text: printed output, prompt, kind of output, then for each entry
 *             m or s · target (messages only) · data · anchor · count of tags · name and value of each tag; a · JSON of the assignment.
 *             The letter is followed by marks: `-` no target, `b` data is the index of bytes, `n` no data.
 *             Tags begin with Data-Protocol, Variant, Type, Reference (spawn: also From-Process, From-Module, Module), then Action, then
 *             those of the program. Anchor is the counter padded to 32 digits; one counter numbers messages and spawns.
 * Invariants  Tag values are text: numbers, bigints and booleans become text, objects JSON; undefined and null leave the tag out.
 */
import { host } from './host.js'
import { waitFor } from './waiting.js'

const JSON_TYPE = 'application/json'
const REPLY = { __proto__: null, action: true, data: true, tags: true, anchor: true }
const SEND = { target: true, ...REPLY, __proto__: null }
const SPAWN = { module: true, ...REPLY, __proto__: null }
const ASSIGN = { __proto__: null, processes: true, message: true, exclude: true, baseLayer: true }
const ZEROS = '0'.repeat(32)

/** Fields of an entry before its tags. */
const HEAD = 5

let fields = []
let reference = 0

/** What was sent since the last call. */
export function takeFields() {
  const taken = fields
  fields = []
  return taken
}

/** A message or spawn that is on its way; what it is answered can be waited for. */
export class Sent {
  constructor(reference, target) {
    this.reference = reference
    this.target = target
  }

  /** The message that answers this one. */
  answer() {
    const { reference, target } = this
    const { Id } = host.env.Process
    if (target !== null) return waitFor((msg) => msg.from === target && msg.find('X-Reference') === reference)
    return waitFor((msg) => msg.action === 'Spawned' && msg.from === Id && msg.find('Reference') === reference)
  }
}

export function send(options) {
  checkFields(options, SEND, 'send')
  return post(options.target, options)
}

/** A message as it leaves; `answers` are the tags that tell what it answers. */
export function post(target, options, answers) {
  if (target !== undefined && typeof target !== 'string') throw new TypeError(`send: target is ${kindOf(target)}, expected an id`)
  const at = fields.length
  const number = begin(target === undefined ? 'm-' : 'm', target ?? '', options.anchor)
  fields.push('Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'Type', 'Message', 'Reference', number)
  fill(at, options, answers)
  return new Sent(number, target)
}

export function spawn(options = {}) {
  checkFields(options, SPAWN, 'spawn')
  const { data = 'NODATA', module = host.env.Module.Id } = options
  const at = fields.length
  const number = begin('s', '', options.anchor)
  fields.push('Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'Type', 'Process', 'From-Process', host.env.Process.Id)
  fields.push('From-Module', host.env.Module.Id, 'Module', module, 'Reference', number)
  fill(at, { ...options, data })
  return new Sent(number, null)
}

export function assign(options) {
  checkFields(options, ASSIGN, 'assign')
  const { processes, message, exclude, baseLayer } = options
  if (!Array.isArray(processes)) throw new TypeError(`assign: processes is ${kindOf(processes)}, expected an array of ids`)
  if (typeof message !== 'string') throw new TypeError(`assign: message is ${kindOf(message)}, expected an id`)
  const entry = { Processes: processes, Message: message, Exclude: exclude, BaseLayer: baseLayer === true ? true : undefined }
  fields.push('a', JSON.stringify(entry))
}

/** What a handler returned or gave to reply(), as the fields of a message. */
export function replyFields(answer) {
  if (typeof answer === 'string' || answer instanceof Uint8Array) return { data: answer }
  checkFields(answer, REPLY, 'reply')
  return answer
}

/** The fields before the tags; `fill` sets those that are not known yet. Gives the reference. */
function begin(mark, target, anchor) {
  reference += 1
  const number = String(reference)
  fields.push(mark, target, '', anchor ?? ZEROS.slice(number.length) + number, '')
  return number
}

function fill(at, options, answers) {
  const { action, data, tags } = options
  const first = at + HEAD
  if (action !== undefined) add('Action', action)
  if (tags !== undefined) addAll(tags)
  if (answers !== undefined) for (let i = 0; i < answers.length; i++) fields.push(answers[i])
  if (typeof data === 'string') fields[at + 2] = data
  else if (data === undefined || data === null) fields[at] += 'n'
  else if (data instanceof Uint8Array) {
    fields[at] += 'b'
    fields[at + 2] = String(host.keepBytes(data.slice()))
  } else {
    fields[at + 2] = typeof data === 'object' ? JSON.stringify(data) : String(data)
    if (typeof data === 'object' && !hasType(first)) fields.push('Content-Type', JSON_TYPE)
  }
  fields[at + 4] = String((fields.length - first) / 2)
}

function hasType(first) {
  for (let i = first; i < fields.length; i += 2) if (fields[i] === 'Content-Type') return true
  return false
}

function addAll(tags) {
  if (typeof tags !== 'object' || tags === null)
    throw new TypeError(`tags is ${kindOf(tags)}, expected an object or a list of {name, value}`)
  if (Array.isArray(tags)) for (const { name, value } of tags) add(String(name), value)
  else {
    const names = Object.keys(tags)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      const value = tags[name]
      if (typeof value === 'string') fields.push(name, value)
      else add(name, value)
    }
  }
}

function add(name, value) {
  if (value === undefined || value === null) return
  if (typeof value === 'string') fields.push(name, value)
  else if (typeof value === 'object') fields.push(name, JSON.stringify(value))
  else if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`tag ${name} is a ${typeof value}, which cannot leave the process`)
  else fields.push(name, String(value))
}

function checkFields(options, known, what) {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${what}: ${kindOf(options)} given, expected an object with ${Object.keys(known).join(', ')}`)
  for (const name in options)
    if (known[name] !== true) throw new TypeError(`${what}: unknown field "${name}"; tags go into tags: { … }, content into data: …`)
}

function kindOf(value) {
  if (value === undefined || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}
