import { beforeAll, describe, expect, it } from 'vitest'
import { messageFrom, readVectors, type TypedObject } from '../../test/ao-core-vectors.ts'
import { kernelRig, otherSigner, signer } from '../../test/kernel-rig.ts'
import { commit, commitSecret, commitUnsigned } from '../codec/message/commit.ts'
import { commitmentsOf, withCommitments } from '../codec/message/commitment.ts'
import { messageId, unsignedId } from '../codec/message/id.ts'
import { atom, Float, Link, type Message, message, type Plain, type Value } from '../codec/message/value.ts'
import { verifyMessage } from '../codec/message/verify.ts'
import type { Device } from '../kernel/device.ts'

const rig = kernelRig()

/** What the key gives upon the base; fails when that is not `ok`. */
async function ask(base: Message, path: string, keys: { readonly [key: string]: Plain } = {}): Promise<Value> {
  const { status, value } = await rig.run(base, message({ path, ...keys }))
  expect({ status, value }).toMatchObject({ status: 'ok' })
  return value
}

const plain = message({ a: '1', b: { c: 'x' }, n: 7 })
let signed: Message
let twice: Message
beforeAll(async () => {
  signed = await commit(plain, signer)
  twice = await commit(signed, otherSigner)
})

describe('any other key', () => {
  it('is read, `get` too', async () => {
    expect(await ask(plain, 'a')).toBe('1')
    expect(await ask(message({ get: 'x' }), 'get')).toBe('x')
    expect(await rig.run(plain, message({ path: 'get' }))).toMatchObject({ status: 'not_found', value: atom('not_found') })
    expect(await ask(signed, 'commitments')).toBe(signed.get('commitments'))
    expect(await rig.run(plain, message({ path: 'commitments' }))).toMatchObject({ status: 'not_found' })
  })
})

describe('keys', () => {
  it('lists the public ones, sorted, commitments among them', async () => {
    expect(await ask(message({ b: 1, a: 2, priv: 3, 'priv-x': 4, 10: 5, 2: 6 }), 'keys')).toEqual(['10', '2', 'a', 'b'])
    expect(await ask(signed, 'keys')).toEqual(['a', 'b', 'commitments', 'n'])
    expect(await ask(message({}), 'keys')).toEqual([])
  })
})

describe('set', () => {
  it('sets and deletes keys', async () => {
    expect(await ask(plain, 'set', { k: 'v', a: '2', n: atom('unset'), gone: atom('unset'), u: atom('undefined') })).toEqual(
      message({ a: '2', b: { c: 'x' }, k: 'v' }),
    )
    expect(plain.get('a')).toBe('1')
  })

  it('sets none that mean something to a request, and no private ones', async () => {
    const keys = ['id', 'commitments', 'committers', 'keys', 'set', 'remove', 'verify', 'set-mode', 'priv', 'private', 'priv-x']
    expect(await ask(plain, 'set', Object.fromEntries(keys.map((key) => [key, 'x'])))).toEqual(plain)
    const base = message({ a: '1', priv: 'mine' })
    expect(await ask(base, 'set', { k: 'v', priv: 'theirs', 'set-mode': 'explicit' })).toEqual(message({ a: '1', priv: 'mine', k: 'v' }))
  })

  it('merges messages within, unless it is explicit', async () => {
    const base = message({ deep: { a: '1', deeper: { x: 1 } }, list: [1, 2] })
    const change = { deep: { b: '2', a: atom('unset'), deeper: { y: 2 } }, list: [3] }
    expect(await ask(base, 'set', change)).toEqual(message({ deep: { b: '2', deeper: { x: 1, y: 2 } }, list: [3] }))
    expect(await ask(base, 'set', { ...change, 'set-mode': 'explicit' })).toEqual(message(change))
    expect(await ask(base, 'set', { deep: 'flat' })).toEqual(message({ deep: 'flat', list: [1, 2] }))
    expect(await ask(message({ deep: 'flat' }), 'set', { deep: { a: 1 } })).toEqual(message({ deep: { a: 1 } }))
  })

  it('merges messages within by their own device', async () => {
    const counter: Device = {
      name: 'counter@1.0',
      keys: {
        set: (base, request) => ({ status: 'ok', value: new Map(base).set('sum', Number(base.get('sum')) + Number(request.get('add'))) }),
      },
    }
    const refusing: Device = { name: 'refusing@1.0', keys: { set: () => ({ status: 'forbidden', value: 'no' }) } }
    const { run } = kernelRig([counter, refusing])
    const base = message({ in: { device: 'counter@1.0', sum: 1 } })
    expect((await run(base, message({ path: 'set', in: { add: 2 } }))).value).toEqual(message({ in: { device: 'counter@1.0', sum: 3 } }))
    await expect(run(message({ in: { device: 'refusing@1.0' } }), message({ path: 'set', in: { a: 1 } }))).rejects.toMatchObject({
      code: 'request-invalid',
    })
  })

  it('merges into what is linked to', async () => {
    const stored = (await rig.store.read(await rig.store.write(message({ deep: { a: '1' } })))) as Message
    expect(stored.get('deep')).toBeInstanceOf(Link)
    expect(await ask(stored, 'set', { deep: { b: '2' } })).toEqual(message({ deep: { a: '1', b: '2' } }))
    expect(await ask(stored, 'set', { deep: { a: '1' } })).toBe(stored)
  })

  it('keeps commitments that are still about the message, and no others', async () => {
    const hasThem = async (keys: { readonly [key: string]: Plain }, base = signed) =>
      ((await ask(base, 'set', keys)) as Message).has('commitments')
    expect(await hasThem({ k: 'v' })).toBe(true)
    expect(await hasThem({ a: '1', b: { c: 'x' }, n: 7 })).toBe(true)
    expect(await hasThem({ a: '2' })).toBe(false)
    expect(await hasThem({ a: atom('unset') })).toBe(false)
    expect(await hasThem({ b: { d: 'y' } })).toBe(false)
    expect(await hasThem({ n: '7' })).toBe(false)
    expect(await hasThem({ n: new Float(7) })).toBe(false)
    const partly = await commit(plain, signer, { committed: ['a'] })
    expect(await hasThem({ n: 8 }, partly)).toBe(true)
    expect(await hasThem({ a: 8 }, partly)).toBe(false)
    expect(await verifyMessage((await ask(signed, 'set', { k: 'v' })) as Message, { committers: 'all' })).toBe(true)
  })
})

describe('set-path', () => {
  it('sets or deletes the key that set cannot', async () => {
    expect(await ask(plain, 'set-path', { value: '/x' })).toEqual(new Map(plain).set('path', '/x'))
    expect(await ask(message({ path: '/x', a: 1 }), 'set_path', { value: atom('unset') })).toEqual(message({ a: 1 }))
    expect(await rig.run(plain, message({ path: 'set-path' }))).toMatchObject({ status: 'error' })
    const committed = await commit(message({ path: '/x' }), signer)
    expect(((await ask(committed, 'set-path', { value: '/x' })) as Message).has('commitments')).toBe(true)
    expect(((await ask(committed, 'set-path', { value: '/y' })) as Message).has('commitments')).toBe(false)
  })
})

describe('remove', () => {
  it('takes keys away, one or several', async () => {
    expect(await ask(plain, 'remove', { item: 'a' })).toEqual(message({ b: { c: 'x' }, n: 7 }))
    expect(await ask(plain, 'remove', { items: ['a', 'n', 'none'] })).toEqual(message({ b: { c: 'x' } }))
    expect(await ask(plain, 'remove', { items: { 1: 'a', 2: 'b' } })).toEqual(message({ n: 7 }))
    for (const keys of [{}, { item: 7 }, { items: [1] }])
      expect(await rig.run(plain, message({ path: 'remove', ...keys }))).toMatchObject({ status: 'error' })
  })

  it('takes no private key, and commitments with what they are about', async () => {
    const base = message({ priv: 'x', a: '1' })
    expect(await ask(base, 'remove', { items: ['priv', 'a'] })).toEqual(message({ priv: 'x' }))
    expect(((await ask(signed, 'remove', { item: 'none' })) as Message).has('commitments')).toBe(true)
    expect(((await ask(signed, 'remove', { item: 'a' })) as Message).has('commitments')).toBe(false)
    expect(await ask(signed, 'remove', { item: 'commitments' })).toEqual(plain)
  })
})

describe('id', () => {
  it('is of nobody, of all who signed, or of some of them', async () => {
    const mine = (await ask(twice, 'id', { committers: [signer.address] })) as string
    const theirs = (await ask(twice, 'id', { committers: [otherSigner.address] })) as string
    expect(await ask(plain, 'id')).toBe(unsignedId(plain))
    expect(await ask(twice, 'id')).toBe(unsignedId(plain))
    expect(await ask(twice, 'id', { committers: 'none' })).toBe(unsignedId(plain))
    expect(await ask(twice, 'id', { committers: atom('none') })).toBe(unsignedId(plain))
    expect(await ask(twice, 'id', { committers: 'all' })).toBe(messageId(twice, { committers: 'all' }))
    expect(await ask(signed, 'id', { committers: signer.address })).toBe(mine)
    expect(await ask(signed, 'id', { committers: 'all' })).toBe(mine)
    expect(await ask(twice, 'id', { 'commitment-ids': [mine] })).toBe(mine)
    expect(await ask(twice, 'id', { 'commitment-ids': [mine, theirs] })).toBe(messageId(twice, { committers: 'all' }))
    expect(await ask(plain, 'id', { committers: 'all' })).toBe(unsignedId(plain))
  })

  it('agrees with the vectors', async () => {
    const vector = readVectors<{ 'multi-commitment': TypedObject }>('ao-core-hashpath.json')['multi-commitment']
    const base = new Map(messageFrom(vector['message'] as TypedObject)).set(
      'commitments',
      messageFrom(vector['commitments'] as TypedObject),
    )
    expect(await ask(base, 'id')).toBe(vector['id-none'])
    expect(await ask(base, 'id', { committers: 'all' })).toBe(vector['id-all'])
    expect(await ask(base, 'id', { committers: [vector['signer-1'] as string] })).toBe(vector['id-signer-1'])
    expect(await ask(base, 'committers')).toEqual(expect.arrayContaining([vector['signer-1'] as string, vector['signer-2'] as string]))
  })

  it('of somebody who did not sign fails', async () => {
    await expect(ask(signed, 'id', { committers: [otherSigner.address] })).rejects.toMatchObject({ code: 'not-found' })
    await expect(ask(signed, 'id', { 'commitment-ids': ['x'.repeat(43)] })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('does not depend on children being here', async () => {
    const stored = (await rig.store.read(await rig.store.write(plain))) as Message
    expect(await ask(stored, 'id')).toBe(unsignedId(plain))
  })
})

describe('committers and committed', () => {
  it('are who signed, each once, and what all of them signed', async () => {
    expect(await ask(plain, 'committers')).toEqual([])
    expect(await ask(twice, 'committers')).toEqual([signer.address, otherSigner.address])
    const again = await commit(twice, signer, { committed: ['a'] })
    expect(await ask(again, 'committers')).toEqual([signer.address, otherSigner.address])
    expect(await ask(plain, 'committed')).toEqual([])
    expect(await ask(signed, 'committed', { committers: 'all' })).toEqual(expect.arrayContaining(['a', 'b', 'n']))
    expect(await ask(signed, 'committed', { committers: 'all', raw: true })).toEqual(expect.arrayContaining(['a', 'b+link', 'n']))
    expect(await ask(again, 'committed', { committers: 'all' })).toEqual(['a'])
  })

  it('are found where commitments are links', async () => {
    const commitments = signed.get('commitments') as Message
    const ids = await Promise.all(
      [...commitments].map(async ([id, value]): Promise<[string, Value]> => [id, new Link(await rig.store.writeAt(`c/${id}`, value))]),
    )
    await rig.store.writeAt('c/all', new Map(ids))
    const linked = new Map(plain).set('commitments', new Link('c/all'))
    expect(await ask(linked, 'committers')).toEqual([signer.address])
    expect(await ask(linked, 'verify', { committers: 'all' })).toBe(true)
  })
})

describe('verify', () => {
  it('says whether all selected commitments hold', async () => {
    const tampered = new Map(signed).set('a', '2')
    for (const keys of [{}, { committers: 'all' }, { 'commitment-ids': 'all' }, { committers: [signer.address] }]) {
      expect(await ask(signed, 'verify', keys), JSON.stringify(keys)).toBe(true)
      expect(await ask(tampered, 'verify', keys), JSON.stringify(keys)).toBe(false)
    }
    expect(await ask(new Map(signed).set('more', 'x'), 'verify', { committers: 'all' })).toBe(true)
  })

  it('is true where nothing is selected, which is no signature', async () => {
    expect(await ask(plain, 'verify')).toBe(true)
    expect(await ask(plain, 'verify', { committers: 'all' })).toBe(true)
    expect(await ask(plain, 'committers')).toEqual([])
    await expect(ask(plain, 'verify', { committers: [signer.address] })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('looks at another message where the request has one', async () => {
    const tampered = new Map(signed).set('a', '2')
    expect(await ask(message({}), 'verify', { target: 'it', it: signed, committers: 'all' })).toBe(true)
    expect(await ask(message({}), 'verify', { target: 'it', it: tampered, committers: 'all' })).toBe(false)
    expect(await ask(message({}), 'verify', { target: 'none', body: tampered, committers: 'all' })).toBe(false)
    expect(await ask(tampered, 'verify', { target: 'self', body: signed, committers: 'all' })).toBe(false)
    for (const keys of [{ target: 'none' }, { target: 'it', it: 'text' }, { target: 'priv', priv: signed }])
      expect(await rig.run(message({}), message({ path: 'verify', ...keys }))).toMatchObject({ status: 'error' })
  })

  it('needs the secret of who committed by one', async () => {
    const secret = commitSecret(plain, 'secret')
    expect(await ask(secret, 'verify', { 'commitment-ids': 'all', secret: 'secret' })).toBe(true)
    expect(await ask(secret, 'verify', { 'commitment-ids': 'all', secret: 'other' })).toBe(false)
    expect(await ask(secret, 'verify', { 'commitment-ids': 'all' })).toBe(false)
  })

  it('loads what was committed to whole', async () => {
    const bundled = await commit(plain, signer, { bundle: true })
    const stored = (await rig.store.read(await rig.store.write(bundled))) as Message
    expect(stored.get('b')).toBeInstanceOf(Link)
    expect(await ask(stored, 'verify', { committers: 'all' })).toBe(true)
  })
})

describe('commit', () => {
  it('signs by the key of this node', async () => {
    const committed = (await ask(plain, 'commit')) as Message
    expect(await verifyMessage(committed, { committers: [signer.address] })).toBe(true)
    expect(
      commitmentsOf(committed)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['hmac-sha256', 'rsa-pss-sha512'])
    const stacked = (await ask(await commit(plain, otherSigner), 'commit')) as Message
    expect(await ask(stacked, 'committers')).toEqual([otherSigner.address, signer.address])
  })

  it('commits as nobody, by a secret, to some keys, or whole', async () => {
    expect(await ask(plain, 'commit', { type: 'unsigned' })).toEqual(commitUnsigned(plain))
    expect(await ask(plain, 'commit', { type: 'hmac-sha256' })).toEqual(commitUnsigned(plain))
    expect(await ask(plain, 'commit', { secret: 'secret' })).toEqual(commitSecret(plain, 'secret'))
    const some = (await ask(plain, 'commit', { committed: ['a', 'none'], type: 'rsa-pss-sha512' })) as Message
    expect(commitmentsOf(some).map(({ committed }) => committed)).toEqual([['a'], ['a']])
    const whole = (await ask(plain, 'commit', { bundle: 'true' })) as Message
    expect(commitmentsOf(whole)[0]!.extra.get('bundle')).toBe('true')
    expect(await rig.run(plain, message({ path: 'commit', type: 'rot13' }))).toMatchObject({ status: 'error' })
  })

  it('tags what came from a computation with its hashpath', async () => {
    const set = message({ path: 'set', k: 'v' })
    const { hashpath } = await rig.run(plain, set)
    const committed = (await rig.run(plain, set, message({ path: 'commit' }))).value as Message
    const tags = commitmentsOf(committed).map(({ extra }) => extra.get('tag'))
    expect(tags).toContain(hashpath)
    expect(await verifyMessage(committed, { committers: 'all' })).toBe(true)
    const [alone] = commitmentsOf((await ask(plain, 'commit')) as Message).filter(({ committer }) => committer !== null)
    expect(alone!.extra.get('tag')).toBe(unsignedId(plain)) // So that it is told from what the operator signs.
  })

  it('leaves other kinds of commitments to their devices', async () => {
    const stamp: Device = { name: 'stamp@1.0', keys: { commit: (base) => ({ status: 'ok', value: new Map(base).set('stamped', true) }) } }
    const { run } = kernelRig([stamp], message({ 'commitment-device': 'stamp@1.0' }))
    expect((await run(plain, message({ path: 'commit' }))).value).toEqual(new Map(plain).set('stamped', true))
    const asked = kernelRig([stamp])
    expect((await asked.run(plain, message({ path: 'commit', 'commitment-device': 'stamp@1.0' }))).value).toEqual(
      new Map(plain).set('stamped', true),
    )
    await expect(asked.run(plain, message({ path: 'commit', 'commitment-device': 'nobody@1.0' }))).rejects.toMatchObject({
      code: 'device-unknown',
    })
    const own = (await asked.run(plain, message({ path: 'commit', 'commitment-device': 'message@1.0' }))).value as Message
    expect(await verifyMessage(own, { committers: [signer.address] })).toBe(true)
  })
})

describe('index', () => {
  const page: Device = {
    name: 'page@1.0',
    keys: { index: (base) => ({ status: 'ok', value: `<p>${base.get('a')}` }), other: () => ({ status: 'ok', value: 'other' }) },
  }

  it('is what the node says that it is', async () => {
    expect(await rig.run(plain, message({ path: 'index' }))).toMatchObject({ status: 'error', value: 'No default index message set.' })
    for (const [options, expected] of [
      [{ 'default-index': 'page@1.0' }, '<p>1'],
      [{ default_index: { device: 'page@1.0' } }, '<p>1'],
      [{ 'default-index': { device: 'page@1.0', path: 'other' } }, 'other'],
      [{ 'default-index': 'page@1.0', 'default-index-path': 'other' }, 'other'],
    ] as const) {
      const { run } = kernelRig([page], message(options))
      expect((await run(plain, message({ path: 'index' }))).value).toBe(expected)
    }
  })
})

it('no commitment is left on what nobody committed to', async () => {
  const broken = withCommitments(message({ a: 'other' }), commitmentsOf(signed))
  expect(await ask(broken, 'verify', { committers: 'all' })).toBe(false)
})
