/**
 * computation@1.0: whether a result came about as its hashpath says, by computing it again.
 *
 * Keys     `verify`   {valid, steps, hashpath, problem} of the computation whose hashpath is `target`, as far back as this node has notes of it; or of
 *                     `computation`, a list of a base, a request upon it, its result, the next request upon that, its result …
 * Source   none upstream, where hashpaths are compared and nothing is computed
 */
import { isList, type Message, message, type Value } from '../codec/message/value.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { refused } from '../kernel/outcomes.ts'
import { verifyComputation } from '../kernel/verify-computation.ts'

export const computation: Device = {
  name: 'computation@1.0',
  keys: { verify: (_base, request, env) => verify(request, env) },
}

async function verify(request: Message, env: Env): Promise<Outcome> {
  const asked = await given(request, env)
  if (asked === null)
    return refused(
      'error',
      'Say with `target` which hashpath to verify, or send a list as `computation`: base, request, result, request, result …',
    )
  const { isValid, steps, hashpath, problem } = await verifyComputation(env, asked)
  const verdict = message({ valid: isValid, steps, hashpath: hashpath ?? undefined, problem: problem ?? undefined })
  return { status: 'ok', value: verdict, cacheControl: ['no-store'] } // Notes come and go.
}

async function given(request: Message, env: Env): Promise<string | readonly Value[] | null> {
  const target = request.get('target')
  if (typeof target === 'string') return target
  const list = await env.load(request.get('computation') ?? null)
  return isList(list) ? Promise.all(list.map((item) => env.load(item))) : null
}
