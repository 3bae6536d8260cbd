/** The reader on a terminal that is none: keys go in, what it writes is drawn by an emulator. */
import { PassThrough } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import headless from '@xterm/headless'
import { afterEach, describe, expect, it } from 'vitest'
import { openHistory } from './history.ts'
import { isLuaIncomplete } from './incomplete.ts'
import { type Completion, Reader } from './reader.ts'

const COLUMNS = 40
let opened: Reader | null = null

afterEach(() => {
  opened?.close()
  opened = null
})

interface Given {
  readonly history?: readonly string[]
  readonly complete?: (text: string) => Promise<Completion>
}

function openReader({ history = [], complete = async () => ({ from: 0, candidates: [] }) }: Given = {}) {
  const screen = new headless.Terminal({ cols: COLUMNS, rows: 12, allowProposedApi: true })
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { setRawMode: (mode: boolean) => modes.push(mode) })
  const output = Object.assign(new PassThrough(), { columns: COLUMNS, rows: 12 })
  let bytes = 0
  output.on('data', (data: Buffer) => {
    bytes += data.length
    screen.write(data)
  })
  const kept = openHistory(null)
  for (const entry of history) kept.add(entry)
  const reader = new Reader({
    input: input as unknown as ReadStream,
    output: output as unknown as WriteStream,
    history: kept,
    isIncomplete: isLuaIncomplete,
    complete,
    dim: (text) => text,
  })
  opened = reader
  const drawn = async (): Promise<string> => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    await new Promise<void>((resolve) => screen.write('', resolve))
    const buffer = screen.buffer.active
    return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '')
      .join('\n')
      .trimEnd()
  }
  return {
    reader,
    input,
    written: () => bytes,
    modes,
    drawn,
    press: (keys: string) => input.write(keys),
    cursor: () => screen.buffer.active.cursorX,
  }
}

describe('the reader', () => {
  it('reads one statement after the other, also what was typed ahead', async () => {
    const { reader, press } = openReader()
    press('a = 1\rfunction f()\rend\rlast\r')
    expect(await reader.read()).toBe('a = 1')
    expect(await reader.read()).toBe('function f()\nend')
    expect(await reader.read()).toBe('last')
  })

  it('prints above what is being typed, however long that is', async () => {
    const { reader, press, drawn } = openReader()
    const read = reader.read()
    press(`x = "${'y'.repeat(60)}`)
    await drawn()
    reader.print('from elsewhere\nin two lines')
    reader.prompt = 'new> '
    expect(await drawn()).toBe(`from elsewhere\nin two lines\nnew> x = "${'y'.repeat(30)}\n${'y'.repeat(30)}`)
    press('"\r')
    expect(await read).toBe(`x = "${'y'.repeat(60)}"`)
  })

  it('goes through the history and comes back to what was typed', async () => {
    const { reader, press, drawn } = openReader({ history: ['first', 'two\nlines', 'third'] })
    void reader.read()
    press('typed\x1b[A\x1b[A')
    expect(await drawn()).toBe('> two\n  … lines')
    press('\x1b[A\x1b[A')
    expect(await drawn()).toBe('> first')
    press('\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B')
    expect(await drawn()).toBe('> typed')
  })

  it('searches the history, older with each Ctrl-R, and gives up with Ctrl-G', async () => {
    const { reader, press, drawn } = openReader({ history: ['Send a', 'Balances', 'Send b'] })
    const read = reader.read()
    press('x\x12Se')
    expect(await drawn()).toBe('(history: Se) Send b')
    press('\x12')
    expect(await drawn()).toBe('(history: Se) Send a')
    press('\x12')
    expect(await drawn()).toBe('(history: Se) Send a')
    press('\x07')
    expect(await drawn()).toBe('> x')
    press('\x12Bal\r')
    expect(await read).toBe('Balances')
  })

  it('completes what all candidates begin with, shows them, and keeps the order of keys', async () => {
    const { reader, press, drawn } = openReader({
      complete: async (text) => ({ from: 0, candidates: ['Balances', 'Balloon'].filter((word) => word.startsWith(text)) }),
    })
    const read = reader.read()
    press('B\t')
    expect(await drawn()).toBe('> Bal')
    press('\t')
    expect(await drawn()).toBe('Balances  Balloon\n> Bal')
    press('a\t.x\r')
    expect(await read).toBe('Balances.x')
  })

  it('keys edit: kill and yank, words, lines', async () => {
    const { reader, press, drawn, cursor } = openReader()
    const read = reader.read()
    press('one two\x17\x01\x19') // Ctrl-W, Ctrl-A, Ctrl-Y
    expect(await drawn()).toBe('> twoone')
    expect(cursor()).toBe(5)
    press('\x0b\x1b\r+ 1') // Ctrl-K, Alt-Enter
    expect(await drawn()).toBe('> two\n  … + 1')
    press('\r')
    expect(await read).toBe('two\n+ 1')
  })

  it('ends with Ctrl-D on an empty line and Ctrl-C twice, and leaves the terminal as it was', async () => {
    const { reader, press, drawn, modes } = openReader()
    const first = reader.read()
    press('x\x04\x03')
    expect(await drawn()).toBe('> x^C\n>')
    press('\x03')
    expect(await drawn()).toContain('Ctrl-C again or Ctrl-D leaves')
    press('\x03')
    expect(await first).toBeNull()
    const second = reader.read()
    press('\x04')
    expect(await second).toBeNull()
    reader.close()
    opened = null
    expect(modes).toEqual([true, false])
  })

  it('ends when the terminal goes away, also while nothing is read', async () => {
    const { reader, input } = openReader()
    const read = reader.read()
    input.end()
    expect(await read).toBeNull()
    expect(await reader.read()).toBeNull()
  })

  it('draws a paste once, not for each letter', async () => {
    const { reader, press, drawn, written } = openReader()
    void reader.read()
    await drawn()
    const before = written()
    press('x'.repeat(300))
    await drawn()
    expect(written() - before).toBeLessThan(1_000)
  })

  it('a block ends with its line, and is given up with Ctrl-C', async () => {
    const { reader, press } = openReader()
    const block = reader.readBlock('.done')
    press('a\rb\r.done\r')
    expect(await block).toBe('a\nb')
    const other = reader.readBlock('.done')
    press('a\r\x03')
    expect(await other).toBeNull()
  })

  it('waits for work, or does not with Ctrl-C', async () => {
    const { reader, press } = openReader()
    expect(await reader.wait('working', Promise.resolve(7))).toBe(7)
    const waiting = reader.wait('working', new Promise(() => {}))
    press('\x03')
    expect(await waiting).toBeNull()
    await expect(reader.wait('working', Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})
