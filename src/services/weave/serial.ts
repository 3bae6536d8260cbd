/** Order among asynchronous tasks in this process. */
import { HeddleError } from '../../base/errors.ts'

/** Runs tasks one after another, in the order of the calls; a failed one does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}

/** Tasks that run side by side until the door closes. */
export class Door {
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new HeddleError('stopping', {}, 'the node is stopping; try again when it is back')
    const result = task()
    this.#running.add(result)
    try {
      return await result
    } finally {
      this.#running.delete(result)
    }
  }

  /** Lets nobody in any more and waits for those inside. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running)
  }
}
