/** Processes that come and go: what one took of the addresses that all share is there for the next one. */
import { expect, it } from 'vitest'
import type { TxId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { createGuestPool } from '../../src/guests/guest-pool.ts'
import { REPLY_AT, replyAt, smallModule, WASM64 } from '../small-programs.ts'
import { op } from '../wasm-builder.ts'

/** A memory of 64 bits reserves 16 GiB, of 128 TiB that there are: some 8,170 fit. */
const PROCESSES = 9_000
const TOGETHER = 200
const OPEN_MAX = 1_000

it('opens more processes, one after the other, than fit beside each other', async () => {
  const module = smallModule(WASM64, { handle: op.i64(REPLY_AT), data: [replyAt(REPLY_AT, { ok: true, response: { Output: 'here' } })] })
  const pool = createGuestPool({ workers: 2, memoryBytesMax: 2 ** 31, instancesMax: OPEN_MAX, log: silentLog })
  const id = (n: number): TxId => `${String(n).padStart(42, 'p')}A` as TxId
  const open = async (process: TxId): Promise<void> => {
    const env = { Process: { Id: process, Owner: 'o', Tags: [] }, Module: { Id: module.id, Owner: 'o', Tags: [] } }
    while (!pool.isOpen(process)) {
      await pool.open(process, module, env, null).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'guest-lost', message: expect.stringContaining('busy') }) // As a worker looks on a busy machine.
      })
    }
  }
  for (let n = 0; n < PROCESSES; n += TOGETHER) await Promise.all(Array.from({ length: TOGETHER }, (_, i) => open(id(n + i))))
  expect(pool.isOpen(id(0))).toBe(false)
  expect((await pool.evaluate(id(PROCESSES - 1), {})).result.Output).toBe('here')
  await pool.stop()
})
