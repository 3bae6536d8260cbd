local t = require('.testing')

local ALICE, BOB = ('a'):rep(43), ('b'):rep(43)

t.boot({ Name = 'patient' })

t.test('receive sleeps until the answer to this very message comes', function()
  t.eval([[Handlers.add('Thr', 'Thr', function(msg)
    local answer = Send({Target = ']] .. ALICE .. [[', Action = 'Ask'}).receive()
    print('answer ' .. answer.Data)
    local second = Send({Target = ']] .. ALICE .. [[', Action = 'Ask2'}).receive(']] .. BOB .. [[')
    second.reply({Data = 'done'})
    print('end')
  end)]])
  local response = t.send('W', 'Thr')
  t.equal(t.tags(response.Messages[1]).Action, 'Ask')
  local reference = t.tags(response.Messages[1]).Reference
  t.contains(t.send(ALICE, 'x', { ['X-Reference'] = '999' }, 'wrong').Output.data, 'New Message From')
  t.contains(t.send(BOB, 'x', { ['X-Reference'] = reference }, 'wrong').Output.data, 'New Message From')
  response = t.send(ALICE, 'x', { ['X-Reference'] = reference }, 'right')
  t.equal(response.Output.data, 'answer right')
  reference = t.tags(response.Messages[1]).Reference
  response = t.send(BOB, 'x', { ['X-Reference'] = reference, Reference = '8' })
  t.equal(response.Output.data, 'end')
  t.equal({ response.Messages[1].Target, response.Messages[1].Data, t.tags(response.Messages[1])['X-Reference'] }, { BOB, 'done', reference })
  t.contains(t.send(BOB, 'x', { ['X-Reference'] = reference }).Output.data, 'New Message From')
end)

t.test('several sleepers wake each by its own answer', function()
  t.eval([[Handlers.add('Many', 'Many', function(msg)
    local n = msg.N
    print(n .. '=' .. Send({Target = ']] .. ALICE .. [[', N = n}).receive().Data)
  end)]])
  local references = {}
  for n = 1, 3 do references[n] = t.tags(t.send('W', 'Many', { N = tostring(n) }).Messages[1]).Reference end
  for _, n in ipairs({ 2, 3, 1 }) do
    t.equal(t.send(ALICE, 'x', { ['X-Reference'] = references[n] }, 'd' .. n).Output.data, n .. '=d' .. n)
  end
end)

t.test('Receive in an Eval gives its value when it wakes', function()
  t.equal(t.eval("local m = Receive({Action = 'Late'}) print('late ' .. m.Data) return 'done'"), '')
  t.equal(t.send(ALICE, 'Late', nil, 'L').Output.data, 'late L\ndone')
  t.equal(t.eval("local m = Handlers.receive('Late2') return m.Data"), '')
  t.equal(t.send(ALICE, 'Late2', nil, 'L2').Output.data, 'L2')
end)

t.test('an error after waking belongs to the message that woke', function()
  t.eval("Receive('Wake') error('cannot get up')")
  t.contains(t.send(ALICE, 'Wake').Error, 'cannot get up')
end)

t.test('onReply runs once, for the answer only', function()
  t.eval("Reference = ao.reference + 1 Send({Target = '" .. ALICE .. "'}).onReply(function(m) print('got ' .. m.Data) end)")
  local reference = t.eval('Reference')
  t.contains(t.send(BOB, 'x', { ['X-Reference'] = reference }).Output.data, 'New Message From')
  t.equal(t.send(ALICE, 'x', { ['X-Reference'] = reference }, '1').Output.data, 'got 1')
  t.contains(t.send(ALICE, 'x', { ['X-Reference'] = reference }, '2').Output.data, 'New Message From')
  t.eval("Reference = ao.reference + 1 Send({Target = '" .. ALICE .. "'}).onReply('" .. BOB .. "', function(m) print('from bob') end)")
  t.equal(t.send(BOB, 'x', { ['X-Reference'] = t.eval('Reference') }).Output.data, 'from bob')
end)

t.test('a conversation: reply and wait for the next message of it', function()
  t.eval("Handlers.add('Talk', 'Talk', function(msg) local m = msg.reply({Data = 'and?'}).receive() print('heard ' .. m.Data) end)")
  t.send(ALICE, 'Talk', { Reference = '3' })
  t.equal(t.send(ALICE, 'x', { ['X-Reference'] = t.eval('ao.reference') }, 'more').Output.data, 'heard more')
end)

t.test('a spawn is answered by Spawned, from the process itself', function()
  t.eval("Handlers.add('Make', 'Make', function() print('made ' .. Spawn('MOD', {Data = 'x'}).receive().Process) end)")
  local reference = t.tags(t.send(ALICE, 'Make').Spawns[1]).Reference
  t.contains(t.pushed(BOB, { Action = 'Spawned', Reference = reference, Process = 'FAKE' }).Output.data, 'New Message From')
  t.equal(t.pushed(t.process, { Action = 'Spawned', Reference = reference, Process = 'NEW' }).Output.data, 'made NEW')
  t.eval("Reference = ao.reference + 1 ao.spawn('MOD', {}).onReply(function(m) print('also ' .. m.Process) end)")
  t.equal(t.pushed(t.process, { Action = 'Spawned', Reference = t.eval('Reference'), Process = 'NEW2' }).Output.data, 'also NEW2')
end)

t.test('coroutines of the program are its own', function()
  t.equal(t.eval('local c = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) return c() + c()'), '3')
  t.equal(t.eval("coroutine.yield('nothing waits') return 1"), '')
  t.equal(t.eval('1'), '1')
end)
