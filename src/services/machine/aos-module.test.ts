import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { toBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { silentLog } from '../../base/log.ts'
import type { Evaluation, GuestEnv, GuestMessage } from '../../guests/guest.ts'
import { createGuestPool } from '../../guests/guest-pool.ts'
import { aosModuleSource, preloadStatement, processSource } from './aos-module.ts'

const PROCESSES = fileURLToPath(new URL('../../../processes/', import.meta.url))
const OWNER = 'O'.repeat(43)
const ALICE = 'a'.repeat(43)
const id = (letter: string): TxId => letter.repeat(43) as TxId

const pool = createGuestPool({ workers: 1, memoryBytesMax: 256 * 1024 * 1024, log: silentLog })
afterAll(() => pool.stop())

function envOf(process: TxId, tags: Record<string, string> = {}): GuestEnv {
  const all = { Type: 'Process', Module: id('m'), Authority: id('A'), ...tags }
  return {
    Process: { Id: process, Owner: OWNER, Tags: Object.entries(all).map(([name, value]) => ({ name, value })) },
    Module: { Id: id('m'), Owner: OWNER, Tags: [] },
  }
}

async function open(process: TxId, source: string, tags?: Record<string, string>, snapshot: Uint8Array | null = null): Promise<GuestEnv> {
  const env = envOf(process, tags)
  const bytes = utf8(source)
  await pool.open(process, { id: toBase64url(sha256(bytes)) as TxId, format: 'heddle-lua-1', bytes }, env, snapshot)
  return env
}

let nonce = 0
function message(process: TxId, from: string, tags: Record<string, string>, data: string | Uint8Array = ''): GuestMessage {
  nonce += 1
  return {
    Id: String(nonce).padStart(43, '0'),
    Data: data,
    Owner: from,
    Target: process,
    From: from,
    Tags: Object.entries(tags).map(([name, value]) => ({ name, value })),
    Epoch: 0,
    Nonce: nonce,
    Timestamp: 1_700_000_000_000 + nonce * 1000,
    'Block-Height': 100 + nonce,
    Cron: false,
    'Read-Only': false,
  }
}

/** A process that has had its first message. */
async function boot(process: TxId, tags: Record<string, string> = {}, data = ''): Promise<Evaluation> {
  const env = await open(process, aosModuleSource(), tags)
  const first = message(process, OWNER, {}, data)
  return pool.evaluate(process, { ...first, Id: process, Tags: env.Process.Tags })
}

async function evaluate(process: TxId, source: string): Promise<unknown> {
  const { result } = await pool.evaluate(process, message(process, OWNER, { Action: 'Eval' }, source))
  return result.Error ?? (result.Output as { data: unknown }).data
}

/** Runs a Lua test file inside a guest: the answer to the only message is the report. */
async function runLuaTests(file: string, process: TxId): Promise<{ passed: string[]; failed: string[] }> {
  const runner = [
    aosModuleSource().replace(/return handle\s*$/, ''),
    preloadStatement('.testing', readFileSync(`${PROCESSES}testing.lua`, 'utf8')),
    preloadStatement('test', readFileSync(PROCESSES + file, 'utf8')),
    preloadStatement('token', `return ${quoted(processSource('token'))}`),
    'local runtime = handle',
    'return function()',
    `  SOURCES = { token = require('token') }`,
    `  require('test')`,
    `  return { ok = true, response = { Output = require('.testing').report(), Messages = {}, Spawns = {}, Assignments = {} } }`,
    'end',
  ]
  await open(process, runner.join('\n'))
  const { ok, result } = await pool.evaluate(process, message(process, OWNER, {}))
  if (!ok) throw new Error(String(result.Error))
  await pool.close(process)
  return result.Output as { passed: string[]; failed: string[] }
}

function quoted(text: string): string {
  return `[=====[\n${text}]=====]`
}

describe('processes, tested in Lua', () => {
  const files = readdirSync(PROCESSES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('_test.lua'))
  it('there are tests', () => expect(files.length).toBeGreaterThan(5))
  for (const [index, file] of files.sort().entries()) {
    it(file, async () => {
      const { passed, failed } = await runLuaTests(file, id(String.fromCharCode(97 + index)))
      expect(failed).toEqual([])
      expect(passed.length).toBeGreaterThan(0)
    })
  }
})

describe('the aos module in a guest', () => {
  it('its source is the same each time, without tests', () => {
    expect(aosModuleSource()).toBe(aosModuleSource())
    expect(aosModuleSource()).not.toContain('_test')
    expect(aosModuleSource()).toContain("preload('.handlers-utils', ")
  })

  it('boots, evaluates and answers', async () => {
    const process = id('B')
    expect((await boot(process, { Name: 'b' })).result).toMatchObject({
      Output: { data: '', print: true },
      Messages: [],
      Spawns: [],
      Assignments: [],
    })
    await evaluate(process, `Handlers.add('Inc', function(msg) N = (N or 0) + 1 msg.reply({ Data = tostring(N) }) end)`)
    const { ok, result } = await pool.evaluate(process, message(process, ALICE, { Action: 'Inc', Reference: '77' }))
    expect(ok).toBe(true)
    expect(result.Messages).toEqual([
      {
        Target: ALICE,
        Data: '1',
        Anchor: '00000000000000000000000000000001',
        Tags: [
          { name: 'Data-Protocol', value: 'ao' },
          { name: 'Variant', value: 'ao.TN.1' },
          { name: 'Type', value: 'Message' },
          { name: 'Reference', value: '1' },
          { name: 'X-Reference', value: '77' },
        ],
      },
    ])
  })

  it('an error takes everything back, also what waits and what was seeded', async () => {
    const process = id('C')
    await boot(process)
    await evaluate(process, `Handlers.add('Bad', function() N = 99 Send({ Target = 'x' }) Receive('never') end)`)
    await evaluate(
      process,
      `Handlers.add('Worse', function() N = 1 table.insert(Inbox, 1) math.random() Handlers.once('q', function() end) error('no') end)`,
    )
    const before = await pool.snapshot(process)
    const { ok, result } = await pool.evaluate(process, message(process, ALICE, { Action: 'Worse' }))
    expect(ok).toBe(false)
    expect(result.Error).toContain('no')
    expect(result.Messages).toEqual([])
    expect(await pool.snapshot(process)).toEqual(before)
    expect(await evaluate(process, '#Inbox .. tostring(N) .. ao.reference')).toBe('1nil0')
  })

  it('a coroutine sleeps through a snapshot', async () => {
    const process = id('D')
    await boot(process)
    await evaluate(process, `Handlers.add('Ask', function(msg) print('heard ' .. Send({ Target = msg.From }).receive().Data) end)`)
    await pool.evaluate(process, message(process, ALICE, { Action: 'Ask' }))
    const snapshot = await pool.snapshot(process)
    await pool.close(process)
    await open(process, aosModuleSource(), {}, snapshot)
    const { result } = await pool.evaluate(process, message(process, ALICE, { 'X-Reference': '1' }, 'you'))
    expect(result.Output).toMatchObject({ data: 'heard you' })
  })

  it('a dry run changes nothing', async () => {
    const process = id('E')
    await boot(process)
    await pool.dryRun(process, message(process, OWNER, { Action: 'Eval' }, 'Count = 1'))
    expect(await evaluate(process, 'Count')).toBe('')
  })

  it('data that is not text arrives and leaves as bytes', async () => {
    const process = id('F')
    await boot(process)
    await evaluate(process, `Handlers.add('Echo', function(msg) msg.reply({ Data = msg.Data }) end)`)
    const bytes = Uint8Array.of(0, 255, 128, 65)
    const { result } = await pool.evaluate(process, message(process, ALICE, { Action: 'Echo' }, bytes))
    expect((result.Messages[0] as { Data: Uint8Array }).Data).toEqual(bytes)
  })

  it('a token spawned with its source as data works', async () => {
    const process = id('G')
    const { result } = await boot(
      process,
      { 'On-Boot': 'Data', Ticker: 'TKN', Denomination: '0', 'Total-Supply': '1000' },
      processSource('token'),
    )
    expect(result.Error).toBeUndefined()
    const info = await pool.dryRun(process, message(process, ALICE, { Action: 'Info' }))
    const [reply] = info.result.Messages as { Tags: { name: string; value: string }[] }[]
    const tags = Object.fromEntries(reply!.Tags.map(({ name, value }) => [name, value]))
    expect(tags).toMatchObject({ ticker: 'TKN', denomination: '0', supply: '1000' })
  })
})
