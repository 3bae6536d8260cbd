/**
 * GET / in a browser: says what runs here and shows what came in last. Programs get the node's JSON from the same path (`http/arweave/info.ts`).
 * One page without scripts from elsewhere; it reads the public API like everybody.
 */
import type { Route } from '../route.ts'

export const homeRoute: Route = {
  method: 'GET',
  path: '/',
  handle: async () => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: HOME }),
}

const HOME = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heddle</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top }
  td, code { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere }
  th { white-space: nowrap }
</style>
<h1>Heddle is running</h1>
<p>A whole permaweb at <code id="url"></code>: point arweave-js, arbundles and aoconnect here.
  <a href="/graphql">GraphQL</a> · <a href="/info">info</a> · <a href="/block/current">current block</a></p>
<h2>Node</h2>
<table id="node"></table>
<h2>Latest</h2>
<table id="latest"><tr><td>Nothing yet. Run <code>heddle demo</code> to see it work.</td></tr></table>
<script>
  const QUERY = '{ transactions(first: 20, sort: INGESTED_AT_DESC) { edges { node { id data { size type } block { height } tags { name value } } } } }'
  const show = (id, rows) => document.getElementById(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement('tr')
    row.append(...cells.map(([tag, content]) => { const cell = document.createElement(tag); cell.append(content); return cell }))
    return row
  }))
  const link = (id) => Object.assign(document.createElement('a'), { href: '/' + id, textContent: id })
  async function load() {
    const info = await (await fetch('/info')).json()
    const { units = {}, modules = {}, version, profile } = info.heddle ?? {}
    const facts = { Network: info.network, Height: info.height, Version: version, Profile: profile,
      'Default module': modules.default, Scheduler: units.scheduler, Authority: units.authority }
    show('node', Object.entries(facts).filter(([, value]) => value !== undefined).map(([name, value]) => [['th', name], ['td', String(value)]]))
    const reply = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: QUERY }) })
    const { edges } = (await reply.json()).data.transactions
    const kind = (tags) => tags.find(({ name }) => name === 'Type')?.value ?? (tags.some(({ name }) => /^bundle-format$/i.test(name)) ? 'Bundle' : '')
    if (edges.length > 0) show('latest', [['Id', 'Type', 'Bytes', 'Block'].map((name) => ['th', name]), ...edges.map(({ node }) =>
      [['td', link(node.id)], ['td', kind(node.tags) || node.data.type || ''], ['td', node.data.size], ['td', String(node.block?.height ?? 'pending')]])])
  }
  document.getElementById('url').textContent = location.origin
  load().catch((error) => show('node', [[['td', 'The node does not answer: ' + error.message]]]))
</script>
</html>
`
