/** The AO units over plain HTTP, and their log as a client reads it: items made anew from JSON and checked with arbundles, the chain with node:crypto. */
import { createHash } from 'node:crypto'
import { createData, DataItem, type Signer } from '@dha-team/arbundles'
import { createDataItem, type ItemSigner } from '../../../src/codec/data-item.ts'
import type { TextTag } from '../../../src/codec/tags.ts'

export interface Answer<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export interface UnitItem {
  readonly id: string
  readonly owner: { readonly address: string; readonly key: string }
  readonly tags: readonly TextTag[]
  readonly signature: string
  readonly anchor: string | null
  readonly target: string | null
  readonly data?: string | null
}

export interface UnitNode {
  readonly message: UnitItem | null
  readonly assignment: UnitItem
}

export interface UnitPage {
  readonly page_info: { readonly has_next_page: boolean }
  readonly edges: readonly { readonly node: UnitNode; readonly cursor: string }[]
}

export interface UnitResult {
  readonly Output: { readonly data: string } | string
  readonly Messages: readonly { readonly Target: string; readonly Data: string; readonly Tags: readonly TextTag[] }[]
  readonly Error?: string
}

/** JSON where the answer says that it is, text otherwise. */
export async function askUnit<T = Record<string, unknown>>(url: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T }
}

export function aoTags(type: string, own: Readonly<Record<string, string>> = {}): TextTag[] {
  const tags = { ...own, 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: type }
  return Object.entries(tags).map(([name, value]) => ({ name, value }))
}

export interface ItemContent {
  readonly target?: string
  readonly data?: string | Uint8Array
  /** 32 bytes; random ones when nobody says. */
  readonly anchor?: string
}

export async function signedItem(
  signer: ItemSigner,
  tags: readonly TextTag[],
  { target, data = ' ', anchor }: ItemContent = {},
): Promise<{ readonly id: string; readonly raw: Uint8Array<ArrayBuffer> }> {
  const to = target === undefined ? {} : { target: Buffer.from(target, 'base64url') }
  const bytes = anchor === undefined ? crypto.getRandomValues(new Uint8Array(32)) : Buffer.from(anchor)
  const { id, raw } = await createDataItem({ data, tags, anchor: bytes, ...to }, signer)
  return { id, raw: Uint8Array.from(raw) }
}

export function tagOf(tags: readonly TextTag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name)?.value
}

export function nonceOf({ assignment }: UnitNode): number {
  return Number(tagOf(assignment.tags, 'Nonce'))
}

export function timestampOf({ assignment }: UnitNode): number {
  return Number(tagOf(assignment.tags, 'Timestamp'))
}

/** Signature types with their sizes, by the size of the key. */
const KINDS: Readonly<Record<number, { readonly signatureType: number; readonly signatureLength: number }>> = {
  512: { signatureType: 1, signatureLength: 512 },
  32: { signatureType: 2, signatureLength: 64 },
  65: { signatureType: 3, signatureLength: 65 },
}

/** Is this JSON a data item that its owner signed, under its true id? Needs the anchor in full, so `show-anchor`, or an anchor that is text. */
export async function isSigned(item: UnitItem, anchorEncoding: 'utf8' | 'base64url'): Promise<boolean> {
  const publicKey = Buffer.from(item.owner.key, 'base64url')
  const kind = KINDS[publicKey.length]!
  const signer = { publicKey, ownerLength: publicKey.length, ...kind } as unknown as Signer
  const anchor = item.anchor === null ? {} : { anchor: Buffer.from(item.anchor, anchorEncoding) as unknown as string }
  const target = item.target === null || item.target === '' ? {} : { target: item.target }
  const made = createData(item.data ?? '', signer, { tags: [...item.tags], ...anchor, ...target })
  const signature = Buffer.from(item.signature, 'base64url')
  await made.setSignature(signature)
  return createHash('sha256').update(signature).digest('base64url') === item.id && (await DataItem.verify(made.getRaw()))
}

/** What the Hash-Chain tag of a slot must be: of the process at first, then of the assignment before and its own chain. */
export function nextChain(process: string, before: { readonly assignment: string; readonly chain: string } | null): string {
  const parts = before === null ? [process] : [before.assignment, before.chain]
  const hash = createHash('sha256')
  for (const part of parts) hash.update(Buffer.from(part, 'base64url'))
  return hash.digest('base64url')
}

/** All pages from the first on, the way a client walks them. */
export async function walk(url: string, cursorName: 'from' | 'from-nonce', limit: number, first: string | null): Promise<UnitPage[]> {
  const pages: UnitPage[] = []
  for (let cursor = first; ; ) {
    const query = new URLSearchParams({ ...(cursor === null ? {} : { [cursorName]: cursor }), limit: String(limit) })
    const { status, body } = await askUnit<UnitPage>(`${url}${url.includes('?') ? '&' : '?'}${query}`)
    if (status !== 200) throw new Error(`${url} ${query} answered ${status}: ${JSON.stringify(body)}`)
    pages.push(body)
    if (!body.page_info.has_next_page) return pages
    cursor = body.edges.at(-1)?.cursor ?? cursor
  }
}
