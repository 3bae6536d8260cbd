/** The reference loader, seen from a test: whole runs of messages through a child process (reference-loader.ts). */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GuestEnv, GuestMessage } from '../../src/guests/guest.ts'

export interface ReferenceModule {
  readonly path: string
  readonly format: string
}

/** What the loader gave for one message. */
export interface RawResult {
  readonly Output?: unknown
  readonly Messages?: unknown
  readonly Spawns?: unknown
  readonly Assignments?: unknown
  readonly Error?: unknown
  /** Only the formats that count gas say more than 0. */
  readonly GasUsed?: unknown
  /** A Lua error that nothing caught. */
  readonly thrown?: string
  /** The instance ended: a trap, an exit, a reply that is no JSON. */
  readonly broken?: string
}

export interface ReferenceJob {
  readonly job: number
  readonly module: ReferenceModule
  readonly env: GuestEnv
  /** Their Data is text already: JSON carries nothing else. */
  readonly messages: readonly GuestMessage[]
  /** In one instance that stays, or with memory in and out. */
  readonly keepsHot: boolean
}

export interface ReferenceAnswer {
  readonly job: number
  readonly results?: readonly RawResult[]
  readonly failure?: string
}

export interface Reference {
  /** A fresh process that gets these messages one after another. */
  run(job: Omit<ReferenceJob, 'job' | 'keepsHot'> & { readonly keepsHot?: boolean }): Promise<readonly RawResult[]>
  stop(): void
}

const ENTRY = fileURLToPath(new URL('./reference-loader.ts', import.meta.url))
const STDERR_KEPT_CHARS = 4000

export function startReference(): Reference {
  const child = fork(ENTRY, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: ['--expose-gc'], env: {} })
  const waiting = new Map<number, { resolve(results: readonly RawResult[]): void; reject(error: Error): void }>()
  let jobs = 0
  let queue: Promise<unknown> = Promise.resolve()
  const stderr = tailOf(child)
  child.on('message', ({ job, results, failure }: ReferenceAnswer) => {
    const waiter = waiting.get(job)
    waiting.delete(job)
    if (results !== undefined) waiter?.resolve(results)
    else waiter?.reject(new Error(`the reference loader failed: ${failure}`))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the reference loader ended with code ${code}: ${stderr()}`))
  })
  const send = (job: Omit<ReferenceJob, 'job'>): Promise<readonly RawResult[]> =>
    new Promise((resolve, reject) => {
      jobs += 1
      waiting.set(jobs, { resolve, reject })
      child.send({ ...job, job: jobs } satisfies ReferenceJob)
    })
  return {
    run(job) {
      // One at a time: the loader's clock belongs to the whole process, and a new instance sets it back.
      const answer = queue.then(() => send({ keepsHot: true, ...job }))
      queue = answer.catch(() => {})
      return answer
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

/** What it wrote last; what guests write goes there too. */
function tailOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-STDERR_KEPT_CHARS)
  })
  return () => text
}
