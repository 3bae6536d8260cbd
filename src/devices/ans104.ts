/**
 * ans104@1.0: messages as signed data items.
 *
 * Keys     `serialize`, `to`        {content-type, body} with the bytes of the item: the signed one where the base is one, else an unsigned one
 *          `deserialize`, `from`    the message of the item under the base's key that `target` names (default `body`), once its signature holds
 *          `commit`                 the base as it comes back from an item that this node signs; `type` `unsigned`: that nobody signs
 *          `content-type`
 * Source   permaweb/HyperBEAM src/dev_codec_ans104.erl (2025-11), which gives bare bytes for `serialize`
 */
import type { ItemSigner } from '../codec/data-item.ts'
import { ANS104_DEVICE, ANS104_TYPE, commitAns104, decodeAns104, encodeAns104, receiveAns104 } from '../codec/message/ans104.ts'
import { withoutCommitments } from '../codec/message/commitment.ts'
import { binaryBytes, isBinary, type Message, message } from '../codec/message/value.ts'
import { isUnsignedWanted, payload, wholeWithoutCast } from '../kernel/codec-device.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok } from '../kernel/outcomes.ts'

export function ans104Device(signer: ItemSigner): Device {
  const serialize = async (base: Message, _request: Message, env: Env): Promise<Outcome> =>
    ok(message({ 'content-type': ANS104_TYPE, body: await encodeAns104(await wholeWithoutCast(base, ANS104_DEVICE, env)) }))
  return {
    name: ANS104_DEVICE,
    keys: {
      serialize,
      to: serialize,
      deserialize,
      from: deserialize,
      commit: async (base, request, env) => ok(await commit(await wholeWithoutCast(base, ANS104_DEVICE, env), request, signer)),
      'content-type': () => ok(ANS104_TYPE),
    },
  }
}

async function deserialize(base: Message, request: Message, env: Env): Promise<Outcome> {
  const body = await payload(base, request, env, 'ANS-104')
  return isBinary(body) ? ok(await receiveAns104(binaryBytes(body))) : body
}

async function commit(base: Message, request: Message, signer: ItemSigner): Promise<Message> {
  if (isUnsignedWanted(request)) return decodeAns104(await encodeAns104(withoutCommitments(base)))
  return commitAns104(base, signer)
}
