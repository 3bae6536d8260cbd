/** Signers for the rarer signature types of ANS-104; `itemSigner` in `data-item.ts` makes the usual ones from a wallet. */
import { utf8 } from '../base/bytes.ts'
import { type DigestSigner, ethereumItemSigner, type ItemSigner } from './data-item.ts'
import { ethereumAddress, toEthereumSignature, typedMessageDigest } from './ethereum-signature.ts'
import { aptosMessage, hexMessage, SIGNATURE_TYPE } from './item-signature.ts'
import type { SigningKey } from './keys.ts'
import { multiAptosOwner, multiAptosSignature } from './multi-aptos.ts'
import { publicKeyOfSecret, signSecp256k1 } from './secp256k1.ts'

/** Type 4, from an Ed25519 key. */
export function solanaItemSigner(key: SigningKey): ItemSigner {
  return wrapped(SIGNATURE_TYPE.solana, key, hexMessage)
}

/** Type 5, from an Ed25519 key. */
export function aptosItemSigner(key: SigningKey): ItemSigner {
  return wrapped(SIGNATURE_TYPE.injectedAptos, key, aptosMessage)
}

/** Type 6: the members that sign, each in its slot of the group. */
export function multiAptosItemSigner(group: {
  readonly publicKeys: readonly Uint8Array[]
  readonly threshold: number
  readonly members: ReadonlyMap<number, SigningKey>
}): ItemSigner {
  const signSync = (signData: Uint8Array): Uint8Array =>
    multiAptosSignature(new Map([...group.members].map(([slot, key]) => [slot, key.signSync(signData)])))
  const owner = multiAptosOwner(group.publicKeys, group.threshold)
  return { signatureType: SIGNATURE_TYPE.multiAptos, owner, sign: async (signData) => signSync(signData), signSync }
}

/** Type 3 from an Ethereum private key of 32 bytes. */
export function ethereumSecretSigner(secret: Uint8Array): ItemSigner {
  return ethereumItemSigner(digestSigner(secret), publicKeyOfSecret(secret, false))
}

/** Type 7 from an Ethereum private key of 32 bytes. */
export function typedEthereumItemSigner(secret: Uint8Array): ItemSigner {
  const { signDigestSync } = digestSigner(secret)
  const owner = utf8(ethereumAddress(publicKeyOfSecret(secret, false)))
  const signSync = (signData: Uint8Array): Uint8Array => toEthereumSignature(signDigestSync(typedMessageDigest(signData, owner)!)) // An address it is.
  return { signatureType: SIGNATURE_TYPE.typedEthereum, owner, sign: async (signData) => signSync(signData), signSync }
}

function wrapped(signatureType: number, key: SigningKey, messageOf: (signData: Uint8Array) => Uint8Array): ItemSigner {
  return {
    signatureType,
    owner: key.publicKey,
    sign: (signData) => key.sign(messageOf(signData)),
    signSync: (signData) => key.signSync(messageOf(signData)),
  }
}

function digestSigner(secret: Uint8Array): DigestSigner {
  return { signDigestSync: (digest) => signSecp256k1(secret, digest) }
}
