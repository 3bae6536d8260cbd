/** Programs that read files while their worker waits for the main thread: who pays for the time, and what becomes of trouble. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { moduleOf, REPLY_AT, replyAt, smallModule, WASM32 } from '../../test/small-programs.ts'
import { op } from '../../test/wasm-builder.ts'
import { utf8 } from '../base/bytes.ts'
import type { TxId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { Evaluation, GuestEnv, GuestModule } from './guest.ts'
import { createGuestPool, type GuestPool, type GuestPoolOptions } from './guest-pool.ts'
import type { FileQuery, OpenFile } from './host-bridge.ts'

const PATH = `/data/${'a'.repeat(43)}`
const PATH_AT = 4096
const HEAD = '{"ok":true,"response":{"Output":"'
const SHOWN = 8
const NOTHING_AT = 2048

/** Answers the first bytes of the file, or "nothing". */
const READER = smallModule(WASM32, {
  imports: [
    { module: 'env', name: '__asyncjs__weavedrive_open', params: ['i32', 'i32'], results: ['i32'] },
    { module: 'env', name: '__asyncjs__weavedrive_read', params: ['i32', 'i32', 'i32'], results: ['i32'] },
  ],
  locals: ['i32'],
  handle: [
    ...op.i32(PATH_AT),
    ...op.i32(0),
    ...op.call(0),
    ...op.set(2),
    ...op.get(2),
    0x45, // i32.eqz
    ...op.ifThen([...op.i32(NOTHING_AT), ...op.return]),
    ...op.get(2),
    ...op.i32(REPLY_AT + HEAD.length),
    ...op.i32(SHOWN),
    ...op.call(1),
    ...op.drop,
    ...op.i32(REPLY_AT),
  ],
  data: [
    replyAt(REPLY_AT, `${HEAD}${'?'.repeat(SHOWN)}"}}`),
    replyAt(NOTHING_AT, { ok: true, response: { Output: 'nothing' } }),
    { at: PATH_AT, bytes: utf8(`${PATH}\0`) },
  ],
})
const COUNTER = moduleOf(
  'heddle-lua-1',
  utf8('n = 0 function handle() n = n + 1 return { ok = true, response = { Output = tostring(n) } } end'),
)

function id(name: string): TxId {
  return `${name.padEnd(42, '_')}A` as TxId
}

const pools: GuestPool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()))
})

interface Started {
  readonly pool: GuestPool
  readonly queries: FileQuery[]
  readonly lost: string[]
}

function start(open: (query: FileQuery) => Promise<OpenFile | null>, options: Partial<GuestPoolOptions> = {}): Started {
  const queries: FileQuery[] = []
  const files = {
    async open(query: FileQuery) {
      queries.push(query)
      return open(query)
    },
  }
  const pool = createGuestPool({ workers: 1, memoryBytesMax: 2 ** 30, log: silentLog, files, ...options })
  pools.push(pool)
  const lost: string[] = []
  pool.onLost((process) => lost.push(process))
  return { pool, queries, lost }
}

async function open(pool: GuestPool, name: string, module: GuestModule): Promise<TxId> {
  const env: GuestEnv = { Process: { Id: id(name), Owner: 'o', Tags: [] }, Module: { Id: module.id, Owner: 'o', Tags: [] } }
  await pool.open(id(name), module, env, null)
  return id(name)
}

function message(slot: number): Record<string, unknown> {
  return { Id: id(`message${slot}`), Nonce: slot, 'Block-Height': 5, Timestamp: 1_000 }
}

function fileOf(content: string): OpenFile {
  const bytes = utf8(content)
  return { sizeBytes: bytes.length, read: async (from, to) => bytes.subarray(from, to) }
}

const never = (): Promise<never> => new Promise(() => {})

function outputOf({ result }: Evaluation): unknown {
  return result.Output
}

describe('a program that reads files', () => {
  it('gets them, each message those of its own', async () => {
    const { pool, queries } = start(async ({ message: { slot } }) => (slot === 2 ? null : fileOf(`weave${slot}!!!`)))
    const reader = await open(pool, 'reader', READER)
    const results = await Promise.all([1, 2, 3].map((slot) => pool.evaluate(reader, message(slot))))
    expect(results.map(outputOf)).toEqual(['weave1!!', 'nothing', 'weave3!!'])
    expect(queries.map((query) => [query.env.Process.Id, query.path, query.message])).toEqual(
      [1, 2, 3].map((slot) => [reader, PATH, { id: id(`message${slot}`), slot, height: 5, timestampMs: 1_000 }]),
    )
  })

  it('gets them in many workers at once', async () => {
    const { pool } = start(
      async ({ env }) => {
        await sleep(5)
        return fileOf(env.Process.Id)
      },
      { workers: 3 },
    )
    const readers = await Promise.all(Array.from({ length: 6 }, (_, n) => open(pool, `reader-${n}`, READER)))
    for (let slot = 1; slot <= 5; slot++) {
      const results = await Promise.all(readers.map((reader) => pool.evaluate(reader, message(slot))))
      expect(results.map(outputOf)).toEqual(readers.map((reader) => reader.slice(0, SHOWN)))
    }
  })
})

describe('the time that a program waits for a file', () => {
  it('is not its own', async () => {
    const { pool } = start(
      async () => {
        await sleep(700)
        return fileOf('slow disk')
      },
      { timeMsMax: 300 },
    )
    const reader = await open(pool, 'reader', READER)
    expect(outputOf(await pool.evaluate(reader, message(1)))).toBe('slow dis')
  })

  it('has an end all the same', async () => {
    const { pool, lost } = start(never, { filesMsMax: 300 })
    const reader = await open(pool, 'reader', READER)
    expect(await pool.evaluate(reader, message(1))).toMatchObject({
      ok: false,
      failure: 'time',
      result: { Error: 'out of time: this node stops a message that waits for files for more than 300 ms' },
    })
    expect(lost).toEqual([reader])
  })

  it('is not that of its neighbours: they move to another worker', async () => {
    let arrived = (_file: OpenFile): void => {}
    const { pool } = start(() => new Promise((resolve) => (arrived = resolve)))
    const [reader, neighbour] = [await open(pool, 'reader', READER), await open(pool, 'neighbour', COUNTER)]
    const reading = pool.evaluate(reader, message(1))
    await expect(pool.evaluate(neighbour, {})).rejects.toMatchObject({ code: 'guest-lost' })
    await open(pool, 'neighbour', COUNTER)
    expect(outputOf(await pool.evaluate(neighbour, {}))).toBe('1')
    arrived(fileOf('at last!'))
    expect(outputOf(await reading)).toBe('at last!')
  })
})

describe('trouble of the node', () => {
  it('is no result: the process is given up and opened again, its neighbours stay', async () => {
    let isBroken = true
    const { pool, lost } = start(async () => {
      if (isBroken) throw new Error('the disk is gone')
      return fileOf('restored')
    })
    const [reader, neighbour] = [await open(pool, 'reader', READER), await open(pool, 'neighbour', COUNTER)]
    const evaluations = await Promise.allSettled([
      pool.evaluate(reader, message(1)),
      pool.evaluate(reader, message(2)),
      pool.evaluate(neighbour, {}),
    ])
    const given = { status: 'rejected', reason: { code: 'guest-lost', facts: { process: reader } } }
    expect(evaluations).toMatchObject([given, given, { status: 'fulfilled', value: { result: { Output: '1' } } }])
    expect((evaluations[0] as PromiseRejectedResult).reason.message).toContain('the disk is gone')
    expect(lost).toEqual([reader])
    expect([pool.isOpen(reader), pool.isOpen(neighbour)]).toEqual([false, true])
    isBroken = false
    await open(pool, 'reader', READER)
    expect(outputOf(await pool.evaluate(reader, message(1)))).toBe('restored')
    expect(outputOf(await pool.evaluate(neighbour, {}))).toBe('2')
  })
})

describe('a worker that waits for a file', () => {
  it('stops with the pool', async () => {
    const { pool, queries } = start(never)
    const reader = await open(pool, 'reader', READER)
    const refused = expect(pool.evaluate(reader, message(1))).rejects.toMatchObject({ code: 'stopping' })
    while (queries.length === 0) await sleep(1)
    await pool.stop()
    await refused
  })

  it('may die: its process is opened again, and asks again', async () => {
    const workers: { crash(): void }[] = []
    let isSlow = true
    const { pool, queries } = start(() => (isSlow ? never() : Promise.resolve(fileOf('again!!!'))), {
      onWorker: (worker) => workers.push(worker),
    })
    const reader = await open(pool, 'reader', READER)
    const refused = expect(pool.evaluate(reader, message(1))).rejects.toMatchObject({ code: 'guest-lost', facts: { cause: 'crash' } })
    while (queries.length === 0) await sleep(1)
    isSlow = false
    workers[0]?.crash()
    await refused
    await open(pool, 'reader', READER)
    expect(outputOf(await pool.evaluate(reader, message(1)))).toBe('again!!!')
  })
})
