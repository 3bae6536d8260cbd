/**
 * Signatures of replies: the same content is never signed twice.
 *
 * Invariants  A signature is kept by the unsigned id of what it covers and its tag: the hashpath, or that id where there is none (see own-signature.ts). Those who wait for the same one share it.
 *             What could not be signed is not kept.
 */
import { SIGNED_ITEMS_CACHED, SIGNED_REPLIES_CACHED } from '../../base/limits.ts'
import type { ItemSigner } from '../../codec/data-item.ts'
import { encodeAns104 } from '../../codec/message/ans104.ts'
import { commit } from '../../codec/message/commit.ts'
import { type Commitment, commitmentsOf, type MessageSigner, withCommitments, withoutCommitments } from '../../codec/message/commitment.ts'
import type { Dialect } from '../../codec/message/dialect.ts'
import { encodeHttpMessage, encodeSignedHttpMessage } from '../../codec/message/http-message.ts'
import { unsignedId } from '../../codec/message/id.ts'
import type { Binary, HttpsigForm, Message } from '../../codec/message/value.ts'
import type { Pace } from './pace.ts'
import { Recent } from './recent.ts'

type LegacyDialect = Exclude<Dialect, 'g2'>

export class SignedReplies {
  readonly #signer: MessageSigner
  readonly #itemSigner: ItemSigner
  readonly #commitments = new Recent<readonly Commitment[]>(SIGNED_REPLIES_CACHED)
  readonly #headers = new Recent<readonly [string, Binary][]>(SIGNED_REPLIES_CACHED)
  readonly #items = new Recent<Uint8Array>(SIGNED_ITEMS_CACHED)

  constructor(signer: MessageSigner, itemSigner: ItemSigner) {
    this.#signer = signer
    this.#itemSigner = itemSigner
  }

  /** Of this node. */
  get address(): string {
    return this.#signer.address
  }

  /** The message with this node's commitments instead of any others. */
  async sign(message: Message, hashpath: string | null, pace: Pace): Promise<Message> {
    const bare = withoutCommitments(message)
    if (pace.isDue) await pace.rest()
    const id = unsignedId(bare)
    const tag = hashpath ?? id
    if (pace.isDue) await pace.rest()
    const commitments = await this.#commitments.get(`${id} ${tag}`, () =>
      commit(bare, this.#signer, { wire: true, tag }).then(commitmentsOf),
    )
    return withCommitments(bare, commitments)
  }

  /** The message in the form of an older dialect, signed as its clients expect. */
  async legacyForm(message: Message, dialect: LegacyDialect, hashpath: string | null): Promise<HttpsigForm> {
    const bare = withoutCommitments(message)
    const id = unsignedId(bare)
    const options = { dialect, tag: hashpath ?? id }
    const headers = await this.#headers.get(`${dialect} ${id} ${options.tag}`, () =>
      encodeSignedHttpMessage(bare, this.#signer, options).then(signatureHeadersOf),
    )
    const form = encodeHttpMessage(bare, { dialect })
    return { ...form, headers: new Map([...form.headers, ...headers]) }
  }

  /** As a data item: that of its own commitment, else one that this node signs. */
  item(message: Message): Promise<Uint8Array> {
    if (hasItem(message)) return encodeAns104(message)
    const bare = withoutCommitments(message)
    return this.#items.get(unsignedId(bare), () => encodeAns104(bare, this.#itemSigner))
  }
}

function signatureHeadersOf({ headers }: HttpsigForm): readonly [string, Binary][] {
  return [...headers].filter(([name]) => name === 'signature' || name === 'signature-input')
}

function hasItem(message: Message): boolean {
  return message.has('commitments') && commitmentsOf(message).some(({ device }) => device === 'ans104@1.0')
}
