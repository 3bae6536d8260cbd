/** Index rows as GraphQL shows them. Getters, so that only what a query selects is encoded. */
import { toBase64url } from '../../base/bytes.ts'
import { findTagIgnoringCase, type TextTag, toTextTags } from '../../codec/tags.ts'
import type { IndexBlock, IndexedTransaction } from '../../store/index-store.ts'

export interface Receipt {
  readonly signature: string
  readonly timestamp: string
  readonly version: string
  readonly deadlineHeight: number
}

const WINSTON_DIGITS = 12

export class BlockView {
  readonly #block: Omit<IndexBlock, 'txIds'>

  constructor(block: Omit<IndexBlock, 'txIds'>) {
    this.#block = block
  }

  get id(): string {
    return this.#block.hash
  }

  get timestamp(): number {
    return this.#block.timestampS
  }

  get height(): number {
    return this.#block.height
  }

  get previous(): string {
    return this.#block.previous
  }
}

/** No field is null but those that the schema lets be: one null too many would cost the client the whole page. */
export class TransactionView {
  readonly #row: IndexedTransaction
  readonly #receiptOf: (id: string) => Promise<Receipt | null>
  #tags: TextTag[] | null = null

  constructor(row: IndexedTransaction, receiptOf: (id: string) => Promise<Receipt | null>) {
    this.#row = row
    this.#receiptOf = receiptOf
  }

  get id(): string {
    return this.#row.id
  }

  get anchor(): string {
    return toBase64url(this.#row.anchor)
  }

  get signature(): string {
    return toBase64url(this.#row.signature)
  }

  get signatureType(): number | null {
    return this.#row.signatureType
  }

  get recipient(): string {
    return this.#row.target
  }

  get owner() {
    return { address: this.#row.ownerAddress, key: () => toBase64url(this.#row.owner) }
  }

  get fee() {
    return amount(this.#row.rewardWinston)
  }

  get quantity() {
    return amount(this.#row.quantityWinston)
  }

  get data() {
    return { size: String(this.#row.dataBytes), type: () => findTagIgnoringCase(this.tags, 'Content-Type') ?? null }
  }

  get tags(): readonly TextTag[] {
    this.#tags ??= toTextTags(this.#row.tags)
    return this.#tags
  }

  get block(): BlockView | null {
    return this.#row.block === null ? null : new BlockView(this.#row.block)
  }

  get ingested_at(): number {
    return this.#row.ingestedAtS
  }

  get parent() {
    return this.bundledIn
  }

  get bundledIn() {
    return this.#row.parent === null ? null : { id: this.#row.parent }
  }

  receipt(): Promise<Receipt | null> {
    return this.#receiptOf(this.#row.id)
  }
}

function amount(winston: bigint) {
  return { winston: String(winston), ar: () => toAr(winston) }
}

/** Always twelve decimals. */
export function toAr(winston: bigint): string {
  const digits = String(winston).padStart(WINSTON_DIGITS + 1, '0')
  return `${digits.slice(0, -WINSTON_DIGITS)}.${digits.slice(-WINSTON_DIGITS)}`
}
