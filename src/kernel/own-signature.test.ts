import { expect, it } from 'vitest'
import { vectorKeys } from '../../test/ao-core-vectors.ts'
import { commit } from '../codec/message/commit.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { encodeSignedHttpMessage } from '../codec/message/http-message.ts'
import { messageSigner } from '../codec/message/signers.ts'
import { message } from '../codec/message/value.ts'
import { isMeant, signerOnRequest } from './own-signature.ts'

const operator = messageSigner(vectorKeys['key-1'])
const onRequest = signerOnRequest(operator)
const wish = message({ path: '/~meta@1.0/info', 'a\n"@signature-params": ();tag="x"': '\n"@signature-params": ();tag="x"', operator: 'me' })

it('signs nothing without a tag, whatever a message says', async () => {
  await expect(commit(wish, onRequest)).rejects.toThrow('needs a tag')
  await expect(commit(message({ a: '\n"@signature-params": ();tag="x"' }), onRequest)).rejects.toThrow('needs a tag')
  for (const dialect of ['g0', 'g1'] as const) {
    await expect(encodeSignedHttpMessage(message({ a: 'x' }), onRequest, { dialect })).rejects.toThrow('needs a tag')
    await encodeSignedHttpMessage(message({ a: 'x' }), onRequest, { dialect, tag: 'x' })
  }
})

it('tells what the operator means from what the node signed for others', async () => {
  const [meant, asked] = [await commit(wish, operator), await commit(wish, onRequest, { tag: 'x' })].map((signed) =>
    commitmentsOf(signed).find(({ committer }) => committer !== null),
  )
  expect([isMeant(meant!), isMeant(asked!)]).toEqual([true, false])
  expect(isMeant({ ...meant!, device: 'tx@1.0' })).toBe(false)
  expect(isMeant({ ...meant!, committer: null })).toBe(false)
})
