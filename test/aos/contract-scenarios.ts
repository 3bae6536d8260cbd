/** Sequences of messages for the contract of aos: handlers, waiting, answers, trust, assignments, what leaves a process. */

import type { ContractScenario, ContractStep, Difference } from './contract.ts'
import { ALICE, AUTHORITY, BOB, CAROL, cron, type Draft, evaluation, OTHER_PROCESS, OWNER, PROCESS, pushed, type Tags } from './messages.ts'
import type { Step } from './scenarios.ts'

const lua = (source: string): Step => ({ name: source, ...evaluation(source) })
const step = (name: string, draft: Draft): Step => ({ name, ...draft })
const from = (sender: string, Action: string, tags: Tags = {}, data: Draft['data'] = ''): Step =>
  step(`${Action} of ${sender[0]} ${JSON.stringify(tags)}`, { from: sender, tags: { Action, ...tags }, data })
const reply = (tags: Tags, data = '', sender: string = OTHER_PROCESS): Step =>
  step(`a reply with ${JSON.stringify(tags)}`, { ...pushed(tags, data), from: sender })

/** Differs from what published aos does, and should: see DIFFERENCES in contract.ts. */
const differs = (difference: Difference, draft: Step): ContractStep => ({ ...draft, differs: difference })

/** What handlers tell of their runs; `told()` gives it and forgets. */
const TELL = `Told = {} function tell(text) Told[#Told + 1] = tostring(text) end
  function told() local text = table.concat(Told, ' ') Told = {} return text end
  function names() local out = {} for i, h in ipairs(Handlers.list) do out[i] = h.name .. (h.maxRuns and ':' .. h.maxRuns or '') end return table.concat(out, ' ') end
  return 'ready'`

const HANDLERS: ContractScenario = {
  name: 'handlers',
  steps: [
    lua(TELL),
    lua(`return show(Handlers.add('a', 'A', function(m) tell('a ' .. m.Action) end))`),
    from(ALICE, 'A'),
    from(ALICE, 'a'),
    lua('return told() .. names()'),
    lua(`return show(Handlers.append('b', { Action = 'B' }, function() tell('b') end))`),
    lua(`return show(Handlers.prepend('c', function(m) return m.Action == 'C' end, function() tell('c') end))`),
    lua(`return show(Handlers.before('a').add('d', { Action = 'D' }, function() tell('d') end))`),
    lua(`return show(Handlers.after('a').add('e', { Action = 'E' }, function() tell('e') end))`),
    lua(`return show(Handlers.before('nobody').add('f', 'F', print), Handlers.after('nobody').add('g', 'G', print)) .. names()`),
    ...['B', 'C', 'D', 'E', 'F'].map((action) => from(BOB, action)),
    lua('return told() .. names()'),
    lua(`Handlers.add('Short', function() tell('short') end) return names()`),
    from(BOB, 'Short'),
    from(BOB, 'short'),
    lua(`Handlers.add('a', 'Other', function() tell('replaced') end) return names()`),
    from(BOB, 'Other'),
    from(BOB, 'A'),
    lua('return told()'),
    lua(`Handlers.prepend('b', 'B2', function() tell('b2') end) return names()`),
    lua(`Handlers.remove('a') Handlers.remove('nobody') return names()`),
    lua(`return select(2, pcall(Handlers.remove, 5))`),
    lua(`return select(2, pcall(Handlers.add, 5, 'x', print))`),
    lua(`return select(2, pcall(Handlers.add, 'x', 5, print))`),
    lua(`return select(2, pcall(Handlers.add, 'x'))`),
    lua(`return select(2, pcall(Handlers.before, 5))`),
    lua(`return select(2, pcall(Handlers.after))`),
    lua(`Handlers.add('no handle', 'NoHandle', nil) return names()`),
    differs('errors', from(BOB, 'NoHandle')),
    lua(`Handlers.add('loose', 'Loose', function() tell('loose') end, 'inf') return names()`),
    from(BOB, 'Loose'),
    from(BOB, 'Loose'),
    lua('return told()'),
  ],
}

const VERDICTS: ContractScenario = {
  name: 'what patterns answer',
  steps: [
    lua(TELL),
    lua(`for i, verdict in ipairs({ false, 0, 'skip', 'whatever', 1, 'continue', 2, 0.5, true }) do
      Handlers.add('v' .. i, function(m) return m.Action == 'Walk' and verdict end, function() tell(verdict) end) end
      Handlers.add('end', function(m) return m.Action == 'Walk' end, function() tell('end') end) return names()`),
    from(ALICE, 'Walk'),
    lua('return told()'),
    ...[`-1`, `'break'`, `-5`].flatMap((verdict) => [
      lua(`Handlers.prepend('first', function(m) return m.Action == 'Walk' and ${verdict} end, function() tell('first') end)`),
      from(ALICE, 'Walk'),
      lua('return told()'),
    ]),
    lua(
      `Handlers.list = {} Handlers.add('goes on', function(m) return m.Action == 'On' and 1 or false end, function() tell('on') end) return names()`,
    ),
    from(ALICE, 'On', {}, 'also for the inbox'),
    lua(`return told() .. #Inbox .. Inbox[#Inbox].Data`),
    lua(`Handlers.add('nil', function() return nil end, print)`),
    from(ALICE, 'Anything'),
    lua(`Handlers.remove('nil') return names()`),
    lua(`Handlers.prepend('table', function(m) return m.Action == 'T' and {} or false end, print)`),
    from(ALICE, 'T'),
    lua(`Handlers.prepend('table', function(m) return m.Action == 'T' and print or false end, print)`),
    from(ALICE, 'T'),
    lua(`Handlers.prepend('fails', function(m) if m.Action == 'F' then error('in the pattern') end return false end, print)`),
    from(ALICE, 'F'),
    lua('return names()'),
    from(ALICE, 'T2'),
    lua(`Handlers.utils.continue('x') return type(Handlers.utils.continue({ Action = 'Go' }))`),
    lua(
      `Handlers.list = {} Handlers.add('c', Handlers.utils.continue({ Action = 'Go' }), function() tell('c') end) Handlers.add('go', 'Go', function() tell('go') end)`,
    ),
    from(ALICE, 'Go'),
    lua('return told()'),
  ],
}

const PATTERNS: ContractScenario = {
  name: 'patterns',
  steps: [
    lua(TELL),
    lua(`local patterns = {
        action = { Action = 'Eat' }, wild = { Action = 'Wild', Food = '_' }, lua = { Action = '^Re%a+$' }, list = { Action = { 'L1', 'L2' } },
        fn = { Action = 'Fn', Food = function(v) return v == 'soup' end }, from = { From = '${BOB}', Action = 'FromBob' }, data = { Data = 'exact data' },
        several = { Action = 'Many', One = '1', Two = { '2', 'two', function(v) return v == 'zwei' end } }, tag = { ['X-Deep'] = 'yes' }, upper = { Action = 'UPPER' } }
      local order = Utils.keys(patterns) table.sort(order)
      for _, name in ipairs(order) do Handlers.add(name, patterns[name], function() tell(name) end) end return names()`),
    from(ALICE, 'Eat'),
    from(ALICE, 'eat'),
    from(ALICE, 'Eater'),
    from(ALICE, 'Wild'),
    from(ALICE, 'Wild', { Food: '' }),
    from(ALICE, 'Wild', { Food: 'x' }),
    from(ALICE, 'Read'),
    from(ALICE, 'Re1'),
    from(ALICE, 'L2'),
    from(ALICE, 'L3'),
    from(ALICE, 'Fn', { Food: 'soup' }),
    from(ALICE, 'Fn', { Food: 'bread' }),
    from(ALICE, 'FromBob'),
    from(BOB, 'FromBob'),
    from(BOB, 'Nothing', {}, 'exact data'),
    ...['2', 'two', 'zwei', 'drei'].map((Two) => from(BOB, 'Many', { One: '1', Two })),
    from(BOB, 'Deep', { 'X-Deep': 'yes' }),
    from(BOB, 'upper'),
    step('no action', { from: ALICE, data: 'exact data' }),
    lua('return told() .. #Inbox'),
  ],
}

const RUNS: ContractScenario = {
  name: 'limited runs',
  steps: [
    lua(TELL),
    lua(`Handlers.once('once', { Action = 'Once' }, function(m) tell('once ' .. m.Data) end) Handlers.once({ Action = 'Anon' }, function() tell('anon') end)
      Handlers.once(function(m) return m.Action == 'Anon2' end, function() tell('anon2') end) return names() .. Handlers.onceNonce`),
    from(ALICE, 'Once', {}, '1'),
    from(ALICE, 'Once', {}, '2'),
    from(ALICE, 'Anon'),
    from(ALICE, 'Anon'),
    from(ALICE, 'Anon2'),
    lua('return told() .. names() .. #Inbox'),
    lua(`Handlers.add('three', 'Three', function() tell('three') end, 3) Handlers.prepend('two', 'Two', function() tell('two') end, 2) Handlers.append('one', 'One', function() tell('one') end, 1)
      Handlers.add('none', 'None', function() tell('none') end, 0) return names()`),
    ...['Three', 'Two', 'Three', 'One', 'One', 'Two', 'Two', 'Three', 'Three', 'None', 'None'].map((action) => from(BOB, action)),
    lua('return told() .. names()'),
    lua(`Handlers.add('failing', 'Failing', function() error('never counts') end, 1)`),
    from(BOB, 'Failing'),
    lua('return names()'),
    lua(
      `Handlers.add('first', Handlers.utils.continue({ Action = 'Both' }), function() tell('first') end, 1) Handlers.add('second', 'Both', function() tell('second') end, 2)`,
    ),
    differs('walk', from(BOB, 'Both')),
    differs('walk', from(BOB, 'Both')),
    differs('walk', from(BOB, 'Both')),
    lua('return told() .. names()'),
  ],
}

const RESOLVERS: ContractScenario = {
  name: 'resolvers',
  steps: [
    lua(TELL),
    lua(
      `Handlers.add('table', 'Resolve', { [{ Kind = 'a' }] = function(m) tell('kind a') m.reply({ Data = 'a' }) end, [function(m) return m.Kind == 'b' end] = function() tell('kind b') end })`,
    ),
    from(ALICE, 'Resolve', { Kind: 'a' }),
    from(ALICE, 'Resolve', { Kind: 'b' }),
    from(ALICE, 'Resolve', { Kind: 'c' }),
    lua('return told()'),
    lua(
      `local r = Handlers.generateResolver({ [{ Action = 'x' }] = function(m) return 'x of ' .. m.From end }) return show(r({ Action = 'x', From = 'me' }), r({ Action = 'y' }))`,
    ),
    lua(`return Handlers.generateResolver(function(m) return m.n + 1 end)({ n = 1 })`),
    lua(
      `Handlers.add('both', 'Both', function(msg, env) tell(type(msg) .. type(env)) end) Handlers.list[#Handlers.list].handle = function(msg, env) tell(type(msg) .. type(env)) end`,
    ),
    from(ALICE, 'Both'),
    lua('return told()'),
    lua(`return show(pcall(Handlers.evaluate)) .. show(pcall(Handlers.evaluate, {}))`),
    lua(`return show(Handlers.evaluate({ Action = 'Resolve', Kind = 'b', Tags = {}, From = 'x' }, ao.env)) .. told()`),
    lua(`return show(Handlers.evaluate({ Action = 'Nobody', Tags = {}, From = ('f'):rep(43) }, ao.env)) .. #Inbox`),
    lua(`return Handlers.utils.hasMatchingTag('Action', 'x')({ Tags = { Action = 'x' } })`),
  ],
}

const WAITING: ContractScenario = {
  name: 'waiting for messages',
  steps: [
    lua(TELL),
    lua(
      `local answer = Send({ Target = '${OTHER_PROCESS}', Action = 'Ask' }).receive() print('the answer is ' .. answer.Data) return answer.Extra`,
    ),
    lua('return names() .. #Handlers.coroutines'),
    reply({ 'X-Reference': '99' }, 'of another question'),
    reply({ 'X-Reference': '1' }, 'of another process', CAROL),
    reply({ 'X-Reference': '1', Extra: 'more' }, '42'),
    lua('return names() .. #Inbox'),
    reply({ 'X-Reference': '1' }, 'too late'),
    lua(`Send({ Target = '${OTHER_PROCESS}', Action = 'Ask' }).onReply(function(m) tell('replied ' .. m.Data) end) return names()`),
    reply({ 'X-Reference': '2' }, 'once'),
    reply({ 'X-Reference': '2' }, 'twice'),
    lua('return told() .. names()'),
    lua(
      `Send({ Target = '${OTHER_PROCESS}', Action = 'Ask' }).onReply('${CAROL}', function(m) tell('carol ' .. m.Data) end) ao.send({ Target = 'x', Data = 'y' }).onReply({ [{ Kind = 'a' }] = function() tell('table a') end })`,
    ),
    reply({ 'X-Reference': '3' }, 'not hers'),
    reply({ 'X-Reference': '3' }, 'hers', CAROL),
    reply({ 'X-Reference': '4', Kind: 'a' }, '', 'x'),
    lua('return told() .. names()'),
    lua(`local m = Receive({ Action = 'Wake' }) return 'woken by ' .. m.From:sub(1, 1)`),
    lua(`local m = Receive(function(m) return m.Action == 'Wake2' end) return 'woken 2'`),
    lua(`local m = Receive('Wake3') return 'woken 3 ' .. m.Data`),
    lua('return #Handlers.coroutines .. names()'),
    from(BOB, 'Wake3', {}, 'third'),
    from(BOB, 'Wake2'),
    from(BOB, 'Wake'),
    lua('return names()'),
    differs('sleepers', lua('return #Handlers.coroutines')),
    lua(
      `local a = Receive({ Action = 'Step' }) local b = Receive({ Action = 'Step' }) local c = Receive({ Action = 'Step' }) return a.Data .. b.Data .. c.Data`,
    ),
    ...['x', 'y', 'z', 'w'].map((data) => from(ALICE, 'Step', {}, data)),
    lua(`Receive({ Action = 'Bad' }) error('after waking')`),
    from(ALICE, 'Bad', {}, 'first'),
    lua('return names() .. #Handlers.coroutines .. type(Errors)'),
    lua(`Receive({ Action = 'Send-Later' }) Send({ Target = 'later', Data = 'sent later' }) tell('sent')`),
    from(ALICE, 'Send-Later'),
    lua('return told()'),
    lua(`local a = Send({ Target = '${OTHER_PROCESS}', Data = 'q' }).receive('${CAROL}') return 'carol says ' .. a.Data`),
    reply({ 'X-Reference': '6' }, 'I say', CAROL),
    lua(`return coroutine.isyieldable()`),
  ],
}

const WAITING_HANDLERS: ContractScenario = {
  name: 'handlers that wait',
  steps: [
    lua(TELL),
    lua(`Handlers.add('quote', 'Quote', function(msg)
        local price = Send({ Target = '${OTHER_PROCESS}', Action = 'Price', Item = msg.Item }).receive()
        tell('price ' .. price.Data) msg.reply({ Data = msg.Item .. ' costs ' .. price.Data, Action = 'Quoted' })
        local stock = Send({ Target = '${OTHER_PROCESS}', Action = 'Stock' }).receive() msg.reply({ Data = 'left: ' .. stock.Data }) end)`),
    from(ALICE, 'Quote', { Item: 'tea', Reference: '700' }),
    from(BOB, 'Quote', { Item: 'rice', 'X-Reference': '800', 'X-Origin': CAROL }),
    lua('return #Handlers.coroutines .. names()'),
    reply({ 'X-Reference': '2' }, '5'),
    reply({ 'X-Reference': '1' }, '7'),
    lua('return told() .. #Handlers.coroutines .. names()'),
    reply({ 'X-Reference': '4' }, '1'),
    reply({ 'X-Reference': '6' }, '2'),
    differs('sleepers', lua('return #Handlers.coroutines')),
    lua('return names() .. ao.reference .. #Inbox'),
    lua(`Handlers.add('weak', 'Weak', function(msg) local r = Receive({ Action = 'Strength' }) error('weak: ' .. r.Data) end)`),
    from(ALICE, 'Weak'),
    from(BOB, 'Strength', {}, 'none'),
    lua('return names()'),
    lua(
      `Handlers.add('pass', Handlers.utils.continue({ Action = 'Pass' }), function(msg) local r = Receive({ Action = 'Then' }) tell('passed ' .. r.Data) end) Handlers.add('next', 'Pass', function(m) tell('next ' .. m.Data) end)`,
    ),
    from(ALICE, 'Pass', {}, 'one'),
    lua('return told()'),
    from(ALICE, 'Then', {}, 'two'),
    differs('walk', lua('return told()')),
  ],
}

const ANSWERS: ContractScenario = {
  name: 'reply and forward',
  steps: [
    lua(TELL),
    lua(
      `Handlers.add('reply', 'Ping', function(msg) local sent = msg.reply({ Action = 'Pong', Data = 'x', Tags = { Extra = '1' } }) tell(type(sent) .. type(sent and sent.receive)) end)`,
    ),
    from(ALICE, 'Ping'),
    from(ALICE, 'Ping', { Reference: '5' }),
    from(ALICE, 'Ping', { Reference: '5', 'X-Reference': '6' }),
    from(ALICE, 'Ping', { 'Reply-To': CAROL, 'X-Origin': BOB }),
    lua(`Handlers.add('reply', 'Ping', function(msg) msg.reply({ Target = '${CAROL}', Data = 'to another' }) end)`),
    from(ALICE, 'Ping'),
    from(ALICE, 'Ping', { 'Reply-To': BOB }),
    lua(`Handlers.add('reply', 'Ping', function(msg) msg.reply() end)`),
    differs('errors', from(ALICE, 'Ping')),
    lua(
      `Handlers.add('util', 'Util', Handlers.utils.reply('answered')) Handlers.add('util2', 'Util2', Handlers.utils.reply({ Action = 'Answered', Data = 'table' }))`,
    ),
    from(ALICE, 'Util', { Reference: '9' }),
    from(ALICE, 'Util2', { Reference: '9' }),
    differs('copies', from(BOB, 'Util2', { Reference: '10' })),
    lua(
      `Handlers.add('forward', 'Pass', function(msg) tell(select('#', msg.forward('${CAROL}', { Added = 'yes', Action = 'Passed' }))) end) Handlers.add('bare', 'Bare', function(msg) msg.forward('${BOB}') end)`,
    ),
    from(ALICE, 'Pass', { Reference: '11', Custom: 'kept', 'Content-Type': 'text/plain' }, 'the data'),
    from(ALICE, 'Pass', { Reference: '11', 'X-Reference': '3', 'X-Origin': BOB, 'Reply-To': CAROL }, 'the data'),
    from(ALICE, 'Bare', { Reference: '12' }, 'bare data'),
    step('forward of a pushed message', pushed({ Action: 'Bare', 'From-Process': OTHER_PROCESS, 'Pushed-For': 'm', Reference: '77' }, 'x')),
    lua('return told()'),
    lua(
      `Handlers.add('raw', 'Raw', function(msg) ao.send({ Target = msg.From, Data = msg.Data, Tags = { { name = 'A', value = '1' }, { name = 'A', value = '2' } } }) end)`,
    ),
    from(ALICE, 'Raw', {}, 'data'),
    lua(`local m = Inbox[1] m.reply({ Data = 'to the first' })`),
  ],
}

const SENDING: ContractScenario = {
  name: 'what is sent',
  steps: [
    lua(`return Send({ Target = '${BOB}', Action = 'A', Data = 'd', Extra = 'e' }).output`),
    lua(`Send({ Target = '${BOB}', Tags = { A = '1', B = '2' }, C = '3' })`),
    lua(`Send({ Target = '${BOB}', Tags = { { name = 'A', value = '1' }, { name = 'A', value = '2' } } })`),
    lua(`Send({ Target = '${BOB}', From = 'x', Anchor = 'y', Owner = 'z', Id = 'i' })`),
    lua(`Send({ Target = '${BOB}', Data = { a = 1 } })`),
    lua(`Send({ Target = '${BOB}', Data = { 1, 2 }, Tags = { ['Content-Type'] = 'text/plain' } })`),
    lua(`Send({ Target = '${BOB}', Number = 5, Float = 1.5, Flag = true, Text = 'x' })`),
    lua(`Send({ Target = '${BOB}', Data = 5 })`),
    lua(`Send({ Target = '${BOB}', Data = 2.5 })`),
    lua(`Send({ Target = '${BOB}', Data = false })`),
    lua(`Send({ Target = '${BOB}', Data = '' })`),
    lua(`Send({ Target = 5, Data = 'x' })`),
    lua(`Send({ Data = 'nowhere' })`),
    lua(`Send({ device = 'patch@1.0', balances = { a = '1' }, ['token-info'] = { Name = 'n' } })`),
    lua(`Send({ Target = '${BOB}', list = { 1, 2 }, map = { a = { b = 'c' } } })`),
    lua(`ao.send({ Target = '${BOB}', Data = 'by ao.send' }) return ao.reference`),
    lua(`return type(ao.send({ Target = 'x' }).Tags) .. ao.send({ Target = 'y' }).Anchor .. ao.send({ Target = 'z', Data = 'd' }).Target`),
    differs('copies', lua(`local t = { Target = 'x', Data = { a = 1 } } Send(t) return type(t.Data)`)),
    differs('errors', lua('Send()')),
    differs('errors', lua('ao.send()')),
    lua(`ao.send('text')`),
    differs('text', lua(`Send({ Target = 'x', [1] = 'numbered' })`)),
    differs('text', lua(`Send({ Target = 'x', Amount = require('.bint')(256)('12') })`)),
    lua(`for i = 1, 30 do Send({ Target = 'x', Data = tostring(i) }) end return ao.reference`),
    lua(`Spawn('module', { Data = 'd', Name = 'n', Tags = { A = '1' } }) return 1`),
    lua(`Spawn({ Data = 'd' }) return 1`),
    lua(`Spawn('module', {}) return 1`),
    lua(`Spawn('module', { Data = { a = 1 } }) return 1`),
    differs('repaired', lua(`return type(Spawn('module', {}).onReply)`)),
    lua(`return Spawn('module', { Tags = { { name = 'On-Boot', value = 'Data' } }, Data = 'return 1' }).output`),
    lua(`local s = ao.spawn('module', { Data = 'x' }) return type(s.Tags) .. s.Anchor .. type(s.receive) .. type(s.onReply)`),
    differs('errors', lua('ao.spawn()')),
    differs('errors', lua(`ao.spawn('m')`)),
    lua(`Assign({ Processes = { 'p' }, Message = 'm' })`),
    lua(`return Assign({ Processes = { 'p', 'q' }, Message = 'm', Exclude = { 'Data' }, BaseLayer = true })`),
    lua(`ao.assign({ Processes = { 'p' }, Message = 'm', BaseLayer = false })`),
    lua(`return select(2, pcall(ao.assign))`),
    lua(`return select(2, pcall(ao.assign, { Processes = 'p', Message = 'm' }))`),
    differs('errors', lua(`return select(2, pcall(ao.assign, { Processes = { 1 }, Message = 'm' }))`)),
    lua(`return select(2, pcall(ao.assign, { Processes = {}, Message = 5 }))`),
    differs('errors', lua(`return select(2, pcall(ao.assign, { Processes = { 'p' }, Message = 'm', Exclude = 'x' }))`)),
    lua(`Send({ Target = '${BOB}', Data = 'é\\0\\n😀' })`),
    lua(`Send({ Target = '${BOB}', some_tag = '1', ['lower-case'] = '2', SDK = '3' })`),
    lua(`Send({ Target = '${BOB}', Type = 'Other', Variant = 'x', ['Data-Protocol'] = 'y', Reference = '5' })`),
  ],
}

const SPAWNED: ContractScenario = {
  name: 'spawned processes',
  steps: [
    lua(TELL),
    lua(`local child = Spawn('module', { Data = 'x' }).receive() return 'child ' .. child.Process`),
    step('Spawned', pushed({ Action: 'Spawned', Process: 'child-1', Reference: '1' }, '', PROCESS)),
    lua(`ao.spawn('module', { Data = 'y' }).onReply(function(m) tell('child ' .. m.Process) end) return ao.reference`),
    step('Spawned of another reference', pushed({ Action: 'Spawned', Process: 'child-0', Reference: '9' }, '', PROCESS)),
    step('Spawned of a stranger', pushed({ Action: 'Spawned', Process: 'child-x', Reference: '2' }, '', OTHER_PROCESS)),
    step('Spawned', pushed({ Action: 'Spawned', Process: 'child-2', Reference: '2' }, '', PROCESS)),
    lua('return told() .. names() .. #Inbox'),
  ],
}

const TRUST: ContractScenario = {
  name: 'trust and assignments',
  steps: [
    lua(TELL),
    lua(`Handlers.add('hear', 'Hear', function(m) tell(m.From:sub(1, 1) .. m.Data) end)`),
    step('of a stranger for a process', { from: OTHER_PROCESS, owner: BOB, tags: { Action: 'Hear' }, data: '1' }),
    step('of the authority for a process', pushed({ Action: 'Hear' }, '2')),
    step('of the authority', { from: AUTHORITY, tags: { Action: 'Hear' }, data: '3' }),
    step('an eval of a stranger for a process', { from: OTHER_PROCESS, owner: BOB, tags: { Action: 'Eval' }, data: 'return 1' }),
    step('an eval of the authority for the owner', { from: OWNER, owner: AUTHORITY, tags: { Action: 'Eval' }, data: 'return "as owner"' }),
    step('an eval of the authority', { from: AUTHORITY, tags: { Action: 'Eval' }, data: 'return 2' }),
    step('an eval of a stranger', { from: ALICE, tags: { Action: 'Eval' }, data: 'return 3' }),
    lua('return told() .. #Inbox'),
    lua(`table.insert(ao.authorities, '${CAROL}') return ao.authorities`),
    step('of a new authority', { from: OTHER_PROCESS, owner: CAROL, tags: { Action: 'Hear' }, data: '4' }),
    lua(`ao.authorities = {} return #ao.authorities`),
    step('of the authority that was removed', pushed({ Action: 'Hear' }, '5')),
    lua('return told() .. #ao.authorities'),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Hear' }, data: '6' }),
    step('assigned, of the process', pushed({ Action: 'Hear' }, '6', PROCESS)),
    step('assigned, of the process, for another', { ...pushed({ Action: 'Hear' }, '7', PROCESS), target: BOB }),
    step('assigned eval', { target: BOB, tags: { Action: 'Eval' }, data: 'return 5' }),
    lua(
      `ao.addAssignable('hearing', { Action = 'Hear' }) ao.addAssignable(function(m) return m.Action == 'Any' end) return #ao.assignables`,
    ),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Hear' }, data: '8' }),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Any' }, data: 'inbox' }),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Other' }, data: '9' }),
    lua(`ao.addAssignable('hearing', 'Other') return #ao.assignables .. ao.assignables[1].name .. type(ao.assignables[1].pattern)`),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Other' }, data: '10' }),
    step('assigned', { from: ALICE, target: BOB, tags: { Action: 'Hear' }, data: '11' }),
    lua(`ao.removeAssignable('nobody') ao.removeAssignable('hearing') ao.removeAssignable(9) return #ao.assignables`),
    lua(`ao.removeAssignable(1) return #ao.assignables`),
    lua(`return select(2, pcall(ao.removeAssignable, {}))`),
    lua(`return select(2, pcall(ao.addAssignable, 5, {}))`),
    lua('return told() .. #Inbox'),
    step('without a target', { from: ALICE, target: '', tags: { Action: 'Hear' } }),
  ],
}

const FIELDS_PROGRAM = `Handlers.add('fields', function(m) return m['Tell-Fields'] ~= nil or m.Tags['Tell-Fields'] ~= nil end, function(m)
  local out = {} for k, v in pairs(m) do if type(v) ~= 'function' and type(v) ~= 'table' then out[#out + 1] = k .. '=' .. tostring(v) end end table.sort(out)
  local tags = {} for k, v in pairs(m.Tags) do tags[#tags + 1] = k .. '=' .. tostring(v) end table.sort(tags)
  local list = {} for i, t in ipairs(m.TagArray) do list[i] = t.name .. '=' .. tostring(t.value) end
  Send({ Target = m.From, Data = table.concat(out, '\\n') .. '\\n--\\n' .. table.concat(tags, '\\n') .. '\\n--\\n' .. table.concat(list, '\\n') .. type(m.Data) }) end)`

const FIELDS: ContractScenario = {
  name: 'fields of messages',
  steps: [
    lua(FIELDS_PROGRAM),
    from(ALICE, 'X', { 'Tell-Fields': '1', some_tag: 'a', 'lower-tag': 'b', SDK: 'aoconnect', 'aos-Version': '2' }),
    from(
      ALICE,
      'X',
      { 'tell-fields': '1', Type: 'Other', From: 'forged', Owner: 'forged', Target: 'forged', Data: 'forged', Tags: 'forged' },
      'real',
    ),
    differs('host', from(ALICE, 'X', { 'Tell-Fields': '1', Id: 'forged', Timestamp: '5', 'Block-Height': '6' })),
    step('a JSON body', { from: ALICE, tags: { 'Tell-Fields': '1', 'Content-Type': 'application/json' }, data: '{"a":[1,2]}' }),
    step('a JSON body for the inbox', {
      from: ALICE,
      tags: { 'Content-Type': 'application/json' },
      data: '{"a":"long text of some kind"}',
    }),
    differs('errors', step('a bad JSON body', { from: ALICE, tags: { 'Content-Type': 'application/json' }, data: '{' })),
    step('numbers as tags', {
      from: ALICE,
      fields: {
        Tags: [
          { name: 'Tell-Fields', value: '1' },
          { name: 'N', value: 5 },
        ],
      },
    }),
    step('no tags', { from: ALICE, fields: { Tags: [] }, data: 'bare' }),
    step('data that is a number', { from: ALICE, fields: { Data: 5, Tags: [{ name: 'Tell-Fields', value: '1' }] } }),
    step('a cron message', cron({ Action: 'Cron', 'Tell-Fields': '1' })),
    step('a read-only message', { from: ALICE, tags: { 'Tell-Fields': '1' }, fields: { 'Read-Only': true } }),
    lua('return #Inbox'),
    lua('local m = Inbox[#Inbox] return tostring(m.Action) .. tostring(m.Data) .. m.From .. tostring(m.Cron)'),
  ],
}

const FAILURES: ContractScenario = {
  name: 'failures',
  steps: [
    lua(TELL),
    lua(`Handlers.add('fail', 'Fail', function(m) print('printed before') Send({ Target = 'x' }) Changed = true error(m.Data) end)
      Handlers.add('deep', 'Deep', function() local t = nil return t.field end) Handlers.add('assert', 'Assert', function(m) assert(m.Quantity, 'Quantity is required!') end)`),
    from(ALICE, 'Fail', {}, 'the reason'),
    from(ALICE, 'Deep'),
    from(ALICE, 'Assert'),
    from(ALICE, 'Assert', { Quantity: '1' }),
    lua('return tostring(Changed) .. ao.reference .. #Errors'),
    step('no action', { from: ALICE, tags: { X: '1' } }),
    lua(`Handlers.add('quiet', function(m) return m.X == '1' end, function() error('without action') end)`),
    step('no action', { from: ALICE, tags: { X: '1' } }),
    lua(`Handlers.add('print', 'Print', function(m) print('hello') print({ a = 1 }) print(5) return 'ignored' end)`),
    from(ALICE, 'Print'),
    lua(`Prompt = function() return 'my prompt> ' end return 1`),
    from(ALICE, 'Print'),
    differs('repaired', lua(`Prompt = function() error('no prompt') end return 1`)),
  ],
}

/** Programs that change what the process itself needs. */
const ROUGH: ContractScenario = {
  name: 'programs that change the process',
  steps: [
    lua(TELL),
    lua(`Handlers.list = {} return names()`),
    from(ALICE, 'X', {}, 'to the inbox'),
    lua(`return names() .. #Inbox`),
    lua(`Handlers.remove('_default') Handlers.remove('_eval') return names()`),
    lua(`return names()`),
    from(ALICE, 'Y'),
    lua(`Inbox = {} return #Inbox`),
    from(ALICE, 'Z'),
    lua(`return #Inbox .. Inbox[1].Action`),
    lua(`local old = print print = function(x) old('> ' .. tostring(x)) end print('redirected') return 'value'`),
    lua(`Name = 'x' Handlers.add('_default', function() return true end, function() tell('never mine') end) return names()`),
    from(ALICE, 'W'),
    lua('return told() .. #Inbox'),
    // As terminals load files: what they require stands in front of them.
    lua(`local function _loaded_mod_lib() local lib = {} function lib.twice(n) return 2 * n end return lib end
      _G.package.loaded['lib'] = _loaded_mod_lib()
      local lib = require('lib') return lib.twice(21)`),
    lua(`return require('lib').twice(4)`),
    // As terminals update the runtime: a process of its own takes over with the next message.
    lua(`local process = require('.process') local handle = process.handle
      process.handle = function(msg, env) Seen = (Seen or 0) + 1 env.Process.Tags = {} return handle(msg, env) end return 'taken over'`),
    lua('return Seen'),
    from(ALICE, 'V'),
    lua('return Seen .. #Inbox .. #ao.authorities .. ao.id'),
    lua(`Owner = '${ALICE}' return Owner`),
    lua('return 1'),
    step('an eval of the new owner', { from: ALICE, tags: { Action: 'Eval' }, data: 'return "mine"' }),
    step('an eval of the old owner', { from: OWNER, tags: { Action: 'Eval' }, data: 'return "lost"' }),
  ],
}

export const CONTRACT: readonly ContractScenario[] = [
  HANDLERS,
  VERDICTS,
  PATTERNS,
  RUNS,
  RESOLVERS,
  WAITING,
  WAITING_HANDLERS,
  ANSWERS,
  SENDING,
  SPAWNED,
  TRUST,
  FIELDS,
  FAILURES,
  ROUGH,
]
