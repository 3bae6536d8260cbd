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
import { thawKept } from './checkpoint.ts'
import { prepareProgram, warmUp } from './formats.ts'
import type { GuestInstance, GuestLimits, GuestModule, GuestProgram } from './guest.ts'
import { GuestSession } from './guest-session.ts'
import { FileTrouble, HostFiles, noFiles } from './host-files.ts'
import { limitsOf } from './limits-of.ts'
import { boundResults } from './result-bounds.ts'
import { dictionaryOf } from './snapshot.ts'
import {
  type Answer,
  type Job,
  type KeptState,
  packAnswers,
  type Request,
  type Response,
  unpackJobs,
  type WorkerSettings,
} from './worker-wire.ts'

const ANSWERS_HELD_MS_MAX = 0.5

const { limits, code, files: bridge } = workerData as WorkerSettings
const files = bridge === null ? null : new HostFiles(bridge, (request) => send({ kind: 'file', request }))
const sessions = new Map<number, GuestSession>()
const instances = new Map<number, GuestInstance>()
/** Handles of sessions whose state is undefined, until they are closed. */
const givenUp = new Set<number>()
/** By module and limits. */
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
    const done = answer(request)
    send({ kind: 'done', job, ...done }, done.kept === undefined ? [] : [done.kept.state.buffer])
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    sendFailure(job, error)
  }
}

function sendFailure(job: number, { code, facts, message }: HeddleError): void {
  send({ kind: 'failed', job, failure: { code, facts, message } })
}

function answer(request: Exclude<Request, { kind: 'evaluate' }>): { readonly bytes: number; readonly kept?: KeptState } {
  const { handle } = request
  switch (request.kind) {
    case 'open': {
      const { process, env, snapshot } = request
      const program = programOf(request.module, limitsOf(env, limits))
      const instance = snapshot === null ? program.spawn(process, env) : thawKept(program, snapshot, env, limits.memoryBytesMax)
      const session = new GuestSession(boundResults(files?.attach(handle, instance) ?? instance))
      sessions.set(handle, session)
      instances.set(handle, instance)
      return { bytes: session.stateBytes }
    }
    case 'snapshot':
    case 'memory': {
      if (givenUp.has(handle)) throw lost(handle, 'its last message could not be evaluated')
      const session = sessionOf(handle)
      return { kept: keptState(session, request.kind), bytes: session.stateBytes }
    }
    case 'close':
      sessions.get(handle)?.close()
      sessions.delete(handle)
      instances.get(handle)?.close?.()
      instances.delete(handle)
      givenUp.delete(handle)
      return { bytes: 0 }
  }
}

function keptState(session: GuestSession, kind: 'snapshot' | 'memory'): KeptState {
  if (kind === 'memory') return { state: session.memory() }
  const state = session.snapshot()
  const dictionary = dictionaryOf(state)
  return dictionary === undefined ? { state } : { state, dictionary }
}

function programOf(module: GuestModule, own: GuestLimits): GuestProgram {
  const key = [module.id, own.memoryBytesMax, own.gasMax, own.legacyGasMax ?? ''].join(' ')
  const known = programs.get(key)
  if (known !== undefined) return known
  const program = prepareProgram(module, own, { files: files ?? noFiles })
  programs.set(key, program)
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
    const answer = evaluateOrGiveUp(job)
    if (answer instanceof HeddleError) {
      flush()
      sendFailure(job.job, answer)
    } else answers.push(answer)
    if (performance.now() - sentAtMs > ANSWERS_HELD_MS_MAX) flush()
  }
  flush()
}

/** A process whose message was cut off by trouble of the node is given up, and so is what waits for it: it is opened again. */
function evaluateOrGiveUp(job: Job): Answer | HeddleError {
  const { handle } = job
  if (givenUp.has(handle)) return lost(handle, 'its message before this one could not be evaluated')
  try {
    return evaluate(job)
  } catch (error) {
    if (!(error instanceof FileTrouble)) throw error
    givenUp.add(handle)
    return lost(handle, error.message)
  }
}

function lost(handle: number, reason: string): HeddleError<'guest-lost'> {
  return new HeddleError('guest-lost', { process: String(handle) }, reason)
}

function evaluate({ job, handle, isDry, message }: Job): Answer {
  const session = sessionOf(handle)
  const startedMs = performance.now()
  const outcome = isDry ? session.dryRun(message) : session.evaluate(message)
  const timeMs = performance.now() - startedMs
  const rest = { job, gasUsed: outcome.gasUsed, unitsUsed: outcome.unitsUsed, timeMs, stateBytes: session.stateBytes }
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
