/**
 * Statements from a person at a terminal: an editor of several lines, with history, search and completion.
 *
 * Wire        xterm keys, as node:readline reads them; bracketed paste, so that a pasted program is one statement.
 * Invariants  What others print appears above what is being typed. Keys that come while nobody reads are kept for the next statement.
 *             Enter ends a statement that is complete and makes a new line in one that is not.
 */
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import { cut, type Draft, deletes, draftOf, EMPTY_DRAFT, insert, type Key, lineStart, move, vertical } from './edit.ts'
import type { History } from './history.ts'
import type { Incomplete } from './incomplete.ts'
import { Recall } from './recall.ts'
import { Screen } from './screen.ts'
import { columnsOf, commonStart } from './text-columns.ts'
import { layOut, withinHeight } from './width.ts'

export interface Completion {
  /** Where the word begins that the candidates replace. */
  readonly from: number
  readonly candidates: readonly string[]
}

export interface ReaderOptions {
  readonly input: ReadStream
  readonly output: WriteStream
  readonly history: History
  readonly isIncomplete: Incomplete
  readonly complete: (text: string, cursor: number) => Promise<Completion>
  readonly dim: (text: string) => string
}

interface Reading {
  /** Ends with this line; null for a statement. */
  readonly endLine: string | null
  readonly resolve: (text: string | null) => void
}

const MORE = '  … '
const PASTE_ON = '\x1b[?2004h'
const PASTE_OFF = '\x1b[?2004l'
const BUSY_SIGNS = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const BUSY_EVERY_MS = 100

export class Reader {
  readonly #options: ReaderOptions
  readonly #screen: Screen
  readonly #waiting: { text: string | undefined; key: Key }[] = []
  readonly #onKey = (text: string | undefined, key: Key): void => this.#receive(text, key)
  readonly #onResize = (): void => this.#draw()
  /** The terminal is gone. */
  readonly #onEnd = (): void => {
    this.#isOver = true
    if (this.#reading !== null) this.#end(null)
  }
  #prompt = '> '
  #reading: Reading | null = null
  #draft: Draft = EMPTY_DRAFT
  #killed = ''
  readonly #recall: Recall
  #pasted: string | null = null
  #hasLeft = false
  #isCompleting = false
  #isOver = false
  #drawing: NodeJS.Immediate | null = null
  #interrupt: (() => void) | null = null

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#screen = new Screen(options.output)
    this.#recall = new Recall(options.history.entries)
    emitKeypressEvents(options.input)
    options.input.on('keypress', this.#onKey)
    options.input.setRawMode(true)
    options.input.once('end', this.#onEnd)
    options.input.resume()
    options.output.on('resize', this.#onResize)
    options.output.write(PASTE_ON)
  }

  /** The next statement; null when the person leaves. */
  read(): Promise<string | null> {
    return this.#begin(null)
  }

  /** All lines up to one that is `endLine`; null when they were given up. */
  readBlock(endLine: string): Promise<string | null> {
    return this.#begin(endLine)
  }

  set prompt(prompt: string) {
    if (prompt === this.#prompt) return
    this.#prompt = prompt
    this.#draw()
  }

  print(text: string): void {
    this.#screen.above(text)
  }

  /** A sign of life until the work is done; null when the person does not want to wait for it. */
  async wait<T>(label: string, work: Promise<T>): Promise<T | null> {
    const left = Promise.withResolvers<null>()
    let turn = 0
    this.#interrupt = () => left.resolve(null)
    const busy = setInterval(() => {
      const sign = BUSY_SIGNS[turn++ % BUSY_SIGNS.length]
      if (turn > 3)
        this.#screen.draw({ rows: [this.#options.dim(`${sign} ${label}`.slice(0, this.#columns - 1))], cursorRow: 0, cursorColumn: 0 })
    }, BUSY_EVERY_MS)
    try {
      return await Promise.race([work, left.promise])
    } finally {
      clearInterval(busy)
      this.#interrupt = null
      this.#screen.erase()
    }
  }

  close(): void {
    const { input, output } = this.#options
    if (this.#drawing !== null) clearImmediate(this.#drawing)
    if (this.#reading !== null) this.#screen.settle()
    input.off('keypress', this.#onKey)
    input.off('end', this.#onEnd)
    output.off('resize', this.#onResize)
    output.write(PASTE_OFF)
    input.setRawMode(false)
    input.pause()
  }

  get #columns(): number {
    return Math.max(20, this.#options.output.columns || 80)
  }

  #begin(endLine: string | null): Promise<string | null> {
    if (this.#isOver) return Promise.resolve(null)
    this.#draft = EMPTY_DRAFT
    this.#recall.restart()
    const { promise, resolve } = Promise.withResolvers<string | null>()
    this.#reading = { endLine, resolve }
    this.#draw()
    this.#pressWaiting()
    return promise
  }

  #pressWaiting(): void {
    while (this.#reading !== null && !this.#isCompleting) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      this.#press(next.text, next.key)
    }
  }

  #end(text: string | null): void {
    const reading = this.#reading
    this.#draft = draftOf(this.#draft.text)
    this.#drawNow()
    this.#screen.settle()
    this.#reading = null
    this.#hasLeft = false
    reading?.resolve(text)
  }

  /** Soon, once for all keys that came together: a paste would be drawn for each of its letters. */
  #draw(): void {
    this.#drawing ??= setImmediate(() => this.#drawNow())
  }

  #drawNow(): void {
    if (this.#drawing !== null) clearImmediate(this.#drawing)
    this.#drawing = null
    if (this.#reading === null) return
    const { text, cursor } = this.#draft
    const { dim, output } = this.#options
    const { query } = this.#recall
    const prompt = query !== null ? dim(`(history: ${query}) `) : this.#reading.endLine === null ? this.#prompt : dim(MORE)
    const layout = layOut(`${prompt}\x1b[0m`, dim(MORE), text, cursor, this.#columns)
    this.#screen.draw(withinHeight(layout, Math.max(2, (output.rows || 24) - 1)))
  }

  #receive(text: string | undefined, key: Key): void {
    if (this.#interrupt !== null && key.ctrl === true && key.name === 'c') {
      this.#interrupt()
      return
    }
    if (this.#reading === null || this.#isCompleting) this.#waiting.push({ text, key })
    else this.#press(text, key)
  }

  #press(text: string | undefined, key: Key): void {
    if (key.name === 'paste-start') this.#pasted = ''
    else if (this.#pasted !== null) this.#paste(key)
    else if (this.#recall.query !== null) this.#pressInSearch(text, key)
    else this.#pressInDraft(text, key)
  }

  #paste(key: Key): void {
    if (key.name !== 'paste-end') {
      this.#pasted += key.sequence ?? ''
      return
    }
    const pasted = this.#pasted ?? ''
    this.#pasted = null
    this.#set(insert(this.#draft, pasted.replace(/[\r\n]+$/, '')))
  }

  #pressInDraft(text: string | undefined, key: Key): void {
    const isLeaving = key.ctrl === true && key.name === 'c'
    if (!isLeaving) this.#hasLeft = false
    if (this.#pressCommand(key)) return
    const moved = move(this.#draft, key)
    if (moved !== null) {
      this.#set(moved)
      return
    }
    const to = deletes(this.#draft, key)
    if (to !== null) {
      this.#delete(to, key)
      return
    }
    const isText = key.ctrl !== true && key.meta !== true && text !== undefined && !text.startsWith('\x1b')
    if (isText) this.#set(insert(this.#draft, text))
  }

  /** True for keys that do more than edit. */
  #pressCommand({ name, ctrl = false, meta = false }: Key): boolean {
    const chord = `${ctrl ? 'ctrl-' : ''}${meta ? 'meta-' : ''}${name}`
    switch (chord) {
      case 'return':
      case 'enter':
        this.#enter()
        return true
      case 'meta-return':
      case 'meta-enter':
        this.#set(insert(this.#draft, '\n'))
        return true
      case 'ctrl-c':
        this.#cancel()
        return true
      case 'ctrl-d':
        if (this.#draft.text !== '') return false
        this.#end(null)
        return true
      case 'up':
      case 'ctrl-p':
        this.#goThrough(-1)
        return true
      case 'down':
      case 'ctrl-n':
        this.#goThrough(1)
        return true
      case 'ctrl-r':
        this.#recall.begin(this.#draft)
        this.#draw()
        return true
      case 'ctrl-l':
        this.#screen.clear()
        this.#draw()
        return true
      case 'ctrl-y':
        this.#set(insert(this.#draft, this.#killed))
        return true
      case 'tab':
        void this.#complete()
        return true
      default:
        return false
    }
  }

  #set(draft: Draft): void {
    this.#draft = draft
    this.#draw()
  }

  #delete(to: number, { ctrl = false, meta = false, name }: Key): void {
    const atEnd = name === 'k' && to === this.#draft.cursor && to < this.#draft.text.length
    const { draft, removed } = cut(this.#draft, atEnd ? to + 1 : to)
    if ((ctrl || meta) && removed.length > 1) this.#killed = removed
    this.#set(draft)
  }

  #enter(): void {
    const { text } = this.#draft
    const endLine = this.#reading?.endLine ?? null
    if (endLine !== null) {
      const lines = text.split('\n')
      if (lines.at(-1)?.trim() === endLine) {
        this.#end(lines.slice(0, -1).join('\n'))
        return
      }
      this.#set(insert(this.#draft, '\n'))
      return
    }
    if (this.#options.isIncomplete(text)) {
      this.#set(insert(this.#draft, '\n'))
      return
    }
    this.#options.history.add(text)
    this.#end(text)
  }

  #cancel(): void {
    const isEmpty = this.#draft.text === ''
    if (isEmpty && this.#hasLeft) {
      this.#end(null)
      return
    }
    if (this.#reading?.endLine != null) {
      this.#end(null)
      return
    }
    this.#draft = draftOf(isEmpty ? '' : `${this.#draft.text}^C`)
    this.#drawNow()
    this.#screen.settle()
    if (isEmpty) this.#screen.above(this.#options.dim('Ctrl-C again or Ctrl-D leaves'))
    this.#hasLeft = isEmpty
    this.#recall.restart()
    this.#set(EMPTY_DRAFT)
  }

  /** Up and down: first through the lines of the draft, then through the history. */
  #goThrough(step: 1 | -1): void {
    const draft = vertical(this.#draft, step === 1) ?? this.#recall.step(this.#draft, step)
    if (draft !== null) this.#set(draft)
  }

  #pressInSearch(text: string | undefined, key: Key): void {
    const { draft, passesOn } = this.#recall.press(this.#draft, text, key)
    this.#set(draft)
    if (passesOn) this.#press(text, key)
  }

  /** Keys wait for it: who types on means what comes after the completed word. */
  async #complete(): Promise<void> {
    const asked = this.#draft
    if (/^[ \t]*$/.test(asked.text.slice(lineStart(asked), asked.cursor))) {
      this.#set(insert(asked, '  '))
      return
    }
    this.#isCompleting = true
    const completion = await this.#options.complete(asked.text, asked.cursor)
    this.#isCompleting = false
    if (this.#reading !== null) this.#propose(asked, completion)
    this.#pressWaiting()
  }

  #propose({ text, cursor }: Draft, { from, candidates }: Completion): void {
    const start = commonStart(candidates)
    if (start.length > cursor - from) this.#set({ text: text.slice(0, from) + start + text.slice(cursor), cursor: from + start.length })
    else if (candidates.length > 1) this.#screen.above(columnsOf(candidates, this.#columns))
  }
}
