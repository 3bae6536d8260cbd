/** Patterns: which messages something is for. An action, an object of fields and tags, or a function. */

const FIELDS = { Id: 'id', From: 'from', Owner: 'owner', Target: 'target', Data: 'data' }

export function matches(pattern, msg) {
  switch (typeof pattern) {
    case 'string':
      return msg.action === pattern
    case 'function':
      return Boolean(pattern(msg))
    default:
      return matchesAll(pattern, msg)
  }
}

function matchesAll(pattern, msg) {
  for (const name of Object.keys(pattern)) {
    const value = name in FIELDS ? msg[FIELDS[name]] : msg.find(name)
    if (!matchesValue(pattern[name], value, msg)) return false
  }
  return true
}

function matchesValue(expected, value, msg) {
  if (typeof expected === 'string') return value === expected
  if (typeof expected === 'boolean') return (value !== undefined) === expected
  if (expected instanceof RegExp) return typeof value === 'string' && value.search(expected) >= 0 // Not test(), which has a memory.
  return value !== undefined && Boolean(expected(value, msg))
}

export function checkPattern(pattern, what) {
  if (typeof pattern === 'string' || typeof pattern === 'function') return
  if (typeof pattern !== 'object' || pattern === null)
    throw new TypeError(`${what}: a pattern is an action, an object of tags, or a function`)
  for (const [name, expected] of Object.entries(pattern)) {
    const isKnown = ['string', 'boolean', 'function'].includes(typeof expected) || expected instanceof RegExp
    if (!isKnown) throw new TypeError(`${what}: the pattern for ${name} is to be text, true, false, a regular expression or a function`)
  }
}

/** True when one takes the place of the other. Functions are the same only if they are one. */
export function isSame(one, other) {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object') return false
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => isSameValue(one[name], other[name]))
}

function isSameValue(one, other) {
  return one === other || (one instanceof RegExp && other instanceof RegExp && String(one) === String(other))
}
