/** How `heddle inspect` shows what it found to a person. */
import { toHex } from '../base/bytes.ts'
import {
  Atom,
  binaryLength,
  compareKeys,
  Float,
  isBinary,
  isList,
  isMessage,
  isPrivateKey,
  Link,
  type Message,
  type Value,
} from '../codec/message/value.ts'
import { type Checked, isGood, type Report } from './inspect-message.ts'
import { formatBytes, type Output } from './output.ts'

type Ink = Pick<Output, 'paint' | 'plain'>

interface Style extends Ink {
  /** Everything, in full. */
  readonly isAll: boolean
}

const VALUE_SHOWN_MAX = 72
const KEYS_SHOWN_MAX = 24 // Of one message.
const DEPTH_SHOWN_MAX = 3
const KEY_CELLS_MAX = 24
const HEX_BYTES_SHOWN = 16
const LABEL_CELLS = 13

export function reportLines(report: Report, { paint, plain }: Ink, isAll: boolean): string[] {
  const style = { paint, plain, isAll }
  return [
    paint.bold(report.what),
    '',
    ...(report.message === null ? [] : [...messageLines(report.message, report.uncommitted, style), '']),
    ...itemLines(report, style),
    ...idLines(report, style),
    ...report.commitments.flatMap((checked) => commitmentLines(checked, report.message, style)),
    ...(report.commitments.length === 0 ? [] : ['']),
    verdict(report, style),
    ...report.problems.map((problem) => paint.red(plain(problem))),
  ]
}

function messageLines(message: Message, uncommitted: ReadonlySet<string>, style: Style): string[] {
  const lines = entryLines(message, style, 1, (key) => (uncommitted.has(key) ? '  not committed to' : ''))
  const absent = [...uncommitted].filter((key) => !message.has(key))
  return [
    ...(lines.length === 0 ? [style.paint.dim('  no keys')] : lines),
    ...(absent.length === 0
      ? []
      : [style.paint.dim(`  left out, since nobody committed to it: ${oneLine(style.plain(absent.join(', ')))}`)]),
  ]
}

function entryLines(message: Message, style: Style, depth: number, noteOf: (key: string) => string = () => ''): string[] {
  const entries = [...message].filter(([key]) => key !== 'commitments' && !isPrivateKey(key)).sort(([a], [b]) => compareNames(a, b))
  const shown = style.isAll ? entries : entries.slice(0, KEYS_SHOWN_MAX)
  const cells = Math.min(KEY_CELLS_MAX, Math.max(0, ...shown.map(([key]) => key.length)))
  const lines = shown.flatMap(([key, value]) => valueLines(key.padEnd(cells), value, { style, depth, note: noteOf(key) }))
  return [...lines, ...restLine(entries.length - shown.length, style, depth)]
}

/** Numbers, which are places in a list, by their size. */
function compareNames(a: string, b: string): number {
  return /^\d{1,9}$/.test(a) && /^\d{1,9}$/.test(b) ? Number(a) - Number(b) : compareKeys(a, b)
}

function listLines(list: readonly Value[], style: Style, depth: number): string[] {
  const shown = style.isAll ? list : list.slice(0, KEYS_SHOWN_MAX)
  const lines = shown.flatMap((value, i) => valueLines(String(i + 1), value, { style, depth, note: '' }))
  return [...lines, ...restLine(list.length - shown.length, style, depth)]
}

function restLine(count: number, { paint }: Style, depth: number): string[] {
  return count <= 0 ? [] : [paint.dim(`${indent(depth)}… ${count} more; --all shows them`)]
}

interface Shown {
  readonly style: Style
  readonly depth: number
  readonly note: string
}

function valueLines(key: string, value: Value, { style, depth, note }: Shown): string[] {
  const { paint, plain } = style
  const name = `${indent(depth)}${paint.cyan(oneLine(plain(key)))}`
  const after = paint.yellow(note)
  if (!isMessage(value) && !isList(value)) return [`${name}  ${scalar(value, style)}${after}`]
  const size = isList(value) ? value.length : [...value.keys()].filter((child) => child !== 'commitments' && !isPrivateKey(child)).length
  const what = paint.dim(isList(value) ? `list of ${size}` : `message of ${size} ${size === 1 ? 'key' : 'keys'}`)
  const isClosed = depth >= DEPTH_SHOWN_MAX && !style.isAll
  const children = isClosed ? [] : isList(value) ? listLines(value, style, depth + 1) : entryLines(value, style, depth + 1)
  return [`${name}  ${what}${after}`, ...children]
}

function scalar(value: Exclude<Value, Message | readonly Value[]>, { paint, plain, isAll }: Style): string {
  if (isBinary(value)) return binary(value, { paint, plain, isAll })
  if (value instanceof Link) return `${paint.dim('→')} ${oneLine(plain(value.id))}`
  if (value instanceof Float) return `${value.value} ${paint.dim('float')}`
  if (value instanceof Atom) return `${oneLine(plain(value.name))} ${paint.dim('atom')}`
  return `${value} ${paint.dim(typeof value === 'number' || typeof value === 'bigint' ? 'integer' : 'atom')}`
}

function binary(value: string | Uint8Array, { paint, plain, isAll }: Style): string {
  if (typeof value !== 'string') {
    const start = toHex(isAll ? value : value.subarray(0, HEX_BYTES_SHOWN))
    return `${start}${start.length < 2 * value.length ? '…' : ''} ${paint.dim(`${formatBytes(value.length)}, not text`)}`
  }
  if (value === '') return paint.dim('empty')
  if (value.trim() === '' && value.length < VALUE_SHOWN_MAX) return `${JSON.stringify(value)} ${paint.dim('blank')}`
  const text = oneLine(plain(value))
  if (isAll || text.length <= VALUE_SHOWN_MAX) return text
  return `${text.slice(0, VALUE_SHOWN_MAX)}… ${paint.dim(formatBytes(binaryLength(value)))}`
}

function itemLines({ items }: Report, { paint, plain }: Style): string[] {
  if (items.length === 0) return []
  const lines = items.map(({ id, bytes, owner, problem }) => {
    const sign = problem === null ? paint.green('✓') : paint.red('✗')
    return `  ${sign} ${id}  ${formatBytes(bytes).padStart(7)}  ${problem === null ? paint.dim(`by ${owner}`) : paint.red(plain(problem))}`
  })
  return [...lines, '']
}

function idLines({ unsignedId, signedId, hashpath }: Report, { paint, plain }: Style): string[] {
  const line = (label: string, text: string, note = ''): string => `${paint.dim(label.padEnd(LABEL_CELLS))}${text}${paint.dim(note)}`
  const lines = [
    ...(unsignedId === null ? [] : [line('unsigned id', unsignedId)]),
    ...(signedId === null ? [] : [line('signed id', signedId)]),
    ...(hashpath === null
      ? []
      : [line('hashpath', oneLine(plain(hashpath.path)), hashpath.isSigned ? '' : '  its id: no signature says what it came from')]),
  ]
  return lines.length === 0 ? [] : [...lines, '']
}

function commitmentLines({ commitment, isValid }: Checked, message: Message | null, { paint, plain }: Style): string[] {
  const { id, device, type, committer, committed } = commitment
  const sign = isValid ? paint.green('✓') : paint.red('✗')
  const by = committer === null ? paint.dim('by nobody: it proves the content only') : `by ${paint.bold(oneLine(plain(committer)))}`
  const pad = indent(1)
  return [
    `${sign} ${oneLine(plain(`${type} ${device}`))} ${by}`,
    `${pad}${paint.dim('id')} ${oneLine(plain(id))}`,
    `${pad}${paint.dim('commits to')} ${oneLine(plain(coverage(committed, message)))}`,
    ...(isValid ? [] : [`${pad}${paint.red('does not hold: the message was changed, or another key signed it')}`]),
  ]
}

function coverage(committed: readonly string[], message: Message | null): string {
  const keys = [...(message?.keys() ?? [])].filter((key) => key !== 'commitments')
  if (keys.length > 1 && keys.every((key) => committed.includes(key))) return `all ${keys.length} keys`
  return committed.length === 0 ? 'no keys' : committed.join(', ')
}

function verdict(report: Report, { paint }: Style): string {
  const { commitments, items, signedId } = report
  if (!isGood(report)) return paint.red('does not verify')
  if (items.length > 0) return paint.green('all items verify')
  if (commitments.length === 0) return paint.yellow('nobody committed to it: there is nothing to verify')
  if (signedId === null) return paint.yellow('its digest verifies, but nobody signed it')
  return paint.green('all commitments verify')
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}

/** Line ends, which would break the layout, as signs. */
function oneLine(text: string): string {
  return text.replaceAll('\r', '').replaceAll('\n', '⏎').replaceAll('\t', ' ')
}
