/** Ordering of asynchronous work inside this process: one after another, or many at once with now and then one alone. */

/** Runs tasks one after another, in the order of the calls; a failed one does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}

/** Shared tasks run side by side; an exclusive one waits until they are done and holds back those that come later. */
export class Gate {
  readonly #running = new Set<Promise<unknown>>()
  readonly #exclusive = new Serial()
  #closed: Promise<unknown> | null = null

  async shared<T>(task: () => Promise<T>): Promise<T> {
    while (this.#closed !== null) await this.#closed
    const result = task()
    this.#running.add(result)
    try {
      return await result
    } finally {
      this.#running.delete(result)
    }
  }

  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return this.#exclusive.run(() => {
      const result = Promise.allSettled(this.#running).then(task)
      const closed = result.catch(() => {}).then(() => {
        if (this.#closed === closed) this.#closed = null
      })
      this.#closed = closed
      return result
    })
  }
}
