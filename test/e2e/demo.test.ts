/** `heddle demo` as a user runs it: on a fresh folder, again on the same one, and against a node that is killed in the middle. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { isTxId } from '../../src/base/ids.ts'
import { keyFromJwk } from '../../src/codec/keys.ts'
import { heddleJson, startCommand } from './support/command.ts'
import { startProcess } from './support/process.ts'
import { verifyAllProcesses } from './support/verify.ts'

interface Told {
  readonly url: string
  readonly site: string
  readonly item: string
  readonly token: string
  readonly till: string
  readonly steps: readonly { readonly title: string; readonly facts: readonly (readonly [string, string])[] }[]
}

const STEPS = 11
const WALLETS: readonly string[] = ['alice', 'bob'].map(
  (name) => keyFromJwk(JSON.parse(readFileSync(join(import.meta.dirname, `../../dev/wallets/${name}.json`), 'utf8'))).address,
)
const folder = mkdtempSync(join(tmpdir(), 'heddle-demo-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('succeeds on a fresh folder and again on the same one, with a node of its own', async () => {
  const data = join(folder, 'own')
  const ids = new Set<string>()
  for (const round of [1, 2]) {
    const { code, value } = await heddleJson<Told>(['demo', '--data', data], { cwd: folder, env: { HEDDLE_PORT: '0' } })
    expect({ code, steps: value.steps?.length }, JSON.stringify(value)).toEqual({ code: 0, steps: STEPS })
    for (const id of [value.site, value.item, value.token, value.till]) ids.add(id)
    expect(ids.size).toBe(4 * round)
  }
  const node = await startProcess(data)
  for (const id of ids) expect(await isServed(node.url, id), id).toBe(true)
  await verifyAllProcesses(node.url)
  expect(await node.stop()).toBe(0)
})

it.each([
  ['while it uploads', 'Tie them together'],
  ['while processes pay each other', 'Mint, and transfer'],
])('loses nothing that it printed when the node is killed %s', async (_, lastStep) => {
  const data = join(folder, lastStep.slice(0, 4))
  const node = await startProcess(data)
  const demo = startCommand(['demo', '--url', node.url], { cwd: folder })
  const printed = await readUntil(demo, lastStep, () => node.kill())
  expect(printed.code).toBe(1)
  expect(printed.stderr).toMatch(/^heddle: the demo failed at ".*": .*; "heddle doctor" looks for causes\n$/)
  const ids = printed.stdout.match(/[A-Za-z0-9_-]+/g)!.filter((word) => isTxId(word) && !WALLETS.includes(word))
  expect(ids.length).toBeGreaterThanOrEqual(5)

  const again = await startProcess(data)
  for (const id of new Set(ids)) expect(await isServed(again.url, id), id).toBe(true)
  await verifyAllProcesses(again.url)
  expect(await again.stop()).toBe(0)
})

/** Everything that the demo prints is data, a data item or a transaction: the gateway has it and GraphQL finds it. */
async function isServed(url: string, id: string): Promise<boolean> {
  const query = JSON.stringify({ query: `{ transaction(id: "${id}") { id } }` })
  const [data, graphql] = await Promise.all([
    fetch(`${url}/raw/${id}`),
    fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: query }),
  ])
  await data.arrayBuffer()
  const { data: found } = (await graphql.json()) as { data: { transaction: { id: string } | null } }
  return data.status === 200 && found.transaction?.id === id
}

/** Calls `act` as soon as a step is told, and reads on to the end. */
async function readUntil(
  child: ChildProcess,
  step: string,
  act: () => Promise<void>,
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  let stdout = ''
  let stderr = ''
  let acted: Promise<void> | null = null
  child.stderr!.on('data', (part: Buffer) => {
    stderr += String(part)
  })
  child.stdout!.on('data', (part: Buffer) => {
    stdout += String(part)
    if (stdout.includes(step)) acted ??= act()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  await acted
  return { stdout, stderr, code }
}
