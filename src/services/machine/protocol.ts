/**
 * What makes a data item an AO item, and who AO says signed it.
 *
 * Wire        Data-Protocol=ao, Type=Process | Message | Module | …, Variant=ao.TN.1. Tag names are case-sensitive; foreign protocol blocks may
 *             come first, so the first Type that is Process or Message counts.
 * Source      permaweb/ao servers/su, servers/mu, servers/cu, protocol-tag-utils
 * Invariants  An owner with a 65-byte key is an Ethereum wallet and goes by its EIP-55 address; everyone else by SHA-256 of the key.
 */
import { addressOfKey } from '../../base/ids.ts'
import { checksumAddress, ETHEREUM_KEY_BYTES, ethereumAddress } from '../../codec/ethereum-signature.ts'
import { findTag, type TextTag } from '../../codec/tags.ts'

export const AO_VARIANT = 'ao.TN.1'

export type AoKind = 'Process' | 'Message'

/** Null: not an item that gets a slot. */
export function aoKind(tags: readonly TextTag[]): AoKind | null {
  if (!tags.some(({ name, value }) => name === 'Data-Protocol' && value === 'ao')) return null
  for (const { name, value } of tags) if (name === 'Type' && (value === 'Process' || value === 'Message')) return value
  return null
}

/** The address by which processes know the holder of a key. */
export function aoAddress(owner: Uint8Array): string {
  return owner.length === ETHEREUM_KEY_BYTES ? checksumAddress(ethereumAddress(owner)) : addressOfKey(owner)
}

/** Who a message comes from: the process that a unit pushed it for, or its signer. Whether to believe it is the process's own decision. */
export function senderOf(tags: readonly TextTag[], owner: string): { readonly from: string; readonly forwardedBy: string | null } {
  const claimed = findTag(tags, 'From-Process')
  return { from: claimed === undefined || claimed === '' ? owner : claimed, forwardedBy: claimed === undefined ? null : owner }
}
