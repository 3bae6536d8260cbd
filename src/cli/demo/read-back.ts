/** Reading back through the public API what the demo says. */

const WAIT_MS_MAX = 30_000
const POLL_MS = 50

export async function getText(url: string): Promise<string> {
  const response = await fetch(url)
  const body = await response.text()
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}: ${body.slice(0, 200)}`)
  return body
}

/** Null unless the answer is 200. */
export async function getJson<T>(url: string): Promise<T | null> {
  const response = await fetch(url)
  const body = await response.text()
  return response.status === 200 ? (JSON.parse(body) as T) : null
}

/** Asks until the answer is not null. */
export async function eventually<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + WAIT_MS_MAX
  while (performance.now() < deadline) {
    const found = await look()
    if (found !== null) return found
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`waited ${WAIT_MS_MAX / 1_000} s for ${what}; is the node sealing blocks (--seal auto)?`)
}

export function expectEqual<T>(actual: T, expected: T, what: string): void {
  if (actual !== expected)
    throw new Error(`${what} differs: ${JSON.stringify(actual)?.slice(0, 200)} instead of ${JSON.stringify(expected)?.slice(0, 200)}`)
}
