/**
 * Settings of a node: flags over environment (`HEDDLE_*`) over `heddle.config.json`, checked once, all problems reported together.
 * The only place that reads the environment.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { errorText, HeddleError } from '../base/errors.ts'

const port = z.coerce.number().int().min(0).max(65_535)

const schema = z.strictObject({
  /** 0 picks a free one. */
  port: port.default(1984),
  host: z.string().min(1).default('127.0.0.1'),
  /** Folder that holds everything; made when absent. */
  data: z.string().min(1).default('.heddle'),
  profile: z.enum(['dev']).default('dev'),
  /** RSA key file of the node; the dev profile has a well-known one. */
  identity: z.string().min(1).optional(),
  /** `auto`: a block soon after something arrives; `manual`: only when /mine is asked. */
  seal: z.enum(['auto', 'manual']).default('auto'),
  sealMs: z.coerce.number().int().min(0).max(600_000).default(500),
  bundleMs: z.coerce.number().int().min(0).max(600_000).default(250),
  /** Threads that run guest programs; 0 takes one per core. */
  workers: z.coerce.number().int().min(0).max(256).default(0),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn'),
})

export type Config = Readonly<z.infer<typeof schema>>

const SETTINGS = Object.keys(schema.shape)
const FILE = 'heddle.config.json'

export function loadConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  folder = process.cwd(),
): Config {
  const merged = { ...readFile(folder), ...readEnvironment(environment), ...defined(flags) }
  const parsed = schema.safeParse(merged)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`)
    throw new HeddleError(
      'config-invalid',
      { problems },
      `the settings have ${problems.length === 1 ? 'a problem' : 'problems'}: ${problems.join('; ')}`,
    )
  }
  return Object.freeze({ ...parsed.data, data: resolve(folder, parsed.data.data) })
}

/** `HEDDLE_LOG_LEVEL` is `logLevel`. Names that no setting has are problems too, since a typo would be silent otherwise. */
function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('HEDDLE_') || value === undefined || value === '' || name === 'HEDDLE_URL') continue
    const setting = SETTINGS.find((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase() === name.slice('HEDDLE_'.length))
    found[setting ?? name] = value
  }
  return found
}

function readFile(folder: string): Record<string, unknown> {
  const path = resolve(folder, FILE)
  if (!existsSync(path)) return {}
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new HeddleError('config-invalid', { problems: [FILE] }, `${FILE} is not a JSON object: ${errorText(error)}`, { cause: error })
  }
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** Base URL of the node that client commands talk to. */
export function nodeUrl(flagValue: string | undefined, environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return (flagValue ?? environment['HEDDLE_URL'] ?? 'http://localhost:1984').replace(/\/+$/, '')
}
