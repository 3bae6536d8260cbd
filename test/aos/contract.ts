/**
 * The contract of aos: what a program may count on, held against published aos in one run.
 *
 * Invariants  Everything in the results counts but
 *             - the order of keys, of tags and of the lines of printed tables and JSON: here it is always the same, there it is Lua's
 *             - addresses that Lua prints, and tracebacks below their first line
 *             - places in aos's own sources in front of error texts: other files, other lines
 *             - what DIFFERENCES names; a step marked with one must really differ, so that the list stays true.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toBase64url, utf8 } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { TxId } from '../../src/base/ids.ts'
import type { GuestMessage, GuestModule } from '../../src/guests/guest.ts'
import { aosModuleSource } from '../../src/services/machine/aos-module.ts'
import { difference } from './compare.ts'
import { evaluation, MessageLog, withTextData } from './messages.ts'
import type { RawResult } from './reference.ts'
import type { Scenario, Step } from './scenarios.ts'
import { HELPERS } from './snippets.ts'
import type { Subject } from './subject.ts'

/** Where the runtime is not as published aos, and why. */
export const DIFFERENCES = {
  errors: 'bad arguments and errors that are no text get a text that says what is wrong, instead of a failure inside of aos',
  shows: 'print shows all its arguments, and tables that are lists and maps at a time as a whole',
  result: 'a result always has its lists',
  repaired: 'what fails or loses arguments in aos by mistake works',
  walk: 'a message walks through the handlers that were there when it came, and a run counts before it begins',
  sleepers: 'Handlers.coroutines holds nobody but those who wait',
  copies: 'functions do not change the tables that they are given',
  digits: 'JSON keeps all digits of numbers, and big integers are text',
  text: 'names of tags are text, and values that have a text of their own leave as that',
  libm: 'the last digit of some results of math.exp and math.log is that of another C library',
  host: 'a tag does not take the place of a field that the host sets',
  debug: 'debug only looks, it changes nothing',
  bytes: 'Lua byte code is neither made nor run',
} as const

export type Difference = keyof typeof DIFFERENCES

export interface ContractStep extends Step {
  readonly differs?: Difference
}

export interface ContractScenario extends Scenario {
  readonly steps: readonly ContractStep[]
}

const FOLDER = fileURLToPath(new URL('./contract/', import.meta.url))
const TITLE = /^---- (.*)$/m
const MARK = / \[differs: (\w+)\]$/

/** The snippets, each file one process. */
export function readContract(): readonly ContractScenario[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.lua'))
  return files.sort().map((file) => ({ name: file.slice(0, -'.lua'.length), steps: stepsOf(file) }))
}

function stepsOf(file: string): readonly ContractStep[] {
  const [, ...parts] = readFileSync(FOLDER + file, 'utf8').split(TITLE)
  const steps: ContractStep[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const title = parts[i] ?? ''
    const mark = MARK.exec(title)?.[1]
    if (mark !== undefined && !(mark in DIFFERENCES)) throw new Error(`${file}: "${title}" names a difference that is none`)
    steps.push({ name: title, ...evaluation((parts[i + 1] ?? '').trim()), ...(mark === undefined ? {} : { differs: mark as Difference }) })
  }
  return steps
}

export function heddleModule(): GuestModule {
  const bytes = utf8(aosModuleSource())
  return { id: toBase64url(sha256(bytes)) as TxId, format: 'heddle-lua-1', bytes }
}

/** Both at the same place of their logs. */
export interface Sides {
  readonly ours: Subject
  readonly theirs: Subject
}

/** What is not as it should be; `boot` takes the place of fields of the first message. */
export function contractProblems(scenario: ContractScenario, { ours, theirs }: Sides, boot: GuestMessage = {}): readonly string[] {
  const log = new MessageLog()
  const helpers = scenario.steps.length === 0 ? [] : [{ name: 'helpers', ...evaluation(HELPERS) }]
  const steps: readonly ContractStep[] = [...helpers, ...scenario.steps]
  const messages = [{ ...log.boot(), ...boot }, ...steps.map((step) => log.next(step))].map(withTextData)
  return messages.flatMap((message, i) => {
    const { name = 'boot', data, differs }: Partial<ContractStep> = steps[i - 1] ?? {}
    const compared = { what: `${scenario.name}: ${name}`, source: typeof data === 'string' ? data : '' }
    const found = difference(comparable(ours.evaluate(message)), comparable(theirs.evaluate(message)), compared)
    if (differs === undefined) return found ?? []
    return found === null ? [`${compared.what} does not differ (${differs})`] : []
  })
}

const OWN_PLACE = /\[string \\?"(?:\.[\w.-]+|json)\\?"\]:\d+: /g
/** The lines of a traceback and what leads to it, also as Dump writes them. */
const TRACE = new RegExp(`(?:\\\\n|\\\\\n|\\n|${String.fromCharCode(27)}\\[90m)*stack traceback:.*`, 'gs')
const ADDRESS = /0x[0-9a-f]+/g

function comparable(result: RawResult): RawResult {
  const { Output, Messages, Spawns, Assignments, Error: reported, thrown, broken } = result
  if (broken !== undefined) return { broken }
  if (thrown !== undefined) return { thrown: String(textOf(thrown)) }
  return {
    Output: reported == null ? isBare(Output) : null,
    Messages: entriesOf(Messages),
    Spawns: entriesOf(Spawns),
    Assignments: textOf(Assignments),
    Error: textOf(reported),
  }
}

function isBare(output: unknown): unknown {
  const isEmpty = typeof output === 'object' && output !== null && Object.keys(output).length === 0
  return isEmpty ? null : textOf(output)
}

/** Texts without what does not count. */
function textOf(value: unknown): unknown {
  if (typeof value === 'string') return linesOf(value.replace(OWN_PLACE, '').replace(TRACE, '').replace(ADDRESS, 'address'))
  if (Array.isArray(value)) return value.map(textOf)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, textOf(entry)]))
}

/** Printed tables: their lines in one order. */
function linesOf(text: string): string {
  if (!/\{\\?\n/.test(text)) return text
  const lines = text.split('\n').map((line) => line.replace(/,?\\?$/, '').trim())
  return lines.sort().join('\n')
}

function entriesOf(entries: unknown): unknown {
  if (!Array.isArray(entries)) return entries
  return entries.map((entry: Readonly<Record<string, unknown>>) => ({
    ...entry,
    Data: jsonOf(textOf(entry['Data'])),
    Tags: Array.isArray(entry['Tags']) ? tagsOf(entry['Tags']) : entry['Tags'],
  }))
}

function tagsOf(tags: readonly { readonly name: unknown; readonly value: unknown }[]): unknown {
  const sorted = [...tags].sort((a, b) => (String(a.name) < String(b.name) ? -1 : String(a.name) > String(b.name) ? 1 : 0))
  return sorted.map(({ name, value }) => ({ name, value: jsonOf(value) }))
}

function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}
