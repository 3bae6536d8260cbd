import { describe, expect, it } from 'vitest'
import { literalFront, textTest } from './sqlite-pattern.ts'

describe('wildcards', () => {
  it.each([
    ['text/*', ['text/', 'text/html'], ['Text/html', 'a text/html']],
    ['*', ['', 'anything\nat all'], []],
    ['a*a', ['aa', 'aba'], ['a', 'ab']],
    ['*b*c', ['bc', 'abbcbc'], ['cb', 'bcd']],
    ['a**b', ['ab', 'axb'], ['a']],
    ['a.c', ['a.c'], ['abc']],
    ['', [''], ['x']],
  ])('%s', (pattern, fitting, others) => {
    const fits = textTest(pattern, 'WILDCARD')
    for (const text of fitting) expect(fits(text), text).toBe(true)
    for (const text of others) expect(fits(text), text).toBe(false)
  })

  it('take no longer for many stars', () => {
    const start = performance.now()
    expect(textTest(`${'*a'.repeat(500)}*b`, 'WILDCARD')('a'.repeat(3000))).toBe(false)
    expect(performance.now() - start).toBeLessThan(100)
  })

  it('begin with what stands before the first star', () => {
    expect([literalFront('ab*c'), literalFront('*'), literalFront('ab')]).toEqual(['ab', '', 'ab'])
  })
})

describe('words', () => {
  it('occur whole, in any case and order', () => {
    expect(textTest('World hello', 'FUZZY_AND')('Hello, world!')).toBe(true)
    expect(textTest('hello moon', 'FUZZY_AND')('Hello, world!')).toBe(false)
    expect(textTest('hello moon', 'FUZZY_OR')('Hello, world!')).toBe(true)
    expect(textTest('hell', 'FUZZY_OR')('Hello, world!')).toBe(false)
    expect(textTest('GRÖSSE', 'FUZZY_AND')('die größse')).toBe(false)
    expect(textTest('größe', 'FUZZY_AND')('Die GRÖßE')).toBe(true)
    expect(textTest(' ,', 'FUZZY_AND')('anything')).toBe(false)
  })
})
