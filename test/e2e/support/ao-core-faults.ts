/** A node that is sent bad requests to AO-Core, byte by byte, what it says about them, and that nothing of it stays. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { HttpsigForm } from '../../../src/codec/index.ts'
import { binaryBytes } from '../../../src/codec/message/value.ts'
import { startTestNode, type TestNode } from '../../../src/testkit/node.ts'
import { exchangeStrictly, type RawHeaders, rawRequest, type StrictAnswer } from '../../strict-http.ts'

export const AS_JSON: RawHeaders = [['accept', 'application/json']]
export const SET = '/~message@1.0/set'

export interface Told {
  readonly status: number
  readonly failure?: string
  readonly body?: unknown
  readonly [key: string]: unknown
}

export interface Door {
  /** Whatever bytes these are. */
  send(bytes: Uint8Array): Promise<StrictAnswer>
  get(target: string, headers?: RawHeaders): Promise<StrictAnswer>
  post(target: string, headers: RawHeaders, body: string | Uint8Array): Promise<StrictAnswer>
  /** A message in headers and a body; JSON is asked for. */
  postForm(target: string, form: HttpsigForm): Promise<StrictAnswer>
  postJson(text: string | Uint8Array, target?: string): Promise<StrictAnswer>
  /** What the options of the node are, but for who says so. */
  options(): Promise<string>
}

export interface BadInputRig {
  readonly door: Door
  url(): string
  restart(): Promise<void>
  /** What was changed with good reason is what has to stay from now on. */
  acceptOptions(): Promise<void>
}

/** One node for all tests of a file; after each of them it must be as it was before. */
export function badInputRig(): BadInputRig {
  let node: TestNode
  let optionsBefore: string
  const door = doorOf(() => node.url)
  const acceptOptions = async (): Promise<void> => {
    optionsBefore = await door.options()
  }
  beforeAll(async () => {
    node = await startTestNode()
    await acceptOptions()
  })
  afterAll(() => node?.stop())
  afterEach(() => expectUndisturbed(door, optionsBefore))
  return {
    door,
    url: () => node.url,
    restart: async () => {
      node = await node.restart()
    },
    acceptOptions,
  }
}

function doorOf(url: () => string): Door {
  const send: Door['send'] = (bytes) => exchangeStrictly(Number(new URL(url()).port), bytes)
  const get: Door['get'] = (target, headers = []) => send(rawRequest('GET', target, headers))
  const post: Door['post'] = (target, headers, body) => send(rawRequest('POST', target, headers, Buffer.from(body as string)))
  return {
    send,
    get,
    post,
    postForm: (target, { headers, body }) =>
      post(target, [...[...headers].map(([name, value]) => [name, binaryBytes(value)] as const), ...AS_JSON], body ?? ''),
    postJson: (text, target = SET) => post(target, [['content-type', 'application/json'], ...AS_JSON], text),
    async options() {
      const answer = await get('/~meta@1.0/info', [...AS_JSON, ['accept-bundle', 'true']])
      const { commitments: _, ...kept } = JSON.parse(answer.body.toString()) as Record<string, unknown>
      return JSON.stringify(kept)
    },
  }
}

/** An answer in JSON, whose status is that of HTTP. */
export function told({ status, headers, body }: StrictAnswer): Told {
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  const json = JSON.parse(body.toString()) as Told
  expect(json.status).toBe(status)
  return json
}

/** Status and code of a failure in JSON, which says in words what is wrong. */
export function refusal(answer: StrictAnswer): readonly [number, string | undefined] {
  const { status, failure, body } = told(answer)
  expect(String(body).length).toBeGreaterThan(10)
  return [status, failure]
}

/** Whatever came: the node answers, its options are what they were, and no object has got anything. */
async function expectUndisturbed(door: Door, optionsBefore: string): Promise<void> {
  expect((await door.get('/~message@1.0&still=here/still')).body.toString()).toBe('here')
  expect(await door.options()).toBe(optionsBefore)
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
}
