/**
 * Signatures as the clients of older dialects read them.
 *
 * Wire        g0: one RSA signature, `keyid` the modulus in base64url, components sorted with their `@`, `@status` among them.
 *             g1: `keyid` the modulus in base64, and beside it a digest by the constant `ao`. Both without `body-keys`.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-05, 2025-06)
 */
import { toBase64, toBase64url, utf8 } from '../../base/bytes.ts'
import { hmacSha256 } from '../../base/hash.ts'
import { type Commitment, commitmentId, type MessageSigner } from './commitment.ts'
import type { Dialect } from './dialect.ts'
import { HMAC_SHA256, RSA_PSS_SHA512 } from './key-id.ts'
import { baseOf, type Component, componentList, componentsOf, listedName, signedParameters } from './signature-base.ts'
import { HTTPSIG_DEVICE, signatureHeaders } from './signature-headers.ts'
import { type Binary, binaryBytes, compareKeys, EMPTY_MESSAGE, type HttpsigForm, type Message, type Value } from './value.ts'

export type LegacyDialect = Exclude<Dialect, 'g2'>

const G1_KEY_ID = 'ao'

export async function signLegacy(
  form: HttpsigForm,
  signer: MessageSigner,
  { dialect, tag }: { readonly dialect: LegacyDialect; readonly tag?: string },
): Promise<HttpsigForm> {
  const input = inputOf(form, dialect)
  const keyId = dialect === 'g0' ? toBase64url(signer.publicKey) : toBase64(signer.publicKey)
  const extra: Message = tag === undefined ? EMPTY_MESSAGE : new Map([['tag', tag]])
  const signed = signatureParams(input, RSA_PSS_SHA512, keyId, extra)
  const signature = await signer.sign(binaryBytes(baseOf(input.components, signed)))
  const signatures = [{ commitment: commitment(RSA_PSS_SHA512, keyId, { committer: signer.address, signature, extra }), raw: signed }]
  if (dialect === 'g1') {
    const raw = signatureParams(input, HMAC_SHA256, G1_KEY_ID, EMPTY_MESSAGE)
    const digest = hmacSha256(utf8(G1_KEY_ID), baseOf(input.components, raw))
    signatures.push({ commitment: commitment(HMAC_SHA256, G1_KEY_ID, { committer: null, signature: digest, extra: EMPTY_MESSAGE }), raw })
  }
  const [values, inputs] = signatureHeaders(signatures, dialect)
  return { headers: new Map<string, Binary>([...form.headers, ['signature', values], ['signature-input', inputs]]), body: form.body }
}

interface Input {
  readonly components: readonly Component[]
  readonly list: string
}

function inputOf({ headers, body }: HttpsigForm, dialect: LegacyDialect): Input {
  const signed = new Map([...headers].filter(([name]) => name !== 'body-keys'))
  const components = componentsOf({ headers: signed, body })
  const listed = (name: string): string => (dialect === 'g0' && name === 'status' ? '@status' : listedName(name))
  if (dialect === 'g0') components.sort(([a], [b]) => compareKeys(listed(a), listed(b)))
  return { components, list: componentList(components.map(([name]) => listed(name))) }
}

function signatureParams({ list }: Input, type: string, keyId: string, extra: Message): string {
  return list + signedParameters(new Map<string, Value>([...extra, ['alg', type], ['keyid', keyId]]))
}

function commitment(type: string, keyId: string, rest: Pick<Commitment, 'committer' | 'signature' | 'extra'>): Commitment {
  return { id: commitmentId(rest.signature), device: HTTPSIG_DEVICE, type, keyId, committed: [], ...rest }
}
