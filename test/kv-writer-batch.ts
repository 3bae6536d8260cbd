/** What `kv-writer.ts` writes and its tests look for: batches of four parts in three spaces. */
import { bigEndian, concat } from '../src/base/bytes.ts'
import type { KvWrite } from '../src/store/kv-store.ts'

export const PARTS = [0, 1, 2, 3] as const
const SPACE_OF_PART = ['log', 'items', 'results', 'log'] as const
const VALUE_BYTES = [100, 20_000, 1_000, 0] as const

export interface BatchName {
  readonly round: number
  readonly writer: number
  readonly number: number
}

export function partOf(part: (typeof PARTS)[number], { round, writer, number }: BatchName): KvWrite & { readonly value: Uint8Array } {
  const key = concat([bigEndian(round, 2), bigEndian(writer, 2), bigEndian(number, 4), Uint8Array.of(part)])
  return { space: SPACE_OF_PART[part], key, value: Buffer.alloc(VALUE_BYTES[part], (writer + number) % 251) }
}
