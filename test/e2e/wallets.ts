import { readFileSync } from 'node:fs'
import type { JWKInterface } from 'arweave/node/lib/wallet.js'

/** One of the public development wallets, which are funded at genesis. */
export function devWallet(name: 'alice' | 'bob' | 'carol' | 'dave'): JWKInterface {
  const { comment: _, ...jwk } = JSON.parse(
    readFileSync(new URL(`../../dev/wallets/${name}.json`, import.meta.url), 'utf8'),
  ) as JWKInterface & {
    comment: string
  }
  return jwk
}
