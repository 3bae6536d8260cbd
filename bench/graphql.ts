/** GraphQL: tag queries over 100,000 items that came in through the upload door. */
import { createItems, createSigner } from './items.ts'
import { eachOnce, median, request, runLoad } from './load.ts'
import { startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, type Scale } from './table.ts'

const ITEMS = 100_000
const APPS = 100
const BATCH = 10_000

const QUERIES = [
  { name: 'one tag matching 1 %', tags: '{ name: "App-Name", values: ["App-7"] }' },
  { name: 'one tag matching half', tags: '{ name: "Type", values: ["Even"] }' },
  {
    name: 'three tags',
    tags: '{ name: "Type", values: ["Even"] }, { name: "App-Name", values: ["App-8", "App-9"] }, { name: "Data-Protocol", values: ["bench"] }',
  },
]

export async function benchGraphql({ runs, share }: Scale): Promise<Row[]> {
  const node = await startHeddle()
  try {
    const count = Math.ceil(ITEMS * share)
    const speed = await fill(node.url, node.host, count)
    const rows: Row[] = [
      {
        work: `ingest of ${count.toLocaleString('en')} items with 5 tags, ed25519`,
        heddle: perSecond(speed),
        against: '',
        ratio: '',
        aim: '',
      },
    ]
    for (const { name, tags } of QUERIES) {
      const body = JSON.stringify({
        query: `{ transactions(first: 10, tags: [${tags}]) { pageInfo { hasNextPage } edges { cursor node { id tags { name value } block { height } } } } }`,
      })
      const bytes = request('POST', '/graphql', node.host, Buffer.from(body), 'application/json')
      const p50: number[] = []
      const p99: number[] = []
      for (let run = 0; run < runs; run++) {
        let left = Math.ceil(2_000 * share)
        const load = await runLoad({ url: node.url, connections: 1, next: () => (left-- > 0 ? bytes : null) })
        if (load.failures > 0) throw new Error(`${load.failures} queries failed`)
        p50.push(load.p50)
        p99.push(load.p99)
      }
      rows.push({
        work: `GraphQL, ${name}`,
        heddle: `p50 ${milliseconds(median(p50))}, p99 ${milliseconds(median(p99))}`,
        against: '',
        ratio: '',
        aim: 'p50 under 3 ms',
      })
    }
    return rows
  } finally {
    await node.stop()
  }
}

async function fill(url: string, host: string, count: number): Promise<number> {
  const signer = await createSigner('ed25519')
  let seconds = 0
  for (let from = 0; from < count; from += BATCH) {
    const items = await createItems(Math.min(BATCH, count - from), 100, signer, (index) => [
      { name: 'Data-Protocol', value: 'bench' },
      { name: 'App-Name', value: `App-${(from + index) % APPS}` },
      { name: 'Type', value: (from + index) % 2 === 0 ? 'Even' : 'Odd' },
      { name: 'Number', value: String(from + index) },
      { name: 'Content-Type', value: 'application/octet-stream' },
    ])
    const load = await runLoad({
      url,
      connections: 64,
      next: eachOnce(items.map((item) => request('POST', '/tx?receipt=none', host, item))),
    })
    if (load.failures > 0) throw new Error(`${load.failures} uploads failed`)
    seconds += load.seconds
  }
  return count / seconds
}
