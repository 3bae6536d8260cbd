import { expect, it } from 'vitest'
import { EMPTY, toBase64url, utf8 } from '../base/bytes.ts'
import { sha256, sha384 } from '../base/hash.ts'
import { bytesToBlockHash } from '../base/ids.ts'
import { nextHashListMerkle } from './hash-list-merkle.ts'

it('two blocks give what the Erlang node gives', () => {
  const genesis = { indepHash: bytesToBlockHash(sha384(utf8('b0'))), weaveBytes: 0n, txRoot: EMPTY, hashListMerkle: EMPTY }
  const first = {
    indepHash: bytesToBlockHash(sha384(utf8('b1'))),
    weaveBytes: 262144n,
    txRoot: sha256(utf8('r1')),
    hashListMerkle: nextHashListMerkle(genesis),
  }
  expect(toBase64url(nextHashListMerkle(first))).toBe('MjcdEtQZJx43nqPFZk6Bke9t88KpiAiugzigIcdPsPX0cfq74O0446DPLBA5L225')
})
