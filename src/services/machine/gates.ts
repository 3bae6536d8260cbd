/** One gate for each name: many pass side by side, until one holds it and is alone. */
export class Gates {
  readonly #passing = new Map<string, number>()
  readonly #held = new Map<string, Promise<void>>()
  /** Those who hold a gate and wait until the last one has passed. */
  readonly #waiting = new Map<string, () => void>()

  /** Begins in this turn unless the gate is held. */
  async pass<T>(name: string, work: () => Promise<T>): Promise<T> {
    for (let held = this.#held.get(name); held !== undefined; held = this.#held.get(name)) await held
    this.#passing.set(name, (this.#passing.get(name) ?? 0) + 1)
    try {
      return await work()
    } finally {
      this.#left(name)
    }
  }

  /** Alone: waits for those inside, and everyone else waits. */
  async alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    for (let held = this.#held.get(name); held !== undefined; held = this.#held.get(name)) await held
    const { promise, resolve: open } = Promise.withResolvers<void>()
    this.#held.set(name, promise)
    try {
      if (this.#passing.has(name)) await new Promise<void>((resolve) => this.#waiting.set(name, resolve))
      return await work()
    } finally {
      this.#held.delete(name)
      open()
    }
  }

  #left(name: string): void {
    const left = (this.#passing.get(name) ?? 1) - 1
    if (left > 0) {
      this.#passing.set(name, left)
      return
    }
    this.#passing.delete(name)
    this.#waiting.get(name)?.()
    this.#waiting.delete(name)
  }
}
