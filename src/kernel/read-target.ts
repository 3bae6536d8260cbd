/** What the devices that read from the store have in common. */
import { isPrivateKey, type Message } from '../codec/message/value.ts'
import type { Env, Outcome } from './device.ts'
import { NOT_FOUND, refused } from './outcomes.ts'

/** What is at the path `target` of the request. */
export async function readTarget(request: Message, env: Env): Promise<Outcome> {
  const target = request.get('target')
  if (typeof target !== 'string') return refused('error', 'Say with `target` which message to read.')
  if (target.split('/').some(isPrivateKey)) return NOT_FOUND
  const found = await env.store.read(target)
  if (found === null) return NOT_FOUND
  return { status: 'ok', value: await env.load(found), cacheControl: ['no-store'] } // What a name leads to may change.
}
