/** Five calls of aoconnect, and what this example always adds to them. */
import { readFileSync } from 'node:fs'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'

export interface Wallet {
  readonly address: string
  readonly signer: ReturnType<typeof createDataItemSigner>
}

export type Tags = Readonly<Record<string, string>>

export interface Client {
  readonly spawn: (wallet: Wallet, source: string, tags: Tags) => Promise<string>
  /** Sends a message and waits for its result; throws when the process answers with an error. The id of the message. */
  readonly send: (wallet: Wallet, process: string, tags: Tags) => Promise<string>
  /** Asks without leaving a trace. */
  readonly read: (process: string, action: string) => Promise<string>
  /** The same, for answers in JSON. */
  readonly ask: <T>(process: string, action: string) => Promise<T>
  readonly monitor: (wallet: Wallet, process: string) => Promise<void>
  readonly unmonitor: (wallet: Wallet, process: string) => Promise<void>
}

interface Info {
  readonly heddle: {
    readonly modules: { readonly default: string }
    readonly units: { readonly scheduler: string; readonly authority: string }
  }
}

/** One of the public development wallets of the repository. */
export async function devWallet(name: string): Promise<Wallet> {
  const { comment: _, ...jwk } = JSON.parse(readFileSync(new URL(`../../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
  const hash = await crypto.subtle.digest('SHA-256', Buffer.from(jwk.n, 'base64url'))
  return { address: Buffer.from(hash).toString('base64url'), signer: createDataItemSigner(jwk) }
}

/** `module`: what the processes run on; the default of the node when none is named. */
export async function openClient(url: string, module?: string): Promise<Client> {
  const response = await fetch(`${url}/info`)
  const { heddle } = (await response.json()) as Info
  const ao = connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
  const { scheduler, authority } = heddle.units
  const read: Client['read'] = async (process, action) => {
    const answer = await ao.dryrun({ process, tags: listOf({ Action: action }), data: '' })
    failOn(answer, action)
    return answer.Messages[0].Data
  }
  return {
    async spawn({ signer }, source, own) {
      const tags = listOf({ 'On-Boot': 'Data', Authority: authority, ...own })
      const process = await ao.spawn({ module: module ?? heddle.modules.default, scheduler, signer, tags, data: source })
      failOn(await ao.result({ process, message: process }), own['Name'] ?? process)
      return process
    },
    async send({ signer }, process, tags) {
      const message = String(await ao.message({ process, signer, tags: listOf(tags), data: ' ' }))
      failOn(await ao.result({ process, message }), tags['Action'] ?? 'a message')
      return message
    },
    read,
    ask: async (process, action) => JSON.parse(await read(process, action)),
    async monitor({ signer }, process) {
      await ao.monitor({ process, signer })
    },
    async unmonitor({ signer }, process) {
      await ao.unmonitor({ process, signer })
    },
  }
}

function listOf(tags: Tags): { name: string; value: string }[] {
  return Object.entries(tags).map(([name, value]) => ({ name, value }))
}

/** `error` is the node's, `Error` the program's. */
function failOn(result: { readonly Error?: unknown; readonly error?: unknown }, what: string): void {
  const problem = result.Error ?? result.error
  if (problem !== undefined) throw new Error(`${what}: ${typeof problem === 'string' ? problem : JSON.stringify(problem)}`)
}
