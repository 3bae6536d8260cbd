import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { spawn } from '../../../test/lua-rig.ts'
import { tempFolder } from '../../../test/temp-folder.ts'
import { loadSource, plainSource, requiredNames } from './source.ts'

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

describe('files of Lua', () => {
  it('bring the local files that they require, each once and first those that others need', async () => {
    const folder = await write({
      'main.lua': `#!/usr/bin/lua\nlocal a = require('lib.a')\nlocal b = require "b"\nlocal json = require('json')\nreturn a.name .. b.name .. loads`,
      'lib/a.lua': `-- require('never')\nlocal b = require('b')\nreturn { name = 'a' .. b.name }`,
      'b.lua': `loads = (loads or 0) + 1\nreturn { name = 'b' }`,
    })
    const { text } = loadSource(join(folder, 'main.lua'))
    const stub = `package = { loaded = {} } package.loaded.json = {} require = function(n) return package.loaded[n] or error(n) end\n`
    expect(run(stub + text)).toBe('abb1')
  })

  it('know where each line was written', async () => {
    const folder = await write({ 'main.lua': `local a = require('a')\n\nerror('here')`, 'a.lua': `local x = 1\nreturn x` })
    const main = join(folder, 'main.lua')
    const { text, originOf } = loadSource(main)
    const lines = text.split('\n')
    expect(originOf(lines.indexOf(`error('here')`) + 1)).toEqual({ file: main, line: 3, text: `error('here')` })
    expect(originOf(lines.indexOf('local x = 1') + 1)).toMatchObject({ line: 1, text: 'local x = 1' })
    expect(originOf(1)).toBeNull()
    expect(originOf(lines.length + 1)).toBeNull()
  })

  it('find a file beside the one that requires it, a module that gives nothing, and one under two names', async () => {
    const folder = await write({
      'main.lua': `require('lib.a') return type(require('.lib.b')) .. tostring(require('c'))`,
      'lib/a.lua': `return require('b')`,
      'lib/b.lua': `count = (count or 0) + 1 return { count }`,
      'c.lua': `c = true`,
    })
    const { text } = loadSource(join(folder, 'main.lua'))
    expect(run(`package = { loaded = {} } require = function(n) return package.loaded[n] or error(n) end\n${text}`)).toBe('tabletrue')
    expect(text.match(/count = \(count or 0\)/g)).toHaveLength(1)
  })

  it('say what cannot be loaded', async () => {
    const folder = await write({ 'a.lua': `require('b')`, 'b.lua': `require 'a'` })
    expect(() => loadSource(join(folder, 'a.lua'))).toThrow('a.lua requires b.lua requires a.lua: a circle cannot be loaded')
    expect(() => loadSource(join(folder, 'c.lua'))).toThrow(/cannot read .*c\.lua: it does not exist/)
    const two = await write({
      'main.lua': `require('p.a') require('q.a')`,
      'p/a.lua': `require('x')`,
      'p/x.lua': '',
      'q/a.lua': `require('x')`,
      'q/x.lua': '',
    })
    expect(() => loadSource(join(two, 'main.lua'))).toThrow(/"x" means .*q\/x\.lua in q\/a\.lua and .*p\/x\.lua elsewhere; rename one/)
  })

  it('names in comments, strings and fields are none that are required', () => {
    expect(
      requiredNames(
        `require('a') require"b" require [[c]] -- require('d')\nx = "require('e')" t.require('f') require(g) require('h' .. i)`,
      ),
    ).toEqual(['a', 'b', 'c', 'h'])
  })
})

describe('other sources', () => {
  it('what was typed has lines and no file', () => {
    expect(plainSource('a\nb').originOf(2)).toEqual({ file: null, line: 2, text: 'b' })
    expect(plainSource('a').originOf(2)).toBeNull()
  })

  it('TypeScript keeps its lines', async () => {
    const folder = await write({ 'a.ts': 'const x: number = 1\nx' })
    expect(loadSource(join(folder, 'a.ts')).text).toBe('const x         = 1\nx')
  })
})

function run(source: string): unknown {
  return spawn().run(source)
}
