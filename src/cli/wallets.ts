/** Which key a command signs with: `--wallet`, or on a development network the first well-known development wallet. */
import { fileURLToPath } from 'node:url'
import type { SigningKey } from '../codec/keys.ts'
import { type NodeClient, readKey } from './client.ts'
import { type CommandInput, type CommandOption, textOption, UsageError } from './command.ts'

export const walletOption: Readonly<Record<string, CommandOption>> = {
  wallet: { type: 'string', short: 'w', value: 'file', help: 'key file to sign with (default: the first development wallet)' },
}

export const urlOption: Readonly<Record<string, CommandOption>> = {
  url: { type: 'string', value: 'URL', help: 'node to talk to (default: HEDDLE_URL or http://localhost:1984)' },
}

const DEV_WALLETS = fileURLToPath(new URL('../../dev/wallets/', import.meta.url))

export function devWalletPath(name: string): string {
  return `${DEV_WALLETS}${name}.json`
}

/** The public development wallets are used on development networks only: anyone can sign with them. */
export async function signingKey(input: CommandInput, node: NodeClient): Promise<SigningKey> {
  const path = textOption(input, 'wallet')
  if (path !== undefined) return readKey(path)
  const { heddle } = await node.info()
  if (heddle.profile !== 'dev') throw new UsageError(`${node.url} is not a development network; name your key file with --wallet`)
  return readKey(devWalletPath('alice'))
}
