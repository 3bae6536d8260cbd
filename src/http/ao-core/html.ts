/**
 * Pages for browsers: the frame around a message (html-message.ts), and what went wrong.
 *
 * Wire        Only for those who accept HTML and ask for no codec. A page has no headers of the message, and nobody signs it.
 * Invariants  No scripts, nothing from elsewhere, every value escaped. It reads with a keyboard, a screen reader and on a phone.
 */
import { clip, toBase64, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { EncodedReply } from './reply-httpsig.ts'

/** Where a page is. */
export interface Place {
  /** Path and query as they were asked for. */
  readonly target: string
  /** With GET the same can be asked for again, and so can what is in it. */
  readonly isGet: boolean
}

export interface Failed {
  readonly status: number
  /** Of the failure, where it has one. */
  readonly code: string | null
  readonly text: string
}

const TEXT_CHARS_MAX = 2_000
const TITLE_CHARS_MAX = 120

const STYLE = `
  :root { color-scheme: light dark; --ink: #1c1f24; --dim: #5a6270; --line: #d9dde3; --back: #fff; --tint: #f4f6f8; --link: #0b57c2; --bad: #b3261e }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6e9ee; --dim: #a3abb8; --line: #363c46; --back: #15181d; --tint: #1e2229; --link: #8ab8ff; --bad: #ff9a92 }
  }
  * { box-sizing: border-box }
  body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 3rem; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
  a { color: var(--link); text-underline-offset: .15em }
  a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
  h1 { font-size: 1.4rem; line-height: 1.3; margin: .25rem 0 .5rem }
  h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
  nav { color: var(--dim) }
  code, pre, .value { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: .875rem }
  pre { margin: .5rem 0; padding: .75rem; max-height: 24rem; overflow: auto; white-space: pre-wrap; background: var(--tint); border-radius: .4rem }
  .facts { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; color: var(--dim) }
  .bad { color: var(--bad); font-weight: 600 }
  dl { margin: 0 }
  dl > div { display: grid; grid-template-columns: minmax(9rem, 15rem) 1fr; gap: 0 1rem; padding: .35rem 0; border-top: 1px solid var(--line) }
  dl dl > div { grid-template-columns: minmax(5rem, 10rem) 1fr }
  dt { font-weight: 600 }
  dt small, .type { font-weight: 400; font-size: .8rem; color: var(--dim) }
  dt small { margin-left: .35rem }
  dd { margin: 0; min-width: 0 }
  dd dl { margin: .3rem 0 .2rem; padding-left: .75rem; border-left: 3px solid var(--line) }
  dd dl > div:first-child { border-top: 0 }
  summary { cursor: pointer }
  footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--dim); font-size: .875rem }
  @media (max-width: 40rem) { dl > div, dl dl > div { grid-template-columns: 1fr } dd dl { padding-left: .5rem } }
`

const HTML_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${toBase64(sha256(utf8(STYLE)))}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  vary: 'accept',
} as const

/** What to do next, beside what the text says itself. */
const ADVICE: readonly (readonly [from: number, to: number, advice: string])[] = [
  [401, 403, 'This needs a signature: of the operator of the node, or of somebody whom they named.'],
  [404, 404, 'Nothing is known by this path here. See whether the id is right, and which keys the message before it has.'],
  [429, 429, 'The node is busy. Try again in a moment.'],
  [500, 500, 'This is an error of the node, not of your request. Its log says more.'],
  [503, 504, 'What this needs did not answer. Try again in a moment.'],
]

/** With headers. `title` is text, `facts` and `content` are HTML already. */
export function page(title: string, { place, facts, content }: { place: Place; facts: readonly string[]; content: string }): EncodedReply {
  const shown = facts.map((fact) => `<li>${fact}</li>`).join('')
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(clip(title, TITLE_CHARS_MAX))} · Heddle</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
${crumbs(place)}
<h1>${escaped(clip(title, TITLE_CHARS_MAX))}</h1>
<ul class="facts">${shown}</ul>
</header>
<main>
${content}
</main>
<footer>A message of AO-Core, shown for people by <a href="/">this Heddle node</a>. ${asProgram(place)}</footer>
</body>
</html>
`
  return { headers: { ...HTML_HEADERS }, body }
}

export function errorPage(place: Place, { status, code, text }: Failed): EncodedReply {
  const facts = [
    `<span class="bad">Status ${status}</span>`,
    ...(code === null ? [] : [`Failure <code>${escaped(code)}</code>`]),
    ...jsonLink(place),
  ]
  const advice = code === null ? ADVICE.find(([from, to]) => status >= from && status <= to)?.[2] : undefined // A failure with a code says itself what to do.
  const up = parentOf(place)
  const paragraphs = [
    ...(text === '' ? [] : [withCode(clip(text, TEXT_CHARS_MAX))]),
    ...(advice === undefined ? [] : [advice]),
    ...(up === null ? [] : [`This was asked of <a href="${escaped(up)}">${escaped(clip(readable(up), TITLE_CHARS_MAX))}</a>.`]),
  ]
  const content = paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join('\n')
  return page(TITLES.get(status) ?? 'This did not work', { place, facts, content })
}

/** What stands between backticks. */
function withCode(text: string): string {
  return escaped(text).replace(/`([^`]{1,200})`/g, '<code>$1</code>')
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, 'The request was refused'],
  [401, 'Who is asking?'],
  [403, 'Not allowed'],
  [404, 'Nothing is here'],
  [413, 'This is too large'],
  [429, 'Too much at once'],
  [500, 'Something went wrong in the node'],
  [503, 'Not available now'],
])

/** The same as JSON, for those who want to see all of it. */
export function jsonLink({ target, isGet }: Place): readonly string[] {
  if (!isGet) return []
  const url = `${target}${target.includes('?') ? '&' : '?'}require-codec=application/json`
  return [`<a href="${escaped(url)}" type="application/json">As JSON</a>`]
}

/** Of a key of the message at `place`; null where it would mean something else in a path. */
export function pathOfKey({ target, isGet }: Place, key: string): string | null {
  if (!isGet || !/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(key)) return null
  const { path, query } = pathAndQuery(target)
  return `${path.replace(/\/+$/, '')}/${key}${query}`
}

/** The path as people write it. */
export function readable(target: string): string {
  try {
    return decodeURIComponent(target)
  } catch {
    return target
  }
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

export function pathAndQuery(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  return mark === -1 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark) }
}

/** The parts of a path, each leading to what it gives. Of a path with brackets or quotes only the whole. */
function crumbs({ target, isGet }: Place): string {
  const { path } = pathAndQuery(target)
  const parts = path.split('/').filter((part) => part !== '')
  if (!isGet || parts.length < 2 || /[("]|%2[28]/i.test(path)) return '<nav aria-label="Path"><a href="/">Heddle</a></nav>'
  const links = parts
    .slice(0, -1)
    .map((part, i) => `<a href="${escaped(`/${parts.slice(0, i + 1).join('/')}`)}">${escaped(clip(readable(part), TITLE_CHARS_MAX))}</a>`)
  return `<nav aria-label="Path"><a href="/">Heddle</a> / ${links.join(' / ')}</nav>`
}

function parentOf({ target, isGet }: Place): string | null {
  const { path } = pathAndQuery(target)
  const at = path.replace(/\/+$/, '').lastIndexOf('/')
  return isGet && at > 0 && !/[("]|%2[28]/i.test(path) ? path.slice(0, at) : null
}

function asProgram({ target, isGet }: Place): string {
  const shown = clip(target, TEXT_CHARS_MAX)
  return isGet && /^[\x21-\x7e]*$/.test(shown) && !shown.includes("'")
    ? `Programs get it signed: <code>npx heddle inspect '${escaped(shown)}'</code>`
    : ''
}
