/** Requests to AO-Core that may be bad, sent byte by byte, and what is said about them. */
import { expect } from 'vitest'
import type { HttpsigForm } from '../../../src/codec/index.ts'
import { binaryBytes } from '../../../src/codec/message/value.ts'
import { type RawAnswer, type RawHeaders, rawRequest, sendRaw } from './raw-http.ts'

export const AS_JSON: RawHeaders = [['accept', 'application/json']]
export const SET = '/~message@1.0/set'

export interface Told {
  readonly status: number
  readonly failure?: string
  readonly body?: unknown
  readonly [key: string]: unknown
}

export interface Door {
  get(target: string, headers?: RawHeaders): Promise<RawAnswer>
  post(target: string, headers: RawHeaders, body: string | Uint8Array): Promise<RawAnswer>
  /** A message in headers and a body; JSON is asked for. */
  postForm(target: string, form: HttpsigForm): Promise<RawAnswer>
  postJson(text: string | Uint8Array, target?: string): Promise<RawAnswer>
  /** What the options of the node are, but for who says so. */
  options(): Promise<string>
}

export function doorOf(url: () => string): Door {
  const send = (method: string, target: string, headers: RawHeaders, body: string | Uint8Array = ''): Promise<RawAnswer> =>
    sendRaw(url(), rawRequest(method, target, headers, Buffer.from(body as string)))
  const get: Door['get'] = (target, headers = []) => send('GET', target, headers)
  return {
    get,
    post: (target, headers, body) => send('POST', target, headers, body),
    postForm: (target, { headers, body }) =>
      send('POST', target, [...[...headers].map(([name, value]) => [name, binaryBytes(value)] as const), ...AS_JSON], body ?? ''),
    postJson: (text, target = SET) => send('POST', target, [['content-type', 'application/json'], ...AS_JSON], text),
    async options() {
      const answer = await get('/~meta@1.0/info', [...AS_JSON, ['accept-bundle', 'true']])
      const { commitments: _, ...kept } = JSON.parse(answer.body.toString()) as Record<string, unknown>
      return JSON.stringify(kept)
    },
  }
}

/** An answer in JSON, whose status is that of HTTP. */
export function told({ status, headers, body }: RawAnswer): Told {
  expect(headers['content-type']).toMatch(/^application\/json/)
  const json = JSON.parse(body.toString()) as Told
  expect(json.status).toBe(status)
  return json
}

/** Status and code of a failure in JSON, which says in words what is wrong. */
export function refusal(answer: RawAnswer): readonly [number, string | undefined] {
  const { status, failure, body } = told(answer)
  expect(String(body).length).toBeGreaterThan(10)
  return [status, failure]
}

/** Whatever came: the node answers, its options are what they were, and no object has got anything. */
export async function expectUndisturbed(door: Door, optionsBefore: string): Promise<void> {
  expect((await door.get('/~message@1.0&still=here/still')).body.toString()).toBe('here')
  expect(await door.options()).toBe(optionsBefore)
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
}
