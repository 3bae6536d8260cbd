/** AO-Core: a kernel and its codecs in one thread, and requests over HTTP at 16 connections, against HyperBEAM's figures (`hyperbeam.ts`). */
import { readFileSync } from 'node:fs'
import { itemSigner } from '../src/codec/data-item.ts'
import { parseJwk, type RsaJwk } from '../src/codec/jwk.ts'
import { keyFromJwk } from '../src/codec/keys.ts'
import { decodeAns104, encodeAns104 } from '../src/codec/message/ans104.ts'
import { commit } from '../src/codec/message/commit.ts'
import { encodeHttpMessage } from '../src/codec/message/http-message.ts'
import { decodeHttpsig, encodeHttpsig } from '../src/codec/message/httpsig.ts'
import { unsignedId } from '../src/codec/message/id.ts'
import { encodeJson } from '../src/codec/message/json.ts'
import { decodeStructured, encodeStructured } from '../src/codec/message/structured.ts'
import { type Message, message, toValue } from '../src/codec/message/value.ts'
import { verifyMessage } from '../src/codec/message/verify.ts'
import { parsePath } from '../src/kernel/singleton.ts'
import { HYPERBEAM, perSecondAwaited, perSecondOf, speedOfMachine } from './hyperbeam.ts'
import { benchKernel } from './kernel.ts'
import { median, request, runLoad } from './load.ts'
import { type Server, startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

type Figure = keyof typeof HYPERBEAM
/** A row for what Heddle does in a second, beside the scaled figure of HyperBEAM. */
export type RowOf = (work: string, speed: number, figure: Figure, aim: string) => Row

const OPERATOR = new URL('../dev/wallets/dave.json', import.meta.url)
const MEASURE_MS = 2_000
const CONNECTIONS = 16
const GETS = 40_000
const SIGNED_GETS = 1_000
const PATH = '/~message@1.0&a=1/a'

export async function benchAoCore(scale: Scale): Promise<Row[]> {
  const jwk = parseJwk(JSON.parse(readFileSync(OPERATOR, 'utf8'))) as RsaJwk
  const machine = speedOfMachine()
  const row: RowOf = (work, speed, figure, aim) => {
    const there = HYPERBEAM[figure] * (machine ?? 1)
    return {
      work,
      heddle: perSecond(speed),
      against: `${perSecond(there)} HyperBEAM, ${machine === null ? 'not scaled' : 'scaled'}`,
      ratio: ratio(speed / there),
      aim,
    }
  }
  return [
    ...(await benchKernel(row, MEASURE_MS * scale.share)),
    ...codecs(row, MEASURE_MS * scale.share),
    ...(await signatures(jwk, row, MEASURE_MS * scale.share)),
    ...(await overHttp(jwk, scale, row)),
  ]
}

/** Some 1 KiB with two messages and a list inside. */
function nested(): Message {
  const words = (length: number): string => 'permaweb '.repeat(length / 9)
  return message({
    action: 'Transfer',
    quantity: 1_000,
    'data-protocol': 'ao',
    variant: 'ao.N.1',
    note: words(360),
    from: { name: 'alice', about: words(270), age: 41, rate: 1.5 },
    to: { name: 'bob', about: words(270), seen: true },
    path: ['one', 'two', 3],
  })
}

function codecs(row: RowOf, ms: number): Row[] {
  const value = nested()
  const tabm = encodeStructured(value)
  const form = encodeHttpsig(tabm)
  const target = '/~message@1.0&a=1/set&b=2/b'
  return [
    row(
      'parse a path of 3 steps',
      perSecondOf(() => parsePath({ target, keys: new Map() }), ms),
      'parsePath',
      '1×',
    ),
    row(
      'unsigned id of a nested message of 1 KiB',
      perSecondOf(() => unsignedId(new Map(value)), ms),
      'unsignedId',
      '1×',
    ),
    row(
      'structured to httpsig',
      perSecondOf(() => encodeHttpsig(encodeStructured(value)), ms),
      'toHttpsig',
      '1×',
    ),
    row(
      'httpsig to structured',
      perSecondOf(() => decodeStructured(decodeHttpsig(form)), ms),
      'fromHttpsig',
      '1×',
    ),
    row(
      'structured to JSON',
      perSecondOf(() => encodeJson(value), ms),
      'toJson',
      '1×',
    ),
  ]
}

/** What people send as data items: tags and data. */
function aoMessage(): Message {
  return message({ action: 'Transfer', quantity: '1000', 'data-protocol': 'ao', variant: 'ao.N.1', data: 'permaweb '.repeat(100) })
}

/** What is measured is a message that was never seen before: copies keep nothing that is remembered by message. */
async function signatures(jwk: RsaJwk, row: RowOf, ms: number): Promise<Row[]> {
  const key = keyFromJwk(jwk, { saltBytes: 64, digest: 'sha512' })
  const value = nested()
  const signed = await commit(value, key, {})
  const signer = itemSigner(keyFromJwk(jwk))
  const sent = aoMessage()
  const item = await encodeAns104(sent, signer)
  return [
    row(
      'verify httpsig of a nested 1 KiB, RSA-4096',
      await perSecondAwaited(() => verifyMessage(new Map(signed), { committers: 'all' }), ms),
      'verifyHttpsig',
      '1×',
    ),
    row(
      'commit httpsig of a nested 1 KiB, RSA-4096',
      await perSecondAwaited(() => commit(new Map(value), key, {}), ms),
      'commitHttpsig',
      '1×',
    ),
    row(
      'verify ans104 of 1 KiB, RSA-4096',
      await perSecondAwaited(() => verifyMessage(decodeAns104(item), { committers: 'all' }), ms),
      'verifyAns104',
      '1×',
    ),
    row('commit ans104 of 1 KiB, RSA-4096', await perSecondAwaited(() => encodeAns104(new Map(sent), signer), ms), 'commitAns104', '1×'),
  ]
}

async function overHttp(jwk: RsaJwk, { runs, share }: Scale, row: RowOf): Promise<Row[]> {
  const node = await startHeddle()
  try {
    const same = await medianOf(runs, () => get(node, () => PATH, GETS * share))
    let n = 0
    const fresh = await medianOf(runs, () => get(node, () => `/~message@1.0&a=${n++}/a`, SIGNED_GETS * share))
    const json = await medianOf(runs, () => get(node, () => `${PATH}?require-codec=application/json`, GETS * share))
    await option(node, jwk, { force_signed: false })
    const unsigned = await medianOf(runs, () => get(node, () => PATH, GETS * share))
    const tail = (load: Load, aim: string): string => `${aim}, p99 5 ms; here ${milliseconds(load.p99)}`
    return [
      row('GET of a key, signed replies, the same content', same.speed, 'signedGet', tail(same, 'RSA once')),
      row('GET of a key, signed replies, new content each time', fresh.speed, 'signedGet', 'what RSA allows'),
      row('GET of a key as JSON, signed, the same content', json.speed, 'signedJsonGet', tail(json, 'RSA once')),
      row('GET of a key, unsigned replies', unsigned.speed, 'unsignedGet', tail(unsigned, '10×')),
    ]
  } finally {
    await node.stop()
  }
}

/** The operator sets options of the node. */
async function option(node: Server, jwk: RsaJwk, options: Readonly<Record<string, boolean>>): Promise<void> {
  const key = keyFromJwk(jwk, { saltBytes: 64, digest: 'sha512' })
  const { headers } = encodeHttpMessage(await commit(toValue({ ...options }) as Message, key, {}), { wire: true })
  const answer = await fetch(`${node.url}/~meta@1.0/info`, {
    method: 'POST',
    headers: Object.fromEntries(headers) as Record<string, string>,
  })
  if (!answer.ok) throw new Error(`POST /~meta@1.0/info answered ${answer.status}: ${await answer.text()}`)
}

interface Load {
  readonly speed: number
  readonly p99: number
}

async function get(node: Server, path: () => string, count: number): Promise<Load> {
  let left = Math.ceil(count)
  const { requests, seconds, failures, p99 } = await runLoad({
    url: node.url,
    connections: CONNECTIONS,
    next: () => (left-- > 0 ? request('GET', path(), node.host) : null),
  })
  if (failures > 0) throw new Error(`${failures} of ${requests} GETs failed`)
  return { speed: requests / seconds, p99 }
}

async function medianOf(runs: number, work: () => Promise<Load>): Promise<Load> {
  const loads: Load[] = []
  for (let run = 0; run < runs; run++) loads.push(await work())
  return { speed: median(loads.map(({ speed }) => speed)), p99: median(loads.map(({ p99 }) => p99)) }
}
