import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formFrom, readVectors, type TypedForm, vectorKeys } from '../../test/ao-core-vectors.ts'
import { concat, toLatin1, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { encodeBundle } from '../codec/bundle.ts'
import { createDataItem } from '../codec/data-item.ts'
import { commit } from '../codec/message/commit.ts'
import { encodeHttpMessage } from '../codec/message/http-message.ts'
import { encodeJson } from '../codec/message/json.ts'
import { itemSigner, messageSigner } from '../codec/message/signers.ts'
import { binaryBytes, type HttpsigForm, message } from '../codec/message/value.ts'
import { CommandError } from './command.ts'
import { examine, isGood } from './inspect-message.ts'
import { recognise } from './inspect-source.ts'
import { reportLines } from './inspect-text.ts'
import { createOutput } from './output.ts'

const output = createOutput(false)
const said = message({ action: 'Eval', slot: 7, within: { a: ['x', 1.5] }, body: 'text', '\u001b[31mred': '\u001b]0;title\u0007x\ny' })
const signed = await commit(said, messageSigner(vectorKeys['key-1']))
const item = await createDataItem({ data: 'x' }, itemSigner(vectorKeys['key-1']))

function dump({ headers, body }: HttpsigForm, start = 'HTTP/1.1 200 OK', lineEnd = '\r\n'): Uint8Array {
  const lines = [...headers].map(([name, value]) => `${name}: ${toLatin1(binaryBytes(value))}${lineEnd}`)
  return concat([Buffer.from(`${start}${lineEnd}${lines.join('')}${lineEnd}`, 'latin1'), body ?? new Uint8Array(0)])
}

const form = encodeHttpMessage(signed, { bundle: true })
const samples: Readonly<Record<string, Uint8Array>> = {
  http: dump(form),
  json: utf8(encodeJson(signed)),
  item: item.raw,
  bundle: encodeBundle([item]),
  flat: utf8('a/b: c\nd: e'),
}

async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const report = await examine(recognise(bytes, 'sample'))
    for (const line of reportLines(report, output, true)) expect(line).not.toMatch(/(?!\n|\t)\p{Cc}/u)
    return isGood(report) ? 'good' : 'bad'
  } catch (error) {
    if (error instanceof HeddleError || error instanceof CommandError) return error.code
    throw error
  }
}

describe('what is inspected', () => {
  for (const [name, bytes] of Object.entries(samples))
    it(`${name} is known by its bytes`, async () => expect(await outcome(bytes)).toBe('good'))

  it('a bundle is one also where its count looks like the start of JSON', async () => {
    const signer = itemSigner(vectorKeys['key-1'])
    const items = await Promise.all(Array.from({ length: 0x7b }, (_, i) => createDataItem({ data: String(i) }, signer)))
    expect(await outcome(encodeBundle(items))).toBe('good')
  })

  it('HTTP with bare line ends, as a request, and as newer versions print it', async () => {
    for (const start of ['HTTP/1.1 200 OK', 'HTTP/2 200 ', 'POST /~a@1.0/b HTTP/1.1'])
      for (const lineEnd of ['\r\n', '\n'])
        expect(await outcome(dump(form, start, lineEnd)), `${start} ${JSON.stringify(lineEnd)}`).toBe('good')
  })

  it('replies of the reference', async () => {
    interface Transcript {
      readonly name: string
      readonly request: { readonly method: string }
      readonly response: TypedForm & { readonly status: number }
    }
    const { transcripts } = readVectors<{ transcripts: readonly Transcript[] }>('ao-core-http.json')
    const results: string[][] = []
    for (const { name, request, response } of transcripts) {
      const expected = request.method === 'HEAD' && 'content-digest' in response.headers ? 'bad' : 'good'
      results.push([name, await outcome(dump(formFrom(response), `HTTP/1.1 ${response.status} X`)), expected])
    }
    expect(results.filter(([, found, wanted]) => found !== wanted)).toEqual([
      ['unknown-device', 'encoding-invalid', 'good'], // Its body was left out of the vectors: diagnostics.
    ])
  })

  it('whatever it is, fails with a code or is shown without control characters', async () => {
    const anything = fc.uint8Array({ maxLength: 200 })
    const prefixed = fc.tuple(fc.constantFrom('{', '[', 'HTTP/1.1 200 OK\r\n', 'GET / HTTP/1.1\n', 'a: '), anything)
    await fc.assert(fc.asyncProperty(anything, async (bytes) => void (await outcome(bytes))))
    await fc.assert(fc.asyncProperty(prefixed, async ([start, bytes]) => void (await outcome(concat([utf8(start), bytes])))))
  })

  it('with one byte changed is not good any more, or says the same', async () => {
    const change = fc.tuple(fc.constantFrom('http', 'item', 'bundle'), fc.nat(), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([name, at, bits]) => {
        const sample = samples[name]!
        const place = at % sample.length
        const changed = sample.map((byte, i) => (i === place ? byte ^ bits : byte))
        const isStatusLine = name === 'http' && place < 'HTTP/1.1 200 OK\r\n'.length
        if ((await outcome(changed)) === 'good' && !isStatusLine) expect(await sameMessage(changed, sample)).toBe(true)
      }),
    )
  })
})

/** Some bytes mean nothing, such as the case of a header's name or the label of a signature. */
async function sameMessage(a: Uint8Array, b: Uint8Array): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map(async (bytes) => examine(recognise(bytes, 'sample'))))
  const isUnsigned = one!.commitments.length === 0 && one!.items.length === 0
  const isLess = one!.commitments.length < other!.commitments.length
  return (
    isUnsigned ||
    isLess ||
    (one!.unsignedId === other!.unsignedId && one!.items.map(({ id }) => id).join() === other!.items.map(({ id }) => id).join())
  )
}
