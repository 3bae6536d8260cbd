/** Plain HTTP against a node, and the few questions that many tests ask it. */
import { createHash } from 'node:crypto'
import { createData, type DataItem, type DataItemCreateOptions, type Signer } from '@dha-team/arbundles'
import Arweave from 'arweave'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export interface Receipt {
  readonly id: string
  readonly timestamp: number
  readonly version: string
  readonly deadlineHeight: number
  readonly public: string
  readonly signature: string
  readonly owner: string
  readonly winc: string
  readonly dataCaches: readonly string[]
}

export interface ItemStatus {
  readonly status: string
  readonly info: string
  readonly bundleId?: string
  readonly blockHeight?: number
}

export interface GraphqlNode {
  readonly id: string
  readonly anchor: string
  readonly signature: string
  readonly recipient: string
  readonly owner: { readonly address: string; readonly key: string }
  readonly data: { readonly size: string; readonly type: string | null }
  readonly tags: readonly { readonly name: string; readonly value: string }[]
  readonly block: { readonly id: string; readonly height: number } | null
  readonly bundledIn: { readonly id: string } | null
}

const NODE_FIELDS =
  'id anchor signature recipient owner { address key } data { size type } tags { name value } block { id height } bundledIn { id }'

/** Does not follow redirects. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

export async function bytesOf(url: string, init: RequestInit = {}): Promise<Uint8Array> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status} ${await response.text()}`)
  return new Uint8Array(await response.arrayBuffer())
}

export function postBytes(url: string, body: Uint8Array): Promise<Answer> {
  return ask(url, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body })
}

/** Posts a signed item to `path`; anything but 200 is an error. */
export async function upload(base: string, item: DataItem | Uint8Array, path = '/tx'): Promise<Receipt> {
  const { status, body } = await postBytes(`${base}${path}`, item instanceof Uint8Array ? item : item.getRaw())
  if (status !== 200) throw new Error(`POST ${path} answered ${status} ${body}`)
  return JSON.parse(body) as Receipt
}

export async function signedItem(signer: Signer, data: string | Uint8Array, options: DataItemCreateOptions = {}): Promise<DataItem> {
  const item = createData(data, signer, options)
  await item.sign(signer)
  return item
}

export async function query<T>(base: string, text: string, variables: Record<string, unknown> = {}): Promise<T> {
  const { status, body } = await ask(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  })
  const parsed = JSON.parse(body) as { data?: T; errors?: unknown }
  if (status !== 200 || parsed.errors !== undefined || parsed.data === undefined)
    throw new Error(`POST /graphql answered ${status} ${body}`)
  return parsed.data
}

/** Null while GraphQL does not know the id. */
export async function nodeOf(base: string, id: string): Promise<GraphqlNode | null> {
  const { transaction } = await query<{ transaction: GraphqlNode | null }>(
    base,
    `query ($id: ID!) { transaction(id: $id) { ${NODE_FIELDS} } }`,
    { id },
  )
  return transaction
}

export async function statusOf(base: string, id: string): Promise<ItemStatus> {
  return JSON.parse((await ask(`${base}/v1/tx/${id}/status`)).body) as ItemStatus
}

/** The bundle that took the item along. */
export function bundleOf(base: string, id: string): Promise<string> {
  return until(`${id} is in a bundle`, async () => (await statusOf(base, id)).bundleId ?? null)
}

/** Asks again and again until there is an answer. */
export async function until<T>(what: string, find: () => Promise<T | null>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await find()
    if (found !== null) return found
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function arweaveOf(base: string): Arweave {
  const { hostname, port } = new URL(base)
  return Arweave.init({ host: hostname, port, protocol: 'http' })
}

export async function mine(base: string): Promise<void> {
  const { status, body } = await ask(`${base}/mine`)
  if (status !== 200) throw new Error(`GET /mine answered ${status} ${body}`)
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** Bytes that look random and are the same in every run. */
export function pattern(size: number, seed = 1): Uint8Array {
  const out = Buffer.allocUnsafe(size)
  let state = (seed * 2_654_435_761) >>> 0 || 1
  for (let i = 0; i < size; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    out[i] = state >>> 24
  }
  return out
}
