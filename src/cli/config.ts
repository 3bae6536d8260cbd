/**
 * Settings of a node: flags over environment (`HEDDLE_*`) over `heddle.config.json`, checked once, all problems reported together.
 * `docs/settings.md` lists them. The environment is read here and in `config-url.ts`, nowhere else.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { errorText, HeddleError } from '../base/errors.ts'
import { closest } from './command.ts'
import { NODE_URL_VARIABLE } from './config-url.ts'

const DELAY_MS_MAX = 600_000

const schema = z.strictObject({
  /** 0 picks a free one. */
  port: wholeNumber(65_535).default(1984),
  host: text().default('127.0.0.1'),
  /** Folder that holds everything; made when absent. */
  data: text().default('.heddle'),
  profile: oneOf(['dev']).default('dev'),
  /** RSA key file of the node; the dev profile has a well-known one. */
  identity: text().optional(),
  /** `auto`: a block soon after something arrives; `manual`: only when /mine is asked. */
  seal: oneOf(['auto', 'manual']).default('auto'),
  /** From the first transaction that waits to the block. */
  sealMs: wholeNumber(DELAY_MS_MAX).default(500),
  /** From the first data item that waits to the bundle. */
  bundleMs: wholeNumber(DELAY_MS_MAX).default(250),
  /** Threads that run guest programs; 0 takes one per core. */
  workers: wholeNumber(256).default(0),
  logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn'),
})

export type Config = Readonly<z.infer<typeof schema>>

export const SETTINGS: readonly string[] = Object.keys(schema.shape)
const FILE = 'heddle.config.json'

/** A value with the place that it came from, for messages. */
interface Given {
  readonly value: unknown
  readonly from: string
}

export function loadConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  folder = process.cwd(),
): Config {
  const given = new Map([...readConfigFile(folder), ...readEnvironment(environment), ...readFlags(flags)])
  const parsed = schema.safeParse(Object.fromEntries([...given].map(([name, { value }]) => [name, value])))
  if (parsed.success) return Object.freeze({ ...parsed.data, data: resolve(folder, parsed.data.data) })
  const problems = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => unknownSetting(name, given))
      : [`${given.get(String(issue.path[0]))?.from ?? issue.path.join('.')}: ${issue.message}`],
  )
  throw invalid(problems)
}

/** The name of a setting in the environment: `logLevel` is `HEDDLE_LOG_LEVEL`. */
export function variableOf(setting: string): string {
  return `HEDDLE_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function wholeNumber(max: number) {
  return z.unknown().transform((value, context): number => {
    const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= max) return count
    context.addIssue(`${JSON.stringify(value)} is not a whole number from 0 to ${max}`)
    return z.NEVER
  })
}

function text() {
  return z.string({ error: ({ input }) => `${JSON.stringify(input)} is not text` }).min(1, 'is empty')
}

function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, { error: ({ input }) => `${JSON.stringify(input)} is not one of: ${values.join(', ')}` })
}

function unknownSetting(name: string, given: ReadonlyMap<string, Given>): string {
  const from = given.get(name)?.from ?? name
  const meant = name.startsWith('HEDDLE_') ? closest(name, SETTINGS.map(variableOf)) : closest(name, SETTINGS)
  return `${from}: there is no such setting${meant === null ? '; docs/settings.md lists them' : `, did you mean ${meant}?`}`
}

/** Names that no setting has are problems too, since a typing error would go unseen otherwise. */
function readEnvironment(environment: Readonly<Record<string, string | undefined>>): [string, Given][] {
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith('HEDDLE_') && name !== NODE_URL_VARIABLE && value !== undefined && value !== '')
    .map(([name, value]) => [SETTINGS.find((setting) => variableOf(setting) === name) ?? name, { value, from: name }])
}

function readConfigFile(folder: string): [string, Given][] {
  const path = resolve(folder, FILE)
  if (!existsSync(path)) return []
  try {
    const settings = z.record(z.string(), z.unknown(), { error: 'it holds something else' }).parse(JSON.parse(readFileSync(path, 'utf8')))
    return Object.entries(settings).map(([name, value]) => [name, { value, from: `${name} in ${FILE}` }])
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]!.message : errorText(error)
    throw invalid([`${FILE} is not a JSON object: ${reason}`], error)
  }
}

function readFlags(flags: Readonly<Record<string, unknown>>): [string, Given][] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, { value, from: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` }])
}

function invalid(problems: readonly string[], cause?: unknown): HeddleError<'config-invalid'> {
  const message = problems.length === 1 ? problems[0]! : `${problems.length} settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`
  return new HeddleError('config-invalid', { problems }, message, { cause })
}
