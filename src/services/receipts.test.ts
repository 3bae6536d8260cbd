import { describe, expect, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { receiptHash } from './receipts.ts'

describe('what a receipt signs', () => {
  const receipt = { id: 'zoljIRyzG5hp-R4EZV2q8kFI49OAoy23_B9YJ_yEEws', deadlineHeight: 1001, timestamp: 1700000000000 }

  it('version 0.2.0 (Turbo)', () => {
    expect(toHex(receiptHash({ ...receipt, version: '0.2.0' }))).toBe(
      'c6ad630c407ea7afc6728f1ac242b8cabe84e823cd74e20840262d4f8fd2b7ced025f41181c5b143bd7f7113e30adf20',
    )
  })

  it('version 1.0.0 (Irys)', () => {
    expect(toHex(receiptHash({ ...receipt, version: '1.0.0' }))).toBe(
      '2a8dec6338b0b1fd5d1bb5c9077ebc19f8ccad7359ca48b121c88e849978e86ede4135d63504d90b092538e9f0e0e3ea',
    )
  })
})
