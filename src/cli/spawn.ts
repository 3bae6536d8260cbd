/** heddle spawn: start a process, with your Lua in it if you name a file. */
import { readFile } from 'node:fs/promises'
import { errorText } from '../base/errors.ts'
import { connectNode, parseTags, resultText } from './client.ts'
import { type Command, listOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import { signingKey, urlOption, walletOption } from './wallets.ts'

export const spawn: Command = {
  name: 'spawn',
  usage: '[file.lua]',
  summary: 'Start an AO process, with your Lua in it if you name a file',
  options: {
    ...walletOption,
    ...urlOption,
    name: { type: 'string', short: 'n', help: 'value of the Name tag' },
    module: { type: 'string', short: 'm', value: 'id', help: `module to run (default: the node's aos-compatible runtime)` },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
  },
  examples: ['heddle spawn --name scratch', 'heddle spawn processes/token.lua --name my-token'],
  async run(input, output) {
    const [file, ...rest] = input.positionals
    if (rest.length > 0) throw new UsageError('spawn takes one file')
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    const [{ heddle }, key, source] = await Promise.all([
      node.info(),
      signingKey(input, node),
      file === undefined ? null : readSource(file),
    ])
    const name = textOption(input, 'name')
    const tags = [
      ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
      ...(source === null ? [] : [{ name: 'On-Boot', value: 'Data' }]),
      ...parseTags(listOption(input, 'tag')),
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Type', value: 'Process' },
      { name: 'Module', value: textOption(input, 'module') ?? heddle.modules.default },
      { name: 'Scheduler', value: heddle.units.scheduler },
    ]
    const process = await node.schedule({ data: source ?? ' ', tags }, key)
    const boot = await node.result(process, process)
    output.line(`${output.paint.green('✓')} process ${output.paint.bold(process)}`)
    const shown = resultText(boot)
    if (shown !== '') output.line(boot.Error === undefined ? shown : output.paint.red(shown))
    output.line(output.paint.dim(`  try: heddle eval ${process} '1 + 1'`))
    output.value({ process, result: boot })
    return boot.Error === undefined ? 0 : 1
  },
}

async function readSource(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${errorText(error)}`)
  }
}
