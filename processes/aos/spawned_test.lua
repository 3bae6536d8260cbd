local t = require('.testing')

local PARENT = ('q'):rep(43)

local response = t.boot({ Name = 'child' }, '', PARENT)

t.test('a process that a process spawned belongs to it', function()
  t.equal(response.Error, nil)
  t.equal({ Owner, #Inbox }, { PARENT, 1 })
end)

t.test('its owner evaluates by messages that an authority signed', function()
  t.equal(t.pushed(PARENT, { Action = 'Eval' }, '1 + 1').Output.data, '2')
  t.contains(t.send(t.owner, 'Eval', nil, '1 + 1').Output.data, 'New Message From')
  t.contains(t.deliver({ Owner = ('x'):rep(43), From = PARENT, Tags = { Action = 'Eval' }, Data = 'Owner = 1' }).Output.data, 'not trusted')
end)
