/** Reading data: GET of 1 KB and 1 MB, against nginx serving the same bytes from files. */
import { createItems, createSigner } from './items.ts'
import { median, request, runLoad } from './load.ts'
import { type Server, startHeddle, startNginx } from './servers.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const SIZES = [
  { name: '1 KB', bytes: 1_000, requests: 60_000, connections: 32, aim: '20,000/s' },
  { name: '1 MB', bytes: 1_000_000, requests: 6_000, connections: 16, aim: '0.70×' },
]

export async function benchGets({ runs, share }: Scale): Promise<Row[]> {
  const signer = await createSigner('ed25519')
  const rows: Row[] = []
  for (const { name, bytes, requests, connections, aim } of SIZES) {
    const [item] = await createItems(1, bytes, signer, () => [])
    const node = await startHeddle()
    const answer = await fetch(`${node.url}/tx`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from(item!),
    })
    const { id } = (await answer.json()) as { id: string }
    const nginx = await startNginx({ data: item!.subarray(item!.length - bytes) })
    const count = Math.ceil(requests * share)
    const ours: { speed: number; p99: number }[] = []
    const theirs: { speed: number; p99: number }[] = []
    try {
      for (let run = 0; run < runs; run++) {
        ours.push(await get(node, `/${id}`, count, connections))
        if (nginx !== null) theirs.push(await get(nginx, '/data', count, connections))
      }
    } finally {
      await node.stop()
      await nginx?.stop()
    }
    const speed = median(ours.map((run) => run.speed))
    const peer = median(theirs.map((run) => run.speed))
    rows.push({
      work: `GET of ${name}`,
      heddle: `${perSecond(speed)}, p99 ${milliseconds(median(ours.map(({ p99 }) => p99)))}`,
      against: nginx === null ? 'nginx not installed' : `${perSecond(peer)} nginx`,
      ratio: nginx === null ? '' : ratio(speed / peer),
      aim,
    })
  }
  return rows
}

async function get(server: Server, path: string, count: number, connections: number): Promise<{ speed: number; p99: number }> {
  const bytes = request('GET', path, server.host)
  let left = count
  const load = await runLoad({ url: server.url, connections, next: () => (left-- > 0 ? bytes : null) })
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} GETs failed`)
  return { speed: load.requests / load.seconds, p99: load.p99 }
}
