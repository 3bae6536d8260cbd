/**
 * meta@1.0: what the node is, and the operator's way to change it.
 *
 * Keys     `info`         the node message without private keys; as a POST: takes the keys that the operator signed as options
 *          `build`        which program this is
 *          `is`           does the request come from this `role` (or `is`): `admin` (may change options), `operator`, `initiator`; also `is-operator`
 * Reads    node options `operator`, `node_history`
 * Source   permaweb/HyperBEAM src/dev_meta.erl (2025-11), whose words the replies are. It believes unverified signatures and repeats; we do not.
 */
import { isFailure } from '../base/errors.ts'
import { committersOf } from '../codec/message/id.ts'
import { isList, isMessage, type Message, message, type Value } from '../codec/message/value.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok, refused } from '../kernel/outcomes.ts'
import { signersOf } from '../kernel/received.ts'

export interface Build {
  readonly version: string
}

export function metaDevice({ version }: Build): Device {
  const build = message({ node: 'Heddle', version })
  return {
    name: 'meta@1.0',
    keys: {
      info: (_base, request, env) => (isPost(request) ? update(request, env) : ok(env.node.options)),
      build: () => ok(build),
      is: async (_base, request, env) => ok(await hasRole(request, request.get('is') ?? request.get('role') ?? 'admin', env)),
      'is-operator': async (_base, request, env) => ok(await hasRole(request, 'admin', env)),
    },
  }
}

function isPost(request: Message): boolean {
  const method = request.get('method')
  return typeof method === 'string' && method.toUpperCase() === 'POST'
}

async function update(request: Message, env: Env): Promise<Outcome> {
  try {
    const { updates } = await env.node.update(request)
    return ok(message({ body: `Node message updated. History: ${updates}updates.`, 'history-length': updates }))
  } catch (error) {
    if (!isFailure(error, 'not-allowed')) throw error
    return refused('error', error.facts.what === 'node message' ? 'Unauthorized' : error.message)
  }
}

async function hasRole(request: Message, role: Value, env: Env): Promise<boolean> {
  const signers = await signersOf(request)
  const operator = env.node.get('operator')
  if (role === 'initiator') return isInitiator(signers, env.node.get('node_history'))
  if (role === 'admin' && operator === 'unclaimed') return true
  return (role === 'admin' || role === 'operator') && signers.some((signer) => signer === operator)
}

/** Who signed the first change of the options, all of them. */
function isInitiator(signers: readonly string[], history: Value | undefined): boolean {
  const first = isList(history) ? history[0] : undefined
  if (!isMessage(first)) return false
  const initiators = committersOf(first) // The node verified it before it noted it.
  return initiators.length > 0 && initiators.every((initiator) => signers.includes(initiator))
}
