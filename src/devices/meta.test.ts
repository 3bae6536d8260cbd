import { beforeEach, describe, expect, it } from 'vitest'
import { openTestKernel, type TestKernel, walletOf } from '../../test/ao-core-kernel.ts'
import { commit } from '../codec/message/commit.ts'
import { messageSigner } from '../codec/message/signers.ts'
import { type Message, message, type Plain } from '../codec/message/value.ts'
import { markReceived } from '../kernel/received.ts'

const stranger = messageSigner(walletOf('alice'))
let rig: TestKernel

beforeEach(async () => {
  rig = await openTestKernel({ priv_key: 'secret' })
})

/** As the edge hands it on. */
async function received(keys: { readonly [key: string]: Plain }, signer = rig.operator): Promise<Message> {
  const signed = new Map(await commit(message(keys), signer)).set('method', 'POST')
  markReceived(signed)
  return signed
}

describe('meta@1.0', () => {
  it('shows the node message, and each key of it', async () => {
    const { value } = await rig.get('/~meta@1.0/info')
    expect((value as Message).get('address')).toBe(rig.operator.address)
    expect((value as Message).has('priv_key')).toBe(false)
    expect((await rig.get('/~meta@1.0/info/address')).value).toBe(rig.operator.address)
    expect((await rig.get('/~meta@1.0/info/port')).value).toBe(1984)
    expect((await rig.get('/~meta@1.0/info/preloaded_devices/1/name')).value).toBe('message@1.0')
    expect((await rig.get('/~meta@1.0/info/priv_key')).status).toBe('not_found')
    expect((await rig.get('/~meta@1.0/info/nothing')).status).toBe('not_found')
    expect((await rig.get('/~meta@1.0/build/node')).value).toBe('Heddle')
  })

  it('takes options from the operator', async () => {
    const { status, value } = await rig.get('/~meta@1.0/info', await received({ 'my-opt': 'bar', path: '/~meta@1.0/info' }))
    expect(status).toBe('ok')
    expect(value).toEqual(message({ body: 'Node message updated. History: 1updates.', 'history-length': 1 }))
    expect((await rig.get('/~meta@1.0/info/my-opt')).value).toBe('bar')
    expect((await rig.get('/~meta@1.0/info/node_history/1/my-opt')).value).toBe('bar')
  })

  it('takes none from others, and no request twice', async () => {
    const unsigned = message({ method: 'POST', 'my-opt': 'bar' })
    for (const keys of [unsigned, await received({ 'my-opt': 'bar' }, stranger)])
      expect(await rig.get('/~meta@1.0/info', keys)).toMatchObject({ status: 'error', value: 'Unauthorized' })
    const request = await received({ 'my-opt': 'bar', address: rig.operator.address })
    expect((await rig.get('/~meta@1.0/info', request)).status).toBe('ok')
    expect(await rig.get('/~meta@1.0/info', request)).toMatchObject({ status: 'error', value: expect.stringContaining('before') })
    expect(rig.node.get('my-opt')).toBe('bar')
  })

  it('is not fooled by signatures that nobody verified', async () => {
    const forged = new Map(await received({ 'my-opt': 'bar', address: rig.operator.address })).set('my-opt', 'other')
    forged.set('commitments', new Map(forged.get('commitments') as Message)) // No longer what the edge verified.
    await expect(rig.get('/~meta@1.0/info', forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    const overridden = await rig.get('/~meta@1.0/info&my-opt=other', await received({ 'my-opt': 'bar' }))
    expect(overridden).toMatchObject({ status: 'error', value: 'Unauthorized' })
    expect(rig.node.options.has('my-opt')).toBe(false)
  })

  it('changes nothing of a permanent node', async () => {
    await rig.get('/~meta@1.0/info', await received({ initialized: 'permanent' }))
    const refused = 'The node message of this machine is already permanent. It cannot be changed.'
    expect(await rig.get('/~meta@1.0/info', await received({ a: 'b' }))).toMatchObject({ status: 'error', value: refused })
  })

  it('knows roles', async () => {
    const asks = async (path: string, signer = rig.operator): Promise<unknown> =>
      (await rig.get(path, await received({ any: 'thing' }, signer))).value
    expect(await asks('/~meta@1.0/is=admin')).toBe(true)
    expect(await asks('/~meta@1.0/is=operator')).toBe(true)
    expect(await asks('/~meta@1.0/is-operator')).toBe(true)
    expect(await asks('/~meta@1.0/is=admin', stranger)).toBe(false)
    expect(await asks('/~meta@1.0/is=initiator')).toBe(false)
    expect((await rig.get('/~meta@1.0/is=admin')).value).toBe(false)
    await rig.get('/~meta@1.0/info', await received({ operator: 'unclaimed' }))
    expect(await asks('/~meta@1.0/is=admin', stranger)).toBe(true)
    expect(await asks('/~meta@1.0/is=operator', stranger)).toBe(false)
    expect(await asks('/~meta@1.0/is=initiator')).toBe(true)
    expect(await asks('/~meta@1.0/is=initiator', stranger)).toBe(false)
  })
})
