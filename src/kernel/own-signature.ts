/**
 * What this node signs because somebody asked it to, apart from what its operator says with the same key.
 *
 * Replies, `commit` and hooks sign messages whose keys anybody chooses, requests to this very node among them. So each of these signatures has a `tag`: the
 * hashpath of the message, which is its id where nothing was computed. Who has the key outside of the node signs without. Transactions with bundles are
 * full of what others uploaded, too.
 * Invariants  No signer without a tag is handed out. A commitment that has a tag is nobody's wish.
 */
import { toText } from '../base/bytes.ts'
import type { Commitment, MessageSigner } from '../codec/message/commitment.ts'
import { TX_DEVICE } from '../codec/message/tx.ts'

const PARAMETERS_LINE = '\n"@signature-params": '

/** The same signer, for messages that others chose. */
export function signerOnRequest(signer: MessageSigner): MessageSigner {
  return {
    publicKey: signer.publicKey,
    address: signer.address,
    async sign(base) {
      const text = toText(base)
      if (!text.slice(text.lastIndexOf(PARAMETERS_LINE)).includes(';tag="')) throw new TypeError('a signature on request needs a tag')
      return signer.sign(base)
    },
  }
}

/** Did the committer mean it as a request? Also other nodes sign for whoever asks them, and their keys may operate this one. */
export function isMeant({ committer, device, extra }: Commitment): boolean {
  return committer !== null && !extra.has('tag') && device !== TX_DEVICE
}
