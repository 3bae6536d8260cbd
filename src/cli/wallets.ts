/** Which key a command signs with: `--wallet`, or on a development network the first well-known development wallet. */
import { join } from 'node:path'
import { errorText } from '../base/errors.ts'
import { keyFromJwk, type SigningKey } from '../codec/keys.ts'
import type { NodeClient } from './client.ts'
import { type CommandInput, type CommandOption, textOption, UsageError } from './command.ts'
import { DEV_WALLETS } from './dev-wallets.ts'
import { readTextFile } from './files.ts'

export const walletOption: Readonly<Record<string, CommandOption>> = {
  wallet: { type: 'string', short: 'w', value: 'file', help: 'key file to sign with (default: the first development wallet)' },
}

export function devWalletPath(name: string): string {
  return join(DEV_WALLETS, `${name}.json`)
}

/** The public development wallets are used on development networks only: anyone can sign with them. */
export async function signingKey(input: CommandInput, node: NodeClient): Promise<SigningKey> {
  const path = textOption(input, 'wallet')
  if (path !== undefined) return readKey(path)
  const { heddle } = await node.info()
  if (heddle.profile !== 'dev') throw new UsageError(`${node.url} is not a development network; name your key file with --wallet`)
  return readKey(devWalletPath('alice'))
}

export async function readKey(path: string): Promise<SigningKey> {
  const text = await readTextFile(path)
  try {
    return keyFromJwk(parseJson(text))
  } catch (error) {
    throw new UsageError(`${path} is not a key file: ${errorText(error)}; "heddle wallet create <file>" makes one`)
  }
}

/** Without the parser's own message, which shows a part of the file: it might be a secret. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
}
