/** A bound that many share: whoever wants some of it asks first, and does without when there is none left. */
export class Budget {
  readonly #max: number
  #used = 0

  constructor(max: number) {
    this.#max = max
  }

  /** False when it would go beyond the bound: nothing is taken then. */
  take(amount: number): boolean {
    if (this.#used + amount > this.#max) return false
    this.#used += amount
    return true
  }

  give(amount: number): void {
    this.#used -= amount
  }
}
