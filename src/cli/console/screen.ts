/**
 * The last rows of a terminal, which are drawn again and again, and everything above them, which is written once.
 *
 * Invariants  Each change is one write, so that nothing flickers. What is above is never touched again.
 */
import type { Layout } from './width.ts'

export interface Terminal {
  write(text: string): unknown
}

export class Screen {
  readonly #terminal: Terminal
  #drawn: Layout | null = null

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** These rows instead of those that were drawn last. */
  draw(layout: Layout): void {
    const { rows, cursorRow, cursorColumn } = layout
    const up = rows.length - 1 - cursorRow
    const place = `${up > 0 ? `\x1b[${up}A` : ''}\r${cursorColumn > 0 ? `\x1b[${cursorColumn}C` : ''}`
    this.#terminal.write(`${this.#home()}${rows.join('\r\n')}${place}`)
    this.#drawn = layout
  }

  /** Writes text for good, above the rows that are drawn. */
  above(text: string): void {
    const drawn = this.#drawn
    this.#terminal.write(`${this.#home()}${text.replaceAll('\n', '\r\n')}\r\n`)
    this.#drawn = null
    if (drawn !== null) this.draw(drawn)
  }

  /** Leaves what is drawn where it is, and goes on below it. */
  settle(): void {
    if (this.#drawn === null) return
    const down = this.#drawn.rows.length - 1 - this.#drawn.cursorRow
    this.#terminal.write(`${down > 0 ? `\x1b[${down}B` : ''}\r\n`)
    this.#drawn = null
  }

  /** Takes the drawn rows away. */
  erase(): void {
    if (this.#drawn !== null) this.#terminal.write(this.#home())
    this.#drawn = null
  }

  clear(): void {
    this.#drawn = null
    this.#terminal.write('\x1b[H\x1b[2J')
  }

  #home(): string {
    if (this.#drawn === null) return ''
    return `${this.#drawn.cursorRow > 0 ? `\x1b[${this.#drawn.cursorRow}A` : ''}\r\x1b[J`
  }
}
