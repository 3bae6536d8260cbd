import { describe, expect, it } from 'vitest'
import { messagesOf, openRig, type Rig } from '../../../test/machine-rig.ts'
import { toBase64url, utf8 } from '../../base/bytes.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { createDataItem, type DataItem } from '../../codec/data-item.ts'
import type { TextTag } from '../../codec/tags.ts'
import { contentHash } from './content.ts'

const tag = (text: string): TextTag => ({ name: text.split('=')[0]!, value: text.split('=')[1]! })
const answer = (result: object): { data: string } => ({ data: JSON.stringify(result) })

describe('the content hash', () => {
  const TAGS = [
    'Action=Ping',
    'Data-Protocol=ao',
    'Type=Message',
    'Variant=ao.TN.1',
    'From-Process=SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4',
    'Pushed-For=TSnUIASyfGnWi6SqE4EARyQ948slD65LFSbf0lFp22k',
    'Reference=1',
  ].map(tag)
  const content = {
    target: 'LhiYMjhQBh6oGx96EBQ0oX5DwDqx6yzOHjJZwT-GfSc',
    anchor: utf8('00000000000000000000000000000001'),
    tags: TAGS,
    data: utf8('hi'),
  }

  it('is that of scheduler units', () => {
    // Made with @dha-team/arbundles 1.0.4 (deepHash, serializeTags).
    const known = '1kWmp58gSfAslb-lUSQcfmOXtbi3HOHZRu_tyYXMtCBZiqvEE7olx_RpwjnNd9Y9'
    expect(toBase64url(contentHash(content))).toBe(known)
    expect(toBase64url(contentHash({ ...content, tags: TAGS.filter(({ name }) => name !== 'Pushed-For').reverse() }))).toBe(known)
  })

  it('changes with everything else', () => {
    const others = [
      { ...content, target: 'TSnUIASyfGnWi6SqE4EARyQ948slD65LFSbf0lFp22k' },
      { ...content, target: '' },
      { ...content, anchor: utf8('00000000000000000000000000000002') },
      { ...content, data: utf8('ho') },
      { ...content, tags: [...TAGS, tag('Reference=1')] },
      { ...content, tags: TAGS.slice(1) },
    ]
    expect(new Set([content, ...others].map((one) => toBase64url(contentHash(one)))).size).toBe(others.length + 1)
  })

  it('sorts as bytes sort', () => {
    const [high, pair] = [
      { name: '\uffee', value: '' },
      { name: '😀', value: '' },
    ]
    const sorted = [high, pair].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    expect(sorted).toEqual([high, pair])
    expect(contentHash({ ...content, tags: [pair, high] })).toEqual(contentHash({ ...content, tags: [high, pair] }))
  })
})

/** What the process sent to another one, signed by somebody else, for another cause. */
async function copyOf(rig: Rig, process: TxId, id: TxId, pushedFor: string): Promise<DataItem> {
  const { message } = await rig.machine.entry((await rig.machine.findRecord(process, id))!)
  const tags = [...message!.tags.filter(({ name }) => name !== 'Pushed-For').reverse(), { name: 'Pushed-For', value: pushedFor }]
  return createDataItem({ data: message!.data, tags, target: idBytes(process), anchor: message!.anchor }, rig.user)
}

async function pushed(): Promise<{ rig: Rig; a: TxId; b: TxId; id: TxId }> {
  const rig = await openRig()
  const [a, b] = [await rig.spawn(), await rig.spawn()]
  await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Data: 'coins', Tags: [tag('Reference=1')] }] }))
  await rig.settled()
  return { rig, a, b, id: (await messagesOf(rig, b)).at(-1)!.id }
}

const refused = { code: 'already-known', message: expect.stringContaining('Deep hash already exists') }

describe('a pushed content', () => {
  it('has one slot, whoever signs it and whatever it was pushed for; also after a restart', async () => {
    const { rig, a, b, id } = await pushed()
    const copy = await copyOf(rig, b, id, a)
    await expect(rig.intake.acceptItem(copy.raw)).rejects.toMatchObject(refused)
    await rig.stop()
    const again = await rig.restart()
    await expect(again.intake.acceptItem(copy.raw)).rejects.toMatchObject(refused)
    expect((await again.machine.getHead(b)).slot).toBe(1)
    expect(await again.archive.find(copy.id)).toBe(null)
    await again.stop()
  })

  it('that is assigned from inside a bundle is the same', async () => {
    const { rig, a, b, id } = await pushed()
    const copy = await copyOf(rig, b, id, a)
    const stored = rig.archive.storeItem(copy, { payloadSha256: new Uint8Array(32), acceptedAtMs: 1, acceptedHeight: 1 })
    await rig.kv.write(stored.writes)
    await expect(rig.machine.assign(b, copy.id)).rejects.toMatchObject(refused)
    await rig.machine.assign(a, copy.id) // It is for somebody else there.
    await rig.stop()
  })

  it('that comes twice at the same moment has one slot', async () => {
    const { rig, a, b } = await pushed()
    const make = (pushedFor: TxId): Promise<DataItem> =>
      createDataItem(
        {
          data: 'same',
          tags: ['Data-Protocol=ao', 'Type=Message', `From-Process=${a}`, `Pushed-For=${pushedFor}`].map(tag),
          target: idBytes(b),
        },
        rig.user,
      )
    const copies = [await make(a), await make(b)]
    const outcomes = await Promise.allSettled(copies.map(({ raw }) => rig.intake.acceptItem(raw)))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await rig.machine.getHead(b)).slot).toBe(2)
    await rig.stop()
  })

  it('is taken again after its slot was taken back', async () => {
    const { rig, a, b, id } = await pushed()
    const copy = await copyOf(rig, b, id, a)
    await rig.machine.revert(b, 0)
    await rig.intake.acceptItem(copy.raw)
    expect((await rig.machine.getHead(b)).slot).toBe(1)
    await rig.stop()
  })

  it('of a user counts each time: nothing is looked up', async () => {
    const { rig, b } = await pushed()
    const anchors = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const tags = ['Data-Protocol=ao', 'Type=Message'].map(tag)
    for (const signer of [rig.user, { ...rig.user }])
      for (const anchor of anchors)
        await rig.intake.acceptItem((await createDataItem({ data: 'x', tags, target: idBytes(b), anchor }, signer)).raw)
    expect((await rig.machine.getHead(b)).slot).toBe(3) // The same item twice is one.
    let entries = 0
    for await (const _ of rig.kv.scan('contents')) entries += 1
    expect(entries).toBe(1)
    await rig.stop()
  })

  it('that somebody sent first does not keep ours from arriving', async () => {
    const first = await pushed()
    const { message } = await first.rig.machine.entry((await first.rig.machine.findRecord(first.b, first.id))!)
    await first.rig.stop()
    const rig = await openRig()
    const [a, b] = [await rig.spawn(), await rig.spawn()]
    const tags = message!.tags.map(({ name, value }) =>
      name === 'From-Process' ? { name, value: a } : name === 'From-Module' ? { name, value: rig.module } : { name, value },
    )
    const Anchor = 'x'.repeat(32)
    const fake = await createDataItem({ data: 'coins', tags, target: idBytes(b), anchor: utf8(Anchor) }, rig.user)
    await rig.intake.acceptItem(fake.raw)
    await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Data: 'coins', Anchor, Tags: [tag('Reference=1')] }] }))
    await rig.settled()
    const [, faked, ours] = await messagesOf(rig, b)
    const hashes = await Promise.all(
      [faked!, ours!].map(async ({ id }) => contentHash((await rig.machine.entry((await rig.machine.findRecord(b, id))!)).message!)),
    )
    expect(hashes[0]).toEqual(hashes[1])
    expect([faked!.id, Buffer.from(ours!.owner).toString('hex')]).toEqual([
      fake.id,
      expect.not.stringMatching(Buffer.from(rig.user.owner).toString('hex')),
    ])
    expect((await rig.machine.result(a, '1')).undelivered).toEqual([])
    await expect(rig.intake.acceptItem((await copyOf(rig, b, ours!.id, b)).raw)).rejects.toMatchObject(refused)
    await rig.stop()
  })
})
