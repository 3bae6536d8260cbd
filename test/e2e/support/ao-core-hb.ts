/** The class HB of the package wao, which has no types: what the suites use of it. */
import type { JWKInterface } from 'arweave/node/lib/wallet.js'
import type { CommittedMessage, HbsigReply, SignedRequest } from './ao-core-hbsig.ts'

type Fields = Readonly<Record<string, unknown>>

interface Options {
  /** Appends `/~json@1.0/serialize` to the path. */
  readonly json?: boolean
  readonly path?: boolean | string
}

export interface Hb {
  readonly addr: string
  /** What the node says its address is. */
  readonly operator: string | null | undefined
  init(jwk: JWKInterface): Promise<Hb>
  setInfo(): Promise<void>
  get(fields: Fields, options?: Options): Promise<HbsigReply>
  post(fields: Fields, options?: Options): Promise<HbsigReply>
  /** `out` of get and post. */
  g(path: string, fields?: Fields, options?: Options): Promise<unknown>
  p(path: string, fields?: Fields, options?: Options): Promise<unknown>
  getJSON(fields: Fields, options?: Options): Promise<unknown>
  postJSON(fields: Fields, options?: Options): Promise<unknown>
  commit(fields: Fields, options?: Options): Promise<CommittedMessage>
  sign(fields: Fields, options?: Options): Promise<SignedRequest>
  signEncoded(encoded: { readonly path: string; readonly headers: Record<string, string>; readonly body?: unknown }): Promise<SignedRequest>
  send(request: SignedRequest): Promise<HbsigReply>
}

interface Wao {
  readonly HB: new (options: { readonly url: string; readonly jwk?: JWKInterface }) => Hb
}

const name = 'wao' as string

export const { HB } = (await import(name)) as Wao
