/** The package hbsig, which has no types: what the suites use of it. */
import type { JWKInterface } from 'arweave/node/lib/wallet.js'

export interface SignedRequest {
  readonly url: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: Blob | string | Uint8Array
}

export interface HbsigReply {
  /** What the signed part of the reply says. */
  readonly out: unknown
  readonly hashpath: string | null
  readonly signer?: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly status: number
}

export interface Verified {
  readonly valid: boolean
  readonly verified?: boolean
  readonly keyId?: string
  readonly algorithm?: string
  readonly error?: string
  readonly decodedSignatureInput?: { readonly components: readonly string[]; readonly params: Readonly<Record<string, string>> }
}

/** Whether `path` is signed; a text instead is what stands in the URL. `encoded`: the fields are headers and body already. */
interface SignOptions {
  readonly path?: boolean | string
  readonly encoded?: boolean
}

export type Sign = (fields: object, options?: SignOptions) => Promise<SignedRequest>

export interface CommittedMessage {
  readonly commitments: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly [key: string]: unknown
}

interface Hbsig {
  createSigner(jwk: JWKInterface, url: string): Sign
  signer(config: { readonly signer: unknown; readonly url: string }): Sign
  sign(request: {
    readonly url: string
    readonly path: string
    readonly msg: object
    readonly jwk: JWKInterface
    readonly signPath?: boolean
  }): Promise<SignedRequest>
  send(request: SignedRequest): Promise<HbsigReply>
  commit(message: object, options: { readonly signer: Sign; readonly path?: boolean }): Promise<CommittedMessage>
  verify(request: SignedRequest, publicKey?: Buffer): Promise<Verified>
  extractPubKey(headers: Readonly<Record<string, string>>): Buffer | null
  decodeSigInput(
    header: string,
  ): Readonly<Record<string, { readonly components: readonly string[]; readonly params: Readonly<Record<string, string>> }>>
  toAddr(modulus: string): string
  id(message: object): string
  rsaid(commitment: object): string
  hmacid(message: object): string
  base(hashpath: string): string
  hashpath(current: string, message: object): string
  normalize(value: unknown, isBinary?: boolean): unknown
  erl_json_to(value: unknown): unknown
  erl_json_from(value: unknown): unknown
  erl_str_from(text: string, isBinary?: boolean): unknown
  erl_str_to(value: unknown): string
  structured_from(value: unknown): Record<string, unknown>
  structured_to(value: unknown): Record<string, unknown>
  httpsig_from(value: unknown): Record<string, unknown>
  httpsig_to(value: unknown): Record<string, unknown>
  flat_from(value: unknown): Record<string, unknown>
  flat_to(value: unknown): Record<string, unknown>
}

const name = 'hbsig' as string

export const hbsig = (await import(name)) as Hbsig
