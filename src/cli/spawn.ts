/** heddle spawn: start a process: your Lua in the aos-compatible runtime, or your TypeScript as a module of its own. */
import type { SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import { connect, type NodeClient, type ResultJson, resultText, urlOption } from './client.ts'
import { type CommandFile, listOption, textOption, UsageError } from './command.ts'
import { readTextFile } from './files.ts'
import { aoTags, parseTags, scheduleItem, uploadItem } from './items.ts'
import { moduleId } from './modules.ts'
import type { Output } from './output.ts'
import { isProcessSource, JS_FORMAT, readProcessSource } from './process-source.ts'
import { signingKey, walletOption } from './wallets.ts'

const NO_DATA = ' '

export const spawn: CommandFile = {
  name: 'spawn',
  usage: '[file.ts, file.js or file.lua]',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    name: { type: 'string', short: 'n', help: 'value of the Name tag' },
    module: { type: 'string', short: 'm', value: 'id or name', help: `module to run (default: the node's aos-compatible runtime)` },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
  },
  examples: ['heddle spawn --name scratch', 'heddle spawn processes/token.lua --name my-token', 'heddle spawn processes/examples/token.ts'],
  async run(input, output) {
    const [file] = input.positionals
    const isModule = file !== undefined && isProcessSource(file)
    const named = textOption(input, 'module')
    if (isModule && named !== undefined) throw new UsageError(`${file} becomes a module of its own; leave --module out`)
    const source = file === undefined ? null : await readTextFile(file)
    const data = isModule ? readProcessSource(file) : source
    const further = parseTags(listOption(input, 'tag'))
    const node = connect(input)
    const [{ heddle }, key] = await Promise.all([node.info(), signingKey(input, node)])
    const module = isModule
      ? await uploadModule(node, data ?? '', key)
      : named === undefined
        ? heddle.modules.default
        : await moduleId(node, named, key.address)
    const name = textOption(input, 'name')
    const tags = [
      ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
      ...(source === null || isModule ? [] : [{ name: 'On-Boot', value: 'Data' }]),
      ...further,
      ...aoTags('Process'),
      { name: 'Module', value: module },
      { name: 'Scheduler', value: heddle.units.scheduler },
    ]
    const process = await scheduleItem(node, { data: (isModule ? null : source) || NO_DATA, tags }, key)
    const result = await output.busy('starting the process', node.result(process, process))
    const hints = isModule
      ? { next: `heddle send ${process} --action Info`, mend: 'it runs, without what onSpawn failed to do; mend it and spawn again' }
      : {
          next: `heddle eval ${process} '1 + 1'`,
          mend: `it runs, without the Lua that failed; mend it and try: heddle eval ${process} ${file ?? ''}`,
        }
    return show({ process, module, result }, hints, output)
  },
}

async function uploadModule(node: NodeClient, data: string, key: SigningKey): Promise<string> {
  const tags: TextTag[] = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: 'Module' },
    { name: 'Module-Format', value: JS_FORMAT },
    { name: 'Input-Encoding', value: 'JSON-1' },
    { name: 'Output-Encoding', value: 'JSON-1' },
    { name: 'Content-Type', value: 'application/json' },
  ]
  return uploadItem(node, { data, tags }, key)
}

interface Started {
  readonly process: string
  readonly module: string
  readonly result: ResultJson
}

/** What to try next, and what when it failed. */
interface Hints {
  readonly next: string
  readonly mend: string
}

/** Returns the exit code. */
function show({ process, module, result }: Started, { next, mend }: Hints, output: Output): number {
  const failed = result.Error !== undefined
  const { bold, dim, green, red, yellow } = output.paint
  output.line(`${failed ? yellow('!') : green('✓')} process ${bold(process)}`)
  const shown = output.plain(resultText(result))
  if (shown !== '') output.line(failed ? red(shown) : shown)
  output.line(dim(failed ? `  ${mend}` : `  try: ${next}`))
  output.value({ process, module, result })
  return failed ? 1 : 0
}
