/** The built-in runtime does what published aos does: the same programs and messages on both. */
import { beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../src/base/bytes.ts'
import type { TextTag } from '../src/codec/tags.ts'
import type { GuestFiles } from '../src/guests/guest.ts'
import { type ContractScenario, contractProblems, DIFFERENCES, heddleModule, readContract } from './aos/contract.ts'
import { CONTRACT } from './aos/contract-scenarios.ts'
import { ALICE, AUTHORITY, ENV, evaluation, OTHER_PROCESS, OWNER } from './aos/messages.ts'
import { AOS_64, guestModule } from './aos/modules.ts'
import { SCENARIOS } from './aos/scenarios.ts'
import { type SubjectProgram, subjectOf } from './aos/subject.ts'

const scenarios = [...readContract(), ...CONTRACT, ...SCENARIOS.slice(0, 3)]

const SOURCE = 'd'.repeat(43)
const FILES: Readonly<Record<string, Uint8Array>> = {
  [`/data/${SOURCE}`]: utf8(
    `-- a program\nBooted = 'from the weave' print('booting') Handlers.add('hi', 'Hi', function(m) m.reply({ Data = Booted }) end)`,
  ),
  '/block/1000': utf8('{"height":1000,\n"txs":[]}\n'),
}
const files: GuestFiles = {
  open: (path) => FILES[path]?.length ?? null,
  read: (path, offset, size) => FILES[path]?.subarray(offset, offset + size) ?? new Uint8Array(0),
}

let published: SubjectProgram
let ours: SubjectProgram
beforeAll(() => {
  published = subjectOf(guestModule(AOS_64), files)
  ours = subjectOf(heddleModule(), files)
})

interface Boot {
  readonly tags?: Readonly<Record<string, string>>
  readonly fields?: Readonly<Record<string, unknown>>
}

function problemsOf(scenario: ContractScenario, { tags = {}, fields = {} }: Boot = {}): readonly string[] {
  const list: TextTag[] = [...ENV.Process.Tags, ...Object.entries(tags).map(([name, value]) => ({ name, value }))]
  const env = { ...ENV, Process: { ...ENV.Process, Tags: list } }
  const sides = { ours: ours.spawn(env), theirs: published.spawn(env) }
  const problems = contractProblems(scenario, sides, { Tags: list, ...fields })
  sides.ours.close()
  sides.theirs.close()
  return problems
}

describe('the contract of aos', () => {
  it.each(scenarios)('$name', (scenario) => expect(problemsOf(scenario)).toEqual([]), 30_000)

  it('every difference that is allowed is there', () => {
    const marked = new Set(scenarios.flatMap(({ steps }) => steps.map((step) => ('differs' in step ? step.differs : undefined))))
    for (const name of Object.keys(DIFFERENCES)) expect([...marked], name).toContain(name)
  })
})

const BOOTS: readonly (Boot & { readonly name: string })[] = [
  { name: 'nothing to run', fields: { Data: 'Ran = true' } },
  {
    name: 'Data to run',
    tags: { 'On-Boot': 'Data' },
    fields: { Data: `Booted = 'yes' print('booting') Send({ Target = ao.id, Data = Booted }) return { 1, 2 }` },
  },
  { name: 'Data that gives nothing', tags: { 'On-Boot': 'Data' }, fields: { Data: 'Booted = 5' } },
  { name: 'Data that waits', tags: { 'On-Boot': 'Data' }, fields: { Data: `Booted = Receive({ Action = 'Go' }).Data print(Booted)` } },
  { name: 'a transaction', tags: { 'On-Boot': SOURCE } },
  {
    name: 'another name and authorities',
    tags: { Authority: `${ALICE}, ${OTHER_PROCESS},`, 'on-boot': 'Data', 'X-Tag': 'x' },
    fields: { Data: 'Booted = Name' },
  },
  {
    name: 'spawned by a process',
    tags: { 'From-Process': OTHER_PROCESS, 'On-Boot': 'Data' },
    fields: { Data: 'Booted = Owner', From: OTHER_PROCESS, Owner: AUTHORITY },
  },
  {
    name: 'spawned by nobody that it trusts',
    tags: { 'From-Process': OTHER_PROCESS, 'On-Boot': 'Data' },
    fields: { Data: 'Booted = 1', From: OTHER_PROCESS, Owner: ALICE },
  },
]

const BROKEN_BOOTS: typeof BOOTS = [
  { name: 'Data that fails', tags: { 'On-Boot': 'Data' }, fields: { Data: `Booted = 1 error('no start')` } },
  { name: 'Data that is no Lua', tags: { 'On-Boot': 'Data' }, fields: { Data: 'Booted = = 1' } },
]

const AFTER: ContractScenario = {
  name: 'after the start',
  steps: [
    { name: 'state', ...evaluation('return show(Booted, Ran, Owner, Name, #Inbox, #ao.authorities, ao.reference)') },
    { name: 'a message', from: ALICE, tags: { Action: 'Hi' } },
    { name: 'waking', from: ALICE, tags: { Action: 'Go' }, data: 'gone' },
    { name: 'random numbers', ...evaluation('return show(math.random(), math.random(100))') },
    {
      name: 'the owner of a spawned process',
      from: OTHER_PROCESS,
      owner: AUTHORITY,
      tags: { Action: 'Eval' },
      data: 'return show(Booted, Owner)',
    },
    {
      name: 'a drive that is read',
      ...evaluation(`local f = io.open('/block/1000') local text = f:read(f:seek('end')) f:close() return text`),
    },
    {
      name: 'its lines',
      ...evaluation(`local out = {} for line in io.lines('/block/1000') do out[#out + 1] = line end return table.concat(out, '|')`),
    },
    {
      name: 'its bytes',
      ...evaluation(
        `local f = io.open('/block/1000', 'rb') return f:read(3) .. f:read('l') .. tostring(f:read('n')) .. f:seek('set', 2) .. f:read(6) .. f:seek() .. io.type(f) .. tostring(f:close()) .. io.type(f)`,
      ),
    },
    {
      name: 'a file that is not there',
      ...evaluation(`return show((io.open('/data/${'z'.repeat(43)}')), (io.open('/tx/1')), (io.open('/block/1001')))`),
    },
  ],
}

describe('a process that starts with', () => {
  it.each(BOOTS)('$name', ({ name, ...boot }) => expect(problemsOf({ ...AFTER, name }, boot)).toEqual([]))

  // There, whatever comes after that fails too: nothing but the first message can seed the random numbers.
  it.each(BROKEN_BOOTS)('$name', ({ name, ...boot }) => expect(problemsOf({ name, steps: [] }, boot)).toEqual([]))

  it('a transaction that is not there fails, and says so', () => {
    const missing = 'm'.repeat(43)
    const process = ours.spawn({ ...ENV, Process: { ...ENV.Process, Tags: [...ENV.Process.Tags, { name: 'On-Boot', value: missing }] } })
    const tags = [...ENV.Process.Tags, { name: 'On-Boot', value: missing }]
    const boot = {
      Id: ENV.Process.Id,
      Owner: OWNER,
      From: OWNER,
      Target: ENV.Process.Id,
      Tags: tags,
      Data: '',
      Timestamp: 1,
      'Block-Height': 1,
    }
    expect(process.evaluate(boot).Error).toContain(`the data of ${missing} is not available`)
  })
})
