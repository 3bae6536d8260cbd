/**
 * aoconnect 0.0.98 as its users load it, its settings in the environment pointing at a node.
 *
 * Some of its calls look for the scheduler of a process: first at a router whose address stands in the library, then by GraphQL. The library reads
 * its settings, and takes hold of `fetch`, when it is loaded; so whoever wants a fresh one loads it in a test file of its own.
 */
import { randomBytes } from 'node:crypto'
import { EthereumSigner } from '@dha-team/arbundles'

export type Aoconnect = typeof import('@permaweb/aoconnect')

export interface Urls {
  readonly gateway: string
  readonly mu: string
  readonly cu: string
}

export interface LoadedAoconnect {
  readonly aoconnect: Aoconnect
  /** How often it asked the router, which is not on this network. */
  routerCalls(): number
}

const ROUTER = 'https://su-router.ao-testnet.xyz'

/** Only the router is answered here, and with a refusal: everything else goes where it would go. */
export async function loadAoconnect(urls: Urls): Promise<LoadedAoconnect> {
  let calls = 0
  const { fetch } = globalThis
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if (!url.startsWith(ROUTER)) return fetch(input, init)
    calls += 1
    return new Response('not on this network', { status: 404 })
  }
  const settings = { GATEWAY_URL: urls.gateway, GRAPHQL_URL: `${urls.gateway}/graphql`, MU_URL: urls.mu, CU_URL: urls.cu }
  Object.assign(process.env, settings)
  const aoconnect = await import('@permaweb/aoconnect')
  for (const name of Object.keys(settings)) delete process.env[name]
  return { aoconnect, routerCalls: () => calls }
}

/** The calls of legacy mode. */
export function legacyClient(aoconnect: Pick<Aoconnect, 'connect'>, { gateway, mu, cu }: Urls) {
  return aoconnect.connect({ MODE: 'legacy', GATEWAY_URL: gateway, MU_URL: mu, CU_URL: cu })
}

export type LegacyClient = ReturnType<typeof legacyClient>

/** The same for a node whose units are at one address. */
export function legacyClientAt(aoconnect: Pick<Aoconnect, 'connect'>, url: string): LegacyClient {
  return legacyClient(aoconnect, { gateway: url, mu: url, cu: url })
}

/** A signer as browser wallets of Ethereum bring it, and the address that the world knows it by. */
export async function ethereumWallet(): Promise<{ readonly address: string; readonly key: Uint8Array; readonly signer: unknown }> {
  const { computeAddress } = await import('@ethersproject/transactions')
  const wallet = new EthereumSigner(randomBytes(32).toString('hex'))
  const address = computeAddress(wallet.publicKey)
  const signer = async (create: (fields: object) => Promise<Uint8Array>) => {
    const deepHash = await create({ publicKey: wallet.publicKey, type: 3, alg: 'ecdsa' })
    return { signature: await wallet.sign(deepHash), address }
  }
  return { address, key: wallet.publicKey, signer }
}
