/**
 * What the types of heddle/codec forbid. The type check reads this file, as part of the repository and against the package as it is published
 * (test/e2e/codec-package.test.ts); nothing here ever runs.
 */
import {
  commit,
  committersOf,
  decodeHttpMessage,
  encodeAns104,
  fetchMessage,
  type HttpsigForm,
  isFailure,
  itemSigner,
  type Message,
  message,
  messageSigner,
  receiveDataItem,
  requireVerified,
  unsignedId,
  type Value,
} from '../src/codec/index.ts'

export async function trustsNobodyUnverified(received: Message, url: string): Promise<void> {
  // @ts-expect-error who signed is asked of verified messages only
  committersOf(received)
  committersOf(await requireVerified(received))
  committersOf((await fetchMessage(url)).message)
  // @ts-expect-error and this one was not
  committersOf((await fetchMessage(url, { verify: false })).message)
  committersOf(await receiveDataItem(new Uint8Array(80)))
  const verified = await requireVerified(received)
  // @ts-expect-error what was changed since is not verified any more
  committersOf(new Map([...verified, ['amount', 1000]]))
}

export async function signsWithTheRightKey(wallet: unknown, mine: Message): Promise<void> {
  await commit(mine, messageSigner(wallet))
  await encodeAns104(mine, itemSigner(wallet))
  // @ts-expect-error data items are signed with another digest and salt
  await commit(mine, itemSigner(wallet))
  // @ts-expect-error and messages with theirs
  await encodeAns104(mine, messageSigner(wallet))
  // @ts-expect-error a wallet is no signer
  await commit(mine, wallet)
}

export function changesNoMessage(mine: Message): void {
  // @ts-expect-error a message with an id never changes
  mine.set('amount', 1000)
  // @ts-expect-error nor are keys taken away
  mine.delete('amount')
}

export function holdsValuesOnly(): void {
  message({ a: 'text', b: 7, c: 1.5, d: true, e: null, f: [1, ['x']], g: { h: new Uint8Array(3) }, i: 2n ** 70n, j: undefined })
  // @ts-expect-error a date is no value: write it as text or as a number
  message({ when: new Date() })
  // @ts-expect-error nor is a symbol
  message({ a: Symbol('a') })
  // @ts-expect-error a plain object is not a message; message({…}) makes one
  unsignedId({ a: '1' })
  // @ts-expect-error what is not there is left out
  const values: Value[] = [undefined]
  const form: HttpsigForm = { headers: new Map([['a', '1']]), body: null }
  decodeHttpMessage(form)
  // @ts-expect-error a body is bytes
  decodeHttpMessage({ headers: new Map(), body: 'text' })
  // @ts-expect-error no body is null, so that nobody forgets it
  decodeHttpMessage({ headers: new Map() })
  void values
}

export function namesFailures(error: unknown): string {
  // @ts-expect-error there is no such failure
  isFailure(error, 'signature-wrong')
  if (isFailure(error, 'digest-mismatch')) return error.facts.claimed + error.facts.actual
  // @ts-expect-error its facts are known only once it is known which one it is
  return error.facts
}
