/**
 * Finds the routes for a path. Works on the exact characters of the request target, since AO-Core paths carry what URL parsers change.
 *
 * Wire        Absolute targets (`http://host/path`) are taken by their path. Empty segments are ignored when routes are looked up, so `//info` and
 *             `/info/` are `/info`; the rest that `*` stands for keeps them. Segments compare as they came, letter case and escapes included.
 * Invariants  Matches come in the order of the surfaces, then of the routes in them; how specific a pattern is plays no part.
 */
import type { Route, Surface } from './route.ts'

export interface Match {
  readonly surface: Surface
  readonly route: Route
  /** Null when a `:name` part is not valid percent-encoding. */
  params(): Record<string, string> | null
}

export interface Router {
  /** `path` as `pathOf` gives it. HEAD finds GET routes. */
  match(method: string, path: string): readonly Match[]
}

interface Entry {
  readonly order: number
  readonly surface: Surface
  readonly route: Route
  /** Which segments are parameters. */
  readonly names: readonly { readonly name: string; readonly segment: number }[]
  /** Segments before the `*`; null without one. */
  readonly wildAfter: number | null
}

interface Node {
  readonly literals: Map<string, Node>
  parameter: Node | null
  readonly ends: Entry[]
  readonly wilds: Entry[]
}

/** A path cut at its slashes: segment i is path.slice(starts[i], ends[i]), and never empty. */
interface Segments {
  readonly texts: readonly string[]
  readonly ends: readonly number[]
}

const SLASH = 47
const NO_PARAMS: Record<string, string> = Object.freeze({})

export function createRouter(surfaces: readonly Surface[]): Router {
  const trees = new Map<string, Node>()
  let order = 0
  for (const surface of surfaces) for (const route of surface.routes) insert(trees, surface, route, order++)
  return {
    match(method, path) {
      const tree = trees.get(method === 'HEAD' ? 'GET' : method)
      if (tree === undefined) return []
      const segments = cut(path)
      const found: Entry[] = []
      collect(tree, segments.texts, 0, found)
      if (found.length > 1) found.sort((a, b) => a.order - b.order)
      return found.map(({ surface, route, names, wildAfter }) => ({
        surface,
        route,
        params: () => paramsOf(path, segments, names, wildAfter),
      }))
    },
  }
}

/** The path of a request target: without scheme, host and query, with exactly one slash in front. */
export function pathOf(target: string): string {
  let start = 0
  if (target.charCodeAt(0) !== SLASH) {
    const authority = /^https?:\/\/[^/?]*/i.exec(target)
    if (authority !== null) start = authority[0].length
  }
  const query = target.indexOf('?', start)
  const end = query === -1 ? target.length : query
  while (start < end && target.charCodeAt(start) === SLASH) start += 1
  return `/${target.slice(start, end)}`
}

function insert(trees: Map<string, Node>, surface: Surface, route: Route, order: number): void {
  const parts = route.path.split('/').filter((part) => part !== '')
  const wild = parts.indexOf('*')
  if (!route.path.startsWith('/') || (wild !== -1 && wild !== parts.length - 1))
    throw new TypeError(`route ${route.path} of ${surface.name}: a pattern begins with / and has * only at its end`)
  const names = parts.flatMap((part, segment) => (part.startsWith(':') ? [{ name: part.slice(1), segment }] : []))
  let node = trees.get(route.method) ?? createNode()
  trees.set(route.method, node)
  for (const part of wild === -1 ? parts : parts.slice(0, -1)) node = child(node, part)
  const entry: Entry = { order, surface, route, names, wildAfter: wild === -1 ? null : wild }
  ;(wild === -1 ? node.ends : node.wilds).push(entry)
}

function child(node: Node, part: string): Node {
  if (part.startsWith(':')) {
    node.parameter ??= createNode()
    return node.parameter
  }
  const found = node.literals.get(part) ?? createNode()
  node.literals.set(part, found)
  return found
}

function createNode(): Node {
  return { literals: new Map(), parameter: null, ends: [], wilds: [] }
}

function collect(node: Node, texts: readonly string[], depth: number, found: Entry[]): void {
  if (node.wilds.length > 0) found.push(...node.wilds)
  const text = texts[depth]
  if (text === undefined) {
    if (node.ends.length > 0) found.push(...node.ends)
    return
  }
  const literal = node.literals.get(text)
  if (literal !== undefined) collect(literal, texts, depth + 1, found)
  if (node.parameter !== null) collect(node.parameter, texts, depth + 1, found)
}

function cut(path: string): Segments {
  const texts: string[] = []
  const ends: number[] = []
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf('/', start)
    const end = slash === -1 ? path.length : slash
    if (end > start) {
      texts.push(path.slice(start, end))
      ends.push(end)
    }
    start = end + 1
  }
  return { texts, ends }
}

function paramsOf(path: string, { texts, ends }: Segments, names: Entry['names'], wildAfter: number | null): Record<string, string> | null {
  if (names.length === 0 && wildAfter === null) return NO_PARAMS
  const params: Record<string, string> = {}
  for (const { name, segment } of names) {
    const value = decode(texts[segment]!)
    if (value === null) return null
    params[name] = value
  }
  if (wildAfter !== null) params['*'] = path.slice((wildAfter === 0 ? 0 : ends[wildAfter - 1]!) + 1)
  return params
}

function decode(text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
