import { describe, expect, it } from 'vitest'
import { transcodeReply } from './js-reply.ts'
import { replyOfFields } from './js-values.ts'

const tag = (name: string, value = ''): string[] => [name, value]
const entry = (mark: string, tags: readonly string[][], fields: readonly string[] = ['t', 'd', 'a']): string[] => [
  mark,
  ...fields,
  String(tags.length),
  ...tags.flat(),
]

function transcoded(fields: readonly string[], count = fields.length): Uint8Array | null {
  const text = Buffer.from(`=${count}\0${fields.join('\0')}`)
  const memory = Buffer.concat([Buffer.from('before\0'), text, Buffer.from('\0after')])
  return transcodeReply(memory, 7, 7 + text.length)
}

describe('a reply straight from memory', () => {
  it.each([
    ['nothing', ['', 'p> ', 'print']],
    ['an Eval', ['2', 'p> ', 'eval']],
    ['text of all sizes', ['ü'.repeat(100), '', 'print', ...entry('m', [tag('Grüße', '🌍'), tag('n', 'x'.repeat(100_000))], ['', '', ''])]],
    ['all marks', ['', 'p', 'print', ...['m', 'm-', 'mn', 'm-n', 's', 'sn'].flatMap((mark) => entry(mark, [tag('n', 'v')]))]],
    ['no tags', ['', 'p', 'print', ...entry('s', []), ...entry('m', [])]],
    ['very many', ['', 'p', 'print', ...Array.from({ length: 3000 }, (_, i) => entry(i % 3 ? 'm' : 's', [tag('i', String(i))])).flat()]],
  ])('is what the longer way gives: %s', (_, fields) => {
    const { values } = replyOfFields(fields, () => null)
    const direct = transcoded(fields)
    expect(direct === null ? null : Buffer.from(direct).equals(values)).toBe(true)
  })

  it.each([
    ['bytes', ['', 'p', 'print', ...entry('mb', [], ['t', '0', 'a'])]],
    ['assignments', ['', 'p', 'print', 'a', '{}']],
    ['an unknown mark', ['', 'p', 'print', ...entry('q', [])]],
    ['an entry cut short', ['', 'p', 'print', 'm', 't', 'd', 'a']],
    ['more tags than there are', ['', 'p', 'print', 'm', 't', 'd', 'a', '2', 'n', 'v', 'n']],
    ['no count of tags', ['', 'p', 'print', 'm', 't', 'd', 'a', '']],
    ['a count that is no number', ['', 'p', 'print', 'm', 't', 'd', 'a', '-1']],
    ['too few fields', ['', 'p']],
    ['NULs', ['\0', 'p', 'print']],
  ])('leaves to the longer way: %s', (_, fields) => {
    expect(transcoded(fields)).toBe(null)
  })

  it('leaves text that is not UTF-8, and what is not a list of fields', () => {
    const text = Buffer.concat([Buffer.from('=3\0'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('\0p\0print')])
    expect(transcodeReply(text, 0, text.length)).toBe(null)
    expect(transcodeReply(Buffer.from('{"Output":""}'), 0, 13)).toBe(null)
    expect(transcoded(['', 'p', 'print'], 4)).toBe(null)
  })
})
