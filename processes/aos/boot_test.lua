local t = require('.testing')

local response = t.boot({ Name = 'born', ['On-Boot'] = 'Data' }, "print('booting') BOOT = #Inbox Handlers.add('Type', {Type = 'Process'}, function() BOOT = 0 end) return 'done'")

t.test('On-Boot=Data runs the data of the process, and shows what it printed', function()
  t.equal(response.Output.data, 'booting\ndone')
  t.equal(response.Output.print, true)
  t.equal(t.eval('BOOT'), '1')
end)

t.test('the first message is in the Inbox; its sender is the owner', function()
  t.equal(t.eval("#Inbox .. Inbox[1].Tags['On-Boot'] .. Inbox[1].Id"), '1Data' .. t.process)
  t.equal({ Owner, Name, ao.id, ao._module, ao.env.Process.Tags.Name, Seeded }, { t.owner, 'born', t.process, t.module, 'born', true })
end)

t.test('a spawn message of another process is an ordinary message', function()
  t.eval('BOOT = 5')
  t.deliver({ Owner = t.owner, Tags = { Type = 'Process', ['On-Boot'] = 'Data' }, Data = 'BOOT = 6' })
  t.equal(t.eval('BOOT'), '0')
end)
