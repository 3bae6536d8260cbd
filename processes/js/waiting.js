/** Waiting for messages: a handler may await the answer to what it sent, or any message. What waits is part of the state. */
import { host } from './host.js'
import { checkPattern, matches } from './pattern.js'

const waiters = []

/** The next message that matches; handlers do not see it. */
export function waitFor(pattern) {
  checkPattern(pattern, 'receive')
  return new Promise((resolve) => {
    waiters.push({ pattern, resolve })
    host.waiting = waiters.length
  })
}

/** True when somebody waited for this message and has it now. */
export function deliver(msg) {
  if (waiters.length === 0) return false
  const index = waiters.findIndex(({ pattern }) => matches(pattern, msg))
  if (index < 0) return false
  const [{ resolve }] = waiters.splice(index, 1)
  host.waiting = waiters.length
  resolve(msg)
  return true
}
