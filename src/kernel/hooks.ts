/**
 * Hooks: what the operator has done at certain points, by handlers in the node's options.
 *
 * Wire        option `on`: {<hook>: handler or list of handlers}. A handler is a message; it is asked for its own `path`, else for the hook's name, with
 *             `method` (default GET) and the keys that the hook hands in, and what it gives is handed to the next one.
 *             In the handler `hook` is a message: `result` is `return` (default), `ignore` (its answer does not count) or `error` (it is an error);
 *             `commit-request: true` has the request signed by this node.
 *             Hooks: `request` {request, body: steps}, `step` {base, request, status, body}, `response` {request, body}. Nothing runs `start` here.
 * Source      permaweb/HyperBEAM src/dev_hook.erl (2025-11)
 * Invariants  A handler that does not answer `ok`, or fails, ends what the hook belongs to. Handlers leave no hashpath.
 */
import { commit } from '../codec/message/commit.ts'
import { idHashpath } from '../codec/message/hashpath.ts'
import { isList, isMessage, isTrue, Link, type Message, type Value } from '../codec/message/value.ts'
import { loadLink } from './links.ts'
import { Resolved, refused } from './outcomes.ts'
import type { Scope } from './scope.ts'

type Resolve = (base: Value, request: Message, scope: Scope) => Promise<Resolved>

/** What the last handler made of the message, which is as it was where there are none. */
export async function runHook(name: string, message: Message, scope: Scope, resolve: Resolve): Promise<Resolved> {
  let result = new Resolved('ok', message)
  for (const value of await handlersOf(name, scope)) {
    const handler = value instanceof Link ? await loadLink(scope.core.store, value) : value
    if (!isMessage(handler)) return refused('failure', `a handler of the hook \`${name}\` is not a message; correct the option \`on\``)
    if (!isMessage(result.value)) return refused('failure', `a handler of the hook \`${name}\` gave no message for the next one`)
    result = await runHandler(name, handler, result.value, scope, resolve)
    if (result.status !== 'ok') return result
  }
  return result
}

async function handlersOf(name: string, { settings, core }: Scope): Promise<readonly Value[]> {
  const value = settings.hooks?.get(name)
  if (value === undefined) return []
  const loaded = await loadLink(core.store, value)
  if (isList(loaded)) return loaded
  if (!isMessage(loaded) || !loaded.has('1')) return [loaded]
  const handlers: Value[] = []
  for (let handler = loaded.get('1'); handler !== undefined; handler = loaded.get(String(handlers.length + 1))) handlers.push(handler)
  return handlers
}

async function runHandler(name: string, handler: Message, message: Message, scope: Scope, resolve: Resolve): Promise<Resolved> {
  const setting = (key: string): Value | undefined => {
    const hook = handler.get('hook')
    return isMessage(hook) ? hook.get(key) : handler.get(`hook/${key}`)
  }
  const request = new Map(message).set('path', handler.get('path') ?? name).set('method', handler.get('method') ?? 'GET')
  const isCommitted = isTrue(setting('commit-request'))
  const asked = isCommitted ? await commit(request, scope.core.identity, { tag: idHashpath(request) }) : request
  const result = await resolve(handler, asked, { ...scope, hashpath: 'ignore' })
  if (result.status !== 'ok') return result
  if (setting('result') === 'ignore') return new Resolved('ok', message)
  return setting('result') === 'error' ? refused('error', result.value) : result
}
