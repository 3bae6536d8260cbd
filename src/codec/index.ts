/**
 * heddle/codec: messages of AO-Core outside of a node, in Node.js and in browsers. `docs/codec.md` tells how to use it.
 *
 * Nothing here but `fetchMessage` touches the network. Bad input fails with a HeddleError, whose `code` says what kind of trouble it is.
 */
// biome-ignore-start lint/performance/noBarrelFile: the one entry of a published library, which nothing inside imports

// Messages, and the values that they are made of

export {
  Atom,
  atom,
  type Binary,
  Float,
  float,
  type HttpsigForm,
  isBinary,
  isList,
  isMessage,
  Link,
  type Message,
  message,
  type Plain,
  type Tabm,
  toValue,
  type Value,
} from './message/value.ts'

// Ids, and where a message comes from

export { type HashpathAlgorithm, type HashpathChain, hashpath, idHashpath, verifyHashpath } from './message/hashpath.ts'
export { combineIds, linkId, messageId, type Selection, unsignedId } from './message/id.ts'

// Who commits to a message

export { type CommitOptions, commit, commitSecret, commitUnsigned } from './message/commit.ts'
export { type Commitment, commitmentsOf, type MessageSigner, withoutCommitments } from './message/commitment.ts'
export { generateWallet, itemSigner, messageSigner, txSigner } from './message/signers.ts'
export {
  committedOnly,
  committersOf,
  receiveDataItem,
  receiveHttpMessage,
  receiveMessage,
  requireVerified,
  type Verified,
  type VerifyOptions,
} from './message/verified.ts'
export { verifyCommitment, verifyMessage } from './message/verify.ts'

// Forms on the wire

export type { DataItem, ItemSigner } from './data-item.ts'
export type { Jwk } from './jwk.ts'
export type { KeyKind, SigningKey } from './keys.ts'
export { commitAns104, decodeAns104, encodeAns104 } from './message/ans104.ts'
export { decodeFlat, decodeFlatText, encodeFlat, encodeFlatText, type FlatMessage } from './message/flat.ts'
export { decodeHttpMessage, type EncodeOptions, encodeHttpMessage, encodeSignedHttpMessage } from './message/http-message.ts'
export { decodeHttpsig, encodeHttpsig, encodeHttpsigWire } from './message/httpsig.ts'
export { decodeJson, encodeJson, type JsonOptions } from './message/json.ts'
export { decodeStructured, encodeStructured, type LinkOf } from './message/structured.ts'
export { commitTx, decodeTx, encodeTx } from './message/tx.ts'

// Nodes

export { type Fetched, type FetchOptions, fetchMessage } from './message/client.ts'

// Failures

export { type FailureCode, type Failures, HeddleError, isFailure } from '../base/errors.ts'
// biome-ignore-end lint/performance/noBarrelFile: end of the entry
