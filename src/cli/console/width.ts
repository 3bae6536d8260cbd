/** How many cells of a terminal a text takes, and how it breaks into rows. Node.js has this too, but does not give it away. */

/** Wide in every font that terminals use: CJK, Hangul, full-width forms, and what shows as a picture by itself. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|.\ufe0f)/u
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u
const ESCAPE = new RegExp(`${'\x1b'}\\[[0-9;]*m`, 'g')
const PIECE = new RegExp(`(${'\x1b'}\\[[0-9;]*m|\\n)`)
const TAB = '  '
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

export interface Layout {
  readonly rows: readonly string[]
  readonly cursorRow: number
  readonly cursorColumn: number
}

export function cellsOf(grapheme: string): number {
  if (/^[\x20-\x7e]$/.test(grapheme)) return 1
  if (grapheme === '\t') return TAB.length
  if (WIDE.test(grapheme)) return 2
  return NO_WIDTH.test(grapheme) ? 0 : 1
}

export function widthOf(text: string): number {
  let cells = 0
  for (const { segment } of graphemes.segment(text.replace(ESCAPE, ''))) cells += cellsOf(segment)
  return cells
}

/** Where the character before and after a position begins, and the end of the text. */
export function previousAt(text: string, at: number): number {
  const line = text.lastIndexOf('\n', at - 1) + 1
  if (line === at) return Math.max(0, at - 1)
  let previous = line
  for (const { index } of graphemes.segment(text.slice(line, at))) previous = line + index
  return previous
}

export function nextAt(text: string, at: number): number {
  const [first] = graphemes.segment(text.slice(at, at + 64))
  return at + (first?.segment.length ?? 0)
}

/** Rows of a prompt with what was typed after it, the lines after the first behind `more`. */
export function layOut(prompt: string, more: string, text: string, cursor: number, columns: number): Layout {
  const rows: string[] = []
  let row = ''
  let column = 0
  let place = { cursorRow: 0, cursorColumn: 0 }
  const feed = (): void => {
    rows.push(row)
    row = ''
    column = 0
  }
  const put = (segment: string): void => {
    const cells = cellsOf(segment)
    if (column + cells > columns) feed()
    row += segment === '\t' ? TAB : segment
    column += cells
  }
  const mark = (): void => {
    if (column >= columns) feed()
    place = { cursorRow: rows.length, cursorColumn: column }
  }
  const putPrompt = (part: string): void => {
    for (const piece of part.split(PIECE)) {
      if (piece === '\n') feed()
      else if (piece.startsWith('\x1b')) row += piece
      else for (const { segment } of graphemes.segment(piece)) put(segment)
    }
  }
  putPrompt(prompt)
  for (const { segment, index } of graphemes.segment(text)) {
    if (index === cursor) mark()
    if (segment === '\n' || segment === '\r\n') {
      feed()
      putPrompt(more)
    } else put(segment)
  }
  if (cursor >= text.length) mark()
  rows.push(row)
  return { rows, ...place }
}

/** As many rows as fit, with the cursor among them. */
export function withinHeight({ rows, cursorRow, cursorColumn }: Layout, heightMax: number): Layout {
  if (rows.length <= heightMax) return { rows, cursorRow, cursorColumn }
  const first = Math.min(Math.max(0, cursorRow - heightMax + 1), rows.length - heightMax)
  return { rows: rows.slice(first, first + heightMax), cursorRow: cursorRow - first, cursorColumn }
}
