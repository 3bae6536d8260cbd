/**
 * Signature types of ANS-104: how long signature and owner are, and what each type signs.
 *
 * Wire        type: signature bytes, owner bytes, what is signed, with sd the 48 bytes of `item-sign-data.ts`
 *             1 arweave: 512, 512 RSA modulus, RSA-PSS of sd · 2 ed25519: 64, 32, sd · 3 ethereum: 65, 65, personal message sd
 *             4 solana: 64, 32 Ed25519, hex text of sd · 5 injectedAptos: 64, 32 Ed25519, text with that hex · 6 multiAptos: 2052, 1025, sd by each member
 *             7 typedEthereum: 65, 42 address text, EIP-712 message with sd · 101 kyve: as 3
 * Source      ANS-104, @dha-team/arbundles 1.0.4 src/constants.ts and src/signing
 * Invariants  Verifying never throws. Nobody but the key's holder can turn a valid signature into other valid bytes (the id is their hash);
 *             for that we are stricter than arbundles with types 3, 6 and 7, see the files they use.
 */
import { toHex, toLatin1, utf8 } from '../base/bytes.ts'
import { isSmallOrderKey } from './ed25519-points.ts'
import {
  ETHEREUM_ADDRESS_BYTES,
  ETHEREUM_KEY_BYTES,
  ETHEREUM_SIGNATURE_BYTES,
  personalMessageDigest,
  recoverEthereumAddress,
  typedMessageDigest,
  verifyEthereum,
} from './ethereum-signature.ts'
import { verifyEd25519, verifyRsaPss } from './keys.ts'
import { MULTI_OWNER_BYTES, MULTI_SIGNATURE_BYTES, verifyMultiAptos } from './multi-aptos.ts'

export interface SignatureScheme {
  readonly name: string
  readonly signatureBytes: number
  readonly ownerBytes: number
  /** Lengths are as above: decoding an item has seen to that. */
  verify(owner: Uint8Array, signData: Uint8Array, signature: Uint8Array): Promise<boolean>
}

/** The numbers of ANS-104 for signature types. */
export const SIGNATURE_TYPE = {
  arweave: 1,
  ed25519: 2,
  ethereum: 3,
  solana: 4,
  injectedAptos: 5,
  multiAptos: 6,
  typedEthereum: 7,
  kyve: 101,
} as const

const RSA_BYTES = 512
const ED25519_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64

const SCHEMES: ReadonlyMap<number, SignatureScheme> = new Map([
  [SIGNATURE_TYPE.arweave, { name: 'arweave', signatureBytes: RSA_BYTES, ownerBytes: RSA_BYTES, verify: verifyRsaPss }],
  [SIGNATURE_TYPE.ed25519, ed25519Scheme('ed25519', (signData) => signData)],
  [SIGNATURE_TYPE.ethereum, ethereumScheme('ethereum')],
  [SIGNATURE_TYPE.solana, ed25519Scheme('solana', hexMessage)],
  [SIGNATURE_TYPE.injectedAptos, ed25519Scheme('injectedAptos', aptosMessage)],
  [
    SIGNATURE_TYPE.multiAptos,
    { name: 'multiAptos', signatureBytes: MULTI_SIGNATURE_BYTES, ownerBytes: MULTI_OWNER_BYTES, verify: verifyMultiAptos },
  ],
  [
    SIGNATURE_TYPE.typedEthereum,
    { name: 'typedEthereum', signatureBytes: ETHEREUM_SIGNATURE_BYTES, ownerBytes: ETHEREUM_ADDRESS_BYTES, verify: verifyTyped },
  ],
  [SIGNATURE_TYPE.kyve, ethereumScheme('kyve')],
])

/** Null when the type is unknown. */
export function findSignatureScheme(type: number): SignatureScheme | null {
  return SCHEMES.get(type) ?? null
}

/** The longest signature and owner of any type together. */
export const SIGNATURE_AND_OWNER_BYTES_MAX = Math.max(...[...SCHEMES.values()].map((scheme) => scheme.signatureBytes + scheme.ownerBytes))

/** Type 4 signs the text of the hash, since Solana wallets refuse to sign what may be a transaction. */
export function hexMessage(signData: Uint8Array): Uint8Array {
  return utf8(toHex(signData))
}

/** What an Aptos wallet makes of a message, with the nonce that bundlers have always used. */
export function aptosMessage(signData: Uint8Array): Uint8Array {
  return utf8(`APTOS\nmessage: ${toHex(signData)}\nnonce: bundlr`)
}

function ed25519Scheme(name: string, messageOf: (signData: Uint8Array) => Uint8Array): SignatureScheme {
  return {
    name,
    signatureBytes: ED25519_SIGNATURE_BYTES,
    ownerBytes: ED25519_KEY_BYTES,
    verify: async (owner, signData, signature) => !isSmallOrderKey(owner) && verifyEd25519(owner, messageOf(signData), signature),
  }
}

function ethereumScheme(name: string): SignatureScheme {
  return {
    name,
    signatureBytes: ETHEREUM_SIGNATURE_BYTES,
    ownerBytes: ETHEREUM_KEY_BYTES,
    verify: async (owner, signData, signature) => verifyEthereum(owner, personalMessageDigest(signData), signature),
  }
}

async function verifyTyped(owner: Uint8Array, signData: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const digest = typedMessageDigest(signData, owner)
  return digest !== null && recoverEthereumAddress(digest, signature) === toLatin1(owner).toLowerCase()
}
