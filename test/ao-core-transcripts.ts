/**
 * Sends the requests of test/vectors/ao-core-http.json to a server and says how its replies differ from the reference's.
 *
 * Not compared: dates, names of servers, ids of requests, the order of signatures, RSA signatures (they are salted; verified instead), their `tag` (the
 * hashpath covers headers of the client), JSON texts (compared as values) and headers for browsers that were not recorded.
 */
import { request as httpRequest } from 'node:http'
import { expect, it } from 'vitest'
import { decodeAns104 } from '../src/codec/message/ans104.ts'
import { committersOf } from '../src/codec/message/id.ts'
import { parseSignatures } from '../src/codec/message/signature-headers.ts'
import type { Binary, HttpsigForm } from '../src/codec/message/value.ts'
import { verifyReceived } from '../src/codec/message/verify.ts'
import { bytesFrom, readVectors, type TypedBody } from './ao-core-vectors.ts'

export interface Transcript {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: TypedBody
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: TypedBody & { readonly html?: boolean; readonly omitted?: string }
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** As the recording client sent them with every request. */
const CLIENT_HEADERS = { host: '127.0.0.1:18734', connection: 'keep-alive', 'user-agent': 'vec/1' }
const OF_HTTP: ReadonlySet<string> = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding', 'x-request-id'])
/** Ours are in every reply, of which hardly any that was recorded has them. */
const FOR_BROWSERS = /^(access-control-.*|x-content-type-options)$/
const NOT_COMPARED = ['content-length', 'server', 'date', 'signature', 'signature-input']

export const { transcripts } = readVectors<{ readonly transcripts: readonly Transcript[] }>('ao-core-http.json')

export function send(port: number, { method, path, headers, body }: Transcript['request']): Promise<Reply> {
  const bytes = body === undefined ? null : bytesFrom(body)
  return new Promise((resolve, reject) => {
    const all = { ...CLIENT_HEADERS, ...headers, ...(bytes === null ? {} : { 'content-length': bytes.length }) }
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers: all, setHost: false, agent: false }, (response) => {
      const parts: Uint8Array[] = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          body: new Uint8Array(Buffer.concat(parts)),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(bytes ?? undefined)
  })
}

/** What is otherwise than recorded, in words; empty when nothing is. */
export async function differences({ response, request }: Transcript, reply: Reply): Promise<string[]> {
  const found: string[] = []
  if (reply.status !== response.status) found.push(`status ${reply.status}, not ${response.status}`)
  for (const [name, value] of Object.entries(response.headers))
    if (!NOT_COMPARED.includes(name) && value !== '(omitted)' && reply.headers[name] !== value)
      found.push(`${name}: ${reply.headers[name]}, not ${value}`)
  for (const name of Object.keys(reply.headers))
    if (response.headers[name] === undefined && !OF_HTTP.has(name) && !FOR_BROWSERS.test(name))
      found.push(`${name}: ${reply.headers[name]}, which the reference does not say`)
  found.push(...signatureDifferences(response.headers, reply.headers))
  if (request.method !== 'HEAD') found.push(...bodyDifferences(response, reply))
  if (reply.headers['signature-input'] !== undefined && request.method !== 'HEAD') await verifyReceived(formOf(reply))
  return found
}

/** Without what HTTP itself adds. */
export function formOf({ headers, body }: Reply): HttpsigForm {
  const own = Object.entries(headers).filter(([name]) => !OF_HTTP.has(name))
  return { headers: new Map<string, Binary>(own), body: body.length === 0 ? null : body }
}

/** Digests have to be the same; of RSA signatures the key and what they cover. */
function signatureDifferences(recorded: Reply['headers'], given: Reply['headers']): string[] {
  const [wanted, got] = [recorded, given].map((headers) => signaturesOf(headers).sort().join(' and ') || 'none')
  return got === wanted ? [] : [`signatures ${got}, not ${wanted}`]
}

function signaturesOf(headers: Reply['headers']): string[] {
  if (headers['signature-input'] === undefined) return []
  return parseSignatures(new Map<string, Binary>(Object.entries(headers))).map(({ id, type, keyId, names }) => {
    const isDigest = type === 'hmac-sha256'
    return `${isDigest ? id : ''} ${type} ${keyId?.slice(0, 20)} over ${names.join(' ')}`
  })
}

function bodyDifferences({ headers, body }: Transcript['response'], reply: Reply): string[] {
  if (body.omitted !== undefined) return []
  if (body.html === true) return reply.headers['content-type']?.startsWith('text/html') ? [] : [`no HTML but ${clip(reply.body)}`]
  const wanted = bytesFrom(body)
  if (headers['content-type'] === 'application/json' && headers['codec-device'] === 'json@1.0') return jsonDifferences(wanted, reply.body)
  if (headers['content-type'] === 'application/ans104')
    return committersOf(decodeAns104(reply.body)).length === 1 ? [] : ['an item that nobody signed'] // Upstream with RSA, here with Ed25519.
  return Buffer.compare(wanted, reply.body) === 0 ? [] : [`body ${clip(reply.body)}, not ${clip(wanted)}`]
}

interface JsonMessage {
  readonly commitments?: Readonly<Record<string, { readonly type: string }>>
}

function jsonDifferences(wantedBytes: Uint8Array, givenBytes: Uint8Array): string[] {
  const [wanted, given] = [wantedBytes, givenBytes].map((bytes) => parseJson(bytes))
  if (given === null || wanted === null) return [`body ${clip(givenBytes)} is no JSON`]
  const [{ commitments: wantedOnes = {}, ...wantedKeys }, { commitments: givenOnes = {}, ...givenKeys }] = [
    wanted as JsonMessage,
    given as JsonMessage,
  ]
  const missing = Object.entries(wantedOnes).filter(([id, { type }]) => type === 'hmac-sha256' && givenOnes[id] === undefined)
  const found = missing.map(([id]) => `no digest ${id}, but ${Object.keys(givenOnes).join(', ')}`)
  const [text, wantedText] = [sorted(givenKeys), sorted(wantedKeys)]
  return text === wantedText ? found : [...found, `JSON ${text}, not ${wantedText}`]
}

function sorted(message: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(message).sort(([a], [b]) => (a < b ? -1 : 1))))
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return null
  }
}

function clip(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.subarray(0, 300)).toString('utf8'))
}

/** Where our reply is another one on purpose: why, and what it is. Everything else has to be as recorded. */
interface Otherwise {
  readonly why: string
  readonly status: number
  /** Of the body as text. */
  readonly body?: RegExp
  readonly headers?: Readonly<Record<string, RegExp>>
}

const ITS_OWN = 'what the node says of itself is its own'
const LATER = 'the device is not on this node'
const NO_TRUST = 'a signature that does not hold is refused at the edge, before anything looks at who signed'
const OLD_FORM =
  'a client of the 2025-05 dialect is known by its signature and answered in that dialect; the reference ignores its signature'
const LEGACY = {
  'signature-input':
    /^http-sig-24f7b0ea4488d1a2=\("@status" "ao-result" "ao-types" "content-digest"\);alg="rsa-pss-sha512";keyid="[\w-]{683}"/,
}
const ADDRESS = /^zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs$/

const OTHERWISE: Readonly<Record<string, Otherwise>> = {
  'cors-preflight': { why: 'one preflight for all protocols of the node, which names the headers that were asked for', status: 204 },
  'meta-port-int': { why: ITS_OWN, status: 200, body: /^\d+$/, headers: { 'ao-types': /^body="integer", status="integer"$/ } },
  'meta-build': { why: ITS_OWN, status: 200, headers: { node: /^Heddle$/ } },
  'meta-build-json': { why: ITS_OWN, status: 200, body: /"node":"Heddle"/, headers: { 'codec-device': /^json@1\.0$/ } },
  'meta-build-version-float': { why: `${ITS_OWN}; its version has three numbers and is text`, status: 200, body: /^\d+\.\d+\.\d+/ },
  'meta-build-html': { why: 'HTML is for those who accept it', status: 200, body: /^$/, headers: { node: /^Heddle$/ } },
  'meta-device-entry-bundle': { why: ITS_OWN, status: 200, headers: { name: /^[a-z0-9-]+@1\.0$/ } },
  'meta-device-entry-json': { why: ITS_OWN, status: 200, body: /"name":"[a-z0-9-]+@1\.0"/ },
  'meta-on-json': { why: 'this node has no hooks unless its operator sets some', status: 200 },
  'meta-post-unauthorized': {
    why: 'every result that is no message is named by ao-result, a refusal too',
    status: 400,
    body: /^Unauthorized$/,
  },
  'not-found-browser': {
    why: 'a plain GET of a path that nobody knows gets what Arweave nodes say',
    status: 400,
    body: /^Request type not found\.$/,
  },
  'unknown-device': { why: 'what the client can mend is 4xx, without stack traces', status: 404, body: /"failure":"device-unknown"/ },
  'throw-html': { why: LATER, status: 404, headers: { failure: /^device-unknown$/ } },
  'hyperbuddy-format': { why: LATER, status: 404, headers: { failure: /^device-unknown$/ } },
  'auth-bang-key': {
    why: 'this node has no hook for authorization unless its operator sets one',
    status: 200,
    body: /"body":"zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs"/,
  },
  'msg-case-sensitive': { why: 'a key is looked for exactly, then in any case', status: 200, body: /"body":"1"/ },
  'msg-map-json': {
    why: 'the reference commits to a map from a path without its status, since it has a digest already',
    status: 200,
    body: /^\{"a":1,"b":2,/,
  },
  'msg-base-subpath': { why: 'brackets at the base are resolved; the reference fails', status: 200, body: ADDRESS },
  'msg-set-bundle': {
    why: '`connection` is a header of HTTP itself: the key travels escaped, and so it is signed',
    status: 200,
    headers: { '%63onnection': /^keep-alive$/ },
  },
  'post-multipart-browser-case': { why: 'forms of browsers are read', status: 200, body: /^v$/ },
  'ans104-bad-signature': { why: 'what cannot be verified is 400 with a reason', status: 400, body: /not signed by its owner/ },
  'hbsig-flat': { why: OLD_FORM, status: 200, body: /^x$/, headers: LEGACY },
  'hbsig-nested': { why: OLD_FORM, status: 200, body: /^d$/, headers: LEGACY },
  'hbsig-committers': { why: OLD_FORM, status: 200, body: ADDRESS, headers: LEGACY },
  'httpsig-verify': {
    why: 'the signature holds: keys that the node adds do not change the types that were signed',
    status: 200,
    body: /^true$/,
  },
  'httpsig-tampered-verify': { why: NO_TRUST, status: 400, headers: { failure: /^signature-invalid$/ } },
  'httpsig-forged-admin': { why: NO_TRUST, status: 400, headers: { failure: /^signature-invalid$/ } },
  'meta-post-authorized': {
    why: 'the forged change before it did not count',
    status: 200,
    body: /^Node message updated\. History: 1updates\.$/,
  },
}

/** Two of the paths are not AO-Core's alone: what stands there is the server's to say. */
export type SharedPaths = Readonly<Record<'root-redirect' | 'unknown-id', Otherwise>>

/** One test for each, in their order: they build upon each other. */
export function transcriptTests(port: () => number, shared: SharedPaths): void {
  const allOtherwise: Readonly<Record<string, Otherwise>> = { ...OTHERWISE, ...shared }
  it('every exception is of a transcript', () => {
    expect(Object.keys(allOtherwise).filter((name) => !transcripts.some((transcript) => transcript.name === name))).toEqual([])
  })
  for (const transcript of transcripts) {
    const { name, request } = transcript
    const otherwise = allOtherwise[name]
    it(otherwise === undefined ? name : `${name}: ${otherwise.why}`, async () => {
      const reply = await send(port(), request)
      const found = await differences(transcript, reply)
      if (otherwise === undefined) expect(found).toEqual([])
      else {
        expect(found, 'no longer otherwise: remove the exception').not.toEqual([])
        expect(reply.status).toBe(otherwise.status)
        if (otherwise.body !== undefined) expect(Buffer.from(reply.body).toString('utf8')).toMatch(otherwise.body)
        for (const [header, value] of Object.entries(otherwise.headers ?? {})) expect(reply.headers[header]).toMatch(value)
      }
    })
  }
}
