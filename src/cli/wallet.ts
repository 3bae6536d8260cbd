/** heddle wallet: make a key file, or show the address and balance of one. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { generateKey, type KeyKind } from '../codec/keys.ts'
import { connect, NodeError, urlOption } from './client.ts'
import { CommandError, type CommandFile, type CommandInput, textOption, UsageError } from './command.ts'
import { fileProblem } from './files.ts'
import { formatAr, type Output } from './output.ts'
import { readKey, signingKey, walletOption } from './wallets.ts'

const KINDS: readonly KeyKind[] = ['rsa', 'secp256k1', 'ed25519']

export const wallet: CommandFile = {
  name: 'wallet',
  usage: '[create <file> | show <file>]',
  wordsMax: 2,
  options: {
    ...walletOption,
    ...urlOption,
    type: { type: 'string', value: KINDS.join('|'), help: 'kind of key to make (default: rsa, which every Arweave tool takes)' },
  },
  examples: ['heddle wallet create my-wallet.json', 'heddle wallet show my-wallet.json', 'heddle wallet'],
  async run(input, output) {
    const [action, file] = input.positionals
    if (action === undefined) return showDefault(input, output)
    if (file === undefined || (action !== 'create' && action !== 'show'))
      throw new UsageError('write "wallet create <file>" or "wallet show <file>"')
    return action === 'create' ? create(resolve(file), input, output) : show(await readKey(file), file, input, output)
  },
}

async function create(path: string, input: CommandInput, output: Output): Promise<number> {
  const kind = (textOption(input, 'type') ?? 'rsa') as KeyKind
  if (!KINDS.includes(kind)) throw new UsageError(`--type ${kind}: expected ${KINDS.join(', ')}`)
  const key = await output.busy('making a key', generateKey(kind))
  try {
    await writeFile(path, JSON.stringify(key.jwk), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw new CommandError('file', `cannot write ${path}: ${fileProblem(error)}; a key file is never replaced, name another`)
  }
  const { bold, dim, green } = output.paint
  output.line(`${green('✓')} ${path}`)
  output.line(`  address ${bold(key.address)}`)
  output.line(dim('  Whoever has this file owns what it holds. Keep a copy in a safe place.'))
  output.value({ path, address: key.address, type: kind })
  return 0
}

async function showDefault(input: CommandInput, output: Output): Promise<number> {
  const key = await signingKey(input, connect(input))
  return show(key, textOption(input, 'wallet') ?? 'development wallet "alice" (public: for tests only)', input, output)
}

async function show(
  key: { readonly address: string; readonly kind: KeyKind },
  label: string,
  input: CommandInput,
  output: Output,
): Promise<number> {
  const node = connect(input)
  const winston = await node.balanceWinston(key.address).catch((error: unknown) => {
    if (error instanceof NodeError) return null
    throw error
  })
  output.line(label)
  output.line(`  address ${output.paint.bold(key.address)}`)
  output.line(`  balance ${winston === null ? output.paint.dim(`unknown: no node at ${node.url}`) : `${formatAr(winston)} AR`}`)
  output.value({ address: key.address, type: key.kind, winston: winston === null ? null : String(winston) })
  return 0
}
