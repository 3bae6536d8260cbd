import { describe, expect, it } from 'vitest'
import { failureText } from '../../../test/ao-core-failures.ts'
import { concat, toText, utf8 } from '../../base/bytes.ts'
import { AO_CORE_KEYS_MAX, MULTIPART_PARTS_MAX } from '../../base/limits.ts'
import { joinPieces, MultipartReader, mergedPieces, type Part, readMultipart, writeMultipart } from './multipart.ts'

function read(text: string, boundary = 'B'): unknown {
  return readMultipart(utf8(text), boundary).map(shownPart)
}

function shownPart({ lines, body }: Part): unknown {
  return { lines, body: body === null ? null : toText(body) }
}

describe('a multipart body', () => {
  it('has parts of lines, of lines and a body, and of a body', () => {
    expect(read('--B\r\na: 1\r\nb:  x \r\n--B\r\nc: d\r\n\r\nbody\r\n--B\r\nd: e\r\n\r\n\r\n--B--')).toEqual([
      {
        lines: [
          ['a', '1'],
          ['b', ' x '],
        ],
        body: null,
      },
      { lines: [['c', 'd']], body: 'body' },
      { lines: [['d', 'e']], body: '' },
    ])
  })

  it('may have something before and after it, and blanks behind boundaries', () => {
    expect(read('hello\r\n--Bx\r\n--B \t\r\na: 1\r\n--B--\r\nbye\r\n--B\r\nb: 2\r\n--B--')).toEqual([{ lines: [['a', '1']], body: null }])
  })

  it('may have no parts', () => {
    expect(read('--B--')).toEqual([])
    expect(read('--B--\r\n')).toEqual([])
  })

  it('has lines that end in LF where its first boundary does', () => {
    expect(read('--B\na: 1\nb: 2\n\nl1\r\nl2\n--B--\n')).toEqual([
      {
        lines: [
          ['a', '1'],
          ['b', '2'],
        ],
        body: 'l1\r\nl2',
      },
    ])
  })

  it('keeps LF in values and bodies where lines end in CRLF', () => {
    expect(read('--B\r\na: 1\n2\r\n\r\nx\n--B\r\ny\r\n--B--')).toEqual([{ lines: [['a', '1\n2']], body: 'x\n--B\r\ny' }])
  })

  it('keeps what only resembles its boundary', () => {
    const body = '--B\r\n-- B\r\n--b\r\n--BB\r\n--B-\r\n--B--x\r\n--\r\n\r\r\n-'
    expect(read(`--C\r\n\r\n${body}\r\n--C--`, 'C')).toEqual([{ lines: [], body }])
    expect(read('--B\r\n\r\n--BB\r\n--B-\r\n--B--x\r\n--B- -\r\n--B--', 'B')).toEqual([
      { lines: [], body: '--BB\r\n--B-\r\n--B--x\r\n--B- -' },
    ])
  })

  it('has names up to the first colon with a space, or the first colon', () => {
    expect(read('--B\r\na:b: c: d\r\nKey:value \r\nempty: \r\n: x\r\n--B--')).toEqual([
      {
        lines: [
          ['a:b', 'c: d'],
          ['Key', 'value'],
          ['empty', ''],
          ['', 'x'],
        ],
        body: null,
      },
    ])
  })

  it('takes values that are not UTF-8, but no such names', () => {
    const [part] = readMultipart(concat([utf8('--B\r\na: '), Uint8Array.of(255, 10, 13), utf8('\r\n--B--')]), 'B')
    expect(Uint8Array.from(part?.lines[0]?.[1] as Uint8Array)).toEqual(Uint8Array.of(255, 10, 13))
    expect(failureText(() => readMultipart(concat([utf8('--B\r\n'), Uint8Array.of(255), utf8(': a\r\n--B--')]), 'B'))).toMatch(
      /^encoding-invalid: .*header line/,
    )
  })

  it.each([
    ['nothing', ''],
    ['no boundary', 'a: 1\r\n'],
    ['another boundary', '--C\r\na: 1\r\n--C--'],
    ['no last boundary', '--B\r\na: 1\r\n\r\nbody'],
    ['no last boundary, but the start of one', '--B\r\na: 1\r\n--B-'],
    ['a part after a boundary', '--B\r\na: 1\r\n--B\r\n'],
    ['a boundary within a line', 'x--B--'],
  ])('fails with %s', (_name, text) => {
    expect(failureText(() => read(text))).toMatch(/^encoding-invalid: multipart body: the body ends before/)
  })

  it.each(['', ' ', 'a ', 'a\r\nb', 'é', 'x'.repeat(201)])('fails with the boundary %j', (boundary) => {
    expect(failureText(() => read('--B--', boundary))).toMatch(/^encoding-invalid: .*is not a boundary/s)
  })

  it('fails with a line that is none', () => {
    expect(failureText(() => read('--B\r\nno colon\r\n--B--'))).toMatch(/^encoding-invalid: .*"no colon" is not a header line/)
  })

  it('is bounded in parts, lines and bytes', () => {
    const part = '--B\r\na: 1\r\n'
    expect(readMultipart(utf8(`${part.repeat(MULTIPART_PARTS_MAX)}--B--`), 'B').length).toBe(MULTIPART_PARTS_MAX)
    expect(failureText(() => read(`${part.repeat(MULTIPART_PARTS_MAX + 1)}--B--`))).toMatch(/^too-large: parts/)
    expect(failureText(() => read(`--B\r\n${'a: 1\r\n'.repeat(AO_CORE_KEYS_MAX + 1)}--B--`))).toMatch(/^too-large: header lines/)
    const reader = new MultipartReader('B', 10)
    expect(failureText(() => reader.push(utf8('--B\r\na: 1\r\n')))).toMatch(/^too-large: multipart body/)
  })

  it('takes time that grows with its length alone', () => {
    const size = 4 * 1024 * 1024
    const fill = (text: string): string => text.repeat(size / text.length)
    for (const text of ['\n', '\r', '\r\n', '\r\n--B', '\n--', ' ', '-']) {
      expect(failureText(() => readMultipart(utf8(`--BC\r\n\r\n${fill(text)}`), 'BC'))).toMatch(/^encoding-invalid/)
      expect(failureText(() => readMultipart(utf8(fill(text)), 'BC'))).toMatch(/^encoding-invalid/)
    }
    expect(failureText(() => readMultipart(utf8(`--B\r\n${fill('a:')}`), 'B'))).toMatch(/^encoding-invalid/)
  })

  it('takes no more time in pieces of one byte', () => {
    const line = `k: ${'v'.repeat(200_000)}`
    const body = utf8(`--B\r\n${line}\r\n\r\n${'\r\n--'.repeat(50_000)}\r\n--B--`)
    const reader = new MultipartReader('B')
    for (let i = 0; i < body.length; i++) reader.push(body.subarray(i, i + 1))
    const [part] = reader.end()
    expect(part?.lines[0]?.[1] === 'v'.repeat(200_000)).toBe(true)
    expect(part?.body !== null && toText(part?.body ?? body) === '\r\n--'.repeat(50_000)).toBe(true)
  })

  it('is not copied where it comes in one piece', () => {
    const body = utf8(`--B\r\na: 1\r\n\r\n${'x'.repeat(5000)}\r\n--B--`)
    expect(readMultipart(body, 'B')[0]?.body?.buffer).toBe(body.buffer)
  })
})

describe('writing', () => {
  it('names the boundary after the parts, and gives large values as they are', () => {
    const large = new Uint8Array(100_000).fill(120)
    const { boundary, pieces } = writeMultipart([['a: 1'], ['b: 2\r\n\r\n', large]])
    expect(pieces).toContain(large)
    const body = joinPieces(pieces)
    expect(readMultipart(body, boundary).map(({ lines }) => lines)).toEqual([[['a', '1']], [['b', '2']]])
    expect(Uint8Array.from(readMultipart(body, boundary)[1]!.body!)).toEqual(Uint8Array.from(large))
    const text = writeMultipart([['a: 1'], ['b: 2\r\n\r\n', 'x'.repeat(100_000)]])
    expect(text.boundary).toBe(boundary)
    expect(joinPieces(text.pieces)).toEqual(new Uint8Array(body))
  })
})

describe('pieces', () => {
  it('are the same bytes when they are merged: small ones together, large ones where they are', () => {
    const large = new Uint8Array(100_000).fill(200)
    const pieces = ['a', 'é', Uint8Array.of(255), large, large, 'b', 'c']
    const merged = mergedPieces(pieces)
    expect(merged).toHaveLength(4)
    expect([merged[1], merged[2]].every((piece) => piece === large)).toBe(true)
    expect(Buffer.compare(concat(merged), joinPieces(pieces))).toBe(0)
  })

  it('that lie behind each other in memory are not copied', () => {
    const body = utf8(`--B\r\na: 1\r\n\r\n${'x'.repeat(5_000)}\r\n--B--`)
    const reader = new MultipartReader('B')
    for (let at = 0; at < body.length; at += 100) reader.push(body.subarray(at, at + 100))
    expect(reader.end()[0]?.body?.buffer).toBe(body.buffer)
  })
})
