/** What a command is, and how its words are read. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { Output } from './output.ts'

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** What stands for the value in the help: `--port <number>`. */
  readonly value?: string
  readonly help: string
}

export interface CommandInput {
  readonly positionals: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
}

export interface Command {
  readonly name: string
  /** What follows the name: `<file or folder>`. */
  readonly usage: string
  readonly summary: string
  /** How many words may follow the name, options not counted. */
  readonly wordsMax: number
  readonly options: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
  /** Returns the exit code. */
  run(input: CommandInput, output: Output): Promise<number>
}

/** As its file gives it; `main.ts` adds the summary, so that listing all commands loads none of them. */
export type CommandFile = Omit<Command, 'summary'>

/** The user wrote something that the command cannot take: shown with a pointer to the help, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command was understood and cannot be done; the message says why, and what to do. Exit code 1. `code` is for programs. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const COMMON: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', help: 'print one JSON value for programs, nothing else' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
}
const FAR = 3 // Changes of letters beyond which a name is no typing error of another.

export function parseCommand(command: Command, words: readonly string[]): CommandInput {
  const known = { ...command.options, ...COMMON }
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { type, short, multiple }] of Object.entries(known)) {
    options[name] = { type, ...(short === undefined ? {} : { short }), ...(multiple === true ? { multiple: true } : {}) }
  }
  const { positionals, values } = parse(words, options)
  const extra = positionals[command.wordsMax]
  if (extra !== undefined && values['help'] !== true)
    throw new UsageError(`"${extra}" is one word too many; text with spaces goes between quotes`)
  return { positionals, values }
}

function parse(words: readonly string[], options: ParseArgsOptionsConfig): CommandInput {
  try {
    const { positionals, values } = parseArgs({ args: words.map(shield), options, allowPositionals: true, strict: true })
    const plain = Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.map(unshield) : unshield(value)])
    return { positionals: positionals.map(unshield), values: Object.fromEntries(plain) } as CommandInput
  } catch (error) {
    const problem = error instanceof Error ? error.message.split(/\.\s/)[0]!.replace(/\.$/, '') : String(error)
    const unknown = /^Unknown option '--([^']+)'/.exec(problem)?.[1]
    const meant = unknown === undefined ? null : closest(unknown, Object.keys(options))
    throw new UsageError(meant === null ? problem : `${problem}; did you mean --${meant}?`)
  }
}

/** One id in 64 begins with a dash and would be taken for an option, so it gets a mark that no word of a command line can hold. */
const DASHED_ID = /^-[A-Za-z0-9_-]{42}$/
const MARK = '\0'

function shield(word: string): string {
  return DASHED_ID.test(word) ? MARK + word : word
}

function unshield<T>(value: T): T | string {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : value
}

export interface CommandHelp {
  readonly name: string
  readonly summary: string
  readonly usage: string
  readonly options: readonly { readonly option: string; readonly help: string }[]
  readonly examples: readonly string[]
}

export function commandHelp({ name, usage, summary, options, examples }: Command): CommandHelp {
  return {
    name,
    summary,
    usage: `heddle ${name} ${usage}`.trimEnd(),
    options: Object.entries({ ...options, ...COMMON }).map(([long, { short, type, value, help }]) => ({
      option: `${short === undefined ? '' : `-${short}, `}--${long}${type === 'string' ? ` <${value ?? 'text'}>` : ''}`,
      help,
    })),
    examples,
  }
}

export function helpText(command: Command): string {
  const { summary, usage, options, examples } = commandHelp(command)
  const aligned = options.map(({ option, help }) => ({ option: option.startsWith('--') ? `    ${option}` : option, help }))
  const width = Math.max(...aligned.map(({ option }) => option.length))
  return [
    summary,
    '',
    `Usage: ${usage}`,
    '',
    'Options:',
    ...aligned.map(({ option, help }) => `  ${option.padEnd(width)}  ${help}`),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
  ].join('\n')
}

/** The name that was probably meant; null when none is near. */
export function closest(word: string, names: readonly string[]): string | null {
  const ranked = names.map((name) => ({ name, changes: changesBetween(word, name) })).sort((a, b) => a.changes - b.changes)
  const [best] = ranked
  return best !== undefined && best.changes < Math.min(FAR, best.name.length) ? best.name : null
}

/** How many letters to insert, delete or replace to make one word of the other. */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}

export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.values[name]
  return typeof value === 'string' ? value : undefined
}

export function listOption(input: CommandInput, name: string): readonly string[] {
  const value = input.values[name]
  return Array.isArray(value) ? value : []
}

export function flag(input: CommandInput, name: string): boolean {
  return input.values[name] === true
}
