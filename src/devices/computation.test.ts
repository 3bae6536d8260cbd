import { beforeEach, describe, expect, it } from 'vitest'
import { openTestKernel, type TestKernel } from '../../test/ao-core-kernel.ts'
import { type Message, message, type Value } from '../codec/message/value.ts'

let rig: TestKernel

beforeEach(async () => {
  rig = await openTestKernel()
})

const base = message({ a: '1' })
const request = message({ path: 'set', k: 'v' })
const result = message({ a: '1', k: 'v' })

async function verdict(keys: Record<string, Value>): Promise<Message> {
  const { status, value } = await rig.get('/~computation@1.0/verify', message(keys))
  expect(status).toBe('ok')
  return value as Message
}

describe('computation@1.0', () => {
  it('computes a list of base, request and result again', async () => {
    const good = await verdict({ computation: [base, request, result] })
    expect([good.get('valid'), good.get('steps')]).toEqual([true, 1])
    const bad = await verdict({ computation: [base, request, message({ a: '1', k: 'w' })] })
    expect([bad.get('valid'), bad.get('steps')]).toEqual([false, 0])
    expect(bad.get('problem')).toContain('step 1')
  })

  it('computes again what has a hashpath and was kept', async () => {
    const { signal } = new AbortController()
    const { hashpath } = await rig.kernel.run([base, request], { signal, cacheControl: ['always'] })
    expect((await verdict({ target: hashpath as string })).get('valid')).toBe(true)
    const unknown = await verdict({ target: `${'A'.repeat(43)}/b` })
    expect(unknown.get('valid')).toBe(false)
    expect(unknown.get('problem')).toContain('no note')
  })

  it('says what to send', async () => {
    expect(await rig.get('/~computation@1.0/verify')).toMatchObject({ status: 'error', value: expect.stringContaining('target') })
    await expect(rig.get('/~computation@1.0/verify', message({ computation: [base] }))).rejects.toMatchObject({ code: 'request-invalid' })
  })
})
