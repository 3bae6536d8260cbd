/** First half of the demo: a small web site on the permaweb, with arweave-js as it is published. */
import type Arweave from 'arweave'
import { formatBytes } from '../output.ts'
import { createData } from './item.ts'
import { eventually, expectEqual, getJson, getText } from './read-back.ts'
import type { Story } from './story.ts'

type Jwk = Record<string, string>

interface Uploaded {
  readonly path: string
  readonly id: string
}

export interface SiteIds {
  readonly site: string
  readonly item: string
}

const FILES: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  'index.html': {
    type: 'text/html',
    text: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Woven with Heddle</title>
<link rel="stylesheet" href="style.css">
<h1>Hello, permaweb</h1>
<p>This page, its <a href="style.css">style</a>, its <a href="count.js">script</a> and its <a href="about/loom.html">second page</a> are four transactions. A fifth, the manifest, ties them together.</p>
<script src="count.js"></script>
</html>
`,
  },
  'style.css': {
    type: 'text/css',
    text: 'body { font: 1.1rem/1.6 system-ui; max-width: 38rem; margin: 4rem auto; padding: 0 1rem }\nh1 { color: #6b3fa0 }\n',
  },
  'count.js': { type: 'text/javascript', text: `document.body.append('Loaded ' + new Date().toLocaleTimeString())\n` },
  'about/loom.html': {
    type: 'text/html',
    text: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The loom</title>
<link rel="stylesheet" href="../style.css">
<h1>The loom</h1>
<p>A heddle guides the threads of a weave. <a href="../">Back</a></p>
</html>
`,
  },
}

export async function uploadSite(url: string, jwk: Jwk, story: Story): Promise<SiteIds> {
  const arweave = await openArweave(url)
  const app = `heddle-demo-${Date.now()}`
  const files = await story.step('Upload four files with arweave-js', async (step) => {
    const uploaded: Uploaded[] = []
    for (const [path, { type, text }] of Object.entries(FILES)) {
      const id = await post(arweave, jwk, text, { 'Content-Type': type, 'App-Name': app })
      expectEqual(await getText(`${url}/${id}`), text, `what ${url}/${id} serves`)
      step.fact(path, id)
      uploaded.push({ path, id })
    }
    return uploaded
  })
  const site = await story.step('Tie them together with a path manifest', async (step) => {
    const manifest = {
      manifest: 'arweave/paths',
      version: '0.2.0',
      index: { path: 'index.html' },
      paths: Object.fromEntries(files.map(({ path, id }) => [path, { id }])),
    }
    const id = await post(arweave, jwk, JSON.stringify(manifest), {
      'Content-Type': 'application/x.arweave-manifest+json',
      'App-Name': app,
    })
    for (const { path } of files) expectEqual(await getText(`${url}/${id}/${path}`), FILES[path]!.text, `${path} through the manifest`)
    expectEqual(await getText(`${url}/${id}/`), FILES['index.html']!.text, 'the start page')
    step.fact('open', `${url}/${id}/`)
    return id
  })
  const item = await story.step('Upload a signed data item', async (step) => {
    const text = 'A data item: readable at once, on the weave with the next bundle.\n'
    const id = await createData(url, jwk, text, [
      { name: 'Content-Type', value: 'text/plain' },
      { name: 'App-Name', value: app },
    ])
    expectEqual(await getText(`${url}/${id}`), text, 'the data item')
    step.fact('open', `${url}/${id}`)
    return id
  })
  await seal(url, site, item, story)
  await find(url, app, story)
  return { site, item }
}

async function openArweave(url: string): Promise<Arweave> {
  const { default: library } = await import('arweave')
  const { hostname, port, protocol } = new URL(url)
  return library.init({ host: hostname, port, protocol: protocol.replace(':', '') })
}

async function post(arweave: Arweave, jwk: Jwk, data: string, tags: Readonly<Record<string, string>>): Promise<string> {
  const key = jwk as unknown as Parameters<Arweave['transactions']['sign']>[1]
  const transaction = await arweave.createTransaction({ data }, key as NonNullable<typeof key>)
  for (const [name, value] of Object.entries(tags)) transaction.addTag(name, value)
  await arweave.transactions.sign(transaction, key)
  const { status, data: answer } = await arweave.transactions.post(transaction)
  if (status !== 200) throw new Error(`POST /tx answered ${status}: ${JSON.stringify(answer)}`)
  return transaction.id
}

async function seal(url: string, site: string, item: string, story: Story): Promise<void> {
  await story.step('Wait until a block holds them', async (step) => {
    interface Status {
      readonly block_height: number
      readonly block_indep_hash: string
    }
    const status = await eventually(`a block with ${site}`, () => getJson<Status>(`${url}/tx/${site}/status`))
    const block = await getJson<{ height: number; txs: string[]; weave_size: string }>(`${url}/block/height/${status.block_height}`)
    if (block === null || !block.txs.includes(site)) throw new Error(`block ${status.block_height} does not list ${site}`)
    step.fact('block', `${block.height}, ${block.txs.length} transactions, the weave has ${formatBytes(Number(block.weave_size))}`)
    step.fact('open', `${url}/block/hash/${status.block_indep_hash}`)
    const bundled = await eventually(`a block with the bundle of ${item}`, async () => {
      const found = await getJson<{ bundleId?: string; blockHeight?: number }>(`${url}/v1/tx/${item}/status`)
      return found?.blockHeight === undefined ? null : found
    })
    step.fact('data item', `in bundle ${bundled.bundleId}, block ${bundled.blockHeight}`)
  })
}

async function find(url: string, app: string, story: Story): Promise<void> {
  await story.step('Find them by tag with GraphQL', async (step) => {
    const query = `query ($app: String!) { transactions(tags: [{ name: "App-Name", values: [$app] }]) { count edges { node { id data { size type } block { height } } } } }`
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { app } }),
    })
    const { data } = (await response.json()) as {
      data: {
        transactions: {
          count: string
          edges: { node: { id: string; data: { size: string; type: string }; block: { height: number } | null } }[]
        }
      }
    }
    expectEqual(data.transactions.count, String(Object.keys(FILES).length + 2), 'the number of transactions found')
    for (const { node } of data.transactions.edges)
      step.fact(node.id, `${node.data.type}, ${node.data.size} bytes, block ${node.block?.height ?? 'pending'}`)
  })
}
