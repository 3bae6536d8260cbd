/** `heddle start --unit-ports`: what it prints, for people and for programs, what it does when a port is taken, and that a reset keeps the ports. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import type { UnitUrls } from '../../src/http/unit-ports.ts'
import { startTestNode } from '../../src/testkit/node.ts'
import { heddleJson, startCommand } from './support/command.ts'
import { askUnit } from './support/units.ts'

interface Ready {
  readonly event: string
  readonly url: string
  readonly unitUrls?: UnitUrls
}

const folder = mkdtempSync(join(tmpdir(), 'heddle-units-'))
const HELLO = 'ao messenger unit'
afterAll(() => rmSync(folder, { recursive: true }))

async function end(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  return (await exited)[0] as number | null
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface(child.stdout!)) return line
  throw new Error(`the command ended with ${child.exitCode} and said nothing`)
}

/** A node of its own, and what it said first. */
async function started<T>(words: readonly string[], env: Readonly<Record<string, string>>, use: (ready: Ready) => Promise<T>): Promise<T> {
  const child = startCommand(['start', '--json', '--port', '0', '--data', join(folder, 'a'), ...words], { env })
  try {
    return await use(JSON.parse(await firstLine(child)) as Ready)
  } finally {
    expect(await end(child)).toBe(0)
  }
}

async function take(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('start --unit-ports', () => {
  it.each([
    ['the flag', ['--unit-ports'], {}],
    ['the environment', [], { HEDDLE_UNIT_PORTS: 'true' }],
  ])('set by %s tells programs the urls of the units', async (_name, words, env) => {
    await started(words, env, async ({ event, url, unitUrls }) => {
      expect(event).toBe('ready')
      const port = Number(new URL(url).port)
      const expected = Object.fromEntries(['bundler', 'mu', 'su', 'cu'].map((unit, i) => [unit, `http://localhost:${port + 1 + i}`]))
      expect(unitUrls).toEqual(expected)
      expect((await askUnit(unitUrls!.mu)).body).toBe(HELLO)
      expect((await askUnit(`${url}/info`)).body).toMatchObject({ heddle: { unitUrls: expected } })
    })
  })

  it('is not the rule', async () => {
    await started([], {}, async ({ url, unitUrls }) => {
      expect(unitUrls).toBe(undefined)
      const { body } = await askUnit<{ heddle: object }>(`${url}/info`)
      expect(body.heddle).not.toHaveProperty('unitUrls')
    })
  })

  it('tells people too', async () => {
    const child = startCommand(['start', '--port', '0', '--unit-ports', '--data', join(folder, 'b')])
    const lines: string[] = []
    for await (const line of createInterface(child.stdout!)) if (lines.push(line) > 4) break
    expect(lines.slice(1, 5).map((line) => line.replace(/\d+$/, 'N'))).toEqual([
      '  bundler         http://localhost:N',
      '  messenger unit  http://localhost:N',
      '  scheduler unit  http://localhost:N',
      '  compute unit    http://localhost:N',
    ])
    expect(await end(child)).toBe(0)
  })

  it('says which port is taken, and by which unit it was wanted', async () => {
    const free = await started(['--unit-ports'], {}, async ({ url }) => Number(new URL(url).port))
    const other = await take(free + 3)
    const words = ['start', '--port', String(free), '--unit-ports', '--data', join(folder, 'c')]
    const { code, value } = await heddleJson<{ code: string; error: string }>(words)
    other.close()
    expect([code, value.code]).toEqual([1, 'port-in-use'])
    expect(value.error).toBe(
      `port ${free + 3}, for the scheduler unit, is taken by another program; stop that, or choose another with --port (0 picks free ones)`,
    )
  })

  it('wants room behind the port', async () => {
    const words = ['start', '--port', '65534', '--unit-ports', '--data', join(folder, 'd')]
    const { code, value } = await heddleJson<{ code: string; error: string }>(words)
    expect(code).not.toBe(0)
    expect(value.error).toContain('port 65534 leaves no room')
  })
})

it('a reset keeps the ports', async () => {
  const node = await startTestNode({ unitPorts: true })
  const { mu, su } = node.unitUrls!
  const before = (await askUnit<{ address: string }>(su)).body.address
  expect((await askUnit(`${node.url}/reset`)).status).toBe(200)
  expect((await askUnit(mu)).body).toBe(HELLO)
  expect((await askUnit<{ address: string }>(su)).body.address).toBe(before)
  await node.stop()
})
