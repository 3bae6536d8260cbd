import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, EMPTY, minimalBigEndian, toBase64url, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { type Address, bytesToAddress, idBytes } from '../base/ids.ts'
import { type Account, AccountTrie } from './account-trie.ts'
import { deepHash } from './deep-hash.ts'

function address(label: string): Address {
  return bytesToAddress(sha256(utf8(label)))
}

function account(balanceWinston: bigint, lastTx: Uint8Array = EMPTY): Account {
  return { balanceWinston, lastTx }
}

/** The definition, read literally. */
function naiveRoot(accounts: ReadonlyMap<Address, Account>): Uint8Array {
  const sorted = [...accounts].map(([name, value]) => ({ key: idBytes(name), value })).sort((a, b) => compareBytes(a.key, b.key))
  const hash = (group: typeof sorted, depth: number): Uint8Array => {
    const [first] = group
    if (first === undefined) return EMPTY
    if (group.length === 1) return deepHash([first.key, minimalBigEndian(first.value.balanceWinston), first.value.lastTx])
    if (group.every(({ key }) => key[depth] === first.key[depth])) return hash(group, depth + 1)
    const groups = Map.groupBy(group, ({ key }) => key[depth])
    return deepHash([...groups.values()].map((one) => hash(one, depth + 1)))
  }
  return hash(sorted, 0)
}

describe('wallet_list', () => {
  it('agrees with the Erlang node', () => {
    const trie = AccountTrie.of([
      [address('addr1'), account(100n)],
      [address('addr2'), account(10n ** 12n, sha256(utf8('last')))],
      [address('addr3'), { ...account(5n), extra: { denomination: 2, mayMine: false } }],
    ])
    expect(toBase64url(trie.root())).toBe('iAiYpI7kc09LX0Lw9WoXiptXE_vlzaN8IDa59R0C4Sl9CqcVsHaqWkBZwLc6aABN')
    trie.delete(address('addr2'))
    trie.delete(address('addr3'))
    expect(toBase64url(trie.root())).toBe('Hdj97uHE-zgtg2yuETGPgWEY2IJw8ER9tsTn8_YcC8hVuPjd5ELVi3XFYquJAO4p')
    trie.delete(address('addr1'))
    expect(trie.root()).toEqual(EMPTY)
  })

  it('after any writes it is what a full recomputation gives', () => {
    // Few different bytes, so that prefixes are shared and branches come and go.
    const key = fc
      .array(fc.constantFrom(0, 1, 255), { minLength: 3, maxLength: 3 })
      .map((head) => bytesToAddress(Uint8Array.from({ length: 32 }, (_, i) => head[i % 11] ?? 0)))
    const write = fc.tuple(key, fc.option(fc.bigInt(0n, 10n ** 20n)))
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
        const trie = new AccountTrie()
        const model = new Map<Address, Account>()
        for (const [name, balance] of writes) {
          if (balance === null) {
            trie.delete(name)
            model.delete(name)
          } else {
            trie.set(name, account(balance))
            model.set(name, account(balance))
          }
          expect(trie.root()).toEqual(naiveRoot(model))
        }
        expect(trie.size).toBe(model.size)
        expect(new Map(trie.entries())).toEqual(model)
        for (const [name, value] of model) expect(trie.get(name)).toEqual(value)
      }),
      { numRuns: 100 },
    )
  })

  it('a thousand hashed addresses', () => {
    const model = new Map(Array.from({ length: 1000 }, (_, i) => [address(`account ${i}`), account(BigInt(i))] as const))
    const trie = AccountTrie.of(model)
    expect(trie.root()).toEqual(naiveRoot(model))
    expect([...trie.entries()].map(([name]) => name)).toEqual([...model.keys()].sort((a, b) => compareBytes(idBytes(a), idBytes(b))))
  })
})

describe('a fork', () => {
  it('leaves the trie that it came from alone, and the other way round', () => {
    const trie = AccountTrie.of(Array.from({ length: 50 }, (_, i) => [address(`${i}`), account(1n)] as const))
    const before = trie.root()
    const fork = trie.fork()
    fork.set(address('0'), account(2n))
    fork.set(address('new'), account(3n))
    fork.delete(address('1'))
    expect([trie.root(), trie.size, trie.get(address('0')), trie.get(address('new'))]).toEqual([before, 50, account(1n), undefined])
    trie.set(address('2'), account(9n))
    expect([fork.size, fork.get(address('2')), fork.get(address('1'))]).toEqual([50, account(1n), undefined])
  })

  it('deleting what is not there changes nothing', () => {
    const trie = AccountTrie.of([[address('a'), account(1n)]])
    trie.delete(address('b'))
    expect(trie.size).toBe(1)
  })
})
