/** Requests that wait for the result of a slot: long polls, bounded in time, given up when the client goes away. */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { RESULT_WAIT_MS_MAX } from '../../base/limits.ts'
import type { ResultRecord } from './records.ts'

interface Waiter {
  resolve(result: ResultRecord): void
  reject(error: unknown): void
}

export class Waiters {
  readonly #process: TxId
  readonly #slots = new Map<number, Set<Waiter>>()

  constructor(process: TxId) {
    this.#process = process
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0
  }

  wait(slot: number, signal?: AbortSignal): Promise<ResultRecord> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (result) => {
          leave()
          resolve(result)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const giveUp = (): void => waiter.reject(notYet(this.#process, slot))
      const timer = setTimeout(giveUp, RESULT_WAIT_MS_MAX)
      const leave = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        this.#remove(slot, waiter)
      }
      this.#add(slot, waiter)
      signal?.addEventListener('abort', giveUp)
      if (signal?.aborted === true) giveUp()
    })
  }

  resolve(result: ResultRecord): void {
    for (const waiter of [...(this.#slots.get(result.slot) ?? [])]) waiter.resolve(result)
  }

  rejectAll(error: unknown): void {
    for (const waiter of [...this.#slots.values()].flatMap((waiters) => [...waiters])) waiter.reject(error)
  }

  #add(slot: number, waiter: Waiter): void {
    const waiters = this.#slots.get(slot) ?? new Set()
    this.#slots.set(slot, waiters.add(waiter))
  }

  #remove(slot: number, waiter: Waiter): void {
    const waiters = this.#slots.get(slot)
    waiters?.delete(waiter)
    if (waiters?.size === 0) this.#slots.delete(slot)
  }
}

function notYet(process: TxId, slot: number): HeddleError<'limit-reached'> {
  const message = `slot ${slot} of process ${process} is still being evaluated after ${RESULT_WAIT_MS_MAX} ms; ask again`
  return new HeddleError('limit-reached', { what: 'waiting for a result', max: RESULT_WAIT_MS_MAX }, message)
}
