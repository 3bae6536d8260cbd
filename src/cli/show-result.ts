/** Shows what a message caused, to a person or a program. */
import { type ResultJson, resultText } from './client.ts'
import type { Output } from './output.ts'

const DATA_SHOWN_MAX = 100

interface OutboxMessage {
  readonly Target?: unknown
  readonly Data?: unknown
  readonly Tags?: readonly { readonly name: string; readonly value: unknown }[]
}

/** Returns the exit code: 1 when the process answered with an error. */
export function showResult(result: ResultJson, { process, id }: { readonly process: string; readonly id: string }, output: Output): number {
  output.line(output.paint.dim(`message ${id}`))
  return showOutcome(result, { id, process }, output)
}

/** The same of what was no message. `facts` is what programs are told beside the result. */
export function showOutcome(result: ResultJson, facts: Readonly<Record<string, unknown>>, output: Output): number {
  const failed = result.Error !== undefined
  const { dim, red } = output.paint
  const shown = output.plain(resultText(result))
  output.line(shown === '' ? dim('no output') : failed ? red(shown) : shown)
  for (const line of sentLines(result, output)) output.line(line)
  output.value({ ...facts, result })
  return failed ? 1 : 0
}

/** What it sent and spawned, a line each. */
export function sentLines({ Messages = [], Spawns = [] }: ResultJson, { paint, plain }: Pick<Output, 'paint' | 'plain'>): string[] {
  return [
    ...(Messages as readonly OutboxMessage[]).map((message) => `  ${paint.cyan('→')} ${plain(describe(message))}`),
    ...(Spawns as readonly OutboxMessage[]).map((spawned) => `  ${paint.cyan('+')} ${plain(describeSpawn(spawned))}`),
  ]
}

function describe(message: OutboxMessage): string {
  const { Target, Data } = message
  const action = tagOf(message, 'Action')
  const data = typeof Data === 'string' ? Data.replaceAll('\n', ' ').slice(0, DATA_SHOWN_MAX).trim() : ''
  return [`${Target ?? 'nobody'}`, ...(action === undefined ? [] : [action]), data].join('  ').trimEnd()
}

function describeSpawn(spawned: OutboxMessage): string {
  return `spawns ${tagOf(spawned, 'Name') ?? 'a process'}`
}

function tagOf({ Tags = [] }: OutboxMessage, name: string): string | undefined {
  const value = Tags.find((tag) => tag.name === name)?.value
  return value === undefined ? undefined : String(value)
}
