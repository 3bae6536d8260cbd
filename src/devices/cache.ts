/**
 * cache@1.0: the message store of this node, for other nodes. Everybody reads; who is in the option `cache_writers` writes.
 *
 * Keys     `read`    what is at the path `target`; 404 when it is not here
 *          `write`   keeps the `body` of the request; `type` `batch`: each of the messages in it, which are requests like this one
 *          `link`    makes what is at `source` readable at `destination`
 * Reads    node option `cache_writers`: addresses
 * Source   permaweb/HyperBEAM src/dev_cache.erl, hb_store_remote_node.erl (2025-11), which takes binaries only; we take messages too, if their
 *          commitments hold
 * Invariants  What is written comes from the request as it was signed, and is on disk before the reply. No link leads into the place of results.
 */
import { toBase64url } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { binaryBytes, isBinary, isList, isMessage, isPrivateKey, type Message, message, type Value } from '../codec/message/value.ts'
import { RESULTS_PREFIX } from '../kernel/cache-control.ts'
import { computationPlace } from '../kernel/computation-record.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok, refused } from '../kernel/outcomes.ts'
import { readTarget } from '../kernel/read-target.ts'
import { signedPart } from '../kernel/received.ts'

export const cache: Device = {
  name: 'cache@1.0',
  keys: {
    read: (_base, request, env) => readTarget(request, env),
    write: (_base, request, env) => asWriter(request, env, write),
    link: (_base, request, env) => asWriter(request, env, link),
  },
}

/** Where the kernel keeps results, and where they came from. */
const RESULTS = [RESULTS_PREFIX, computationPlace('')]
const DURABLE = { isDurable: true }

async function asWriter(request: Message, env: Env, work: (signed: Message, env: Env) => Promise<Outcome>): Promise<Outcome> {
  const writers = env.node.get('cache_writers')
  const signed = await signedPart(request, (committer) => isList(writers) && writers.includes(committer))
  return signed === null ? refused('error', message({ status: 403, body: 'Not authorized to write to the cache.' })) : work(signed, env)
}

async function write(request: Message, env: Env): Promise<Outcome> {
  const type = request.get('type') ?? 'single'
  if (type === 'single') return writeOne(request, env)
  const body = request.get('body')
  const batch = isMessage(body) ? [...body] : isList(body) ? body.map((item, i): [string, Value] => [String(i + 1), item]) : null
  if (type !== 'batch' || batch === null) return badRequest('Invalid write type.')
  const written = new Map<string, Value>()
  for (const [key, value] of batch) {
    if (key === 'commitments' || isPrivateKey(key)) continue
    const one = await env.load(value)
    const outcome = isMessage(one) ? await writeOne(one, env) : badRequest('Invalid write type.')
    if (outcome.status !== 'ok') return outcome
    written.set(key, outcome.value as Message)
  }
  return ok(written)
}

async function writeOne(request: Message, env: Env): Promise<Outcome> {
  if (request.get('operation') === 'link') return link(request, env)
  const given = request.get('body')
  if (given === undefined) return badRequest('No body to write.')
  const body = await env.load(given)
  if (isMessage(body)) return ok(message({ status: 200, path: await env.store.write(body, DURABLE) }))
  if (!isBinary(body)) return badRequest('Invalid write type.')
  const path = `data/${toBase64url(sha256(binaryBytes(body)))}`
  await env.store.writeAt(path, body, DURABLE)
  return ok(message({ status: 200, path }))
}

async function link(request: Message, env: Env): Promise<Outcome> {
  const source = request.get('source')
  const destination = request.get('destination')
  if (typeof source !== 'string' || typeof destination !== 'string' || destination === '')
    return badRequest('Say with `source` what to link, and with `destination` where.')
  const place = destination.replace(/^\/+/, '')
  if (RESULTS.some((results) => place.startsWith(results))) return badRequest('Nothing is linked to the place of results.')
  await env.store.link(source, destination, DURABLE)
  return ok(message({ status: 200 }))
}

function badRequest(body: string): Outcome {
  return refused('error', message({ status: 400, body }))
}
