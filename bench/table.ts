/** Rows of the printed table. */
export interface Row {
  readonly work: string
  readonly heddle: string
  readonly against: string
  /** Heddle divided by the other where more is better, the other way round where less is; above 1 Heddle is ahead. Empty without a comparison. */
  readonly ratio: string
  readonly aim: string
}

export interface Scale {
  readonly runs: number
  /** Part of the full number of requests. */
  readonly share: number
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en')}/s`
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`
}

export function ratio(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)}×`
}

export function printTable(rows: readonly Row[]): void {
  const head: Row = { work: 'Work', heddle: 'Heddle', against: 'Against', ratio: 'Ratio', aim: 'Aim' }
  const columns = ['work', 'heddle', 'against', 'ratio', 'aim'] as const
  const widths = columns.map((column) => Math.max(...[head, ...rows].map((row) => row[column].length)))
  const line = (row: Row): string => `| ${columns.map((column, i) => row[column].padEnd(widths[i]!)).join(' | ')} |`
  console.log(line(head))
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of rows) console.log(line(row))
}
