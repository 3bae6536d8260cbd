/** The whole program as others get it: packed, unpacked among the packages of a project, started by the command that npm puts there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandOptions, heddle as command, heddleJson, type Ran } from './support/command.ts'
import { install } from './support/installed.ts'
import { type NodeProcess, startProcess } from './support/process.ts'

const COUNTER = `import { on } from 'heddle/process'
export let count: number = 0
on('Increment', () => ({ data: \`the count is \${++count}\` }))`

let folder = ''
let script = ''
let node: NodeProcess

const options = (): CommandOptions => ({ script, cwd: folder, url: node.url })
const heddle = (...words: string[]): Promise<Ran> => command(words, options())

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-installed-'))
  script = join(await install(folder), 'bin/heddle.js')
  node = await startProcess(join(folder, 'data'), [], { script })
}, 180_000)

afterAll(async () => {
  await node?.kill()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

describe('the program in node_modules', () => {
  it('shows what it can do', async () => {
    const { code, stdout, stderr } = await heddle('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Run a node')
  })

  it('uploads, verifies, blocks, indexes, spawns and pays: the demo', async () => {
    const { code, stdout, stderr } = await heddle('demo')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('An error changes nothing')
  })

  it('runs processes in Lua and in TypeScript', async () => {
    writeFileSync(join(folder, 'counter.ts'), COUNTER)
    writeFileSync(join(folder, 'hello.lua'), "Handlers.add('hello', 'Hello', function (msg) msg.reply({ Data = 'hello' }) end)")
    for (const [file, action, said] of [
      ['counter.ts', 'Increment', 'the count is 1'],
      ['hello.lua', 'Hello', 'hello'],
    ] as const) {
      const { value } = await heddleJson<{ process: string }>(['spawn', file], options())
      const { code, stdout, stderr } = await heddle('send', value.process, '--action', action)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain(said)
    }
  })

  it('computes what it computed, once more', async () => {
    const { code, stdout, stderr } = await heddle('verify', '--all')
    expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '' })
  })

  it('speaks AO-Core, and says so to the command line', async () => {
    const { code, stdout } = await heddle('inspect', `${node.url}/~meta@1.0/info`)
    expect(code).toBe(0)
    expect(stdout).toContain('preloaded_devices')
  })
})
