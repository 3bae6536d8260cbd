import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layOut, widthOf, withinHeight } from './width.ts'

describe('widths', () => {
  it('counts cells, not letters', () => {
    expect(widthOf('abc')).toBe(3)
    expect(widthOf('中文')).toBe(4)
    expect(widthOf('👩‍👩‍👧')).toBe(2)
    expect(widthOf('e\u0301')).toBe(1)
    expect(widthOf('\x1b[31mred\x1b[0m')).toBe(3)
  })
})

describe('rows', () => {
  it('break at the edge, with the cursor where the next letter goes', () => {
    expect(layOut('> ', '. ', 'abcdef', 6, 8)).toEqual({ rows: ['> abcdef', ''], cursorRow: 1, cursorColumn: 0 })
    expect(layOut('> ', '. ', 'abcdefg', 2, 8)).toEqual({ rows: ['> abcdef', 'g'], cursorRow: 0, cursorColumn: 4 })
    expect(layOut('> ', '. ', 'a\nb', 2, 8)).toEqual({ rows: ['> a', '. b'], cursorRow: 1, cursorColumn: 2 })
    expect(layOut('> ', '. ', 'a\nb', 1, 8)).toEqual({ rows: ['> a', '. b'], cursorRow: 0, cursorColumn: 3 })
    expect(layOut('> ', '. ', 'abcde中', 6, 8)).toEqual({ rows: ['> abcde', '中'], cursorRow: 1, cursorColumn: 2 })
    expect(layOut('one\n\x1b[31mtwo> ', '', '', 0, 80)).toEqual({ rows: ['one', '\x1b[31mtwo> '], cursorRow: 1, cursorColumn: 5 })
  })

  it('never are wider than the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 4, max: 40 }), (text, columns) => {
        const { rows, cursorRow, cursorColumn } = layOut('> ', '  … ', text, text.length, columns)
        for (const row of rows) expect(widthOf(row)).toBeLessThanOrEqual(columns)
        expect(cursorRow).toBe(rows.length - 1)
        expect(cursorColumn).toBeLessThan(columns)
      }),
    )
  })

  it('show those around the cursor when there are too many', () => {
    const rows = ['0', '1', '2', '3', '4']
    expect(withinHeight({ rows, cursorRow: 0, cursorColumn: 0 }, 2)).toMatchObject({ rows: ['0', '1'], cursorRow: 0 })
    expect(withinHeight({ rows, cursorRow: 4, cursorColumn: 0 }, 2)).toMatchObject({ rows: ['3', '4'], cursorRow: 1 })
  })
})
