/**
 * The thread that guests run in: keeps one session per process and answers the pool's requests in order.
 *
 * Invariants  One message runs at a time. Answers of a batch are sent as they come due, not only at its end, so that a slow message does not
 *             hold back those before it. Whatever is not the program's fault ends the thread: the pool then starts another one.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import { utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { PROGRAMS_PREPARED_MAX } from '../base/limits.ts'
import { prepareProgram, warmUp } from './formats.ts'
import type { GuestModule, GuestProgram } from './guest.ts'
import { GuestSession } from './guest-session.ts'
import { noFiles } from './host-files.ts'
import { type Answer, type Job, packAnswers, type Request, type Response, unpackJobs, type WorkerSettings } from './worker-wire.ts'

const ANSWERS_HELD_MS_MAX = 0.5

const { limits, code } = workerData as WorkerSettings
const sessions = new Map<number, GuestSession>()
const programs = new LRUCache<string, GuestProgram>({ max: PROGRAMS_PREPARED_MAX })

function send(response: Response, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(response, transfer)
}

function serve(request: Request): void {
  if (request.kind === 'evaluate') evaluateBatch(request.batch)
  else serveOne(request)
}

function serveOne(request: Exclude<Request, { kind: 'evaluate' }>): void {
  const { job } = request
  try {
    send({ kind: 'done', job, ...answer(request) })
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    const { code, facts, message } = error
    send({ kind: 'failed', job, failure: { code, facts, message } })
  }
}

function answer(request: Exclude<Request, { kind: 'evaluate' }>): { readonly bytes: number; readonly snapshot?: Uint8Array } {
  const { handle } = request
  switch (request.kind) {
    case 'open': {
      const program = programOf(request.module)
      const instance = request.snapshot === null ? program.spawn(request.process, request.env) : program.thaw(request.snapshot)
      const session = new GuestSession(instance)
      sessions.set(handle, session)
      return { bytes: session.stateBytes }
    }
    case 'snapshot': {
      const session = sessionOf(handle)
      return { snapshot: session.snapshot(), bytes: session.stateBytes }
    }
    case 'close':
      sessions.get(handle)?.close()
      sessions.delete(handle)
      return { bytes: 0 }
  }
}

function programOf(module: GuestModule): GuestProgram {
  const known = programs.get(module.id)
  if (known !== undefined) return known
  const program = prepareProgram(module, limits, { files: noFiles })
  programs.set(module.id, program)
  return program
}

function evaluateBatch(batch: Uint8Array): void {
  let answers: Answer[] = []
  let sentAtMs = performance.now()
  const flush = (): void => {
    if (answers.length === 0) return
    const packed = packAnswers(answers)
    send({ kind: 'answers', batch: packed }, [packed.buffer])
    answers = []
    sentAtMs = performance.now()
  }
  for (const job of unpackJobs(batch)) {
    answers.push(evaluate(job))
    if (performance.now() - sentAtMs > ANSWERS_HELD_MS_MAX) flush()
  }
  flush()
}

function evaluate({ job, handle, isDry, message }: Job): Answer {
  const session = sessionOf(handle)
  const startedMs = performance.now()
  const outcome = isDry ? session.dryRun(message) : session.evaluate(message)
  const timeMs = performance.now() - startedMs
  const rest = { job, gasUsed: outcome.gasUsed, timeMs, stateBytes: session.stateBytes }
  if (outcome.ok) return { ...rest, status: 'ok', payload: outcome.values }
  if (outcome.values !== undefined) return { ...rest, status: 'reported', payload: outcome.values }
  return { ...rest, status: outcome.kind, payload: utf8(outcome.text) }
}

function sessionOf(handle: number): GuestSession {
  const session = sessions.get(handle)
  if (session === undefined) throw new Error(`no process has the handle ${handle}`)
  return session
}

parentPort?.on('message', serve)
send({ kind: 'ready', code: warmUp(code) })
