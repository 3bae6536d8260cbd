/** heddle module: publish a program as a module that processes can run, and see which modules a node has. */
import { basename, extname } from 'node:path'
import type { SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import { connect, type NodeClient, NodeError, parseId, urlOption } from './client.ts'
import { type CommandFile, type CommandInput, listOption, textOption, UsageError } from './command.ts'
import { parseTags, uploadItem } from './items.ts'
import { type ModuleFile, readModuleFile } from './module-file.ts'
import { findModule, listModules, type ModuleRow } from './modules.ts'
import { formatBytes, type Output } from './output.ts'
import { uploadFile } from './upload-file.ts'
import { signingKey, walletOption } from './wallets.ts'

const ACTIONS = 'add <file>, list or show <id>'
const MEMORY_LIMIT = '512-mb'
const COMPUTE_LIMIT = '9000000000000'
const SIZE = /^\d+(\.\d+)?-?(b|kb|mb|gb)$/i

export const module: CommandFile = {
  name: 'module',
  usage: 'add <file.wasm, .lua, .js or .ts> | list | show <id>',
  wordsMax: 2,
  options: {
    ...walletOption,
    ...urlOption,
    name: { type: 'string', short: 'n', help: 'value of the Name tag (default: the name of the file)' },
    format: { type: 'string', value: 'format', help: 'value of the Module-Format tag (default: told from the file)' },
    'memory-limit': { type: 'string', value: 'size', help: `what a process may grow to (default: ${MEMORY_LIMIT})` },
    'compute-limit': { type: 'string', value: 'number', help: `gas of a message (default: ${COMPUTE_LIMIT})` },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
  },
  examples: ['heddle module add aos.wasm', 'heddle module add counter.lua --name counter', 'heddle module list', 'heddle module show <id>'],
  async run(input, output) {
    const [action, word] = input.positionals
    switch (action) {
      case 'add':
        return add(word, input, output)
      case 'list':
        if (word !== undefined) throw new UsageError(`list takes no words; "heddle module show ${word}" shows one module`)
        return list(connect(input), output)
      case 'show':
        return show(connect(input), parseId(word, 'a module id', '"heddle module list" shows them'), output)
      default:
        throw new UsageError(`${action === undefined ? 'module needs a word more' : `"${action}" is no word of module`}: ${ACTIONS}`)
    }
  },
}

async function add(path: string | undefined, input: CommandInput, output: Output): Promise<number> {
  if (path === undefined) throw new UsageError('add needs a file: heddle module add program.wasm')
  const named = textOption(input, 'format') ?? null
  const limits = limitTags(input)
  const further = parseTags(listOption(input, 'tag'))
  const file = await readModuleFile(path, named)
  const name = textOption(input, 'name') ?? basename(path, extname(path))
  const tags = moduleTags(file, [{ name: 'Name', value: name }, ...limits], further)
  const node = connect(input)
  const key = await signingKey(input, node)
  const id = await send({ node, key, output }, path, file, tags)
  const { bold, dim, green } = output.paint
  output.line(`${green('✓')} module ${bold(id)}`)
  output.line(`  ${output.plain(name)}, ${formatBytes(file.sizeBytes)}, ${named === null ? 'detected as' : 'format'} ${file.format}`)
  output.line(dim(`  try: heddle spawn --module ${id}`))
  output.value({ id, name, format: file.format, detected: named === null, sizeBytes: file.sizeBytes, spawn: `heddle spawn --module ${id}` })
  return 0
}

interface Job {
  readonly node: NodeClient
  readonly key: SigningKey
  readonly output: Output
}

async function send({ node, key, output }: Job, path: string, { data, sizeBytes }: ModuleFile, tags: readonly TextTag[]): Promise<string> {
  if (data !== null) return uploadItem(node, { data, tags }, key)
  const bar = output.progress('Uploading')
  let sent = 0
  try {
    return await uploadFile(
      node,
      key,
      { path, sizeBytes, tags },
      {
        hashed: () => {},
        sent(bytes) {
          sent += bytes
          bar.update(sent, sizeBytes, formatBytes(sent))
        },
      },
    )
  } finally {
    bar.end()
  }
}

/** In the order in which the tools of AO's first network write them; of ours those that the user did not give. */
function moduleTags({ format, contentType }: ModuleFile, own: readonly TextTag[], given: readonly TextTag[]): TextTag[] {
  const usual = [
    ...own,
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Module' },
    { name: 'Module-Format', value: format },
    { name: 'Input-Encoding', value: 'JSON-1' },
    { name: 'Output-Encoding', value: 'JSON-1' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Content-Type', value: contentType },
  ]
  return [...given, ...usual.filter(({ name }) => !given.some((tag) => tag.name === name))]
}

function limitTags(input: CommandInput): TextTag[] {
  const memory = textOption(input, 'memory-limit') ?? MEMORY_LIMIT
  if (!SIZE.test(memory)) throw new UsageError(`--memory-limit ${memory}: write it like 512-mb or 1-gb`)
  const compute = textOption(input, 'compute-limit') ?? COMPUTE_LIMIT
  if (!/^\d{1,16}$/.test(compute)) throw new UsageError(`--compute-limit ${compute}: expected a whole number of at most 16 digits`)
  return [
    { name: 'Memory-Limit', value: memory },
    { name: 'Compute-Limit', value: compute },
  ]
}

async function list(node: NodeClient, output: Output): Promise<number> {
  const [{ heddle }, modules] = await Promise.all([node.info(), listModules(node)])
  const { bold, dim } = output.paint
  for (const { id, name, format, sizeBytes } of modules) {
    const isDefault = id === heddle.modules.default
    output.line(
      `${bold(id)}  ${output.plain(name ?? '(no name)')}  ${dim(`${output.plain(format)}  ${formatBytes(sizeBytes)}`)}${isDefault ? '  the default' : ''}`,
    )
  }
  output.value({
    modules: modules.map(({ tags: _tags, aliasOf: _aliasOf, ...row }) => ({ ...row, isDefault: row.id === heddle.modules.default })),
  })
  return 0
}

async function show(node: NodeClient, id: string, output: Output): Promise<number> {
  const found = await findModule(node, id)
  if (found === null) throw new NodeError('not-found', `no module ${id} is on the node; "heddle module list" shows what there is`)
  const { bold, dim, yellow } = output.paint
  output.line(`${bold(found.id)}  ${output.plain(found.name ?? '(no name)')}`)
  if (found.aliasOf !== null) output.line(yellow(`  a well-known id: on this node it stands for ${found.aliasOf}`))
  for (const [label, value] of facts(found)) output.line(`  ${label.padEnd(8)} ${output.plain(value)}`)
  for (const { name, value } of found.tags) output.line(dim(`  ${output.plain(name)}: ${output.plain(value)}`))
  output.line(dim(`  try: heddle spawn --module ${found.id}`))
  output.value(found)
  return 0
}

function facts({ format, sizeBytes, owner }: ModuleRow): [string, string][] {
  return [
    ['format', format === '' ? 'none: it has no Module-Format tag' : format],
    ['size', formatBytes(sizeBytes)],
    ['owner', owner],
  ]
}
