/**
 * A signer that makes few signatures at a time, in the order in which they were asked for.
 *
 * An RSA signature takes milliseconds of a thread, and the threads that make them also verify, read and write files for everybody else. So strangers
 * who ask for many signed replies wait for each other, not the node for them.
 */
import { HeddleError } from '../../base/errors.ts'
import { SIGNATURES_AT_ONCE_MAX, SIGNATURES_WAITING_MAX } from '../../base/limits.ts'
import type { MessageSigner } from '../../codec/message/commitment.ts'

/** Fails with `limit-reached` when too many wait already. */
export function queuedSigner(signer: MessageSigner): MessageSigner {
  const waiting: (() => void)[] = []
  let atWork = 0
  return {
    publicKey: signer.publicKey,
    address: signer.address,
    async sign(base) {
      if (waiting.length >= SIGNATURES_WAITING_MAX) throw tooMany()
      if (atWork >= SIGNATURES_AT_ONCE_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
      else atWork += 1
      try {
        return await signer.sign(base)
      } finally {
        const next = waiting.shift()
        if (next === undefined) atWork -= 1
        else next() // Takes the place of this one.
      }
    },
  }
}

function tooMany(): HeddleError<'limit-reached'> {
  const max = SIGNATURES_WAITING_MAX
  return new HeddleError(
    'limit-reached',
    { what: 'signatures', max },
    `${max} replies wait for this node's signature already; ask again in a second`,
  )
}
