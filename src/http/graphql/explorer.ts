/** The page for people who open `/graphql` in a browser: a text area, a button, the answer. No scripts from elsewhere. */
export const EXPLORER = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphQL</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { margin: 0; display: grid; grid-template-rows: auto 1fr; height: 100vh }
  header { padding: .6rem 1rem; display: flex; gap: 1rem; align-items: center }
  h1 { font-size: 1rem; margin: 0 }
  main { display: grid; grid-template-columns: 1fr 1fr; min-height: 0 }
  textarea, pre { margin: 0; padding: 1rem; border: 0; border-top: 1px solid #8884; font: 13px/1.5 ui-monospace, monospace; overflow: auto; resize: none }
  textarea { border-right: 1px solid #8884 }
  @media (max-width: 700px) { main { grid-template-columns: 1fr; grid-template-rows: 1fr 1fr } }
</style>
<header><h1>GraphQL</h1><button id="run">Run (Ctrl+Enter)</button><span id="time" role="status"></span></header>
<main>
<textarea id="query" aria-label="Query" spellcheck="false">{
  transactions(first: 10, tags: [{ name: "Content-Type", values: ["text/*"], match: WILDCARD }]) {
    pageInfo { hasNextPage }
    edges { cursor node { id owner { address } tags { name value } block { height timestamp } } }
  }
}</textarea>
<pre id="answer" aria-label="Answer" tabindex="0"></pre>
</main>
<script>
  const [query, answer, time, button] = ['query', 'answer', 'time', 'run'].map((id) => document.getElementById(id))
  async function run() {
    const start = performance.now()
    try {
      const reply = await fetch(location.pathname, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: query.value }) })
      answer.textContent = JSON.stringify(await reply.json(), null, 2)
      time.textContent = reply.status + ' in ' + Math.round(performance.now() - start) + ' ms'
    } catch (error) { answer.textContent = String(error) }
  }
  button.onclick = run
  query.onkeydown = (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run() } }
</script>
</html>
`
