/**
 * Settings of a node: flags over environment (`HEDDLE_*`) over `heddle.config.json`, checked once, all problems reported together.
 * `docs/settings.md` lists them. The environment is read here and in `config-url.ts`, nowhere else.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText, HeddleError } from '../base/errors.ts'
import { isAddress } from '../base/ids.ts'
import { AO_CORE_CACHE_BYTES_MAX } from '../base/limits.ts'
import { closest } from './command.ts'
import { NODE_URL_VARIABLE } from './config-url.ts'

const DELAY_MS_MAX = 600_000

const SCHEMA = {
  /** 0 picks a free one. */
  port: wholeNumber(65_535, 1984),
  host: text('127.0.0.1'),
  /** Each unit on a port of its own, behind `port`. */
  unitPorts: yesNo(false),
  /** Folder that holds everything; made when absent. */
  data: text('.heddle'),
  profile: oneOf(['dev'], 'dev'),
  /** RSA key file of the node; the dev profile has a well-known one. */
  identity: text(undefined),
  /** `auto`: a block soon after something arrives; `manual`: only when /mine is asked. */
  seal: oneOf(['auto', 'manual'], 'auto'),
  /** From the first transaction that waits to the block. */
  sealMs: wholeNumber(DELAY_MS_MAX, 500),
  /** From the first data item that waits to the bundle. */
  bundleMs: wholeNumber(DELAY_MS_MAX, 250),
  /** Threads that run guest programs; 0 takes one per core. */
  workers: wholeNumber(256, 0),
  /** Gateways to fetch from what is not here; in this order. */
  upstream: urls(),
  /** URL under which others reach this node, for its Scheduler-Location. */
  publicUrl: url(),
  /** Do well-known module ids that are not here mean the node's own runtime? */
  aliases: oneOf(['on', 'off'], 'on'),
  /** Address that may change the options of AO-Core, or `unclaimed` for everybody; the node's own address when left out. */
  operator: operator(),
  /** Options of the node message, by their AO-Core names. */
  aoOptions: object(),
  /** What messages and results of AO-Core that need not be durable may take of the disk. */
  aoCacheBytes: wholeNumber(2 ** 50, AO_CORE_CACHE_BYTES_MAX),
  logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'warn'),
} as const

export type Config = { readonly [Name in keyof typeof SCHEMA]: (typeof SCHEMA)[Name]['usual'] }

const FILE = 'heddle.config.json'

/** What a setting may be; it comes as text from flags and environment, as a JSON value from the file. */
interface Setting<T> {
  /** Without anybody setting it. */
  readonly usual: T
  /** Throws what is wrong with the value. */
  parse(value: unknown): T
}

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
  const problems = [...given].filter(([name]) => !Object.hasOwn(SCHEMA, name)).map(([name, { from }]) => unknownSetting(name, from))
  const values = Object.entries(SCHEMA).map(([name, setting]: [string, Setting<unknown>]) => {
    const found = given.get(name)
    try {
      return [name, found === undefined ? setting.usual : setting.parse(found.value)]
    } catch (error) {
      problems.push(`${found?.from}: ${errorText(error)}`)
      return [name, undefined]
    }
  })
  if (problems.length > 0) throw invalid(problems)
  const config = Object.fromEntries(values) as Config // Every value comes from its own setting.
  return Object.freeze({ ...config, data: resolve(folder, config.data) })
}

/** Every setting with what it is when nobody sets it, for documents and their tests. */
export function usualSettings(): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(SCHEMA).map(([name, { usual }]) => [name, usual]))
}

/** The name of a setting in the environment: `logLevel` is `HEDDLE_LOG_LEVEL`. */
export function variableOf(setting: string): string {
  return `HEDDLE_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function wholeNumber(max: number, usual: number): Setting<number> {
  return {
    usual,
    parse(value) {
      const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
      if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= max) return count
      throw new Error(`${JSON.stringify(value)} is not a whole number from 0 to ${max}`)
    },
  }
}

/** A flag is a boolean already; the environment has words only. */
function yesNo(usual: boolean): Setting<boolean> {
  return {
    usual,
    parse(value) {
      if (value === true || value === 'true' || value === '1') return true
      if (value === false || value === 'false' || value === '0') return false
      throw new Error(`${JSON.stringify(value)} is neither true nor false`)
    },
  }
}

function text<T extends string | undefined>(usual: T): Setting<T | string> {
  return {
    usual,
    parse(value) {
      if (typeof value === 'string' && value !== '') return value
      throw new Error(value === '' ? 'is empty' : `${JSON.stringify(value)} is not text`)
    },
  }
}

/** Without a slash at its end. */
function url(): Setting<string | undefined> {
  return { usual: undefined, parse: parseUrl }
}

/** Text with commas, or a list. */
function urls(): Setting<readonly string[]> {
  return {
    usual: [],
    parse(value) {
      const list: readonly unknown[] = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : [value].flat()
      return [...new Set(list.map(parseUrl))]
    },
  }
}

function parseUrl(value: unknown): string {
  const parsed = typeof value === 'string' ? URL.parse(value) : null
  const isPlain = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '' && !/[?#]/.test(parsed.href)
  if (isPlain) return parsed.href.replace(/\/+$/, '')
  throw new Error(`${JSON.stringify(value)} is not the URL of a node; write it like https://arweave.net`)
}

function operator(): Setting<string | undefined> {
  return {
    usual: undefined,
    parse(value) {
      if (typeof value === 'string' && (value === 'unclaimed' || isAddress(value))) return value
      throw new Error(`${JSON.stringify(value)} is neither an address of 43 characters nor "unclaimed"`)
    },
  }
}

/** An object, or its JSON. */
function object(): Setting<Readonly<Record<string, unknown>> | undefined> {
  return {
    usual: undefined,
    parse(value) {
      const parsed = typeof value === 'string' ? parseJson(value) : value
      if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
      throw new Error(`${JSON.stringify(value)} is not a JSON object; write it like {"force_signed": false}`)
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function oneOf<const T extends string>(values: readonly T[], usual: NoInfer<T>): Setting<T> {
  return {
    usual,
    parse(value) {
      const found = values.find((one) => one === value)
      if (found !== undefined) return found
      throw new Error(`${JSON.stringify(value)} is not one of: ${values.join(', ')}`)
    },
  }
}

function unknownSetting(name: string, from: string): string {
  const settings = Object.keys(SCHEMA)
  const meant = name.startsWith('HEDDLE_') ? closest(name, settings.map(variableOf)) : closest(name, settings)
  return `${from}: there is no such setting${meant === null ? '; docs/settings.md lists them' : `, did you mean ${meant}?`}`
}

/** Names that no setting has are problems too, since a typing error would go unseen otherwise. */
function readEnvironment(environment: Readonly<Record<string, string | undefined>>): [string, Given][] {
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith('HEDDLE_') && name !== NODE_URL_VARIABLE && value !== undefined && value !== '')
    .map(([name, value]) => [Object.keys(SCHEMA).find((setting) => variableOf(setting) === name) ?? name, { value, from: name }])
}

function readConfigFile(folder: string): [string, Given][] {
  const path = resolve(folder, FILE)
  if (!existsSync(path)) return []
  return Object.entries(parseConfigFile(path)).map(([name, value]) => [name, { value, from: `${name} in ${FILE}` }])
}

function parseConfigFile(path: string): object {
  try {
    const settings: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return settings
  } catch (error) {
    throw invalid([`${FILE} is not a JSON object: ${errorText(error)}`], error)
  }
  throw invalid([`${FILE} is not a JSON object; write it like {"port": 1984}`])
}

function readFlags(flags: Readonly<Record<string, unknown>>): [string, Given][] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, { value, from: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` }])
}

function invalid(problems: readonly string[], cause?: unknown): HeddleError<'config-invalid'> {
  const message =
    problems.length === 1 ? problems[0]! : `${problems.length} settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`
  return new HeddleError('config-invalid', { problems }, message, { cause })
}
