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
  readonly options: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
  /** Returns the exit code. */
  run(input: CommandInput, output: Output): Promise<number>
}

/** The user wrote something that the command cannot take: shown with a pointer to the help, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const COMMON: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', help: 'print one JSON value for programs, nothing else' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
}

export function parseCommand(command: Command, words: readonly string[]): CommandInput {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { type, short, multiple }] of Object.entries({ ...command.options, ...COMMON })) {
    options[name] = { type, ...(short === undefined ? {} : { short }), ...(multiple === true ? { multiple: true } : {}) }
  }
  try {
    const { positionals, values } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
    return { positionals, values: values as CommandInput['values'] }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('. ')[0]! : String(error))
  }
}

export function helpText(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([name, option]): [string, string] => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `
    return [`  ${short}--${name}${option.type === 'string' ? ` <${option.value ?? 'text'}>` : ''}`, option.help]
  })
  const width = Math.max(...options.map(([left]) => left.length))
  return [
    command.summary,
    '',
    `Usage: heddle ${command.name} ${command.usage}`.trimEnd(),
    '',
    'Options:',
    ...options.map(([left, right]) => `${left.padEnd(width)}  ${right}`),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n')
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
