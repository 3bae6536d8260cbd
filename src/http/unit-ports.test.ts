import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { surfaceOf } from '../../test/http-server.ts'
import { isFailure } from '../base/errors.ts'
import { silentLog } from '../base/log.ts'
import { type Surface, text } from './route.ts'
import { openPorts, type PortSurfaces, type Ports, UNITS } from './unit-ports.ts'

const HOST = '127.0.0.1'
const opened: Ports[] = []
const others: TcpServer[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((ports) => ports.close()))
  await Promise.all(others.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

function says(words: string): Surface {
  return surfaceOf(words, { 'GET /': async () => text(200, words) })
}

function surfaces(words = ''): PortSurfaces {
  const all = [says(`all${words}`)]
  const units = Object.fromEntries(UNITS.map((unit) => [unit, [says(unit + words), ...all]])) as unknown as PortSurfaces['units']
  return { all, units }
}

async function open(port: number, withUnits = true): Promise<Ports> {
  const ports = await openPorts({ surfaces: surfaces(), port, host: HOST, withUnits, log: silentLog })
  opened.push(ports)
  return ports
}

/** A free port with four free ones behind it, most likely still free in a moment. */
async function freeRow(): Promise<number> {
  const ports = await openPorts({ surfaces: surfaces(), port: 0, host: HOST, withUnits: true, log: silentLog })
  await ports.close()
  return ports.port
}

async function take(port: number): Promise<void> {
  const server = createTcpServer()
  others.push(server)
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve))
}

async function ask(port: number): Promise<string> {
  return (await fetch(`http://${HOST}:${port}/`)).text()
}

describe('ports', () => {
  it('are five in a row, each with its own answer, also after a change of surfaces', async () => {
    const ports = await open(0)
    const { port, unitPorts } = ports
    expect(unitPorts).toEqual({ bundler: port + 1, mu: port + 2, su: port + 3, cu: port + 4 })
    const answers = async (): Promise<string[]> => Promise.all([0, 1, 2, 3, 4].map((i) => ask(port + i)))
    expect(await answers()).toEqual(['all', 'bundler', 'mu', 'su', 'cu'])
    ports.use(surfaces(' again'))
    expect(await answers()).toEqual(['all again', 'bundler again', 'mu again', 'su again', 'cu again'])
  })

  it('are one when that is wished', async () => {
    const { port, unitPorts } = await open(0, false)
    expect([await ask(port), unitPorts]).toEqual(['all', null])
  })

  it('are all free again when one of them is taken, and the failure tells which', async () => {
    const port = await freeRow()
    await take(port + 3)
    await expect(open(port)).rejects.toSatisfy(
      (error) =>
        isFailure(error, 'config-invalid') && error.message.includes(`${HOST}:${port + 3}`) && error.message.includes('EADDRINUSE'),
    )
    for (const free of [port, port + 1, port + 2, port + 4]) await take(free)
  })

  it('must have room behind the first', async () => {
    await expect(open(65_532)).rejects.toThrow('port 65532 leaves no room for the 4 unit ports behind it; choose one up to 65531')
  })

  it('of a host that is none are not tried again and again', async () => {
    const beginMs = performance.now()
    const options = { surfaces: surfaces(), port: 0, host: '203.0.113.1', withUnits: true, log: silentLog }
    await expect(openPorts(options)).rejects.toThrow('EADDRNOTAVAIL')
    expect(performance.now() - beginMs).toBeLessThan(5_000)
  })
})
