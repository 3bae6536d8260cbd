/** A program in a pseudo terminal, its screen as a person sees it: for tests of programs that draw. */
import { setTimeout as later } from 'node:timers/promises'
import { spawn } from '@lydell/node-pty'
import headless from '@xterm/headless'

export interface TerminalOptions {
  readonly cwd?: string
  /** The whole environment of the program, beside TERM. */
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
}

export interface Terminal extends AsyncDisposable {
  /** All rows since the start, also those that scrolled out of sight; blanks at their ends are left out. */
  text(): string
  /** The rows since the last line that was typed. */
  fresh(): string
  /** Resolves once the fresh rows show it, at once if they do already. Fails with the screen when time is up or the program has ended. */
  waitFor(wanted: string | RegExp | ((text: string) => boolean), timeoutMs?: number): Promise<string>
  /** Presses keys. */
  type(keys: string): void
  /** Types a line and Enter; what is on the screen now is no longer fresh. */
  line(text: string): void
  /** Resolves to the exit code. */
  ended(timeoutMs?: number): Promise<number>
  /** Ends the program, if it has not. */
  close(): Promise<void>
}

const WAIT_MS = 20_000
const ROWS_KEPT = 5000
const END_MS = 3000

export function openTerminal(command: string, words: readonly string[], options: TerminalOptions = {}): Terminal {
  const { cwd = process.cwd(), env = {}, columns = 160, rows = 50 } = options
  const screen = new headless.Terminal({ cols: columns, rows, scrollback: ROWS_KEPT, allowProposedApi: true })
  const child = spawn(command, [...words], { name: 'xterm-256color', cols: columns, rows, cwd, env: { ...env, TERM: 'xterm-256color' } })
  let mark = 0
  let exitCode: number | null = null
  const changed = new EventTarget()
  const tell = (): void => void changed.dispatchEvent(new Event('change'))
  child.onData((data) => screen.write(data, tell))
  child.onExit((end) => {
    // What it wrote last is drawn first.
    screen.write('', () => {
      exitCode = end.exitCode
      tell()
    })
  })

  const rowsFrom = (first: number): string => {
    const buffer = screen.buffer.active
    const out: string[] = []
    for (let row = first; row < buffer.length; row += 1) out.push(buffer.getLine(row)?.translateToString(true) ?? '')
    return out.join('\n').trimEnd()
  }
  const fresh = (): string => rowsFrom(mark)
  const until = async <T>(find: () => T | null, problem: () => string, timeoutMs: number): Promise<T> => {
    const limit = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const found = find()
      if (found !== null) return found
      if (limit.aborted) throw new Error(`waited ${timeoutMs} ms ${problem()}; the terminal shows:\n${rowsFrom(0)}`)
      await nextChange(changed, limit)
    }
  }
  const ended = (timeoutMs = WAIT_MS): Promise<number> =>
    until(
      () => exitCode,
      () => `until ${command} ends`,
      timeoutMs,
    )

  const close = async (): Promise<void> => {
    if (exitCode === null) {
      child.kill('SIGTERM')
      await ended(END_MS).catch(() => child.kill('SIGKILL'))
      await ended(END_MS)
    }
    screen.dispose()
  }
  return {
    text: () => rowsFrom(0),
    fresh,
    ended,
    close,
    [Symbol.asyncDispose]: close,
    async waitFor(wanted, timeoutMs = WAIT_MS) {
      const shown =
        typeof wanted === 'function' ? wanted : (text: string) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))
      const shows = (): string | null => {
        const text = fresh()
        if (shown(text)) return text
        if (exitCode !== null) throw new Error(`${command} ended with ${exitCode} before it showed ${wanted}:\n${rowsFrom(0)}`)
        return null
      }
      return until(shows, () => `for ${wanted}`, timeoutMs)
    },
    type: (keys) => child.write(keys),
    line(text) {
      mark = screen.buffer.active.baseY + screen.buffer.active.cursorY
      child.write(`${text}\r`)
    },
  }
}

async function nextChange(changed: EventTarget, limit: AbortSignal): Promise<void> {
  const heard = new AbortController()
  changed.addEventListener('change', () => heard.abort(), { once: true, signal: AbortSignal.any([heard.signal, limit]) })
  await later(2 ** 30, undefined, { signal: AbortSignal.any([heard.signal, limit]) }).catch(() => {})
}
