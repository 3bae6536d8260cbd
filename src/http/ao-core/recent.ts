/**
 * What was made lately, so that it is made once for all who ask.
 *
 * Invariants  Those who ask while it is being made wait for the same. A failure is not kept. The one used longest ago goes first.
 */
export class Recent<T> {
  readonly #entries = new Map<string, Promise<T>>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known
    }
    const made = make()
    this.#entries.set(key, made)
    made.catch(() => this.#entries.delete(key))
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value!)
    return made
  }
}
