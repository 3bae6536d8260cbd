/** A real server on a free port for tests of the HTTP layer, and clients that send exactly what they are told. */
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { utf8 } from '../src/base/bytes.ts'
import { HeddleError } from '../src/base/errors.ts'
import { type Log, silentLog } from '../src/base/log.ts'
import { type Request, type Response, type Route, type Surface, text } from '../src/http/route.ts'
import { createServer, type Server } from '../src/http/server.ts'

export type Handle = (request: Request) => Promise<Response | null>

function failure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return text(500, 'bug')
  return text(error.code === 'too-large' ? 413 : 400, error.code)
}

export function surfaceOf(name: string, routes: Readonly<Record<string, Handle>>): Surface {
  const list = Object.entries(routes).map(([key, handle]): Route => {
    const [method, path] = key.split(' ')
    return { method: method as Route['method'], path: path!, handle }
  })
  return { name, routes: list, failure }
}

export async function start(
  routes: Readonly<Record<string, Handle>>,
  log: Log = silentLog,
): Promise<{ server: Server; port: number; url: string }> {
  return startSurfaces([surfaceOf('test', routes)], log)
}

export async function startSurfaces(surfaces: Surface[], log: Log = silentLog): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer({ surfaces, log })
  onTestFinished(() => server.close(100))
  const port = await server.listen(0, '127.0.0.1')
  return { server, port, url: `http://127.0.0.1:${port}` }
}

/** Sends bytes as they are and returns all that comes back until the connection ends. */
export function exchange(port: number, ...sent: (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    const received: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of sent) socket.write(part)
    })
    socket.on('data', (part) => received.push(part))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(received).toString('latin1')))
  })
}

/** One GET as raw text, answered and closed. */
export function getRaw(port: number, target: string, headers = ''): Promise<string> {
  return exchange(port, `GET ${target} HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n${headers}\r\n`)
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}

export async function* pieces(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield utf8(part)
  }
}
