/** Words side by side, and what they have in common. */
import { widthOf } from './width.ts'

const GAP = 2

/** Down the columns, as `ls` shows names. */
export function columnsOf(words: readonly string[], width: number): string {
  const cell = Math.max(...words.map(widthOf)) + GAP
  const count = Math.max(1, Math.floor(width / cell))
  const rows = Math.ceil(words.length / count)
  return Array.from({ length: rows }, (_, row) =>
    words
      .filter((_, i) => i % rows === row)
      .map((word) => word + ' '.repeat(cell - widthOf(word)))
      .join('')
      .trimEnd(),
  ).join('\n')
}

export function commonStart(words: readonly string[]): string {
  const [first = '', ...others] = words
  let length = first.length
  for (const word of others) while (!word.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length)
}

/** A table whose columns are as wide as their widest cell; the last one is free. */
export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, widthOf(cell))), [])
  return rows.map((row) => {
    const last = row.findLastIndex((cell) => cell !== '' && widthOf(cell) > 0)
    const cells = row.slice(0, last + 1)
    return cells.map((cell, i) => (i === last ? cell : cell + ' '.repeat((widths[i] ?? 0) - widthOf(cell)))).join('  ')
  })
}
