/** One signer for every ANS-104 signature type, each the one that @dha-team/arbundles ships for it. Keys are made from labels, so runs are alike. */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import {
  AptosSigner,
  ArweaveSigner,
  EthereumSigner,
  HexSolanaSigner,
  InjectedAptosSigner,
  MultiSignatureAptosSigner,
  NearSigner,
  PolygonSigner,
  type Signer,
  SolanaSigner,
  TypedEthereumSigner,
} from '@dha-team/arbundles'
import { devWallet } from '../wallets.ts'

export interface NamedSigner {
  readonly name: string
  readonly type: number
  readonly make: () => Signer
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

const solana = ed25519Key('solana')
const aptos = ed25519Key('aptos')
const members = ['first member', 'second member', 'third member'].map(ed25519Key)
const ethereumSecret = createHash('sha256').update('ethereum').digest('hex')

export const SIGNERS: readonly NamedSigner[] = [
  { name: 'arweave', type: 1, make: () => new ArweaveSigner(devWallet('bob')) },
  { name: 'solana', type: 2, make: () => new SolanaSigner(base58(Buffer.concat([solana.seed, solana.publicKey]))) },
  { name: 'near', type: 2, make: () => new NearSigner(`ed25519:${base58(Buffer.concat([solana.seed, solana.publicKey]))}`) },
  { name: 'aptos', type: 2, make: () => new AptosSigner(hex(aptos.seed), hex(aptos.publicKey)) },
  { name: 'ethereum', type: 3, make: () => new EthereumSigner(ethereumSecret) },
  { name: 'polygon', type: 3, make: () => new PolygonSigner(`0x${ethereumSecret}`) },
  { name: 'solana in hex', type: 4, make: () => new HexSolanaSigner(base58(Buffer.concat([solana.seed, solana.publicKey]))) },
  { name: 'injected aptos', type: 5, make: () => new InjectedAptosSigner(aptosWallet(), aptos.publicKey) },
  { name: 'multi-signature aptos', type: 6, make: multiAptos },
  { name: 'typed ethereum', type: 7, make: () => new TypedEthereumSigner(ethereumSecret) },
]

export function signerOf(name: string): Signer {
  const found = SIGNERS.find((signer) => signer.name === name)
  if (found === undefined) throw new Error(`there is no signer "${name}"`)
  return found.make()
}

/** What a browser wallet offers: it signs a text of its own making around the message. */
function aptosWallet() {
  return {
    signMessage: async ({ message, nonce }: { message: string; nonce: string }) => ({
      signature: signEd25519(aptos, Buffer.from(`APTOS\nmessage: ${message}\nnonce: ${nonce}`)).toString('hex'),
    }),
  }
}

/** Two of three. */
function multiAptos(): Signer {
  const owner = Buffer.alloc(32 * 32 + 1)
  members.forEach(({ publicKey }, i) => {
    owner.set(publicKey, i * 32)
  })
  owner[32 * 32] = 2
  return new MultiSignatureAptosSigner(owner, async (message) => ({
    signatures: [members[0]!, members[2]!].map((member) => signEd25519(member, message)),
    bitmap: [0, 2],
  }))
}

interface Ed25519Key {
  readonly seed: Buffer
  readonly publicKey: Buffer
}

function ed25519Key(label: string): Ed25519Key {
  const seed = createHash('sha256').update(label).digest()
  const { x = '' } = createPublicKey(privateKey(seed)).export({ format: 'jwk' })
  return { seed, publicKey: Buffer.from(x, 'base64url') }
}

function privateKey(seed: Buffer) {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
}

function signEd25519({ seed }: Ed25519Key, message: Uint8Array): Buffer {
  return sign(null, message, privateKey(seed))
}

function hex(bytes: Buffer): string {
  return `0x${bytes.toString('hex')}`
}

/** Keys of 64 bytes that do not begin with a zero byte. */
function base58(bytes: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; rest > 0n; rest /= 58n) text = BASE58[Number(rest % 58n)] + text
  return text
}
