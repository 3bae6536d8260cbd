/** The package @permaweb/ao-core-libs, whose types are not in it: what the suites use of it. */
import type { JWKInterface } from 'arweave/node/lib/wallet.js'

export type Request = (fields: Readonly<Record<string, unknown>>) => Promise<Response>

export type LibsSigner = (
  create: (injected: { readonly type: number; readonly publicKey: Buffer; readonly alg: string }) => Promise<Uint8Array>,
  format: string,
) => Promise<{ readonly signature: Buffer; readonly address: string }>

interface Libs {
  readonly default: {
    init(options: { readonly url: string; readonly jwk?: JWKInterface; readonly signer?: LibsSigner }): { readonly request: Request }
  }
  createSigner(jwk: JWKInterface): LibsSigner
}

const name = '@permaweb/ao-core-libs' as string

export const { default: AOCore, createSigner } = (await import(name)) as Libs
