/**
 * heddle/process: the programming model of JavaScript processes. docs/typescript-processes.md explains it, types/process.d.ts has its types.
 *
 * Invariants  A message whose sender is not its signer is heard only if one of the two is an authority. One that was addressed to somebody
 *             else and assigned to this process is heard only if the program accepts it.
 *             The first handler that matches runs, in the order of registration; a later one for the same action replaces the earlier.
 */
import { ao } from './ao.js'
import { evaluate, exposeApi } from './eval.js'
import { host } from './host.js'
import { inspect } from './inspect.js'
import { Message } from './message.js'
import { assign, Sent, send, spawn, takeFields } from './outbox.js'
import { checkPattern, isSame, matches } from './pattern.js'
import { deliver, waitFor } from './waiting.js'
import './text-codec.js'

host.inspect = inspect

const handlers = []
const accepted = []
const spawned = []

export function on(pattern, handler) {
  checkPattern(pattern, 'on')
  if (typeof handler !== 'function') throw new TypeError(`on: the handler for ${inspect(pattern)} is not a function`)
  const index = handlers.findIndex((entry) => isSame(entry.pattern, pattern))
  handlers[index < 0 ? handlers.length : index] = { pattern, handler }
}

export function off(pattern) {
  const index = handlers.findIndex((entry) => isSame(entry.pattern, pattern))
  if (index >= 0) handlers.splice(index, 1)
  return index >= 0
}

/** Runs with the message that made the process. */
export function onSpawn(handler) {
  spawned.push(handler)
}

/** Lets in messages that were addressed to somebody else. */
export function acceptAssignments(pattern) {
  checkPattern(pattern, 'acceptAssignments')
  accepted.push(pattern)
}

export function receive(pattern) {
  return waitFor(pattern)
}

const console = {}
for (const name of ['log', 'info', 'debug', 'warn', 'error']) console[name] = (...values) => print(values.map(inspect).join(' '))
Object.defineProperty(globalThis, 'console', { value: console, writable: true, configurable: true, enumerable: false })

exposeApi({ acceptAssignments, ao, assign, inspect, off, on, onSpawn, receive, send, spawn })

// One message ---------------------------------------------------------------------------------------------------------------------

let isEval = false

/** Why a message is not heard, or null. */
function refusal(msg) {
  const { from, owner } = msg
  if (from !== owner && !ao.authorities.has(from) && !ao.authorities.has(owner)) return `Message is not trusted! ${sendersOf(msg)}`
  const { id } = ao
  if (msg.target === id) return null
  for (let i = 0; i < accepted.length; i++) if (matches(accepted[i], msg)) return null
  if (from !== id) send({ target: from, data: 'Assignment is not trusted by this process!' })
  return `Assignment is not trusted! ${sendersOf(msg)}`
}

function sendersOf({ from, owner }) {
  return `From: ${from} - Owner: ${owner}`
}

function dispatch(msg) {
  const reason = refusal(msg)
  if (reason !== null) return print(reason)
  if (deliver(msg)) return undefined
  const { action } = msg
  if (msg.id === ao.id) return boot(msg)
  if (action === 'Eval' && msg.from === ao.owner) {
    isEval = true
    return evaluate(msg.text)
  }
  for (let i = 0; i < handlers.length; i++) {
    const { pattern, handler } = handlers[i]
    if (typeof pattern === 'string' ? pattern === action : matches(pattern, msg)) return answered(msg, handler(msg))
  }
  return print(`no handler for ${action === undefined ? 'a message without Action' : `Action = ${action}`}`)
}

function print(text) {
  host.printed.push(text)
}

async function boot(msg) {
  for (const handler of spawned) await handler(msg)
  if (msg.find('On-Boot') === 'Data') await evaluate(msg.text)
}

/** What a handler returns is its reply, unless that was sent already. */
function answered(msg, value) {
  if (value === undefined || value instanceof Sent) return undefined
  if (value instanceof Promise) return value.then((later) => void answered(msg, later))
  msg.reply(value)
  return undefined
}

host.receive = (given, others, bytes) => {
  takeFields()
  isEval = false
  const msg = new Message(given, others, bytes)
  host.messageId = typeof msg.id === 'string' ? msg.id : ''
  return dispatch(msg)
}

/** Called once everything that the message set off has come to rest. */
host.collect = () => {
  const { printed } = host
  return [printed.length === 0 ? '' : printed.join('\n'), `${ao.name}> `, isEval ? 'eval' : 'print', ...takeFields()]
}

export { ao, assign, inspect, Message, send, spawn }
