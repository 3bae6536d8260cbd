/**
 * tx@1.0: messages as Arweave transactions.
 *
 * Keys     `serialize`, `to`        {content-type, body} with the JSON of the transaction: the signed one where the base is one, else an unsigned one
 *          `deserialize`, `from`    the message of the transaction under the base's key that `target` names (default `body`), once its signature holds
 *          `commit`                 with `type` `unsigned`: the base as it comes back from a transaction that nobody signs
 *          `content-type`
 * Source   permaweb/HyperBEAM src/dev_codec_tx.erl (2025-11)
 * Invariants  Nothing is sent to the weave: who wants that posts the transaction. Nor is anything signed, unlike upstream: whoever asked could have the
 *             node's wallet pay him.
 */
import { withoutCommitments } from '../codec/message/commitment.ts'
import { decodeTx, encodeTx, encodeTxJson, receiveTx, TX_DEVICE, TX_TYPE } from '../codec/message/tx.ts'
import { isBinary, type Message, message } from '../codec/message/value.ts'
import { isUnsignedWanted, payload, wholeWithoutCast } from '../kernel/codec-device.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok, refused } from '../kernel/outcomes.ts'

export const tx: Device = {
  name: TX_DEVICE,
  keys: { serialize, to: serialize, deserialize, from: deserialize, commit, 'content-type': () => ok(TX_TYPE) },
}

async function serialize(base: Message, _request: Message, env: Env): Promise<Outcome> {
  const transaction = await encodeTx(await wholeWithoutCast(base, TX_DEVICE, env))
  return ok(message({ 'content-type': TX_TYPE, body: encodeTxJson(transaction) }))
}

async function deserialize(base: Message, request: Message, env: Env): Promise<Outcome> {
  const body = await payload(base, request, env, 'Transaction')
  return isBinary(body) ? ok(await receiveTx(body)) : body
}

async function commit(base: Message, request: Message, env: Env): Promise<Outcome> {
  if (!isUnsignedWanted(request))
    return refused(
      'forbidden',
      'a transaction spends what its signer has, so this node signs none on request; sign it with your own wallet',
    )
  return ok(decodeTx(await encodeTx(withoutCommitments(await wholeWithoutCast(base, TX_DEVICE, env)))))
}
