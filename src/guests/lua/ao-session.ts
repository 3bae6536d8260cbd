/**
 * One `lua@5.3a` state at work: calls its functions, answers what they ask, and takes back exactly what must not stay.
 *
 * Source      permaweb/HyperBEAM src/dev_lua.erl (process_response): what the values that a function returns mean
 * Invariants  After a call that failed, was not to be kept, or whose host threw, the state is byte for byte the one before.
 *             One call at a time: another one in the meantime is refused, since it would see half of the first.
 */
import { HeddleError } from '../../base/errors.ts'
import { type FailureKind, GuestFault } from '../guest.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import type { AoInstance, AoStep } from './ao-program.ts'
import {
  type AoCall,
  type AoRequest,
  type AoTraceEntry,
  decodeAoFault,
  decodeAoRequest,
  decodeAoValues,
  encodeAoAnswer,
  encodeAoCall,
  type LuaValue,
} from './ao-values.ts'
import { failureKindOf } from './lua-machine.ts'

/** Answers `ao.resolve`, `ao.get`, `ao.set`, `ao.event` with the values that these return. What it throws ends the call and reaches the caller. */
export interface AoHost {
  ask(request: AoRequest): readonly LuaValue[] | Promise<readonly LuaValue[]>
}

/** Which calls change the state: all that succeed, none, or, as upstream has it, those that return a map or a list. */
export type AoKeep = 'all' | 'none' | 'tables'

export type AoOutcome =
  | { readonly ok: true; readonly status: string; readonly value: LuaValue; readonly gasUsed: number }
  | {
      readonly ok: false
      readonly status: 500
      readonly kind: FailureKind
      readonly body: LuaValue
      readonly trace: readonly AoTraceEntry[]
      readonly gasUsed: number
    }

/** Buffers for the state before a call; as many as there were calls at a time. */
const idleBuffers: ImageBuffer[] = []
const BUFFERS_KEPT_MAX = 8
const BUFFER_KEPT_BYTES_MAX = 4 * 1024 * 1024

export class AoSession {
  readonly #instance: AoInstance
  #isBusy = false

  constructor(instance: AoInstance) {
    this.#instance = instance
  }

  get stateBytes(): number {
    return this.#instance.stateBytes
  }

  async call(call: AoCall, host: AoHost, keep: AoKeep = 'all'): Promise<AoOutcome> {
    this.#checkIdle()
    const buffer = idleBuffers.pop() ?? new ImageBuffer()
    const before = this.#instance.capture(buffer)
    this.#isBusy = true
    let isKept = false
    try {
      const outcome = await this.#run(call, host)
      isKept = outcome.ok && isKeptBy(keep, outcome.value)
      return outcome
    } finally {
      this.#end(isKept ? null : before, buffer)
    }
  }

  /** Names of all global functions, sorted. */
  functions(): readonly string[] {
    this.#checkIdle()
    const buffer = new ImageBuffer()
    const before = this.#instance.capture(buffer)
    try {
      return this.#instance.functions()
    } finally {
      this.#instance.apply(before)
    }
  }

  snapshot(): Uint8Array {
    this.#checkIdle()
    return this.#instance.snapshot()
  }

  async #run(call: AoCall, host: AoHost): Promise<AoOutcome> {
    const input = encodeAoCall(call)
    try {
      let step = this.#instance.begin(input)
      while (step.kind === 'request') {
        const answer = encodeAoAnswer(await host.ask(decodeAoRequest(step.payload)))
        step = this.#instance.resume(answer)
      }
      return this.#outcome(step)
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error
      return this.#failed(error.message, error.kind)
    }
  }

  #outcome({ kind, payload }: AoStep): AoOutcome {
    if (kind === 'fault') {
      const { body, trace } = decodeAoFault(payload)
      return this.#failed(body, failureKindOf(body), trace)
    }
    const values = decodeAoValues(payload)
    const [status = null, value = null] = values.length === 1 ? ['ok', values[0]] : values
    if (values.length < 1 || values.length > 2)
      return this.#failed(`the function returned ${values.length} values, expected a result, or a status and a result`)
    if (typeof status !== 'string') return this.#failed('the function returned two values and the first, its status, is no text')
    return { ok: true, status, value, gasUsed: this.#instance.gasUsed }
  }

  #failed(body: LuaValue, kind: FailureKind = 'error', trace: readonly AoTraceEntry[] = []): AoOutcome {
    return { ok: false, status: 500, kind, body, trace, gasUsed: this.#instance.gasUsed }
  }

  #checkIdle(): void {
    if (!this.#isBusy) return
    const message = 'this Lua state waits for an answer in the middle of a call; call it again when that has ended, or use a copy of it'
    throw new HeddleError('limit-reached', { what: 'calls of one Lua state at a time', max: 1 }, message)
  }

  #end(before: StateImage | null, buffer: ImageBuffer): void {
    if (before !== null) this.#instance.apply(before)
    this.#isBusy = false
    if (idleBuffers.length < BUFFERS_KEPT_MAX && buffer.sizeBytes <= BUFFER_KEPT_BYTES_MAX) idleBuffers.push(buffer)
  }
}

function isKeptBy(keep: AoKeep, value: LuaValue): boolean {
  if (keep === 'tables') return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
  return keep === 'all'
}
