/** What a command shows: lines for people, or with --json one value for programs. */

export interface Progress {
  /** `done` and `total` in the same unit. */
  update(done: number, total: number, note?: string): void
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
const silent: Progress = { update: () => {}, end: () => {} }

export function createOutput(json: boolean): Output {
  return {
    json,
    line: (text = '') => {
      if (!json) process.stdout.write(`${text}\n`)
    },
    value: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member))}\n`)
    },
    progress: (label) => (json || !process.stderr.isTTY ? silent : bar(label)),
    paint: paint(!json && process.stdout.isTTY === true && process.stdout.hasColors()),
  }
}

function bar(label: string): Progress {
  let shown = ''
  return {
    update(done, total, note = '') {
      const share = total === 0 ? 1 : Math.min(1, done / total)
      const cells = Math.round(share * BAR_CELLS)
      const line = `${label} ${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${String(Math.floor(share * 100)).padStart(3)} % ${note}`
      if (line === shown) return
      shown = line
      process.stderr.write(`\r\x1b[2K${line}`)
    },
    end() {
      if (shown !== '') process.stderr.write('\r\x1b[2K')
    },
  }
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
