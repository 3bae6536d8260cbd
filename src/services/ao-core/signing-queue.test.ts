import { expect, it } from 'vitest'
import { SIGNATURES_AT_ONCE_MAX, SIGNATURES_WAITING_MAX } from '../../base/limits.ts'
import { queuedSigner } from './signing-queue.ts'

/** Signs when it is told to. */
function rig() {
  const begun: { base: number; finish: (error?: Error) => void }[] = []
  const signer = queuedSigner({
    publicKey: new Uint8Array(),
    address: 'a',
    sign: (base) =>
      new Promise((resolve, reject) => {
        begun.push({ base: base[0]!, finish: (error) => (error === undefined ? resolve(base) : reject(error)) })
      }),
  })
  return { begun, sign: (i: number) => signer.sign(Uint8Array.of(i)) }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('makes few signatures at a time, in order, and goes on after one that failed', async () => {
  const { begun, sign } = rig()
  const all = Array.from({ length: 6 }, (_, i) => sign(i))
  await settled()
  expect(begun.length).toBe(SIGNATURES_AT_ONCE_MAX)
  const failed = expect(all[0]).rejects.toThrow('broken')
  begun[0]!.finish(new Error('broken'))
  await failed
  for (let i = 1; i < 6; i++) {
    await settled()
    expect(begun.length).toBe(Math.min(6, i + SIGNATURES_AT_ONCE_MAX))
    begun[i]!.finish()
  }
  expect(begun.map(({ base }) => base)).toEqual([0, 1, 2, 3, 4, 5])
  expect((await Promise.all(all.slice(1))).map(([base]) => base)).toEqual([1, 2, 3, 4, 5])
})

it('refuses when too many wait, and takes more when they are done', async () => {
  const { begun, sign } = rig()
  const all = Array.from({ length: SIGNATURES_AT_ONCE_MAX + SIGNATURES_WAITING_MAX }, () => sign(7))
  await expect(sign(8)).rejects.toMatchObject({ code: 'limit-reached' })
  for (let i = 0; i < all.length; i++) {
    await settled()
    begun[i]!.finish()
  }
  await Promise.all(all)
  const after = sign(9)
  await settled()
  begun.at(-1)!.finish()
  expect((await after)[0]).toBe(9)
})
