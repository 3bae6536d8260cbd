/** The requests in docs/ao-core.md, sent as they stand there: what follows the `#` is what comes back. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/ao-core.md'), 'utf8')
const lines = GUIDE.split('\n').filter((line) => line.startsWith('curl '))

let node: TestNode

beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.stop())

interface Call {
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string | null
  readonly reply: string
}

/** Of curl's options the few that the guide uses. */
function callOf(line: string): Call {
  const [command = '', reply = ''] = line.split(/\s+# /)
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const headers: Record<string, string> = {}
  let body: string | null = null
  let url = ''
  for (let i = 1; i < words.length; i++) {
    if (words[i] === '-H') {
      const [name = '', value = ''] = words[++i]!.split(': ')
      headers[name] = value
    } else if (words[i] === '-d' || words[i] === '--data-binary') body = words[++i]!
    else url = words[i]!
  }
  return { url, headers, body, reply }
}

describe('docs/ao-core.md', () => {
  it('has requests', () => expect(lines.length).toBeGreaterThan(4))

  it.each(lines)('%s', async (line) => {
    const { url, headers, body, reply } = callOf(line)
    const response = await fetch(url.replace('http://localhost:1984', node.url), {
      headers,
      ...(body === null ? {} : { method: 'POST', body }),
    })
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: reply })
  })

  it('has the tag of a signature lead to a computation that can be done again', async () => {
    const computed = await fetch(`${node.url}/~message@1.0&a=1/set&b=2/set&c=3`, { headers: { 'cache-control': 'always' } })
    const [, tag = ''] = /;tag="([^"]+)"/.exec(computed.headers.get('signature-input') ?? '') ?? []
    const verified = await fetch(`${node.url}/~computation@1.0/verify?target=${tag}`, { headers: { accept: 'application/json' } })
    expect(await verified.json()).toMatchObject({ valid: 'true', steps: 2, hashpath: tag })
  })
})
