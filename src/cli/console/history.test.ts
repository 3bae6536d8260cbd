import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../test/temp-folder.ts'
import { CONSOLE_HISTORY_BYTES_MAX, CONSOLE_HISTORY_MAX } from '../../base/limits.ts'
import { openHistory } from './history.ts'

describe('the history', () => {
  it('is there in the next session, statements of many lines too', async () => {
    const path = join(await tempFolder(), 'state', 'heddle', 'console-history')
    const first = openHistory(path)
    for (const entry of ['a = 1', 'function f()\n  return "x"\nend', 'a', 'a', '  ']) first.add(entry)
    expect(openHistory(path).entries).toEqual(['a = 1', 'function f()\n  return "x"\nend', 'a'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is bounded, by count and by size, and loses the oldest first', async () => {
    const path = join(await tempFolder(), 'console-history')
    writeFileSync(path, Array.from({ length: CONSOLE_HISTORY_MAX + 500 }, (_, i) => `${JSON.stringify(`entry ${i}`)}\n`).join(''))
    const { entries } = openHistory(path)
    expect(entries.length).toBeLessThanOrEqual(CONSOLE_HISTORY_MAX)
    expect(entries.at(-1)).toBe(`entry ${CONSOLE_HISTORY_MAX + 499}`)
    expect(readFileSync(path, 'utf8').split('\n').length - 1).toBe(entries.length)
    const big = openHistory(path)
    for (let i = 0; i < 20; i += 1) big.add(`${i} ${'x'.repeat(CONSOLE_HISTORY_BYTES_MAX / 11)}`)
    openHistory(path)
    expect(statSync(path).size).toBeLessThanOrEqual(CONSOLE_HISTORY_BYTES_MAX)
    big.add('y'.repeat(CONSOLE_HISTORY_BYTES_MAX / 9))
    expect(openHistory(path).entries.at(-1)).toMatch(/^19 x/)
  })

  it('does without a file, a readable one or a whole one', async () => {
    const folder = await tempFolder()
    const path = join(folder, 'console-history')
    writeFileSync(path, '"a"\n{"b"\n7\n"c"\n')
    expect(openHistory(path).entries).toEqual(['a', 'c'])
    const file = join(folder, 'file')
    writeFileSync(file, '')
    chmodSync(file, 0o400)
    const nowhere = openHistory(join(file, 'below', 'console-history'))
    nowhere.add('x')
    expect(nowhere.entries).toEqual(['x'])
    const none = openHistory(null)
    none.add('x')
    expect(none.entries).toEqual(['x'])
    expect(existsSync(join(file, 'below'))).toBe(false)
  })
})
