/** Many signatures of one large message, which anybody can make: what they agree on is found once, not once more for each pair of keys or each signature. */
import { expect, it } from 'vitest'
import { toBase64, utf8 } from '../../base/bytes.ts'
import { hmacSha256 } from '../../base/hash.ts'
import { commitmentsOf } from './commitment.ts'
import { encodeHttpsig, encodeHttpsigWire } from './httpsig.ts'
import { CONSTANT_KEY_ID } from './key-id.ts'
import { type Component, componentList, componentsOf, listedName, signatureBase } from './signature-base.ts'
import type { HttpsigForm, Tabm } from './value.ts'
import { verifyReceived } from './verify.ts'

const KEYS = 9000
const SIGNATURES = 64

/** With digests over these components in turn, which need no key. */
function digested(form: HttpsigForm, lists: readonly (readonly Component[])[], more = ''): HttpsigForm {
  const made = Array.from({ length: SIGNATURES }, (_, at) => {
    const components = lists[at % lists.length] ?? []
    const parameters = `;alg="hmac-sha256"${more};keyid="${CONSTANT_KEY_ID}";nonce="${at}"`
    const digest = hmacSha256(utf8(CONSTANT_KEY_ID), signatureBase(components, parameters))
    const list = componentList(components.map(([name]) => listedName(name)))
    return [`s${at}=:${toBase64(digest)}:`, `s${at}=${list}${parameters}`] as const
  })
  const [signature, input] = [0, 1].map((at) => made.map((pair) => pair[at]).join(', ')) as [string, string]
  return { headers: new Map([...form.headers, ['signature', signature], ['signature-input', input]]), body: form.body }
}

function keys(value: string): [string, string][] {
  return Array.from({ length: KEYS }, (_, at) => [`key-number-${at}`, value])
}

it('takes little more time for many signatures over two lists than for one', { timeout: 4000 }, async () => {
  const form = encodeHttpsigWire(new Map([['x', 'y'], ...keys('\n')]))
  const all = componentsOf(form)
  const { message } = await verifyReceived(digested(form, [all, all.filter(([name]) => name !== 'x')]))
  expect([message.size, commitmentsOf(message).length]).toEqual([KEYS + 1, SIGNATURES / 2])
})

it('takes little more time for many over another form than was sent', { timeout: 3000 }, async () => {
  const tabm: Tabm = new Map<string, string | Tabm>([
    ['x', 'y'],
    ['inner', new Map(keys('\nx'))],
  ])
  const { message } = await verifyReceived(digested(encodeHttpsigWire(tabm), [componentsOf(encodeHttpsig(tabm))], ';bundle="true"'))
  expect([message.size, commitmentsOf(message).length]).toEqual([3, SIGNATURES])
})

it('takes no more lists than there may be, also of keys that came in the body', async () => {
  const names = Array.from({ length: 5 }, (_, at) => `x${at}`)
  const tabm: Tabm = new Map<string, string | Tabm>([...names.map((name) => [name, 'y'] as const), ['inner', new Map([['k', 'x']])]])
  const all = componentsOf(encodeHttpsig(tabm))
  const lists = names.map((without) => all.filter(([name]) => name !== without))
  const sent = encodeHttpsigWire(tabm)
  await expect(verifyReceived(digested(sent, lists.slice(1), ';bundle="true"'))).resolves.toBeDefined()
  await expect(verifyReceived(digested(sent, lists, ';bundle="true"'))).rejects.toMatchObject({ code: 'too-large' })
})
