/** inspect(value): a value as text for people, the same text everywhere. Strings within values are quoted, a string alone is not. */

const DEPTH_MAX = 4
const ITEMS_MAX = 100
const WIDTH = 76
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

export function inspect(value) {
  return typeof value === 'string' ? value : show(value, [])
}

function show(value, parents) {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return nameOfFunction(value)
    case 'object':
      return value === null ? 'null' : showObject(value, parents)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    default:
      return String(value)
  }
}

function quote(text) {
  const json = JSON.stringify(text)
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`
}

function nameOfFunction(value) {
  const kind = /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function'
  return `[${kind}${value.name === '' ? '' : ` ${value.name}`}]`
}

function showObject(object, parents) {
  if (parents.includes(object)) return '[circular]'
  if (object instanceof Error) return `${object.name}: ${object.message}`
  if (object instanceof Date) return Number.isNaN(object.getTime()) ? 'Invalid Date' : object.toISOString()
  if (object instanceof RegExp) return String(object)
  if (object instanceof Promise) return 'Promise'
  if (parents.length >= DEPTH_MAX) return Array.isArray(object) ? '[…]' : '{…}'
  const inner = [...parents, object]
  if (Array.isArray(object))
    return enclose(
      '[',
      itemsOf(object, (item) => show(item, inner)),
      ']',
    )
  if (ArrayBuffer.isView(object) && !(object instanceof DataView))
    return enclose(`${nameOf(object)}(${object.length}) [`, itemsOf(object, String), ']')
  if (object instanceof Map)
    return enclose(
      `Map(${object.size}) {`,
      itemsOf(object, ([key, item]) => `${show(key, inner)} => ${show(item, inner)}`),
      '}',
    )
  if (object instanceof Set)
    return enclose(
      `Set(${object.size}) {`,
      itemsOf(object, (item) => show(item, inner)),
      '}',
    )
  const prefix = nameOf(object) === 'Object' ? '{' : `${nameOf(object)} {`
  return enclose(
    prefix,
    itemsOf(Object.keys(object), (key) => `${IDENTIFIER.test(key) ? key : quote(key)}: ${show(object[key], inner)}`),
    '}',
  )
}

function nameOf(object) {
  const prototype = Object.getPrototypeOf(object)
  if (prototype === null) return 'Object'
  const tag = object[Symbol.toStringTag]
  return typeof tag === 'string' ? tag : String(prototype.constructor?.name || 'Object')
}

function itemsOf(list, text) {
  const items = []
  let left = 0
  for (const item of list) {
    if (items.length < ITEMS_MAX) items.push(text(item))
    else left += 1
  }
  if (left > 0) items.push(`… ${left} more`)
  return items
}

function enclose(open, items, close) {
  if (items.length === 0) return open + close
  const pad = open.endsWith('[') ? '' : ' '
  const line = `${open}${pad}${items.join(', ')}${pad}${close}`
  if (line.length <= WIDTH && !line.includes('\n')) return line
  return `${open}\n${items.map((item) => `  ${item.replaceAll('\n', '\n  ')}`).join(',\n')}\n${close}`
}
