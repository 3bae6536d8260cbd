/** A light HTTP/1.1 load generator: keep-alive sockets, whole requests prepared beforehand, so that it takes little of the machine that it measures. */
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  readonly requests: number
  readonly failures: number
  readonly seconds: number
  /** Milliseconds from the request's last byte to the answer's. */
  readonly p50: number
  readonly p99: number
}

export interface LoadOptions {
  readonly url: string
  readonly connections: number
  /** The next whole request, or null when there are no more. */
  readonly next: () => Uint8Array | null
}

const HEADERS_END = Buffer.from('\r\n\r\n')

export async function runLoad({ url, connections, next }: LoadOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(url)
  const times: number[] = []
  let failures = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await openClient(hostname, Number(port))
      for (let request = next(); request !== null; request = next()) {
        const from = performance.now()
        const status = await client.exchange(request)
        times.push(performance.now() - from)
        if (!isSuccess(status)) failures += 1
      }
      client.close()
    }),
  )
  const seconds = (performance.now() - began) / 1_000
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { requests: times.length, failures, seconds, p50: at(0.5), p99: at(0.99) }
}

export interface Client {
  /** Sends one request; resolves with the status once the whole answer is here. */
  exchange(request: Uint8Array): Promise<number>
  close(): void
}

export function openClient(host: string, port: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port, noDelay: true })
    let done: ((status: number) => void) | null = null
    let head: Buffer = Buffer.alloc(0)
    let bodyLeft = -1
    let status = 0
    socket.once('error', reject)
    socket.once('connect', () => {
      resolve({
        exchange: (request) =>
          new Promise((finish) => {
            done = finish
            socket.write(request)
          }),
        close: () => socket.end(),
      })
    })
    socket.on('close', () => done?.(0))
    socket.on('data', (piece: Buffer) => {
      if (bodyLeft < 0) {
        head = head.length === 0 ? piece : Buffer.concat([head, piece])
        const end = head.indexOf(HEADERS_END)
        if (end === -1) return
        const text = head.toString('latin1', 0, end)
        status = Number(text.slice(9, 12))
        bodyLeft = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0) - (head.length - end - HEADERS_END.length)
        head = Buffer.alloc(0)
      } else bodyLeft -= piece.length
      if (bodyLeft > 0) return
      bodyLeft = -1
      const finish = done
      done = null
      finish?.(status)
    })
  })
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** A whole request as bytes. */
export function request(
  method: string,
  path: string,
  host: string,
  body: Uint8Array | null = null,
  type = 'application/octet-stream',
): Uint8Array {
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${body === null ? '' : `content-type: ${type}\r\ncontent-length: ${body.length}\r\n`}\r\n`
  return body === null ? Buffer.from(head) : Buffer.concat([Buffer.from(head), body])
}

/** Gives out each request once. */
export function eachOnce(requests: readonly Uint8Array[]): () => Uint8Array | null {
  let at = 0
  return () => requests[at++] ?? null
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
