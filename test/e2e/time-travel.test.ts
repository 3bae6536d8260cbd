/** The past of processes, forks and reverts, on a node of its own process that is killed in between; with the built-in runtime and with aos. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { stateHashOf } from '../../src/guests/snapshot.ts'
import { startTestNode } from '../../src/testkit/node.ts'
import { ask } from './support/client.ts'
import { heddle, heddleJson } from './support/command.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { ao, type Client, clientOf, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'

const COUNT = 'Count = (Count or 0) + 1; return Count'
const NOBODY = `${'a'.repeat(42)}A`

let folder: string
let node: NodeProcess
let client: Client
let restart: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-time-'))
  const signer = itemSigner(await generateKey('ed25519'))
  restart = async () => {
    node = await startProcess(join(folder, 'data'))
    client = clientOf(node.url, signer)
  }
  await restart()
})
afterAll(async () => {
  await node.kill()
  await rm(folder, { recursive: true, force: true })
})

async function killed(): Promise<void> {
  await node.kill()
  await restart()
}

const run = (...words: string[]) => heddle(words, { url: node.url })
const runJson = async <T>(...words: string[]): Promise<T> => {
  const { code, value } = await heddleJson<T>(words, { url: node.url })
  expect(code, JSON.stringify(value)).toBe(0)
  return value
}

describe.each(RUNTIMES)('with $name', (runtime) => {
  async function counted(times: number): Promise<string> {
    const process = await client.spawn(runtime)
    for (let i = 1; i <= times; i++) expect(await client.evaluate(process, COUNT)).toBe(String(i))
    return process
  }

  it('every earlier state can be asked, and the live one stays as it is', async () => {
    const process = await counted(4)
    const times: number[] = []
    for (let slot = 0; slot <= 4; slot++) {
      const { edges } = JSON.parse(
        (await ask(`${node.url}/${process}?process-id=${process}&from-nonce=${slot - 1}&to-nonce=${slot}`)).body,
      ) as {
        edges: { node: { message: { id: string }; assignment: { id: string; tags: { name: string; value: string }[] } } }[]
      }
      const { message, assignment } = edges[0]!.node
      const timestamp = assignment.tags.find(({ name }) => name === 'Timestamp')!.value
      times.push(Number(timestamp))
      for (const to of [slot, message.id, assignment.id, timestamp])
        expect(await client.evaluateAt(process, to, 'Count = (Count or 0) + 100; return Count')).toBe(String(slot + 100))
    }
    expect(await client.evaluate(process, COUNT)).toBe('5')
    const shown = await run('eval', process, 'return Count', '--at', '2')
    expect(shown).toEqual({ code: 0, stdout: '2\n', stderr: '' })
    const state = await fetch(`${node.url}/state/${process}?to=3`)
    expect([state.status, state.headers.get('last-ordinate'), state.headers.get('last-timestamp')]).toEqual([200, '3', String(times[3])])
    const live = await fetch(`${node.url}/state/${process}`)
    const [past, now] = [Buffer.from(await state.arrayBuffer()), Buffer.from(await live.arrayBuffer())]
    expect(past.equals(now)).toBe(false)
    if (runtime.module !== null)
      expect([past.length % 65_536, now.length % 65_536]).toEqual([0, 0]) // All of its memory, as upstream.
    else expect(stateHashOf(past)).not.toBe(stateHashOf(now))
  })

  it('a snapshot can be taken at any time, and saved', async () => {
    const process = await counted(2)
    const file = join(folder, `state-${runtime.module === null ? 'lua' : 'aos'}`)
    const made = await runJson<{ slot: number; stateHash: string; sizeBytes: number }>('snapshot', process, '--out', file)
    const saved = await readFile(file)
    expect(made).toMatchObject({ slot: 2, sizeBytes: saved.length, stateHash: stateHashOf(saved) })
    const people = await run('snapshot', process)
    expect(people.stdout).toMatch(new RegExp(`^slot 2 {2}state ${made.stateHash} {2}\\d+(\\.\\d)? k?M?B\n$`))
    await killed()
    expect(await client.evaluate(process, COUNT)).toBe('3')
  })

  it('a fork goes on from a slot of its original, also after kills and as a fork of a fork', async () => {
    const process = await counted(3)
    const { process: forked } = await runJson<{ process: string }>('fork', process, '--at', '2', '--name', 'twin')
    await killed()
    expect([await client.evaluate(forked, COUNT), await client.evaluate(process, COUNT)]).toEqual(['3', '4'])
    expect(await client.evaluate(forked, 'return ao.id')).toBe(process)
    const { process: second } = await runJson<{ process: string }>('fork', forked)
    expect(await client.evaluate(second, COUNT)).toBe('4')
    await killed()
    expect([await client.evaluate(second, COUNT), await client.evaluate(forked, COUNT)]).toEqual(['5', '4'])
  })

  it('a fork talks to itself and to others, and its original hears nothing', async () => {
    const process = await client.spawn(runtime)
    await client.evaluate(
      process,
      `Heard = 0; Handlers.add('note', 'Note', function (msg) Heard = Heard + 1; From = msg.From; if msg.From ~= ao.id then msg.reply({ Action = 'Back' }) end end)`,
    )
    const { process: forked } = await runJson<{ process: string }>('fork', process)
    await client.evaluate(forked, `Send({ Target = ao.id, Action = 'Note' })`)
    await expect.poll(() => client.evaluate(forked, `return tostring(Heard) .. tostring(From == ao.id)`), { timeout: 10_000 }).toBe('1true')
    expect(await client.evaluate(process, 'return Heard')).toBe('0')
    const other = await client.spawn(runtime)
    await client.evaluate(other, `Handlers.add('back', 'Back', function (msg) Replied = msg.From end)`)
    await client.evaluate(other, `Send({ Target = '${forked}', Action = 'Note' })`)
    await expect.poll(() => client.evaluate(other, 'return tostring(Replied)'), { timeout: 10_000 }).toBe(forked)
  })

  it('a revert is durable, and what is sent again gets a new slot', async () => {
    const process = await counted(2)
    const { id, raw } = await client.item([{ name: 'Action', value: 'Eval' }, ...ao('Message')], { target: process, data: COUNT })
    await client.post(raw)
    expect((await client.result(process, id)).Output).toMatchObject({ data: '3' })
    await client.evaluate(process, COUNT)
    await run('snapshot', process)
    expect(await runJson('revert', process, '--to', '1')).toEqual({ process, slot: 1, forgotten: 3 })
    await killed()
    await expect(client.result(process, id)).rejects.toThrow('404')
    expect(await client.post(raw)).toMatchObject({ status: 202, id })
    expect((await client.result(process, 2)).Output).toMatchObject({ data: '2' })
    await killed()
    expect(await client.evaluate(process, COUNT)).toBe('3')
    expect((await run('revert', process, '--to', '3')).stdout).toBe(`process ${process} ends with slot 3 already\n`)
  })

  it('all that came of it can be computed again', async () => {
    const { slots, snapshots } = await verifyAllProcesses(node.url)
    expect(slots).toBeGreaterThan(20)
    expect(snapshots).toBeGreaterThan(1)
  })
})

describe('what cannot be', () => {
  it('is said in words', async () => {
    const process = await client.spawn(RUNTIMES[0])
    await client.evaluate(process, COUNT)
    for (const [words, code, said] of [
      [['revert', process, '--to', '9'], 1, 'has no slot 9; its last is 1'],
      [['revert', process], 2, '--to <slot> is missing'],
      [['revert', process, '--to', 'x'], 2, 'expected a slot'],
      [['revert', NOBODY, '--to', '0'], 1, 'was never spawned on this node'],
      [['fork', process, '--at', '9'], 1, 'has no slot 9 yet'],
      [['fork', NOBODY], 1, 'was never spawned on this node'],
      [['fork', 'x'], 2, 'is not a process id'],
      [['snapshot', NOBODY], 1, 'was never spawned on this node'],
      [['snapshot', process, '--out', join(folder, 'no', 'such', 'folder')], 1, 'it does not exist'],
      [['eval', process, '1', '--at', '9'], 1, 'has no slot 9 yet'],
      [['eval', process, '1', '--at', '-'], 2, 'expected a slot'],
      [['verify'], 2, 'a process id is missing'],
      [['verify', process, '--to', '9'], 1, 'slot 9'],
      [['verify', process, '--all'], 2, 'leave out the rest'],
      [['verify', NOBODY], 1, 'was never spawned on this node'],
    ] as const) {
      const ran = await run(...words)
      expect({ code: ran.code, stdout: ran.stdout }, words.join(' ')).toEqual({ code, stdout: '' })
      expect(ran.stderr, words.join(' ')).toContain(said)
    }
    await runJson('fork', process, '--at', '1')
    expect((await run('revert', process, '--to', '0')).stderr).toContain('a fork begins with slot 1')
  })

  it('answers with the status of its failure', async () => {
    const process = await client.spawn(RUNTIMES[0])
    const base = `${node.url}/heddle/processes/${process}`
    const post = (path: string, body: string) => ask(`${base}${path}`, { method: 'POST', body })
    expect((await post('/revert', 'x')).status).toBe(400)
    expect((await post('/revert', '{"to":-1}')).status).toBe(400)
    expect((await post('/revert', '{"to":1}')).status).toBe(400)
    expect((await ask(`${base}/snapshots/0`)).status).toBe(404)
    expect((await ask(`${base}/files?slot=0&path=/data/x`)).status).toBe(404)
    expect((await ask(`${node.url}/heddle/processes/x`)).status).toBe(400)
    expect((await ask(`${node.url}/heddle/processes/${NOBODY}/log`)).status).toBe(404)
    expect((await ask(`${node.url}/heddle/items/${NOBODY}`)).status).toBe(404)
    expect((await ask(`${node.url}/state/${process}?to=5`)).status).toBe(404)
    expect((await ask(`${node.url}/state/${process}?to=1000000000000`)).status).toBe(404)
    expect(
      (await ask(`${node.url}/dry-run?process-id=${process}&to=${NOBODY}`, { method: 'POST', body: '{"Owner":"o","Tags":[]}' })).status,
    ).toBe(404)
  })
})

it('many ask for many earlier states at once, while messages come', async () => {
  const test = await startTestNode({ workers: 2 })
  const own = clientOf(test.url, itemSigner(await generateKey('ed25519')))
  const process = await own.spawn(RUNTIMES[0])
  for (let i = 0; i < 20; i++) await own.evaluate(process, COUNT)
  const asked = Array.from({ length: 60 }, (_, i) => own.evaluateAt(process, i % 21, 'return Count or 0'))
  const live = Array.from({ length: 20 }, () => own.evaluate(process, COUNT))
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 60 }, (_, i) => String(i % 21)))
  expect(new Set(await Promise.all(live))).toEqual(new Set(Array.from({ length: 20 }, (_, i) => String(i + 21))))
  await verifyAllProcesses(test.url)
  await test.stop()
})
