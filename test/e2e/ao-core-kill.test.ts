/** A node that is killed in the middle of AO-Core writes: what it acknowledged is there when it is back, and no request of the operator counts twice. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { keyFromJwk } from '../../src/codec/keys.ts'
import { encodeAns104 } from '../../src/codec/message/ans104.ts'
import { type Message, message } from '../../src/codec/message/value.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { devWallet } from './wallets.ts'

const ROUNDS = 3
const WRITERS = 4
const KILL_AFTER_MS = 400
/** So few that what need not be durable has to make room all the time. */
const CACHE_BYTES = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'heddle-ao-core-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// The well-known identity of the development network, whose node has no other operator.
const operator = itemSigner(keyFromJwk(devWallet('dave')))

function start(): Promise<NodeProcess> {
  return startProcess(folder, [], { env: { HEDDLE_AO_CACHE_BYTES: String(CACHE_BYTES) } })
}

async function signed(keys: Message): Promise<Uint8Array> {
  return encodeAns104(keys, operator)
}

function post(url: string, path: string, item: Uint8Array): Promise<Response> {
  const headers = { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0', accept: 'application/json' }
  return fetch(`${url}${path}`, { method: 'POST', headers, body: item })
}

async function read(url: string, path: string): Promise<string> {
  return (await fetch(`${url}${path}`)).text()
}

it('keeps what it acknowledged, and refuses repeats', { timeout: 120_000 }, async () => {
  const written = new Map<string, string>()
  let option: { readonly request: Uint8Array; readonly value: string } | null = null
  let updates = 0
  let running = await start()
  for (let round = 0; round < ROUNDS; round++) {
    const { url } = running
    let isOver = false
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const value = `round ${round} writer ${writer} number ${n} `.repeat(1 + ((n * 37) % 5000))
        const body = n % 2 === 0 ? value : { deep: { er: value } }
        const reply = await post(url, '/~cache@1.0/write', await signed(message({ body }))).catch(() => null)
        if (reply?.status !== 200) continue
        const acknowledged = (await reply.json().catch(() => null)) as { readonly path: string } | null
        if (acknowledged !== null) written.set(n % 2 === 0 ? acknowledged.path : `${acknowledged.path}/deep/er`, value)
      }
    }
    const change = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const value = `${round} ${n}`
        const request = await signed(message({ 'my-option': value }))
        const reply = await post(url, '/~meta@1.0/info', request).catch(() => null)
        if (reply?.status !== 200) continue
        option = { request, value }
        updates++
      }
    }
    const fill = async (): Promise<void> => {
      const headers = { 'cache-control': 'always', large: 'x'.repeat(3000) }
      for (let n = 0; !isOver; n++) await fetch(`${url}/~message@1.0&a=${round}-${n}/set&b=${n}`, { headers }).catch(() => null)
    }
    const work = [change(), fill(), ...Array.from({ length: WRITERS }, (_, writer) => write(writer))]
    await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS + 150 * round)) // At any moment: there is nothing to wait for.
    await running.kill()
    isOver = true
    await Promise.all(work)
    running = await start()
    const history = (await (
      await fetch(`${running.url}/~meta@1.0/info/node_history/keys?accept-bundle=true&accept=application/json`)
    ).json()) as object
    expect(Object.keys(history).length).toBeGreaterThan(1)
  }
  expect(written.size).toBeGreaterThan(ROUNDS)
  expect(updates).toBeGreaterThan(ROUNDS)
  const { url } = running
  for (const [path, value] of written) expect(await read(url, `/~cache@1.0/read?target=${encodeURIComponent(path)}`), path).toBe(value)
  const { request, value } = option!
  const now = await read(url, '/~meta@1.0/info/my-option')
  expect([value, nextOf(value)]).toContain(now) // The next one may have been written and not acknowledged.
  const repeated = await post(url, '/~meta@1.0/info', request)
  expect(repeated.status).toBe(400)
  expect(await repeated.text()).toContain('changed the options before')
  expect(await read(url, '/~meta@1.0/info/my-option')).toBe(now)
  const kept = await fetch(`${url}/~message@1.0&a=1/set&part=(~message@1.0&b=2)`, { headers: { 'cache-control': 'always' } })
  expect(await read(url, `/${kept.headers.get('part+link')}/b`)).toBe('2')
  await running.kill()
})

/** What `change` sends after this. */
function nextOf(value: string): string {
  const [round = '', n = ''] = value.split(' ')
  return `${round} ${Number(n) + 1}`
}
