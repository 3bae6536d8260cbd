import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, type Draft, deletes, draftOf, insert, type Key, move, vertical } from './edit.ts'

/** The text with `|` where the cursor is. */
function shown({ text, cursor }: Draft): string {
  return `${text.slice(0, cursor)}|${text.slice(cursor)}`
}

function draft(text: string): Draft {
  return { text: text.replace('|', ''), cursor: text.indexOf('|') }
}

const moved = (text: string, key: Key): string => shown(move(draft(text), key)!)
const deleted = (text: string, key: Key): string => shown(cut(draft(text), deletes(draft(text), key)!).draft)

describe('editing', () => {
  it('inserts at the cursor, without what would move that of the terminal', () => {
    expect(shown(insert(draft('a|b'), 'x'))).toBe('ax|b')
    expect(shown(insert(draft('|'), 'a\r\nb\rc\x1b[2J\td'))).toBe('a\nb\nc[2J\td|')
  })

  it('moves by characters as people see them, by words and to the ends of a line', () => {
    expect(moved('👩‍👩‍👧é|', { name: 'left' })).toBe('👩‍👩‍👧|é')
    expect(moved('👩‍👩‍👧|é', { name: 'left' })).toBe('|👩‍👩‍👧é')
    expect(moved('a\n|b', { name: 'left' })).toBe('a|\nb')
    expect(moved('Handlers.add|', { name: 'left', ctrl: true })).toBe('Handlers.|add')
    expect(moved('|  foo bar', { name: 'f', meta: true })).toBe('  foo| bar')
    expect(moved('one\ntw|o', { name: 'a', ctrl: true })).toBe('one\n|two')
    expect(moved('o|ne\ntwo', { name: 'end' })).toBe('one|\ntwo')
    expect(move(draft('a|'), { name: 'x' })).toBeNull()
  })

  it('deletes as shells do', () => {
    expect(deleted('ab|c', { name: 'backspace' })).toBe('a|c')
    expect(deleted('a|bc', { name: 'delete' })).toBe('a|c')
    expect(deleted('foo bar |baz', { name: 'w', ctrl: true })).toBe('foo |baz')
    expect(deleted('one\nt|wo', { name: 'k', ctrl: true })).toBe('one\nt|')
    expect(deleted('one\ntw|o', { name: 'u', ctrl: true })).toBe('one\n|o')
  })

  it('goes through lines and keeps the column where it can', () => {
    expect(shown(vertical(draft('long line\nab|'), false)!)).toBe('lo|ng line\nab')
    expect(shown(vertical(draft('long li|ne\nab'), true)!)).toBe('long line\nab|')
    expect(vertical(draft('a|b\nc'), false)).toBeNull()
    expect(vertical(draft('ab\n|c'), true)).toBeNull()
  })

  it('the cursor stays inside, and a deletion takes away what lies between', () => {
    const keys = fc.constantFrom<Key>({ name: 'left' }, { name: 'right' }, { name: 'left', meta: true }, { name: 'home' }, { name: 'end' })
    const kills = fc.constantFrom<Key>({ name: 'backspace' }, { name: 'delete' }, { name: 'w', ctrl: true }, { name: 'd', meta: true })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(keys), kills, (text, presses, kill) => {
        let now = insert(draftOf(''), text)
        for (const key of presses) now = move(now, key)!
        expect(now.cursor).toBeGreaterThanOrEqual(0)
        expect(now.cursor).toBeLessThanOrEqual(now.text.length)
        const { draft: after, removed } = cut(now, deletes(now, kill)!)
        expect(after.text.length + removed.length).toBe(now.text.length)
      }),
    )
  })
})
