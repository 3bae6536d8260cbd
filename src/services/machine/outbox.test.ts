import { describe, expect, it } from 'vitest'
import { idOf } from '../../../test/machine-rig.ts'
import { bigEndian, toBase64url } from '../../base/bytes.ts'
import { idBytes } from '../../base/ids.ts'
import { PUSH_DEPTH_MAX, PUSH_FANOUT_MAX } from '../../base/limits.ts'
import type { ItemFields } from '../../codec/data-item.ts'
import { messageFields, type OutboxEntry, type PushContext, planEntry, planOutbox, spawnedFields, spawnFields } from './outbox.ts'
import type { Entry } from './records.ts'

const [PROCESS, TARGET, MODULE, ORIGIN, SPAWNED] = [1, 2, 3, 4, 5].map(idOf) as [string, string, string, string, ReturnType<typeof idOf>]
const context: PushContext = { process: idOf(1), self: idOf(1), module: MODULE, scheduler: 'the-scheduler', slot: 9, origin: ORIGIN }
const FROM = `From-Process=${PROCESS} From-Module=${MODULE}`

const tag = (name: string, value: unknown): { name: string; value: unknown } => ({ name, value })
const sent = (messages: Entry[], spawns: Entry[] = [], assignments: Entry[] = []) => ({ messages, spawns, assignments })

function entryOf<K extends OutboxEntry['kind']>(kind: K, entry: Entry): OutboxEntry & { kind: K } {
  const result = kind === 'message' ? sent([entry]) : kind === 'spawn' ? sent([], [entry]) : sent([], [], [entry])
  const planned = planEntry(result, 0).entry
  if (planned?.kind !== kind) throw new Error(`planned as ${planned?.kind}`)
  return planned as OutboxEntry & { kind: K }
}

function tagsOf({ tags = [] }: ItemFields): string {
  return tags.map(({ name, value }) => `${String(name)}=${String(value)}`).join(' ')
}

function message(entry: Entry, at: PushContext = context): ItemFields {
  return messageFields(entryOf('message', { Target: TARGET, ...entry }), at, idBytes(idOf(2)))
}

const spawn = (Tags: object[]): ItemFields => spawnFields(entryOf('spawn', { Tags: [tag('Module', MODULE), ...Tags] }), context)
const spawned = (Tags: object[]): ItemFields =>
  spawnedFields(entryOf('spawn', { Tags: [tag('Module', MODULE), ...Tags] }), context, SPAWNED)

describe('a message', () => {
  it('keeps its Variant, and gets one if it has none', () => {
    expect(tagsOf(message({ Tags: [tag('Variant', 'ao.N.1')] }))).toBe(
      `Variant=ao.N.1 Data-Protocol=ao Type=Message ${FROM} Pushed-For=${ORIGIN}`,
    )
    expect(tagsOf(message({}))).toBe(`Data-Protocol=ao Type=Message Variant=ao.TN.1 ${FROM} Pushed-For=${ORIGIN}`)
  })

  it('keeps Reference, X- tags and repeats in their order, numbers and booleans as text', () => {
    const Tags = [tag('Reference', 7), tag('X-Origin', 'a'), tag('X-Origin', 'b'), tag('Yes', true), tag('Half', 0.5), tag('None', null)]
    expect(tagsOf(message({ Tags }))).toMatch(/^Reference=7 X-Origin=a X-Origin=b Yes=true Half=0.5 Data-Protocol=ao /)
  })

  it('cannot say that it comes from elsewhere', () => {
    const Tags = ['From-Process', 'From-Module', 'Pushed-For', 'Data-Protocol', 'Type', 'Assignments'].map((name) => tag(name, TARGET))
    expect(tagsOf(message({ Tags }))).toBe(`Data-Protocol=ao Type=Message Variant=ao.TN.1 ${FROM} Pushed-For=${ORIGIN}`)
  })

  it('that a tick set off has no Pushed-For', () => {
    const tick = { ...context, origin: `cron:${idOf(8)}` }
    expect(tagsOf(message({}, tick))).toBe(`Data-Protocol=ao Type=Message Variant=ao.TN.1 ${FROM}`)
    expect(tagsOf(message({ Tags: [tag('Pushed-For', TARGET)] }, tick))).not.toContain('Pushed-For')
  })

  it('keeps an anchor of 32 bytes, and gets one of its own otherwise', () => {
    const own = '0'.repeat(31).concat('7')
    expect(Buffer.from(message({ Anchor: own }).anchor!).toString()).toBe(own)
    const made = ['short', undefined, 7].map((Anchor) => Buffer.from(message({ Anchor }).anchor!).toString('hex'))
    expect(new Set(made).size).toBe(1)
    expect(made[0]).toHaveLength(64)
    expect(made[0]).not.toBe(Buffer.from(message({}, { ...context, slot: 10 }).anchor!).toString('hex'))
  })

  it('has a space where there is no data, and JSON for tables', () => {
    expect([undefined, '', 'x', 0, { a: 1 }].map((Data) => message({ Data }).data)).toEqual([' ', ' ', 'x', '0', '{"a":1}'])
  })

  it('names processes to assign it to, in a list or in one text; those that are none are named', () => {
    const [a, b] = [idOf(6), idOf(7)]
    const plan = planOutbox(sent([{ Target: TARGET, Tags: [tag('Assignments', [a, b, a, 'x', 5])] }]), 0)
    expect(plan.entries).toMatchObject([{ assignTo: [a, b] }])
    expect(plan.undelivered).toEqual([{ index: 0, reason: 'the tag Assignments names "x", 5, which is no process id' }])
    expect(planEntry(sent([{ Target: TARGET, Tags: [tag('Assignments', `${a}, ${b}`)] }]), 0).entry).toMatchObject({ assignTo: [a, b] })
  })
})

describe('a spawn', () => {
  it('keeps the mainnet variant, has the other one once, and gets it beside a third', () => {
    const rest = `Data-Protocol=ao Type=Process ${FROM} Pushed-For=${ORIGIN}`
    const head = `Module=${MODULE}`
    expect(tagsOf(spawn([tag('Variant', 'ao.N.1')]))).toBe(`${head} Variant=ao.N.1 Scheduler=the-scheduler ${rest}`)
    expect(tagsOf(spawn([tag('Variant', 'ao.TN.1')]))).toBe(`${head} Variant=ao.TN.1 Scheduler=the-scheduler ${rest}`)
    expect(tagsOf(spawn([tag('Variant', 'other')]))).toBe(`${head} Variant=other Scheduler=the-scheduler Variant=ao.TN.1 ${rest}`)
  })

  it('keeps a Scheduler of its own and all Authority tags; From-Module is the module of who spawns', () => {
    const tags = tagsOf(
      spawn([tag('Scheduler', 's'), tag('Authority', 'a'), tag('Authority', 'b'), tag('From-Module', 'x'), tag('From-Process', 'y')]),
    )
    expect(tags).toBe(
      `Module=${MODULE} Scheduler=s Authority=a Authority=b Variant=ao.TN.1 Data-Protocol=ao Type=Process ${FROM} Pushed-For=${ORIGIN}`,
    )
  })

  it('is told of with its own tags, Action and Process last of all names', () => {
    const tags = [tag('Variant', 'ao.N.1'), tag('Action', 'Mine'), tag('Process', 'x'), tag('Reference', 3), tag('X-Note', 'n')]
    const rest = `Process=${SPAWNED} Action=Spawned ${FROM} Pushed-For=${ORIGIN}`
    expect(tagsOf(spawned(tags))).toBe(`Module=${MODULE} Reference=3 X-Note=n Data-Protocol=ao Type=Message Variant=ao.N.1 ${rest}`)
    expect(tagsOf(spawned([]))).toBe(`Module=${MODULE} Data-Protocol=ao Type=Message Variant=ao.TN.1 ${rest}`)
    expect(Buffer.from(spawned([]).target!)).toEqual(Buffer.from(idBytes(idOf(1))))
  })
})

describe('what is not sent', () => {
  it('for the state of a process is no failure, and keeps the places of what is', () => {
    const patch = { Tags: [tag('device', 'patch@1.0'), tag('balances', { a: '1' })] }
    const plan = planOutbox(sent([patch, { ...patch, Target: PROCESS }, { Target: TARGET, Tags: [] }]), 0)
    expect(plan.undelivered).toEqual([])
    expect(plan.entries.map(({ index }) => index)).toEqual([2])
    expect(planOutbox(sent([{ Tags: [tag('device', 'other@1.0')] }]), 0).undelivered).toHaveLength(1)
    expect(planOutbox(sent([{ Target: TARGET, Tags: [tag('device', 'patch@1.0')] }]), 0).entries).toHaveLength(1)
  })

  it('to an Ethereum wallet is named with the reason', () => {
    const Target = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
    expect(planOutbox(sent([{ Target }]), 0).undelivered).toEqual([
      { index: 0, reason: expect.stringContaining(`${Target} is an Ethereum address`) },
    ])
  })

  it('is what is too deep, and what is too much, counting each process that something is assigned to', () => {
    expect(planOutbox(sent([{ Target: TARGET }]), PUSH_DEPTH_MAX).undelivered).toEqual([
      { index: 0, reason: expect.stringMatching(/^cut: /) },
    ])
    const Processes = Array.from({ length: PUSH_FANOUT_MAX - 1 }, (_, i) => toBase64url(bigEndian(i, 32)))
    const plan = planOutbox(
      sent(
        [{ Target: TARGET }],
        [],
        [
          { Processes, Message: ORIGIN },
          { Processes: [PROCESS], Message: ORIGIN },
        ],
      ),
      0,
    )
    expect(plan.entries.map(({ index }) => index)).toEqual([0, 1])
    expect(plan.undelivered).toEqual([{ index: 2, reason: expect.stringMatching(/^cut: at most/) }])
  })

  it('is what is not there', () => {
    expect(planEntry(sent([{ Target: TARGET }]), 1)).toEqual({ isThere: false })
  })
})
