/** Uploads: signed 1 KB items verified and durable, against verification alone, and L1 transactions against ArLocal. */
import Arweave from 'arweave'
import { decodeDataItem, verifyDataItem } from '../src/codec/data-item.ts'
import { createItems, createSigner } from './items.ts'
import { eachOnce, type LoadResult, median, request, runLoad } from './load.ts'
import { type Server, startArLocal, startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const BULK_CONNECTIONS = 256
const CONNECTIONS = 64
const TAGS = [
  { name: 'Content-Type', value: 'application/octet-stream' },
  { name: 'App-Name', value: 'Bench' },
]

export async function benchUploads({ runs, share }: Scale): Promise<Row[]> {
  const count = Math.ceil(5_000 * share)
  const signer = await createSigner('rsa')
  const limits: number[] = []
  const bulk: LoadResult[] = []
  const loads: LoadResult[] = []
  const receipts: LoadResult[] = []
  const node = await startHeddle()
  try {
    for (let run = 0; run <= runs; run++) {
      const items = await createItems(count, 1024, signer, () => TAGS)
      const limit = await verifyAll(items)
      const most = await post(node, '/tx?receipt=none', items, BULK_CONNECTIONS)
      const load = await post(node, '/tx?receipt=none', await createItems(count, 1024, signer, () => TAGS), CONNECTIONS)
      const receipt = await post(node, '/tx', await createItems(Math.ceil(count / 10), 1024, signer, () => TAGS), CONNECTIONS)
      if (run === 0) continue // Both sides compile their hot code in the first round.
      limits.push(limit)
      bulk.push(most)
      loads.push(load)
      receipts.push(receipt)
    }
  } finally {
    await node.stop()
  }
  const limit = median(limits)
  return [
    {
      ...uploads(`upload of 1 KB items, verified and durable, ${BULK_CONNECTIONS} connections`, bulk, limit),
      aim: '8,000/s or 0.50×',
    },
    uploads(`the same over ${CONNECTIONS} connections`, loads, limit),
    { work: 'the same, p99', heddle: milliseconds(median(loads.map(({ p99 }) => p99))), against: '', ratio: '', aim: '' },
    {
      work: 'the same with an RSA receipt each',
      heddle: perSecond(median(receipts.map(({ requests, seconds }) => requests / seconds))),
      against: '',
      ratio: '',
      aim: '',
    },
    await transactions(Math.ceil(300 * share), runs),
  ]
}

function uploads(work: string, loads: readonly LoadResult[], limit: number): Row {
  const speed = median(loads.map(({ requests, seconds }) => requests / seconds))
  return { work, heddle: perSecond(speed), against: `${perSecond(limit)} verification alone`, ratio: ratio(speed / limit), aim: '' }
}

async function post(node: Server, path: string, items: readonly Uint8Array[], connections: number): Promise<LoadResult> {
  const load = await runLoad({
    url: node.url,
    connections,
    next: eachOnce(items.map((item) => request('POST', path, node.host, item))),
  })
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} uploads failed`)
  return load
}

/** Items decoded and verified per second, as many at once as the thread pool takes. */
async function verifyAll(items: readonly Uint8Array[]): Promise<number> {
  const began = performance.now()
  const waiting = items.values()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const raw of waiting) if (!(await verifyDataItem(decodeDataItem(raw)))) throw new Error('a signature does not verify')
    }),
  )
  return items.length / ((performance.now() - began) / 1_000)
}

async function transactions(count: number, runs: number): Promise<Row> {
  const work = 'POST /tx of 1 KB transactions, one after the other'
  const heddle = await repeated(runs, () => startHeddle(), count)
  const arlocal = await repeated(runs, startArLocal, count)
  if (heddle === null) throw new Error('Heddle did not start')
  if (arlocal === null) return { work, heddle: perSecond(heddle), against: 'ArLocal not installed', ratio: '', aim: '' }
  return { work, heddle: perSecond(heddle), against: `${perSecond(arlocal)} ArLocal`, ratio: ratio(heddle / arlocal), aim: '' }
}

async function repeated(runs: number, start: () => Promise<Server | null>, count: number): Promise<number | null> {
  const speeds: number[] = []
  for (let run = 0; run < runs; run++) {
    const server = await start()
    if (server === null) return null
    try {
      speeds.push(await postTransactions(server, count))
    } finally {
      await server.stop()
    }
  }
  return median(speeds)
}

async function postTransactions(server: Server, count: number): Promise<number> {
  const { hostname, port } = new URL(server.url)
  const arweave = Arweave.init({ host: hostname, port, protocol: 'http' })
  const key = await arweave.wallets.generate()
  await fetch(`${server.url}/mint/${await arweave.wallets.jwkToAddress(key)}/1000000000000000000`)
  const bodies: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const tx = await arweave.createTransaction({ data: `${i}`.padEnd(1024) }, key)
    await arweave.transactions.sign(tx, key)
    bodies.push(request('POST', '/tx', server.host, Buffer.from(JSON.stringify(tx)), 'application/json'))
  }
  const load = await runLoad({ url: server.url, connections: 1, next: eachOnce(bodies) })
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} transactions were refused by ${server.url}`)
  return load.requests / load.seconds
}
