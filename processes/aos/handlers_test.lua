local t = require('.testing')

local ALICE = ('a'):rep(43)

t.boot({ Name = 'walk' })

local function names()
  return t.eval("local n = {} for i, h in ipairs(Handlers.list) do n[i] = h.name end return table.concat(n, ' ')")
end

local function printed(action, tags, data)
  local response = t.send(ALICE, action, tags, data)
  if response.Error then error(response.Error, 2) end
  return response.Output.data
end

t.test('add, append, prepend, before and after put handlers in their places', function()
  t.eval([[
    Handlers.add('A', 'A', function() end)
    Handlers.prepend('P', function() return false end, function() end)
    Handlers.append('Z', function() return 'skip' end, function() end)
    Handlers.before('A').add('BA', 'BA', function() end)
    Handlers.after('A').add('AA', 'AA', function() end)
    Handlers.before('nowhere').add('X', 'X', function() end)
  ]])
  t.equal(names(), 'P _eval _default BA A AA Z')
end)

t.test('a name is replaced in its place, and removed', function()
  t.eval("Handlers.add('A', 'A', function() print('new A') end) Handlers.remove('BA') Handlers.remove('nope')")
  t.equal(names(), 'P _eval _default A AA Z')
  t.equal(printed('A'), 'new A')
  t.raises('name MUST be string', t.eval, 'Handlers.remove()')
end)

t.test('a name alone is the Action', function()
  t.equal(t.eval("Handlers.add('Only', function() print('only') end)"), '7')
  t.equal(printed('Only'), 'only')
end)

t.test('wrong arguments are refused', function()
  for _, arguments in ipairs({ "'A'", "'n', nil, print", "1, 'y', print", "{Action = 'q'}, print", "'x', 5, print" }) do
    t.raises('Invalid arguments given', t.eval, 'Handlers.add(' .. arguments .. ')')
  end
end)

t.test('once runs once, maxRuns as often as it says', function()
  t.eval("Handlers.once('One', function() print('once') end) Handlers.once('named', {Action = 'Two'}, function() print('two') end)")
  t.eval("Handlers.add('few', 'Few', function() print('few') end, 2) Handlers.add('inf', 'Inf', function() print('inf') end, 'inf')")
  t.equal({ printed('One'), printed('Two'), printed('Few'), printed('Few'), printed('Inf'), printed('Inf') }, { 'once', 'two', 'few', 'few', 'inf', 'inf' })
  for _, action in ipairs({ 'One', 'Two', 'Few' }) do t.contains(printed(action), 'New Message From') end
  t.equal(names(), 'P _eval _default A AA Z Only inf')
  t.eval("Handlers.add('none', 'None', function() end, 0) Handlers.remove('none')")
  t.equal(t.eval("return Handlers.list[#Handlers.list].maxRuns"), 'inf')
end)

t.test('what a pattern answers decides who runs and who is next', function()
  t.eval([[
    local function when(answer)
      return function(msg) return msg.Action == 'C' and answer end
    end
    Handlers.add('c1', when('continue'), function(msg) print('c1') msg.Extra = 1 end)
    Handlers.add('c2', when(1), function(msg) print('c2' .. msg.Extra) end)
    Handlers.add('c3', when('skip'), function() print('c3') end)
    Handlers.add('c4', when(0), function() print('c4') end)
    Handlers.add('c5', when(-1), function() print('c5') end)
    Handlers.add('c6', when(true), function() print('c6') end)
  ]])
  t.equal(printed('C'), 'c1\nc21\nc5')
  t.eval("Handlers.remove('c5')")
  t.equal(printed('C'), 'c1\nc21\nc6')
  t.eval("Handlers.remove('c6')")
  t.contains(printed('C'), 'c1\nc21\n\27[90mNew Message From')
  t.eval("Handlers.add('odd', function(msg) return msg.Action == 'Odd' and {} end, function() end)")
  t.contains(t.send(ALICE, 'Odd').Error, 'Pattern result is not valid, it MUST be string, number, or boolean')
  t.eval("Handlers.remove('odd')")
end)

t.test('tables match by text in any case, pattern, wildcard, function and list', function()
  local matches = {
    { "{Action = 'foo'}", true }, { "{Action = 'F.o'}", true }, { "{Action = '_'}", true }, { "{Missing = '_'}", false }, { "{Kind = 'k'}", true },
    { "{Action = {'a', 'Foo'}}", true }, { '{Action = {}}', false }, { '{N = 5}', false }, { "{N = '5'}", true }, { "{Data = '^hel'}", true },
    { "{Data = 'ell'}", false }, { "{Action = 'Fo'}", false }, { "{Action = '[Ff]oo'}", true }, { "'Foo'", true }, { "'foo'", false }, { '{}', true },
    { 'function(msg) return msg.N == 5 end', true }, { '{N = function(value, msg) return value == 5 and msg.Action end}', true }, { '5', false },
    { "{Action = 'Foo', Kind = 'other'}", false },
  }
  for _, case in ipairs(matches) do
    local source = "tostring(Utils.matchesSpec({Action = 'Foo', Tags = {Kind = 'k'}, N = 5, Data = 'hello'}, " .. case[1] .. '))'
    t.equal(t.eval(source), tostring(case[2]), case[1])
  end
  for _, pair in ipairs({ { 'a-b', 'a-b' }, { 'What?', 'what?' }, { 'a+b', 'A+B' }, { '100%', '100%' }, { '%d+', '12' } }) do
    t.equal(Utils.matchesPattern(pair[1], pair[2]), true, pair[1])
  end
end)

t.test('a resolver table picks a function by the message', function()
  t.eval("Handlers.add('res', {Action = 'Res'}, {[{Status = 'ok'}] = function() print('ok') end, [{Status = 'no'}] = function() print('no') end})")
  t.equal({ printed('Res', { Status = 'ok' }), printed('Res', { Status = 'no' }), printed('Res') }, { 'ok', 'no', '' })
end)

t.test('Handlers.utils has patterns and replies', function()
  t.eval([[
    local u = Handlers.utils
    Handlers.add('u1', u.hasMatchingTag('Action', 'U1'), u.reply('pong'))
    Handlers.add('u2', u.hasMatchingTagOf('Action', {'U2', 'U3'}), u.reply({Data = 'x', Tags = {A = '1'}}))
    Handlers.add('u3', u.hasMatchingData('ping'), function() print('data') end)
    Handlers.prepend('u0', u.continue({Action = 'U1'}), function() print('before') end)
  ]])
  local response = t.send(ALICE, 'U1', { Reference = '4' })
  t.equal({ response.Output.data, response.Messages[1].Data, t.tags(response.Messages[1])['X-Reference'] }, { 'before', 'pong', '4' })
  t.equal(t.tags(t.send(ALICE, 'U3').Messages[1]).A, '1')
  t.equal(printed('other', nil, 'ping'), 'data')
  t.raises('invalid arguments', t.eval, 'Handlers.utils.reply(5)')
end)

t.test('handlers may change the list while a message walks', function()
  t.eval([[
    Handlers.add('grow', function(msg) return msg.Action == 'Grow' and 'continue' end, function()
      Handlers.prepend('early', 'Never', function() end)
      Handlers.once('Later', function() end)
      Handlers.remove('grow')
      print('grown')
    end)
    Handlers.add('grow2', 'Grow', function() print('second') end)
  ]])
  t.equal(printed('Grow'), 'grown\nsecond')
  t.equal(printed('Grow'), 'second')
end)

t.test('the handlers of the runtime cannot be lost', function()
  t.eval("Handlers.list = {}")
  t.equal(t.eval("1 + 1"), '2')
  t.eval("Handlers.add('_eval', function() return true end, function() print('mine') end)")
  t.equal(names(), '_eval _default')
end)

t.test('a handler that fails reports the action, the error and where', function()
  t.eval("Handlers.add('Bad', 'Bad', function(msg) Send({Target = 'q'}) print('before') assert(msg.Recipient, 'Recipient is required!') end)")
  local response = t.send(ALICE, 'Bad')
  t.contains(response.Error, 'before\n\27[31mError\27[90m handling message with Action = Bad\27[0m\n')
  t.contains(response.Error, 'Recipient is required!')
  t.contains(response.Error, 'stack traceback:')
  t.equal({ response.Output, #response.Messages }, { '', 0 })
end)

t.test('evaluate walks a message that the program made itself', function()
  t.eval("Handlers.add('Inner', 'Inner', function(msg) print('inner ' .. msg.Data) end)")
  t.equal(t.eval("Handlers.evaluate({Action = 'Inner', Data = 'd'}, ao.env)"), 'inner d\ntrue')
  t.raises('msg is not valid', t.eval, 'Handlers.evaluate(1, {})')
end)
