/** A long run of messages of all kinds to one process, the same for the same seed. */
import { ALICE, BOB, CAROL, cron, type Draft, evaluation, OTHER_PROCESS, OWNER, PROCESS, pushed } from './messages.ts'
import { loadStep, type Scenario, type Step } from './scenarios.ts'

type Pick = (max: number) => number
type Kind = (pick: Pick, n: number) => Draft

/** Numbers from 0 to max - 1, the same for the same seed: a 32 bit linear generator, of which the upper bits are used. */
function seeded(seed: number): Pick {
  let state = seed >>> 0
  return (max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * max)
  }
}

const PEOPLE = [ALICE, BOB, CAROL, OWNER] as const
const WORDS = ['alpha', 'beta', 'grüße', '日本', '😀', '"quoted"', 'back\\slash', 'new\nline', '\u0000', ' ']

const one = <T>(list: readonly T[], pick: Pick): T => list[pick(list.length)]!
const words = (pick: Pick): string => Array.from({ length: 1 + pick(8) }, () => one(WORDS, pick)).join(' ')
const code =
  (source: (pick: Pick, n: number) => string): Kind =>
  (pick, n) =>
    evaluation(source(pick, n))

const from = (sender: string, Action: string, tags: Record<string, string> = {}, data: Draft['data'] = ''): Draft => ({
  from: sender,
  tags: { Action, ...tags },
  data,
})

/** Each with how often it comes. */
const KINDS: readonly (readonly [weight: number, kind: Kind])[] = [
  [6, code((pick, n) => `return ${pick(1000)} * ${n} // ${1 + pick(50)} .. ' ' .. ${pick(99)} / ${1 + pick(9)}`)],
  [5, code((pick, n) => `Store = Store or {} Store['key-${pick(400)}'] = { n = ${n}, text = ('x'):rep(${pick(300)}) } return ${n}`)],
  [3, code((pick) => `Store = Store or {} for i = 1, ${pick(60)} do Store['key-' .. i * ${1 + pick(7)}] = nil end`)],
  [
    4,
    code(
      () =>
        `local out = {} for k in pairs(Store or {}) do out[#out + 1] = k if #out == 30 then break end end return table.concat(out, ' ')`,
    ),
  ],
  [4, code((pick) => `return math.random(${1 + pick(1000)}) .. ' ' .. math.random()`)],
  [
    3,
    code(
      (pick) => `local t = {} for i = 1, ${pick(200)} do t[i] = (i * ${1 + pick(97)}) % 101 end table.sort(t) return table.concat(t, ' ')`,
    ),
  ],
  [3, code((pick) => `print('${pick(10)}') print({ n = ${pick(10)}, list = { ${pick(5)}, ${pick(5)} } }) return #Inbox`)],
  [
    2,
    code(
      (pick) =>
        `return require('json').encode({ ${pick(9)}, 'a', { b = ${pick(9)}.5 } }) .. require('.base64').encode(('z'):rep(${pick(20)}))`,
    ),
  ],
  [2, code((pick) => `return require('.crypto').digest.keccak256(('m'):rep(${pick(300)})).asHex()`)],
  [2, code((pick) => `local b = require('.bint')(256) return tostring(b.ipow(${2 + pick(9)}, ${pick(70)}) // b(${1 + pick(999)}))`)],
  [
    2,
    code(
      (pick) =>
        `for i = 1, ${pick(4)} do Send({ Target = '${one(PEOPLE, pick)}', Data = ('d'):rep(i), Turn = tostring(i) }) end return ao.reference`,
    ),
  ],
  [
    1,
    code(
      (pick) =>
        `Spawn('${one(PEOPLE, pick)}', { Data = 'child', Tags = { N = '${pick(9)}' } }) Assign({ Processes = { ao.id }, Message = 'm' })`,
    ),
  ],
  [
    2,
    code(
      () => `Gen = Gen or coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end) return Gen() + Gen()`,
    ),
  ],
  [1, code(() => `collectgarbage() Store = nil return 'swept'`)],
  [1, code((pick) => `Bulk = ('bulk'):rep(${100_000 + pick(900_000)}) return #Bulk`)],
  [4, code((pick) => `Store = nil Lost = ${pick(99)} error('lost ${pick(99)}')`)],
  [2, code((pick) => `Send({ Target = 'x', Data = 'never' }) math.random() local t = nil return t.field${pick(9)}`)],
  [1, code((pick) => `error({ code = ${pick(9)} })`)],
  [1, code((pick) => `return ${pick(9)} +* 2`)],
  [1, code(() => `Bulk = ('more'):rep(200000) Trash = {} for i = 1, 20 do Trash[i] = Bulk .. i end error('no room for this')`)],
  [1, code(() => 'return Lost')],
  [
    12,
    (pick) =>
      from(one(PEOPLE, pick), 'Transfer', { Recipient: one(PEOPLE, pick), Quantity: String(1 + pick(5_000)), 'X-Memo': words(pick) }),
  ],
  [4, (pick, n) => from(one(PEOPLE, pick), 'Transfer', { Recipient: String(n).padStart(43, 'r'), Quantity: String(1 + pick(50)) })],
  [
    2,
    (pick) =>
      from(one(PEOPLE, pick), 'Transfer', { Recipient: BOB, Quantity: one(['-1', '0', 'x', '1e3', '99999999999999999999999'], pick) }),
  ],
  [3, (pick) => from(one(PEOPLE, pick), 'Balance', { Recipient: one(PEOPLE, pick) })],
  [1, (pick) => from(one(PEOPLE, pick), 'Balances')],
  [3, (pick) => from(OWNER, 'Mint', { Quantity: String(pick(100_000)) })],
  [3, (pick) => from(one(PEOPLE, pick), one(['Register', 'Unregister', 'Get-List'], pick))],
  [4, (pick) => from(one(PEOPLE, pick), 'Broadcast', { Nickname: words(pick) }, words(pick))],
  [1, (pick) => from(one(PEOPLE, pick), 'Replay', { Depth: String(pick(12)) })],
  [4, (pick) => from(one(PEOPLE, pick), 'Echo', {}, words(pick))],
  [
    2,
    (pick) =>
      from(
        one(PEOPLE, pick),
        'Echo',
        {},
        Uint8Array.from({ length: pick(64) }, () => pick(256)),
      ),
  ],
  [2, (pick) => from(one(PEOPLE, pick), one(['Fail', 'Deep-Fail'], pick), {}, words(pick))],
  [2, (pick) => from(one(PEOPLE, pick), 'Json', {}, JSON.stringify({ a: [pick(9), words(pick), null], b: { c: pick(1e9) / 7 } }))],
  [2, (pick) => from(one(PEOPLE, pick), 'Ask', { Whom: one(PEOPLE, pick) }, words(pick))],
  [3, (pick) => from(one(PEOPLE, pick), 'Answer', { 'X-Reference': String(pick(600)) }, words(pick))],
  [3, (pick) => from(one(PEOPLE, pick), `Unknown-${pick(9)}`, {}, words(pick))],
  [2, () => cron({ Action: 'Cron' })],
  [3, (pick) => pushed({ Action: 'Transfer', Recipient: one(PEOPLE, pick), Quantity: String(pick(9)) })],
  [2, (pick) => pushed({ Action: 'Mint', Quantity: String(pick(50)) }, '', PROCESS)],
  [1, (pick) => ({ from: OTHER_PROCESS, owner: one(PEOPLE, pick), tags: { Action: 'Echo' }, data: 'not believed' })],
  [1, (pick) => ({ from: one(PEOPLE, pick), target: 'x'.repeat(43), tags: { Action: 'Echo' }, data: 'assigned' })],
]

const TOTAL = KINDS.reduce((sum, [weight]) => sum + weight, 0)

function randomDraft(pick: Pick, n: number): Draft {
  let left = pick(TOTAL)
  for (const [weight, kind] of KINDS) {
    left -= weight
    if (left < 0) return kind(pick, n)
  }
  throw new Error('the weights do not add up')
}

export function sequence(seed: number, length: number): Scenario {
  const pick = seeded(seed)
  const steps = Array.from({ length }, (_, n): Step => ({ name: `message ${n} of seed ${seed}`, ...randomDraft(pick, n) }))
  return { name: `${length} messages`, steps: [loadStep('token'), loadStep('chatroom'), loadStep('probe'), ...steps] }
}

/** What a reader asks between the messages. */
export function drafts(seed: number): (n: number) => Draft {
  const pick = seeded(seed)
  return (n) => randomDraft(pick, n)
}
