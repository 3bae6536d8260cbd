/** heddle spawn: start a process, with your Lua in it if you name a file. */
import { connect, parseId, resultText, urlOption } from './client.ts'
import { type CommandFile, listOption, textOption } from './command.ts'
import { readTextFile } from './files.ts'
import { aoTags, parseTags, scheduleItem } from './items.ts'
import { signingKey, walletOption } from './wallets.ts'

const NO_DATA = ' '

export const spawn: CommandFile = {
  name: 'spawn',
  usage: '[file.lua]',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    name: { type: 'string', short: 'n', help: 'value of the Name tag' },
    module: { type: 'string', short: 'm', value: 'id', help: `module to run (default: the node's aos-compatible runtime)` },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
  },
  examples: ['heddle spawn --name scratch', 'heddle spawn processes/token.lua --name my-token'],
  async run(input, output) {
    const [file] = input.positionals
    const named = textOption(input, 'module')
    const module = named === undefined ? undefined : parseId(named, 'a module id', 'GET /info of the node names its default module')
    const source = file === undefined ? null : await readTextFile(file)
    const further = parseTags(listOption(input, 'tag'))
    const node = connect(input)
    const [{ heddle }, key] = await Promise.all([node.info(), signingKey(input, node)])
    const name = textOption(input, 'name')
    const tags = [
      ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
      ...(source === null ? [] : [{ name: 'On-Boot', value: 'Data' }]),
      ...further,
      ...aoTags('Process'),
      { name: 'Module', value: module ?? heddle.modules.default },
      { name: 'Scheduler', value: heddle.units.scheduler },
    ]
    const process = await scheduleItem(node, { data: source || NO_DATA, tags }, key)
    const boot = await output.busy('starting the process', node.result(process, process))
    const failed = boot.Error !== undefined
    const { bold, dim, green, red, yellow } = output.paint
    output.line(`${failed ? yellow('!') : green('✓')} process ${bold(process)}`)
    const shown = output.plain(resultText(boot))
    if (shown !== '') output.line(failed ? red(shown) : shown)
    output.line(
      dim(
        failed
          ? `  it runs, without the Lua that failed; mend it and try: heddle eval ${process} ${file ?? ''}`
          : `  try: heddle eval ${process} '1 + 1'`,
      ),
    )
    output.value({ process, result: boot })
    return failed ? 1 : 0
  },
}
