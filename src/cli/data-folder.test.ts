import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeDataFolder } from './data-folder.ts'

describe('the data folder', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-folder-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is made with all that leads to it, and is marked', () => {
    const path = join(folder, 'a', 'b')
    takeDataFolder(path).release()
    expect(JSON.parse(readFileSync(join(path, 'heddle.json'), 'utf8'))).toEqual({ program: 'heddle', format: 1 })
  })

  it('belongs to one node at a time', () => {
    const first = takeDataFolder(folder)
    first.announce('http://localhost:4000')
    expect(() => takeDataFolder(folder, { waitMs: 1 })).toThrow(
      `is in use by the node at http://localhost:4000 with process id ${process.pid}`,
    )
    expect(() => takeDataFolder(folder, { fresh: true, waitMs: 1 })).toThrow('is in use')
    first.release()
    takeDataFolder(folder).release()
  })

  it('does not count as taken by a node that was killed', () => {
    writeFileSync(join(folder, 'heddle.pid'), `${process.pid} http://localhost:4000`)
    takeDataFolder(folder).release()
  })

  it('is emptied of what nodes made, and of nothing else', () => {
    takeDataFolder(folder).release()
    mkdirSync(join(folder, 'kv'))
    writeFileSync(join(folder, 'kv', 'data.mdb'), 'data')
    writeFileSync(join(folder, 'letter.txt'), 'mine')
    takeDataFolder(folder, { fresh: true }).release()
    expect(existsSync(join(folder, 'kv'))).toBe(false)
    expect(readFileSync(join(folder, 'letter.txt'), 'utf8')).toBe('mine')
  })

  it('is not emptied when no node made it', () => {
    mkdirSync(join(folder, 'kv'))
    expect(() => takeDataFolder(folder, { fresh: true })).toThrow('no Heddle node made it')
    expect(existsSync(join(folder, 'kv'))).toBe(true)
  })

  it.each(['{"program":"heddle","format":2}', '{', ''])('of another version (%j) is refused, unless it is to be emptied', (mark) => {
    writeFileSync(join(folder, 'heddle.json'), mark)
    expect(() => takeDataFolder(folder)).toThrow('was written by another version')
    takeDataFolder(folder, { fresh: true }).release()
    takeDataFolder(folder).release()
  })

  it('must be a folder', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => takeDataFolder(join(folder, 'file'))).toThrow('it is a file')
    expect(() => takeDataFolder(join(folder, 'file', 'below'))).toThrow('it is a file')
  })
})
