/** Programs at work: what people and other processes send to a token, a chat room, a vote, and to handlers of every kind. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ALICE, AUTHORITY, BOB, CAROL, cron, type Draft, evaluation, OTHER_PROCESS, OWNER, PROCESS, pushed, type Tags } from './messages.ts'
import { HELPERS, type SnippetFile } from './snippets.ts'

/** What one process gets after its boot. */
export interface Scenario {
  readonly name: string
  readonly steps: readonly Step[]
}

export interface Step extends Draft {
  readonly name: string
  readonly isMasked?: boolean
}

const FOLDER = fileURLToPath(new URL('./programs/', import.meta.url))

export const programSource = (name: string): string => readFileSync(`${FOLDER}${name}.lua`, 'utf8')

/** Files of the corpus that take long. */
export const HEAVY_FILES: ReadonlySet<string> = new Set(['memory', 'recursion'])

export function corpusScenario({ name, snippets }: SnippetFile): Scenario {
  const steps = snippets.map(({ source, ...rest }): Step => ({ ...rest, ...evaluation(source) }))
  return { name, steps: [HELPERS_STEP, ...steps] }
}

const HELPERS_STEP: Step = { name: 'helpers', ...evaluation(HELPERS) }

export function loadStep(program: string): Step {
  return { name: `load ${program}`, ...evaluation(programSource(program)) }
}

const evalStep = (source: string): Step => ({ name: source, ...evaluation(source) })
const named = (name: string, draft: Draft): Step => ({ name, ...draft })

function from(sender: string, action: string, tags: Tags = {}, data: Draft['data'] = ''): Step {
  return { name: `${action} of ${sender[0]} ${JSON.stringify(tags)}`, from: sender, tags: { Action: action, ...tags }, data }
}

const TOKEN: Scenario = {
  name: 'token',
  steps: [
    loadStep('token'),
    from(ALICE, 'Info'),
    from(ALICE, 'Balance'),
    from(ALICE, 'Balance', { Recipient: PROCESS }),
    from(OWNER, 'Mint', { Quantity: '5000000000000000' }),
    from(ALICE, 'Mint', { Quantity: '5' }),
    from(OWNER, 'Transfer', { Recipient: ALICE, Quantity: '1000000000000' }),
    from(ALICE, 'Transfer', { Recipient: BOB, Quantity: '250000000000', 'X-Note': 'rent', 'X-Order': '17' }),
    from(ALICE, 'Transfer', { Recipient: CAROL, Quantity: '1', Cast: 'true' }),
    from(BOB, 'Transfer', { Recipient: ALICE, Quantity: '99999999999999999999999999' }),
    from(BOB, 'Transfer', { Recipient: ALICE }),
    from(BOB, 'Transfer', { Quantity: '1' }),
    from(BOB, 'Transfer', { Recipient: ALICE, Quantity: '-5' }),
    from(BOB, 'Transfer', { Recipient: ALICE, Quantity: 'five' }),
    from(BOB, 'Transfer', { Recipient: BOB, Quantity: '7' }),
    from(ALICE, 'Balances'),
    from(CAROL, 'Total-Supply'),
    named('a credit of another token', pushed({ Action: 'Credit-Notice', Sender: ALICE, Quantity: '5' })),
    named('a transfer by another process', pushed({ Action: 'Transfer', Recipient: CAROL, Quantity: '1' })),
    evalStep(`Send({ Target = ao.id, Action = 'Mint', Quantity = '12' })`),
    named('its own mint', pushed({ Action: 'Mint', Quantity: '12' }, '', PROCESS)),
    evalStep('return Balances'),
    evalStep('Balances = nil'),
    from(ALICE, 'Balance'),
    evalStep(`return require('json').encode({ Inbox[#Inbox].Action, #Inbox })`),
  ],
}

const CHATROOM: Scenario = {
  name: 'chatroom',
  steps: [
    loadStep('chatroom'),
    ...[ALICE, BOB, CAROL, ALICE].map((who) => from(who, 'Register')),
    from(ALICE, 'Broadcast', { Nickname: 'ali' }, 'hello everybody'),
    from(BOB, 'Broadcast', {}, 'grüße 😀\nsecond line\t"quoted" \\'),
    from(OTHER_PROCESS, 'Broadcast', {}, 'I did not register'),
    from(CAROL, 'Unregister'),
    from(CAROL, 'Unregister'),
    from(ALICE, 'Broadcast', {}, ''),
    from(BOB, 'Replay', { Depth: '2' }),
    from(BOB, 'Replay'),
    named('a process asks for the list', pushed({ Action: 'Get-List' })),
    evalStep('return Members'),
    evalStep('return #Inbox'),
  ],
}

const STAKING: Scenario = {
  name: 'staking',
  steps: [
    loadStep('staking'),
    from(ALICE, 'Unstake', { Quantity: '1' }),
    from(ALICE, 'Stake', { Quantity: '100' }),
    from(BOB, 'Stake', { Quantity: '40' }),
    from(CAROL, 'Vote', { Side: 'yay', Target: PROCESS, Subject: 'paint it blue' }),
    from(ALICE, 'Vote', { Side: 'yay', Target: PROCESS, Subject: 'paint it blue' }),
    from(BOB, 'Vote', { Side: 'nay', Target: PROCESS, Subject: 'paint it blue' }),
    from(BOB, 'Vote', { Side: 'perhaps', Target: PROCESS, Subject: 'paint it blue' }),
    from(ALICE, 'Unstake', { Quantity: '500' }),
    from(ALICE, 'Unstake', { Quantity: '50' }),
    named('a tick', cron({ Action: 'Cron' })),
    named('a block far away', { ...from(ALICE, 'Status'), fields: { 'Block-Height': 5000 } }),
    named('a block height that is text', { ...from(ALICE, 'Status'), fields: { 'Block-Height': '5001', Timestamp: '1700000100000' } }),
    evalStep('return Heard'),
  ],
}

const BINARY = Uint8Array.from({ length: 256 }, (_, i) => i)

const PROBE: Scenario = {
  name: 'probe',
  steps: [
    loadStep('probe'),
    from(ALICE, 'Echo', {}, 'plain'),
    from(ALICE, 'Echo', {}, 'ünïcödé 日本語 😀 \u0000 \u001b[31m \u2028'),
    from(ALICE, 'Echo', {}, ''),
    from(ALICE, 'Echo', {}, null),
    named('no Data at all', { ...from(ALICE, 'Echo'), fields: { Data: undefined } }),
    from(ALICE, 'Echo', {}, BINARY.subarray(0, 128)),
    from(ALICE, 'Echo', {}, BINARY),
    from(ALICE, 'Echo', {}, Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)),
    from(ALICE, 'Echo', {}, Uint8Array.of(0xef, 0xbb, 0xbf, 0x41, 0xff)),
    from(ALICE, 'Echo', {}, Uint8Array.of(0xe2, 0x82, 0x41, 0xf0, 0x9f, 0x98, 0xed, 0xa0, 0x80)),
    from(ALICE, 'Echo', {}, 'x'.repeat(300_000)),
    from(ALICE, 'Echo', {}, '"\\/\b\f\n\r\t\u007f'.repeat(2000)),
    named('Data that is a number', { ...from(ALICE, 'Echo'), fields: { Data: 1984 } }),
    named('Data that is an object', { ...from(ALICE, 'Json'), fields: { Data: { a: [1, 2.5, null, true], b: {} } } }),
    from(ALICE, 'Fields'),
    from(ALICE, 'Fields', { 'lower-case': 'x', UPPER_SNAKE: 'y', camelCase: 'z', 'with space': 'w', 'aos-Version': '2' }),
    named('an anchor and a few more fields', {
      ...from(ALICE, 'Fields'),
      fields: { Anchor: 'an-anchor', Extra: 'field', Nonce: 7, Timestamp: 1.5 },
    }),
    from(ALICE, 'Tags', { a: '1', B: '', 'quoted "name"': 'new\nline', '': 'no name', Action2: 'é' }),
    named('tags that repeat', {
      from: ALICE,
      fields: {
        Tags: [
          ['Action', 'Tags'],
          ['Twin', 'one'],
          ['Twin', 'two'],
          ['twin', 'three'],
        ].map(([name, value]) => ({ name, value })),
      },
    }),
    named(
      'tags that pass for fields',
      from(ALICE, 'Tags', { Id: 'forged', Nonce: 'forged', Timestamp: 'forged', Cron: 'true', Module: 'forged' }),
    ),
    named('sixty tags', from(ALICE, 'Tags', Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`Tag-${i}`, `value ${i}`])))),
    named('no tags', { from: ALICE, data: 'hello', fields: { Tags: [] } }),
    from(ALICE, 'Anything', {}, 'ping'),
    from(ALICE, 'Json', {}, '{"a":[1,2,{"b":null}],"c":"\\u00e9\\n","d":1e3}'),
    from(ALICE, 'Json', { 'Content-Type': 'application/json' }, '{"a":1}'),
    from(ALICE, 'Json', { 'Content-Type': 'application/json' }, 'not json'),
    from(ALICE, 'Json', {}, 'not json'),
    from(ALICE, 'Json', {}, `${'['.repeat(120)}${']'.repeat(120)}`),
    from(ALICE, 'Fail', {}, 'on purpose'),
    from(ALICE, 'Fail', { With: 'table' }, ''),
    from(ALICE, 'Deep-Fail'),
    from(ALICE, 'Children', { Count: '3' }),
    from(ALICE, 'Children', { Count: 'many' }),
    from(ALICE, 'Print', {}, 'something'),
    from(ALICE, 'Twice'),
    from(ALICE, 'Once'),
    from(ALICE, 'Once'),
    from(ALICE, 'Ask', { Whom: BOB }, 'how are you?'),
    from(CAROL, 'Ask', { Whom: BOB }, 'and you?'),
    from(BOB, 'Answer', { 'X-Reference': '1' }, 'fine'),
    evalStep('return ao.reference'),
    ...Array.from({ length: 40 }, (_, i) => from(BOB, 'Answer', { 'X-Reference': String(i) }, `answer ${i}`)),
    named('a tick', cron({ Action: 'Cron' })),
    named('another tick', cron({ Action: 'Cron', 'Cron-Interval': '10-seconds' })),
    named('a tick with an Id', { ...cron({ Action: 'Cron' }), fields: { ...cron({}).fields, Id: 'c'.repeat(43) } }),
    named('another process', pushed({ Action: 'Echo', 'From-Process': OTHER_PROCESS, 'From-Module': 'm'.repeat(43) }, 'pushed')),
    named('another process asks for fields', pushed({ Action: 'Fields', 'Pushed-For': 'x'.repeat(43), Reference: '9' }, 'pushed')),
    named('a stranger for another process', { from: OTHER_PROCESS, owner: BOB, tags: { Action: 'Echo' }, data: 'not believed' }),
    named('an authority for itself', { from: AUTHORITY, tags: { Action: 'Echo' }, data: 'x' }),
    named('an assignment', { from: ALICE, target: 'x'.repeat(43), tags: { Action: 'Echo' }, data: 'not for you' }),
    evalStep(`ao.addAssignable('echoes', { Action = 'Echo' }) return 'ok'`),
    named('an assignment that is let in', { from: ALICE, target: 'x'.repeat(43), tags: { Action: 'Echo' }, data: 'let in' }),
    named('an assigned transaction', {
      from: ALICE,
      target: '',
      tags: { Action: 'Echo' },
      fields: { Data: undefined, Anchor: undefined, Signature: undefined },
    }),
    named('a read-only message', { ...from(ALICE, 'Echo', {}, 'read'), fields: { 'Read-Only': true } }),
    named('an evaluation of a stranger', { from: ALICE, tags: { Action: 'Eval' }, data: 'return Owner' }),
    named('an evaluation of the owner for another process', { from: OWNER, owner: BOB, tags: { Action: 'Eval' }, data: 'return 1' }),
    named('an evaluation without Data', { tags: { Action: 'Eval' }, fields: { Data: undefined } }),
    named('an evaluation of bytes', { tags: { Action: 'Eval' }, data: Uint8Array.of(0x1b, 0x4c, 0x75, 0x61, 0x53, 0, 0xff) }),
    from(ALICE, 'Nobody-Knows-This', {}, 'for the inbox'),
    evalStep('return Inbox[#Inbox].Data'),
    evalStep('return Inbox[#Inbox]'),
    evalStep('return #Inbox'),
    evalStep('return Errors and #Errors'),
    from(ALICE, 'Grow', { With: 'a long text of some kind', Times: '40000' }),
    from(ALICE, 'Grow', { With: 'another', Times: '400000' }),
    evalStep('Grown = nil collectgarbage() return Runs'),
  ],
}

/** What ends a process for good. Each is alone, since nothing after it makes sense. */
const BROKEN: readonly Scenario[] = [
  { name: 'a handle that is overwritten', steps: [evalStep('handle = 5 return type(handle)'), evalStep('return 1'), evalStep('return 2')] },
  { name: 'a handle that returns junk', steps: [evalStep(`handle = function() return 'junk' end return 'ok'`), evalStep('return 1')] },
  { name: 'a handle that returns nothing', steps: [evalStep('handle = function() end return 1'), evalStep('return 1')] },
  { name: 'a handle that fails', steps: [evalStep(`handle = function() error('always') end return 1`), evalStep('return 1')] },
  { name: 'a handle that answers by hand', steps: [evalStep(answersByHand()), evalStep('return 1'), from(ALICE, 'Anything')] },
  {
    name: 'a process.handle that fails',
    steps: [evalStep(`require('.process').handle = function() error({}) end return 1`), evalStep('return 1')],
  },
  { name: 'a json that is gone', steps: [evalStep(`require('json').encode = nil return 1`), evalStep('return 1'), evalStep('return 2')] },
  { name: 'handlers that are gone', steps: [evalStep('Handlers.list = {} return 1'), evalStep('return 1'), from(ALICE, 'Echo', {}, 'x')] },
  {
    name: 'another owner',
    steps: [evalStep(`Owner = '${ALICE}' return Owner`), evalStep('return 1'), { ...evalStep('return 2'), from: ALICE }],
  },
]

function answersByHand(): string {
  return `local n = 0
    handle = function(msg)
      n = n + 1
      return '{"ok":true,"response":{"Output":{"n":' .. n .. ',"size":' .. #msg .. '},"Messages":[{"Target":"x","Data":"\\\\u00e9\\\\n"}],"Spawns":[],"Assignments":[]}}'
    end
    return 'by hand'`
}

export const SCENARIOS: readonly Scenario[] = [TOKEN, CHATROOM, STAKING, PROBE, ...BROKEN]
