/** Processes of format heddle-js-1: JavaScript on the module's own terms. They keep no Inbox, and show their handlers to nobody. */
import { CONSOLE_NAMES_MAX } from '../../base/limits.ts'
import { isJsIncomplete } from './incomplete.ts'
import type { Language } from './language.ts'

const KEYWORDS =
  'async await break case catch class const continue delete do else export extends false finally for function if import in instanceof let new null return static super switch this throw true try typeof undefined var void while yield'
const API = 'acceptAssignments ao assign inspect off on onSpawn receive send spawn'
const PREVIEW_CHARS = 60

export const jsLanguage: Language = {
  name: 'JavaScript',
  decode: (json) => json,
  keywords: KEYWORDS.split(' '),
  isIncomplete: isJsIncomplete,
  wordBefore: /((?:[A-Za-z_$][\w$]*(?:\[\d+\])*\.)*)([A-Za-z_$][\w$]*)?$/,
  places: /\(?eval-\d+\.js:(\d+)(?::(\d+))?\)?/g,
  placeOf: (match) => ({ line: Number(match[1]), column: match[2] === undefined ? null : Number(match[2]) }),
  names: (path) => `JSON.stringify((() => {
  const all = new Set()
  for (let o = Object(${path ?? 'globalThis'}); o !== null && all.size < ${CONSOLE_NAMES_MAX} && (all.size === 0 || o !== Object.prototype); o = Object.getPrototypeOf(o))
    for (const name of Object.getOwnPropertyNames(o)) if (/^[A-Za-z$][\\w$]*$/.test(name) && all.size < ${CONSOLE_NAMES_MAX}) all.add(name)
  return [...all].map((name) => ({ name, type: 'name' }))
})())`,
  list: (path) => `JSON.stringify((() => {
  const api = new Set('${API}'.split(' '))
  const value = ${path === null ? 'globalThis' : `(${path}\n)`}
  if (typeof value !== 'object' || value === null) return { count: 0, entries: [], value: typeof value === 'string' ? value : inspect(value) }
  const isOwn = (name) => { const d = Object.getOwnPropertyDescriptor(value, name); return d.enumerable || (d.get !== undefined && !api.has(name)) }
  const all = value instanceof Map ? [...value] : value instanceof Set ? [...value].map((one, i) => [i, one])
    : Object.getOwnPropertyNames(value).filter(${path === null ? 'isOwn' : "(name) => name !== 'length' || !Array.isArray(value)"}).map((name) => [name, value[name]])
  const sizeOf = (one) => typeof one === 'string' ? one.length : one instanceof Map || one instanceof Set ? one.size
    : Array.isArray(one) ? one.length : typeof one === 'object' && one !== null ? Object.keys(one).length : null
  const kindOf = (one) => typeof one === 'object' ? one?.constructor?.name ?? 'null' : typeof one
  return { count: all.length, entries: all.slice(0, ${CONSOLE_NAMES_MAX}).map(([name, one]) => ({ name: typeof name === 'string' ? name : inspect(name), type: kindOf(one),
    size: sizeOf(one), preview: typeof one === 'function' || (typeof one === 'object' && one !== null) ? '' : inspect(typeof one === 'string' ? [one] : one).replace(/^\\[(.*)\\]$/s, '$1').slice(0, ${PREVIEW_CHARS}) })) }
})())`,
  inbox: () => null,
  handlers: () => null,
  emptyValue: (source) =>
    /^[\s\w$.[\]'"!<>=+*-]+$/.test(source) && !/(?<![=!<>])=(?!=)|\+\+|--|\b(?:let|const|var|delete|new|await)\b/.test(source)
      ? `String(${source}\n)`
      : null,
}
