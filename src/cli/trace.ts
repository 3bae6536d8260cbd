/** heddle trace: show what a message caused, as a tree. */
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { TRACE_NODES_MAX } from '../base/limits.ts'
import { connect, type NodeClient, parseId, urlOption } from './client.ts'
import { type CommandFile, flag, textOption, UsageError } from './command.ts'
import type { Output } from './output.ts'

export interface TraceNode {
  readonly id: string
  readonly kind: 'message' | 'spawn' | 'assignment' | 'tick'
  readonly state: 'evaluated' | 'waiting' | 'stored' | 'gone'
  readonly process: string | null
  readonly target: string
  readonly slot: number | null
  readonly from: string
  readonly action: string | null
  readonly tookMs: number | null
  readonly gas: number | null
  readonly error: string | null
  readonly output: string | null
  readonly undelivered: readonly { readonly index: number; readonly reason: string }[]
  readonly toSend: number
  readonly repeat: boolean
  readonly next: number | null
  readonly children: readonly TraceNode[]
}

export interface Trace {
  readonly id: string
  readonly origin: string
  readonly cause: { readonly process: string; readonly slot: number; readonly message: string } | null
  readonly settled: boolean
  readonly cut: boolean
  readonly count: number
  readonly roots: readonly TraceNode[]
}

const WAIT_S_DEFAULT = 30
const WAIT_S_MAX = 3_600
const NODES_DEFAULT = 500
const PAUSE_MS = 30
const PAUSE_MS_MAX = 1_000
const SHORT = 8
const TEXT_SHOWN_MAX = 160

export const trace: CommandFile = {
  name: 'trace',
  usage: '<message id>',
  wordsMax: 1,
  options: {
    ...urlOption,
    process: { type: 'string', value: 'id', help: 'only what the message caused in this process' },
    wait: { type: 'string', value: 'seconds', help: `for what is still under way (default: ${WAIT_S_DEFAULT}; 0: show what is there)` },
    limit: { type: 'string', value: 'number', help: `messages to show, up to ${TRACE_NODES_MAX} (default: ${NODES_DEFAULT})` },
    full: { type: 'boolean', help: 'show ids and texts in full' },
  },
  examples: ['heddle trace <message>', 'heddle trace <message> --process <process> --limit 50', 'heddle trace <process>   (its spawn)'],
  async run(input, output) {
    const id = parseId(input.positionals[0], 'a message id', '"heddle send" prints it')
    const process = textOption(input, 'process')
    if (process !== undefined) parseId(process, 'a process id', '"heddle spawn" prints it')
    const waitMs = parseNumber(textOption(input, 'wait'), '--wait', 0, WAIT_S_MAX, WAIT_S_DEFAULT) * 1000
    const limit = parseNumber(textOption(input, 'limit'), '--limit', 1, TRACE_NODES_MAX, NODES_DEFAULT)
    const path = `/heddle/traces/${id}?limit=${limit}${process === undefined ? '' : `&process=${process}`}`
    const found = await output.busy('waiting until all of it is done', settled(connect(input), path, waitMs))
    showTrace(found, output, flag(input, 'full'))
    output.value(found)
    return 0
  },
}

/** Asks until nothing of it is under way any more, or the time is up. */
export async function settled(node: NodeClient, path: string, waitMs: number): Promise<Trace> {
  const deadlineMs = performance.now() + waitMs
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MS_MAX)) {
    const found = await node.getJson<Trace>(path, 'there is no trace')
    if (found.settled || performance.now() + pauseMs > deadlineMs) return found
    await sleep(pauseMs)
  }
}

export function showTrace({ roots, cause, origin, settled: isSettled, cut, count }: Trace, output: Output, isFull: boolean): void {
  const { line, paint } = output
  const lines = new Tree(output, isFull)
  if (cause !== null)
    line(paint.dim(`caused by slot ${cause.slot} of ${cause.process}, message ${cause.message}; all of it: heddle trace ${origin}`))
  for (const root of roots) lines.show(root, '', '')
  const notes = [
    `${count} ${count === 1 ? 'message' : 'messages'}`,
    ...(isSettled ? [] : ['not all of it is done; ask again, or wait longer with --wait']),
    ...(cut ? ['more than is shown; use --limit, or trace a message marked …'] : []),
  ]
  line(paint.dim(notes.join('; ')))
}

class Tree {
  readonly #output: Output
  readonly #isFull: boolean

  constructor(output: Output, isFull: boolean) {
    this.#output = output
    this.#isFull = isFull
  }

  /** `lead` stands before the node's own line, `margin` before all that belongs to it. */
  show(node: TraceNode, lead: string, margin: string): void {
    const { line, paint } = this.#output
    line(`${paint.dim(lead)}${this.#head(node)}`)
    const below = [...this.#details(node), ...this.#missing(node)]
    const hasChildren = node.children.length > 0
    for (const text of below) line(`${paint.dim(`${margin}${hasChildren ? '│  ' : '   '}`)}${text}`)
    node.children.forEach((child, i) => {
      const isLast = i === node.children.length - 1
      this.show(child, `${margin}${isLast ? '└─ ' : '├─ '}`, `${margin}${isLast ? '   ' : '│  '}`)
    })
  }

  #head(node: TraceNode): string {
    const { paint, plain } = this.#output
    const what = plain(this.#text(node.action ?? (node.kind === 'spawn' ? 'Spawn' : 'Message')))
    const kind = node.kind === 'message' || (node.kind === 'spawn' && node.action === null) ? '' : paint.yellow(` (${node.kind})`)
    return `${paint.bold(what)}${kind} ${paint.cyan('→')} ${this.#where(node)}  ${paint.dim(this.#id(node.id))}`
  }

  #where(node: TraceNode): string {
    const { paint } = this.#output
    const target = this.#id(node.target)
    if (node.state === 'stored') return `${target} ${paint.dim('stored for a wallet')}`
    if (node.state === 'gone') return `${target} ${paint.yellow('taken back')}`
    const slot = `${target} slot ${node.slot}`
    if (node.repeat) return `${slot} ${paint.dim('there already')}`
    if (node.state === 'waiting') return `${slot} ${paint.yellow('waiting')}`
    const took = node.tookMs === null ? [] : [`${node.tookMs.toFixed(1)} ms`]
    return `${slot} ${paint.dim([...took, `${shortNumber(node.gas ?? 0)} gas`].join(', '))}`
  }

  #details({ error, output, undelivered, toSend }: TraceNode): string[] {
    const { paint, plain } = this.#output
    return [
      ...(error === null ? [] : [paint.red(`✗ ${plain(this.#text(error))}`)]),
      ...(error === null && output !== null ? [paint.dim(`= ${plain(this.#text(output))}`)] : []),
      ...undelivered.map(({ index, reason }) => paint.red(`✗ entry ${index} not sent: ${plain(this.#text(reason))}`)),
      ...(toSend === 0 ? [] : [paint.yellow(`${toSend} still to be sent`)]),
    ]
  }

  #missing({ next, id, process }: TraceNode): string[] {
    return next === null ? [] : [this.#output.paint.dim(`… more: heddle trace ${id} --process ${process}`)]
  }

  #id(id: string): string {
    return this.#isFull ? id : `${id.slice(0, SHORT)}…`
  }

  #text(text: string): string {
    if (this.#isFull) return text
    const shown = stripVTControlCharacters(text).replace(/\s+/g, ' ').trim()
    return shown.length > TEXT_SHOWN_MAX ? `${shown.slice(0, TEXT_SHOWN_MAX)}…` : shown
  }
}

/** `1234567` as `1.2 M`. */
function shortNumber(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T']
  let at = 0
  let rest = value
  for (; rest >= 1_000 && at < units.length - 1; at++) rest /= 1_000
  return `${at === 0 ? rest : rest.toFixed(rest < 10 ? 1 : 0)}${units[at]}`
}

function parseNumber(text: string | undefined, option: string, min: number, max: number, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`${option} ${text}: expected a whole number from ${min} to ${max}`)
}
