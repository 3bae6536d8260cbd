/**
 * All accounts as a radix trie whose hash is a block's `wallet_list`.
 *
 * Wire        Leaf: deepHash([address, balance, last_tx]); with a denomination, SHA-384 of the length-prefixed fields and a flag byte.
 *             Branch: deepHash of its children's hashes in byte order; it has two children or more, prefixes in common are skipped. No account: no bytes.
 * Source      ArweaveTeam/arweave ar_patricia_tree.erl, ar_block.erl hash_wallet_list (2.9)
 * Invariants  Nodes never change: a write copies the branches above it, so `fork` costs nothing, and a block that fails is dropped with its fork.
 *             A hash is computed once per node, so `root` after a block re-hashes only what the block touched.
 */
import { concat, EMPTY, minimalBigEndian } from '../base/bytes.ts'
import { sha384 } from '../base/hash.ts'
import { type Address, bytesToAddress, ID_BYTES, idBytes } from '../base/ids.ts'
import { deepHash, deepHashOfHashed } from './deep-hash.ts'

export interface Account {
  readonly balanceWinston: bigint
  /** Id of the last transaction sent; empty if there is none. */
  readonly lastTx: Uint8Array
  /** Present only on accounts written since a redenomination or a ban. */
  readonly extra?: { readonly denomination: number; readonly mayMine: boolean }
}

interface AccountLeaf {
  readonly address: Uint8Array
  readonly account: Account
  element: Uint8Array | null
}

interface AccountBranch {
  /** Position of the address byte by which the children differ. */
  readonly depth: number
  /** Ascending by that byte. */
  readonly children: readonly AccountNode[]
  /** Any address below: all share the bytes before `depth`. */
  readonly sample: Uint8Array
  /** Deep hash of this node's hash, as its parent folds it; null until it was asked for. */
  element: Uint8Array | null
}

type AccountNode = AccountLeaf | AccountBranch

export class AccountTrie {
  #root: AccountNode | null = null
  #rootHash: Uint8Array | null = null
  #size = 0

  static of(entries: Iterable<readonly [Address, Account]>): AccountTrie {
    const trie = new AccountTrie()
    for (const [address, account] of entries) trie.set(address, account)
    return trie
  }

  get size(): number {
    return this.#size
  }

  get(address: Address): Account | undefined {
    const key = idBytes(address)
    let node = this.#root
    while (node !== null && isBranch(node)) node = childAt(node, key[node.depth]!) ?? null
    return node !== null && firstDifference(node.address, key) === ID_BYTES ? node.account : undefined
  }

  set(address: Address, account: Account): void {
    const isNew = this.get(address) === undefined
    // A copy, since a small Buffer holds on to the pool that it was cut from.
    const leaf: AccountLeaf = { address: Uint8Array.from(idBytes(address)), account, element: null }
    this.#root = this.#root === null ? leaf : insert(this.#root, leaf)
    this.#rootHash = null
    if (isNew) this.#size++
  }

  delete(address: Address): void {
    if (this.#root === null || this.get(address) === undefined) return
    this.#root = remove(this.#root, idBytes(address))
    this.#rootHash = null
    this.#size--
  }

  /** A trie with the same accounts; writes to either leave the other alone. */
  fork(): AccountTrie {
    const copy = new AccountTrie()
    copy.#root = this.#root
    copy.#rootHash = this.#rootHash
    copy.#size = this.#size
    return copy
  }

  /** The `wallet_list` hash: 48 bytes, or none without accounts. */
  root(): Uint8Array {
    this.#rootHash ??= this.#root === null ? EMPTY : hashOf(this.#root)
    return this.#rootHash
  }

  /** In ascending order of address bytes. */
  *entries(): Generator<readonly [Address, Account]> {
    const stack = this.#root === null ? [] : [this.#root]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (isBranch(node)) stack.push(...node.children.toReversed())
      else yield [bytesToAddress(node.address), node.account]
    }
  }
}

function isBranch(node: AccountNode): node is AccountBranch {
  return 'children' in node
}

function sampleOf(node: AccountNode): Uint8Array {
  return isBranch(node) ? node.sample : node.address
}

function childAt(branch: AccountBranch, byte: number): AccountNode | undefined {
  const at = position(branch, byte)
  const child = branch.children[at]
  return child !== undefined && sampleOf(child)[branch.depth] === byte ? child : undefined
}

/** Where the child with this byte is, or would stand. */
function position({ children, depth }: AccountBranch, byte: number): number {
  let low = 0
  let high = children.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sampleOf(children[middle]!)[depth]! < byte) low = middle + 1
    else high = middle
  }
  return low
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let at = 0
  while (at < ID_BYTES && a[at] === b[at]) at++
  return at
}

function insert(node: AccountNode, leaf: AccountLeaf): AccountNode {
  const key = leaf.address
  const at = firstDifference(sampleOf(node), key)
  const depth = isBranch(node) ? node.depth : ID_BYTES
  if (at < depth) return branchOf(at, sampleOf(node)[at]! < key[at]! ? [node, leaf] : [leaf, node])
  if (!isBranch(node)) return leaf
  const index = position(node, key[depth]!)
  const child = childAt(node, key[depth]!)
  if (child === undefined) return branchOf(depth, node.children.toSpliced(index, 0, leaf))
  return branchOf(depth, node.children.with(index, insert(child, leaf)))
}

/** The node without this address, which is known to be below it; null if nothing is left. */
function remove(node: AccountNode, key: Uint8Array): AccountNode | null {
  if (!isBranch(node)) return null
  const index = position(node, key[node.depth]!)
  const child = remove(node.children[index]!, key)
  if (child !== null) return branchOf(node.depth, node.children.with(index, child))
  const rest = node.children.toSpliced(index, 1)
  return rest.length === 1 ? rest[0]! : branchOf(node.depth, rest)
}

function branchOf(depth: number, children: readonly AccountNode[]): AccountBranch {
  return { depth, children, sample: sampleOf(children[0]!), element: null }
}

function hashOf(node: AccountNode): Uint8Array {
  return isBranch(node) ? deepHashOfHashed(node.children.map(elementOf)) : accountHash(node.address, node.account)
}

function elementOf(node: AccountNode): Uint8Array {
  node.element ??= Uint8Array.from(deepHash(hashOf(node)))
  return node.element
}

function accountHash(address: Uint8Array, { balanceWinston, lastTx, extra }: Account): Uint8Array {
  const balance = minimalBigEndian(balanceWinston)
  if (extra === undefined) return deepHash([address, balance, lastTx])
  const fields = [address, balance, lastTx, minimalBigEndian(BigInt(extra.denomination))]
  return sha384(concat([...fields.flatMap((field) => [Uint8Array.of(field.length), field]), Uint8Array.of(extra.mayMine ? 1 : 0)]))
}
