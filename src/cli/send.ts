/** heddle send: send a message to a process and show what it caused. */
import { connectNode, parseTags, type ResultJson, resultText } from './client.ts'
import { type Command, flag, listOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import type { Output } from './output.ts'
import { signingKey, urlOption, walletOption } from './wallets.ts'

/** Tags that make a data item an AO message. */
export const MESSAGE_TAGS = [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Variant', value: 'ao.TN.1' },
  { name: 'Type', value: 'Message' },
] as const

export const send: Command = {
  name: 'send',
  usage: '<process> [--action <name>] [--data <text>] [--tag name=value …]',
  summary: 'Send a message to a process and show its result',
  options: {
    ...walletOption,
    ...urlOption,
    action: { type: 'string', short: 'a', help: 'value of the Action tag' },
    data: { type: 'string', short: 'd', help: 'the message body' },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
    'no-wait': { type: 'boolean', help: 'return once it is scheduled, without its result' },
  },
  examples: ['heddle send <process> --action Info', 'heddle send <process> -a Transfer -t Recipient=<address> -t Quantity=100'],
  async run(input, output) {
    const [process, ...rest] = input.positionals
    if (process === undefined || rest.length > 0) throw new UsageError('send needs one process id; "heddle spawn" prints it')
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    const key = await signingKey(input, node)
    const action = textOption(input, 'action')
    const tags = [
      ...(action === undefined ? [] : [{ name: 'Action', value: action }]),
      ...parseTags(listOption(input, 'tag')),
      ...MESSAGE_TAGS,
    ]
    const id = await node.schedule({ data: textOption(input, 'data') ?? ' ', tags, target: process }, key)
    if (flag(input, 'no-wait')) {
      output.line(id)
      output.value({ id, process })
      return 0
    }
    return showResult(await node.result(process, id), { process, id }, output)
  },
}

/** Shows a result to a person or a program; the exit code is 1 when the process answered with an error. */
export function showResult(result: ResultJson, { process, id }: { readonly process: string; readonly id: string }, output: Output): number {
  const failed = result.Error !== undefined
  const shown = resultText(result)
  output.line(output.paint.dim(`message ${id}`))
  if (shown !== '') output.line(failed ? output.paint.red(shown) : shown)
  for (const message of (result.Messages ?? []) as readonly OutboxMessage[]) output.line(`  ${output.paint.cyan('→')} ${describe(message)}`)
  if ((result.Spawns ?? []).length > 0) output.line(`  ${output.paint.cyan('+')} ${result.Spawns!.length} process(es) spawned`)
  output.value({ id, process, result })
  return failed ? 1 : 0
}

interface OutboxMessage {
  readonly Target?: unknown
  readonly Data?: unknown
  readonly Tags?: readonly { readonly name: string; readonly value: unknown }[]
}

function describe({ Target, Data, Tags = [] }: OutboxMessage): string {
  const action = Tags.find(({ name }) => name === 'Action')?.value
  const data = typeof Data === 'string' ? Data.replaceAll('\n', ' ').slice(0, 100) : ''
  return [`${Target ?? 'nobody'}`, ...(action === undefined ? [] : [String(action)]), data].join('  ').trimEnd()
}
