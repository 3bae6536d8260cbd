/** What a command shows: lines for people, or with --json one value for programs. */
import { stripVTControlCharacters } from 'node:util'

export interface Progress {
  /** `done` and `total` in the same unit. */
  update(done: number, total: number, note?: string): void
  /** Takes the bar away. */
  end(): void
}

export interface Output {
  readonly json: boolean
  /** A line for people; nothing with --json. */
  line(text?: string): void
  /** The outcome for programs; nothing without --json. */
  value(value: unknown): void
  /** A bar on standard error, on terminals only. */
  progress(label: string): Progress
  /** A sign of life on standard error, on terminals only, while the work goes on. */
  busy<T>(label: string, work: Promise<T>): Promise<T>
  /** Text of a stranger's making: nothing in it moves the cursor or asks the terminal for something. Colours stay where we have colours. */
  plain(text: string): string
  readonly paint: Paint
}

export interface Paint {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  cyan(text: string): string
  yellow(text: string): string
}

const BAR_CELLS = 28
const BAR_EVERY_MS = 40
const BUSY_AFTER_MS = 300
const BUSY_EVERY_MS = 80
const BUSY_SIGNS = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const COLUMNS_DEFAULT = 80
const CLEAR_LINE = '\r\x1b[2K'
const COLOUR = new RegExp(`${'\x1b'}\\[[0-9;]*m`, 'g') // Put together, since linters take an escape in a pattern for a mistake.
const silent: Progress = { update: () => {}, end: () => {} }

export function createOutput(json: boolean): Output {
  const colours = !json && process.stdout.isTTY === true && process.stdout.hasColors()
  const isLively = !json && process.stderr.isTTY === true
  return {
    json,
    line: (text = '') => {
      if (!json) process.stdout.write(`${text}\n`)
    },
    value: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member))}\n`)
    },
    progress: (label) => (isLively ? bar(label) : silent),
    busy: (label, work) => (isLively ? spin(label, work) : work),
    plain: (text) => plainText(text, colours),
    paint: paint(colours),
  }
}

export function plainText(text: string, keepColours: boolean): string {
  if (!keepColours) return withoutControls(stripVTControlCharacters(text))
  const colours = text.match(COLOUR) ?? []
  const parts = text.split(COLOUR).map((part) => withoutControls(stripVTControlCharacters(part)))
  return parts.map((part, i) => part + (colours[i] ?? '')).join('') + (colours.length > 0 ? '\x1b[0m' : '')
}

/** All but line ends and tabs. */
function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '')
}

function bar(label: string): Progress {
  let shown = ''
  let shownMs = 0
  return {
    update(done, total, note = '') {
      const share = total === 0 ? 1 : Math.min(1, done / total)
      const nowMs = performance.now()
      if (share < 1 && nowMs - shownMs < BAR_EVERY_MS) return
      const cells = Math.round(share * BAR_CELLS)
      const drawn = `${label} ${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${String(Math.floor(share * 100)).padStart(3)} %  ${note}`
      const line = cut(drawn)
      if (line === shown) return
      shown = line
      shownMs = nowMs
      process.stderr.write(`${CLEAR_LINE}${line}`)
    },
    end() {
      if (shown !== '') process.stderr.write(CLEAR_LINE)
      shown = ''
    },
  }
}

async function spin<T>(label: string, work: Promise<T>): Promise<T> {
  const beganMs = performance.now()
  let turn = 0
  const timer = setInterval(() => {
    if (performance.now() - beganMs < BUSY_AFTER_MS) return
    process.stderr.write(`${CLEAR_LINE}${cut(`${BUSY_SIGNS[turn++ % BUSY_SIGNS.length]} ${label}`)}`)
  }, BUSY_EVERY_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
    if (turn > 0) process.stderr.write(CLEAR_LINE)
  }
}

/** A line that wraps could not be cleared again. */
function cut(line: string): string {
  return line.slice(0, (process.stderr.columns || COLUMNS_DEFAULT) - 1)
}

function paint(colours: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) => (colours ? `\x1b[${open}m${text}\x1b[${close}m` : text)
  return { bold: wrap(1, 22), dim: wrap(2, 22), green: wrap(32, 39), red: wrap(31, 39), cyan: wrap(36, 39), yellow: wrap(33, 39) }
}

/** `1 342 177` bytes as `1.3 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = -1
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}

/** Winston as AR, without trailing zeros. */
export function formatAr(winston: bigint): string {
  const whole = winston / 1_000_000_000_000n
  const part = String(winston % 1_000_000_000_000n)
    .padStart(12, '0')
    .replace(/0+$/, '')
  return part === '' ? `${whole}` : `${whole}.${part}`
}
