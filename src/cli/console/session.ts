/**
 * A process on a node, as the console talks to it.
 *
 * Wire        POST / and GET /result for what changes it; POST /dry-run for questions, signed by nobody and asked in its owner's name.
 * Invariants  Every message carries 32 random bytes as its anchor: the same words twice are two messages, whatever the key signs like.
 */
import { randomBytes } from 'node:crypto'
import { fromBase64url } from '../../base/bytes.ts'
import { createDataItem, type DataItem, itemSigner } from '../../codec/data-item.ts'
import type { SigningKey } from '../../codec/keys.ts'
import type { TextTag } from '../../codec/tags.ts'
import { JS_FORMAT } from '../../guests/js/js-source.ts'
import { type NodeClient, type ResultJson, resultText } from '../client.ts'
import { CommandError } from '../command.ts'
import { aoTags } from '../items.ts'
import { type ProcessInfo, processInfo } from '../process-info.ts'
import { jsLanguage } from './js-language.ts'
import type { Language } from './language.ts'
import { luaLanguage } from './lua-language.ts'
import { plainSource, type Source } from './source.ts'

/** One statement that was run, and what came of it. */
export interface Evaluated {
  readonly message: string
  readonly source: Source
  readonly result: ResultJson
  /** From the first byte sent to the last one answered. */
  readonly tookMs: number
}

export interface Question {
  readonly source: string
  /** On the state after this slot; null for now. */
  readonly at?: number | null
}

export interface Session {
  readonly node: NodeClient
  readonly key: SigningKey
  readonly id: string
  readonly name: string | null
  readonly owner: string
  /** May the key run code here? */
  readonly isOwner: boolean
  readonly format: string
  readonly language: Language
  /** Ids of messages that this console sent: their results are shown already. */
  readonly own: Set<string>
  /** Newest last. */
  readonly evaluations: Evaluated[]
  info(): Promise<ProcessInfo>
  evaluate(source: Source): Promise<Evaluated>
  dryRun(question: Question): Promise<ResultJson>
  /** The JSON value of a question in the process's language. */
  ask<T>(question: Question): Promise<T>
  /** Sends a message to a process, this one if none is named, and waits for its result. */
  send(message: { readonly target?: string; readonly tags: readonly TextTag[]; readonly data?: string }): Promise<Evaluated>
  sign(fields: { readonly target?: string; readonly tags: readonly TextTag[]; readonly data: string }): Promise<DataItem>
}

const EVAL: TextTag = { name: 'Action', value: 'Eval' }
const NO_DATA = ' '
const ANCHOR_BYTES = 32
const EVALUATIONS_KEPT = 100

export async function openSession(node: NodeClient, key: SigningKey, process: string): Promise<Session> {
  const first = await processInfo(node, process)
  const { Process, Module } = first.env
  const format = tagOf(Module.Tags, 'Module-Format') ?? 'unknown'
  const language = format === JS_FORMAT ? jsLanguage : luaLanguage
  const owner = tagOf(Process.Tags, 'From-Process') ?? Process.Owner
  const own = new Set<string>()
  const evaluations: Evaluated[] = []
  const signer = itemSigner(key)
  const sign: Session['sign'] = ({ target, tags, data }) => {
    const to = target === undefined ? {} : { target: fromBase64url(target, 'target') }
    return createDataItem({ data, tags, anchor: randomBytes(ANCHOR_BYTES), ...to }, signer)
  }
  const post = async (target: string, tags: readonly TextTag[], data: string, source: Source): Promise<Evaluated> => {
    const item = await sign({ target, data, tags: [...tags, ...aoTags('Message')] })
    own.add(item.id)
    const beganMs = performance.now()
    await node.postItem('/', item.raw, 'the message was refused')
    const result = await node.result(target, item.id)
    return { message: item.id, source, result, tookMs: performance.now() - beganMs }
  }
  const dryRun: Session['dryRun'] = ({ source, at = null }) => {
    const message = { Owner: owner, Target: process, Data: source, Tags: [EVAL, ...aoTags('Message')] }
    return node.postJson<ResultJson>(`/dry-run?process-id=${process}${at === null ? '' : `&to=${at}`}`, message, 'the dry run was refused')
  }
  return {
    node,
    key,
    id: process,
    name: tagOf(Process.Tags, 'Name') ?? null,
    owner,
    isOwner: owner === key.address,
    format,
    language,
    own,
    evaluations,
    info: () => processInfo(node, process),
    dryRun,
    sign,
    async evaluate(source) {
      const evaluated = await post(process, [EVAL], source.text, source)
      evaluations.push(evaluated)
      if (evaluations.length > EVALUATIONS_KEPT) evaluations.shift()
      return evaluated
    },
    async ask<T>(question: Question) {
      const result = await dryRun(question)
      if (result.Error !== undefined) throw new CommandError('refused', result.Error.trim())
      return JSON.parse(language.decode(outputText(result))) as T
    },
    send: ({ target = process, tags, data = NO_DATA }) => post(target, tags, data, plainSource('')),
  }
}

/** aos before 2.0 has its text one level deeper, and none there for nil. */
export function outputText(result: ResultJson): string {
  const data = outputOf(result)['data']
  if (typeof data !== 'object' || data === null || !('prompt' in data)) return resultText(result)
  const { output } = data as { output?: unknown }
  return typeof output === 'string' ? output : output === undefined ? '' : JSON.stringify(output)
}

/** The prompt that the process would show now; null when it says nothing about it. */
export function promptOf(result: ResultJson): string | null {
  const output = outputOf(result)
  const data = output['data']
  const prompt = output['prompt'] ?? (typeof data === 'object' && data !== null ? (data as { prompt?: unknown }).prompt : undefined)
  return typeof prompt === 'string' && prompt !== '' ? prompt : null
}

export function tagOf(tags: readonly TextTag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name)?.value
}

function outputOf({ Output: output }: ResultJson): Readonly<Record<string, unknown>> {
  return typeof output === 'object' && output !== null ? (output as Record<string, unknown>) : {}
}
