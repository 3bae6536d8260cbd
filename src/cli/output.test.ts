import { describe, expect, it } from 'vitest'
import { formatAr, formatBytes, plainText } from './output.ts'

const ESC = '\x1b'

describe('text from elsewhere', () => {
  it('cannot move the cursor, set the title, ring or hide what stands before it', () => {
    const text = `a${ESC}[2Jb${ESC}]0;title\x07c\rd\x08e\x9bf${ESC}[31mg\n\th${ESC}`
    expect(plainText(text, false)).not.toMatch(/[^\P{Cc}\n\t]/u)
    expect(plainText(`one${ESC}[2J two`, false)).toBe('one two')
    expect(plainText(`${ESC}]0;title\x07name`, false)).toBe('name')
    expect(plainText('line\n\tline', false)).toBe('line\n\tline')
  })

  it('keeps its colours on a terminal with colours, and nothing after it has them', () => {
    expect(plainText(`${ESC}[31mred${ESC}[2J${ESC}[0m`, true)).toBe(`${ESC}[31mred${ESC}[0m${ESC}[0m`)
    expect(plainText('plain', true)).toBe('plain')
  })
})

describe('numbers', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [15_400, '15 kB'],
    [1_342_177, '1.3 MB'],
    [4_294_967_296, '4.3 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0n, '0'],
    [1n, '0.000000000001'],
    [1_000_000_000_000n, '1'],
    [999_999_999_074_894_355n, '999999.999074894355'],
  ])('%d winston are %s AR', (winston, text) => expect(formatAr(winston)).toBe(text))
})
