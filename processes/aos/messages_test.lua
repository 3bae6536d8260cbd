local t = require('.testing')
local json = require('json')

local ALICE, BOB = ('a'):rep(43), ('b'):rep(43)

t.boot({ Name = 'post', Authority = 'X1,X2, X3 ' })

local function handler(name, body)
  t.eval('Handlers.add("' .. name .. '", "' .. name .. '", function(msg) ' .. body .. ' end)')
end

local function sent(source)
  local response = t.send(t.owner, 'Eval', nil, source)
  if response.Error then error(response.Error, 2) end
  return response.Messages[1], response
end

local function list(entry)
  local parts = {}
  for index, tag in ipairs(entry.Tags) do parts[index] = tag.name .. '=' .. (type(tag.value) == 'string' and tag.value or json.encode(tag.value)) end
  return table.concat(parts, ' ')
end

local HEAD = 'Data-Protocol=ao Variant=ao.TN.1 Type=Message '

t.test('a sent message has the protocol tags, a counted Reference and Anchor, then its own keys in order', function()
  local message = sent("Send({Target = 'T', Data = 'hi', Zeta = 'z', Action = 'Ping', Num = 5, Flag = true, Float = 2.0})")
  t.equal(list(message), HEAD .. 'Reference=1 Action=Ping Flag=true Float=2 Num=5 Zeta=z')
  t.equal({ message.Target, message.Data, message.Anchor }, { 'T', 'hi', ('0'):rep(31) .. '1' })
end)

t.test('Tags may be a list or a map, and come after the keys', function()
  t.equal(list(sent("ao.send({Target = 'T', Tags = {B = 2, A = '1'}, C = '3'})")), HEAD .. 'Reference=2 C=3 A=1 B=2')
  t.equal(list(sent("ao.send({Target = 'T', Tags = {{name = 'B', value = 2}, {name = 'A', value = '1'}}})")), HEAD .. 'Reference=3 B=2 A=1')
  t.raises('Tags should be a table', t.eval, "Send({Target = 'T', Tags = 'x'})")
end)

t.test('From, Anchor and functions do not become tags', function()
  t.equal(list(sent("Send({Target = 'T', From = 'me', Anchor = 'a', Run = print, Cast = 'true'})")), HEAD .. 'Reference=5 Cast=true')
end)

t.test('table Data becomes JSON with its Content-Type, other Data stays', function()
  local message = sent("Send({Target = 'T', Data = {b = {1, 2}, a = 'x'}, ['Content-Type'] = 'text/plain'})")
  t.equal(message.Data, '{"a":"x","b":[1,2]}')
  t.equal(t.tags(message)['Content-Type'], 'application/json')
  t.equal(sent("Send({Target = 'T', Data = 123})").Data, 123)
  t.equal(sent("Send({Target = 'T', Data = require('.bint')(256)('9')})").Data, '9')
end)

t.test('table values of tags stay tables of plain data', function()
  local tags = t.tags(sent("Send({device = 'patch@1.0', balances = {a = '1', f = print}, list = {1, 2}, n = require('.bint')(256)(7)})"))
  t.equal(tags, {
    ['Data-Protocol'] = 'ao', Variant = 'ao.TN.1', Type = 'Message', Reference = tags.Reference, device = 'patch@1.0',
    balances = { a = '1' }, list = { 1, 2 }, n = '7',
  })
  t.raises('contains itself', t.eval, "local x = {} x.x = x Send({Target = 'T', X = x})")
end)

t.test('a message to nobody is sent with a warning', function()
  local message, response = sent("Send({Data = 'x'})")
  t.equal(message.Target, nil)
  t.contains(response.Output.data, 'WARN: No target specified')
  t.raises('msg should be a table', t.eval, "Send('x')")
end)

t.test('Send answers with output, receive and onReply; ao.send with the message too', function()
  t.equal(t.eval("local s = Send({Target = 'T'}) return s.output .. type(s.receive) .. type(s.onReply)"), 'Message added to outboxfunctionfunction')
  t.equal(t.eval("local s = ao.send({Target = 'T', Data = 'd'}) return s.Target .. s.Data .. #s.Anchor .. #s.Tags"), 'Td324')
end)

t.test('a reply goes to Reply-To or the sender, and says what it answers', function()
  handler('Inc', "N = (N or 0) + 1 msg.reply({Data = tostring(N), Action = 'Inc-Reply', ['X-Reference'] = 'mine'})")
  local reply = t.send(ALICE, 'Inc', { Reference = '77', ['X-Foo'] = 'x' }).Messages[1]
  t.equal({ reply.Target, reply.Data }, { ALICE, '1' })
  t.equal(t.tags(reply)['X-Reference'], '77')
  t.equal(t.tags(reply)['X-Foo'], nil)
  reply = t.send(ALICE, 'Inc', { Reference = '78', ['Reply-To'] = BOB, ['X-Reference'] = '5', ['X-Origin'] = 'O' }).Messages[1]
  t.equal(reply.Target, BOB)
  t.equal({ t.tags(reply)['X-Reference'], t.tags(reply)['X-Origin'] }, { '5', 'O' })
  t.equal(t.tags(t.send(ALICE, 'Inc').Messages[1])['X-Reference'], nil)
end)

t.test('replying twice with one table gives two independent messages', function()
  handler('Twice', "local answer = {Data = 'x'} msg.reply(answer) msg.reply(answer)")
  local messages = t.send(ALICE, 'Twice', { Reference = '1' }).Messages
  t.equal({ #messages, messages[1].Target, messages[2].Target }, { 2, ALICE, ALICE })
  t.equal(messages[1].Anchor == messages[2].Anchor, false)
end)

t.test('a forwarded message keeps its tags and data and says where to answer', function()
  handler('Fwd', "msg.forward('T9', {Extra = 'e', Tags = {T = 't'}})")
  local onward = t.send(ALICE, 'Fwd', { Reference = '7', ['X-Foo'] = 'x', Bar = 'b' }, 'dd').Messages[1]
  local tags = t.tags(onward)
  t.equal({ onward.Target, onward.Data, tags.Action, tags.Bar, tags['X-Foo'], tags.Extra, tags.T }, { 'T9', 'dd', 'Fwd', 'b', 'x', 'e', 't' })
  t.equal({ tags['Reply-To'], tags['X-Reference'], tags['X-Origin'] }, { ALICE, '7', ALICE })
  t.equal({ tags.Timestamp, tags.Nonce, tags.Id, tags['Block-Height'] }, {})
end)

t.test('names are spelled alike: dashes, capitals', function()
  t.deliver({ Owner = ALICE, Tags = { { name = 'action', value = 'Q' }, { name = 'some_tag', value = 'v' }, { name = 'aos-Version', value = '1' }, { name = 'SDK', value = 's' } } })
  t.equal(t.eval("local m = Inbox[#Inbox] return m.Action .. m['Some-Tag'] .. m.Tags['Aos-Version'] .. m.TagArray[4].name"), 'Qv1Sdk')
end)

t.test('a tag does not replace what the host said about the message', function()
  t.send(ALICE, 'Claim', { Owner = 'x', From = 'x', Id = 'x', Timestamp = '1', Nonce = '1', ['Forwarded-By'] = 'x', Target = 'x', ['Block-Height'] = '1', Cron = 'true' }, 'd')
  local claim = Inbox[#Inbox]
  t.equal({ claim.Owner, claim.From, claim.Target, claim.Data, #claim.Id, claim['Forwarded-By'], claim.Cron }, { ALICE, ALICE, t.process, 'd', 43, nil, false })
  t.equal(math.type(claim.Timestamp) .. math.type(claim.Nonce) .. math.type(claim['Block-Height']), 'integerintegerinteger')
  t.equal(claim.Tags.Id, 'x')
end)

t.test('of repeated tags, Tags has the first and TagArray all', function()
  t.deliver({ Owner = ALICE, Tags = { { name = 'A', value = '1' }, { name = 'A', value = '2' } } })
  local message = Inbox[#Inbox]
  t.equal({ message.Tags.A, message.A, #message.TagArray }, { '1', '2', 2 })
end)

t.test('JSON data arrives as a table', function()
  t.send(ALICE, 'J', { ['Content-Type'] = 'application/json' }, '{"a":[1,2.5,"x"]}')
  t.equal(Inbox[#Inbox].Data, { a = { 1, 2.5, 'x' } })
  local problem, ok = t.send(ALICE, 'J', { ['Content-Type'] = 'application/json' }, '{bad')
  t.equal(ok, false)
  t.contains(problem, 'expected string for key at line 1 col 2')
end)

t.test('who is neither signer nor authority is not heard', function()
  local count = #Inbox
  local response = t.deliver({ Owner = ALICE, From = BOB, Tags = { ['From-Process'] = BOB, Action = 'x' } })
  t.equal(response.Output.data, 'Message is not trusted! From: ' .. BOB .. ' - Owner: ' .. ALICE)
  t.equal(#response.Messages, 0)
  t.equal(#Inbox, count)
  for _, authority in ipairs({ t.authority, 'X1', 'X2', 'X3' }) do t.deliver({ Owner = authority, From = BOB, Tags = { Action = 'x' } }) end
  t.equal(#Inbox, count + 4)
end)

t.test('authorities of the process are there for every message, added ones stay', function()
  t.eval("table.insert(ao.authorities, 'ZZ')")
  t.equal(t.eval('ao.authorities[#ao.authorities]'), 'ZZ')
  t.eval('ao.authorities = {}')
  t.equal(t.eval('#ao.authorities'), '4')
end)

t.test('an Eval that another process pushed is not the owner\'s', function()
  t.contains(t.pushed(BOB, { Action = 'Eval' }, 'Owner = "stolen"').Output.data, 'New Message From')
  t.equal(Owner, t.owner)
end)

t.test('assignments need a matching spec', function()
  local function assigned()
    return t.deliver({ Owner = ALICE, Target = 'elsewhere', Tags = { Action = 'Asg' }, Data = 'asg' })
  end
  local refused = assigned()
  t.equal(refused.Output.data, 'Assignment is not trusted! From: ' .. ALICE .. ' - Owner: ' .. ALICE)
  t.equal({ refused.Messages[1].Target, refused.Messages[1].Data }, { ALICE, 'Assignment is not trusted by this process!' })
  t.eval("ao.addAssignable('one', {Action = 'Asg'})")
  t.contains(assigned().Output.data, 'New Message From')
  t.equal(t.eval("tostring(ao.isAssignment({Target = 'q'})) .. tostring(ao.isAssignment({Target = ao.id}))"), 'truefalse')
  t.eval("ao.removeAssignable('one')")
  t.contains(assigned().Output.data, 'Assignment is not trusted!')
  t.raises('MatchSpec', t.eval, 'ao.addAssignable(5)')
end)

t.test('Spawn asks for a process, Assign for an assignment', function()
  local response = t.send(t.owner, 'Eval', nil, "Spawn('MOD', {Foo = '1', Tags = {Name = 'n'}}) Assign({Processes = {'P1'}, Message = 'M1', Exclude = {'Data'}})")
  local spawn = response.Spawns[1]
  t.equal(spawn.Data, 'NODATA')
  t.equal(#spawn.Anchor, 32)
  t.equal(list(spawn):gsub('Reference=%d+', 'Reference=n'), 'Data-Protocol=ao Variant=ao.TN.1 Type=Process From-Process=' .. t.process .. ' From-Module=' .. t.module .. ' Module=MOD Reference=n Foo=1 Name=n')
  t.equal(response.Assignments, { { Processes = { 'P1' }, Message = 'M1', Exclude = { 'Data' } } })
  t.equal(t.tags(t.send(t.owner, 'Eval', nil, "Spawn({Data = 'x'})").Spawns[1]).Module, t.module)
  t.raises('Processes should be a table', t.eval, "Assign({Message = 'M1'})")
  t.raises('Message should be a string', t.eval, "Assign({Processes = {}})")
end)

t.test('a cron message without id and data is handled', function()
  t.deliver({ Cron = true, Tags = { Action = 'Cron' } })
  t.equal(Inbox[#Inbox].Cron, true)
end)

t.test('the Inbox keeps the newest 10000', function()
  for index = #Inbox + 1, 10000 do Inbox[index] = { Action = 'filler' } end
  local first = Inbox[102]
  t.send(ALICE, 'Last')
  t.equal({ #Inbox, Inbox[#Inbox].Action }, { 9901, 'Last' })
  t.equal(Inbox[2], first)
end)
