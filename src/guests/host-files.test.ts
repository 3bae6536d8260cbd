import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, it } from 'vitest'
import type { Steps } from '../../test/file-reader.ts'
import { GUEST_FILE_BYTES_MAX, GUEST_FILE_OPENS_MAX, GUEST_FILE_PIECE_BYTES } from '../base/limits.ts'
import { type GuestEnv, GuestFault } from './guest.ts'
import { FileDesk, type FileQuery, type FileRequest, type FileSource, type OpenFile } from './host-bridge.ts'

const ENV: GuestEnv = { Process: { Id: 'process', Owner: 'owner', Tags: [] }, Module: { Id: 'module', Owner: 'author', Tags: [] } }
const MESSAGE = { Id: 'message', Nonce: 3, 'Block-Height': 12, Timestamp: 1_700_000_000_123 }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
})

interface Reader {
  readonly worker: Worker
  readonly desk: FileDesk
  readonly queries: FileQuery[]
  run(steps: Steps['steps'], message?: Steps['message']): Promise<unknown[]>
}

function startReader(source: FileSource['open'], env: GuestEnv | null = ENV): Reader {
  const queries: FileQuery[] = []
  const desk = new FileDesk({
    async open(query, signal) {
      queries.push(query)
      return source(query, signal)
    },
  })
  const worker = new Worker(new URL('../../test/file-reader.ts', import.meta.url), { workerData: { bridge: desk.bridge }, execArgv: [] })
  ends.push(() => worker.terminate())
  let done: (seen: unknown[]) => void = () => {}
  worker.on('message', (message: { request: FileRequest } | { seen: unknown[]; outside: unknown }) => {
    if ('request' in message) void desk.serve(message.request, env)
    else {
      expect(message.outside).toBe(null)
      done(message.seen)
    }
  })
  return {
    worker,
    desk,
    queries,
    run: (steps, message = MESSAGE) =>
      new Promise((resolve) => {
        done = resolve
        worker.postMessage({ message, steps } satisfies Steps)
      }),
  }
}

function path(n: number): string {
  return `/data/${String(n).padStart(43, 'x')}`
}

function fileOf(bytes: Uint8Array): OpenFile {
  return { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
}

it('opens and reads from any place, in pieces', async () => {
  const size = GUEST_FILE_PIECE_BYTES * 2 + 77
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 10)) & 255)
  const reads: number[] = []
  const { run, queries } = startReader(async (query) =>
    query.path === path(2)
      ? null
      : {
          sizeBytes: size,
          async read(start, end) {
            reads.push(end - start)
            return bytes.subarray(start, end)
          },
        },
  )
  const at = GUEST_FILE_PIECE_BYTES - 5
  const seen = await run([
    ['open', path(1)],
    ['open', path(1)],
    ['read', path(1), 0, 10],
    ['read', path(1), at, 20],
    ['read', path(1), 0, size * 2],
    ['read', path(1), size, 5],
    ['read', path(1), size - 3, 2 ** 53],
    ['read', path(1), -5, -5],
    ['open', path(2)],
    ['read', path(2), 0, 1],
  ])
  expect(seen).toEqual([
    size,
    size,
    bytes.slice(0, 10),
    bytes.slice(at, at + 20),
    bytes,
    new Uint8Array(0),
    bytes.slice(-3),
    new Uint8Array(0),
    null,
    `error: ${path(2)} is read before it is opened`,
  ])
  expect(reads).toEqual([GUEST_FILE_PIECE_BYTES, GUEST_FILE_PIECE_BYTES, 77])
  expect(queries.map((query) => query.path)).toEqual([path(1), path(2)])
})

it('tells who asks, while what is evaluated, and forgets between messages', async () => {
  const { run, queries } = startReader(async () => fileOf(Uint8Array.of(1, 2)))
  await run([['open', path(1)]])
  await run([['open', '/block/5']], { Id: 'dry', 'Block-Height': '9', Timestamp: 'soon' })
  expect(await run([['read', path(1), 0, 1]])).toEqual([`error: ${path(1)} is read before it is opened`])
  expect(queries).toEqual([
    { env: ENV, path: path(1), message: { id: 'message', slot: 3, height: 12, timestampMs: 1_700_000_000_123 } },
    { env: ENV, path: '/block/5', message: { id: 'dry', slot: null, height: 9, timestampMs: -1 } },
  ])
})

it('asks for nothing that cannot be there', async () => {
  const { run, queries } = startReader(async () => fileOf(Uint8Array.of(1)))
  const names = ['/usr/local/share/lua/5.3/bit.lua', '/data/short', '/data/../etc/passwd', '/block/-1', '/block/1e9', `${path(1)}/x`, '']
  expect(await run(names.map((name) => ['open', name] as const))).toEqual(names.map(() => null))
  expect(queries).toEqual([])
})

it('tells the faults of programs from the troubles of the node', async () => {
  const { run } = startReader(async (query) => {
    if (query.path === path(1)) throw new GuestFault('error', 'not like this')
    if (query.path === path(2)) throw new Error('the disk is gone')
    return { sizeBytes: 10, read: async () => new Uint8Array(query.path === path(3) ? 9 : 10) }
  })
  const seen = await run([
    ['open', path(1)],
    ['open', path(2)],
    ['open', path(3)],
    ['read', path(3), 0, 10],
    ['open', path(4)],
    ['read', path(4), 0, 10],
  ])
  expect(seen).toEqual([
    'error: not like this',
    'trouble: the disk is gone',
    10,
    expect.stringContaining('trouble: '),
    10,
    new Uint8Array(10),
  ])
})

it('tells trouble when the process is no longer open', async () => {
  const { run, queries } = startReader(async () => fileOf(Uint8Array.of(1)), null)
  expect(await run([['open', path(1)]])).toEqual(['trouble: the process is not open any more'])
  expect(queries).toEqual([])
})

it('has an end to how much one message asks for', async () => {
  const { run, queries } = startReader(async ({ path: wanted }) => ({
    sizeBytes: wanted === path(0) ? GUEST_FILE_BYTES_MAX + 1 : 1,
    read: async (start, end) => new Uint8Array(end - start),
  }))
  const opens = Array.from({ length: GUEST_FILE_OPENS_MAX + 1 }, (_, n) => ['open', path(n)] as const)
  const seen = await run([...opens, ['read', path(0), 0, 100], ['read', path(0), 0, GUEST_FILE_BYTES_MAX]])
  expect(seen.slice(GUEST_FILE_OPENS_MAX - 1)).toEqual([
    1,
    expect.stringMatching(/^error: .*1000 files/),
    new Uint8Array(100),
    expect.stringMatching(/^error: .*536870912 bytes/),
  ])
  expect(queries.length).toBe(GUEST_FILE_OPENS_MAX)
  expect(await run([['open', path(1)]])).toEqual([1])
})

it('ends while it waits, and the source learns of that', async () => {
  let aborted: Promise<unknown> | null = null
  const { worker, desk, run, queries } = startReader((_, signal) => {
    aborted = once(signal, 'abort')
    return new Promise(() => {})
  })
  void run([['open', path(1)]])
  while (queries.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(desk.isBusy).toBe(true)
  await worker.terminate()
  desk.close()
  await aborted
})
