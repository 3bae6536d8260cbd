/**
 * `hash_list_merkle`: one hash that stands for all blocks below a block.
 *
 * Wire    SHA-384(the same of the block below + deepHash([indep_hash, weave_size in ASCII decimal, tx_root]) of the block below); genesis has none
 * Source  ArweaveTeam/arweave ar_unbalanced_merkle.erl (2.9)
 */
import { concat, utf8 } from '../base/bytes.ts'
import { sha384 } from '../base/hash.ts'
import { type BlockHash, idBytes } from '../base/ids.ts'
import { deepHash } from './deep-hash.ts'

export interface HashListEntry {
  readonly indepHash: BlockHash
  readonly weaveBytes: bigint
  readonly txRoot: Uint8Array
  readonly hashListMerkle: Uint8Array
}

/** The value that the block after `previous` carries. */
export function nextHashListMerkle(previous: HashListEntry): Uint8Array {
  const element = deepHash([idBytes(previous.indepHash), utf8(String(previous.weaveBytes)), previous.txRoot])
  return sha384(concat([previous.hashListMerkle, element]))
}
