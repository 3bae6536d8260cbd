import { describe, expect, it } from 'vitest'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { createDataItem, type DataItem, itemSigner } from '../../codec/data-item.ts'
import { generateKey } from '../../codec/keys.ts'
import { MODULE_ALIASES } from '../aliases.ts'
import { type Beyond, type MessageArchive, NOTHING_BEYOND, Sources } from './sources.ts'

const [ALIAS] = [...MODULE_ALIASES.keys()] as [TxId]
const STRANGER = 's'.repeat(42).concat('A') as TxId
const down = new HeddleError('peer-failed', { url: 'http://up', status: null }, 'upstream http://up does not answer')

const signer = generateKey('ed25519').then(itemSigner)

async function moduleItem(name: string): Promise<DataItem> {
  const tags = [
    { name: 'Type', value: 'Module' },
    { name: 'Module-Format', value: 'test-1' },
    { name: 'Name', value: name },
  ]
  return createDataItem({ data: name, tags }, await signer)
}

/** What is held, by id: an item may be held under any id here. */
function archiveOf(held: Map<string, DataItem>): MessageArchive {
  return {
    itemRaw: async (id) => held.get(id)?.raw ?? null,
    itemHeader: async (id) => held.get(id) ?? null,
    transaction: async () => null,
    readData: async (id) => held.get(id)?.data ?? null,
  }
}

function beyond(held: Map<string, DataItem>, elsewhere: Map<string, DataItem>, standIn: TxId | null): Beyond {
  return {
    async bring(id) {
      const found = elsewhere.get(id)
      if (found !== undefined) held.set(id, found)
      return found !== undefined
    },
    standIn: (id) => (MODULE_ALIASES.has(id) ? standIn : null),
  }
}

describe('a module that a process names', () => {
  it('is the one that is here, else the one that is elsewhere, else what its id stands for', async () => {
    const [own, real] = await Promise.all([moduleItem('own'), moduleItem('real')])
    const held = new Map([[own.id as string, own]])
    const elsewhere = new Map<string, DataItem>()
    const sources = new Sources(archiveOf(held), beyond(held, elsewhere, own.id))
    expect((await sources.resolveModule(own.id)).id).toBe(own.id)
    expect((await sources.resolveModule(ALIAS)).id).toBe(own.id)
    elsewhere.set(ALIAS, real)
    expect((await sources.resolveModule(ALIAS)).id).toBe(ALIAS)
    elsewhere.clear()
    expect(await sources.resolveModule(ALIAS), 'the real one stays').toMatchObject({ id: ALIAS, format: 'test-1' })
    expect(Buffer.from((await sources.module(ALIAS)).bytes).toString()).toBe('real')
  })

  it('is unknown when nobody has it and nothing stands for it', async () => {
    const sources = new Sources(archiveOf(new Map()), NOTHING_BEYOND)
    for (const id of [ALIAS, STRANGER])
      await expect(sources.resolveModule(id)).rejects.toMatchObject({ code: 'module-unknown', facts: { module: id } })
  })

  it('has no stand-in while those who may have it cannot say so', async () => {
    const own = await moduleItem('own')
    const held = new Map([[own.id as string, own]])
    const failing: Beyond = { bring: () => Promise.reject(down), standIn: () => own.id }
    await expect(new Sources(archiveOf(held), failing).resolveModule(ALIAS)).rejects.toBe(down)
    expect((await new Sources(archiveOf(held), failing).resolveModule(own.id)).id).toBe(own.id)
  })
})

it('a message comes from elsewhere only when it is asked for that way', async () => {
  const item = await moduleItem('message')
  const held = new Map<string, DataItem>()
  const sources = new Sources(archiveOf(held), beyond(held, new Map([[item.id as string, item]]), null))
  expect(await sources.message(item.id)).toBe(null)
  expect(await sources.messageFromAnywhere(item.id)).toMatchObject({ id: item.id })
  expect(await sources.messageFromAnywhere(STRANGER)).toBe(null)
})
