-- Handlers of every kind, which tell in their outbox what they were given.
local json = require('json')

Runs = Runs or {}
local function count(name) Runs[name] = (Runs[name] or 0) + 1 end

Handlers.add('probe.echo', Handlers.utils.hasMatchingTag('Action', 'Echo'), function(msg)
  count('echo')
  ao.send({ Target = msg.From, Action = 'Echoed', Size = tostring(#(msg.Data or '')), Data = msg.Data, Height = tostring(msg['Block-Height']), At = tostring(msg.Timestamp) })
end)

Handlers.add('probe.fields', Handlers.utils.hasMatchingTag('Action', 'Fields'), function(msg)
  local out = {}
  for name, value in pairs(msg) do
    if type(value) ~= 'function' and type(value) ~= 'table' then out[#out + 1] = name .. '=' .. tostring(value) end
  end
  table.sort(out)
  ao.send({ Target = msg.From, Data = table.concat(out, '\n') })
end)

Handlers.add('probe.tags', Handlers.utils.hasMatchingTag('Action', 'Tags'), function(msg)
  local out = {}
  for name, value in pairs(msg.Tags) do out[#out + 1] = name .. '=' .. tostring(value) end
  ao.send({ Target = msg.From, Data = table.concat(out, '\n') })
end)

Handlers.add('probe.data', Handlers.utils.hasMatchingData('ping'), function(msg) Handlers.utils.reply('pong')(msg) end)

Handlers.add('probe.json', Handlers.utils.hasMatchingTag('Action', 'Json'), function(msg)
  local value = type(msg.Data) == 'table' and msg.Data or json.decode(msg.Data)
  ao.send({ Target = msg.From, Data = json.encode(value), Kind = type(msg.Data) })
end)

Handlers.add('probe.fail', Handlers.utils.hasMatchingTag('Action', 'Fail'), function(msg)
  Runs.failed = (Runs.failed or 0) + 1
  ao.send({ Target = msg.From, Data = 'never sent' })
  error(msg.Tags.With == 'table' and { code = 1 } or msg.Data)
end)

Handlers.add('probe.deep', Handlers.utils.hasMatchingTag('Action', 'Deep-Fail'), function()
  local function down(n)
    if n == 0 then return nil + 1 end
    return 1 + down(n - 1)
  end
  return down(12)
end)

Handlers.add('probe.children', Handlers.utils.hasMatchingTag('Action', 'Children'), function(msg)
  for i = 1, tonumber(msg.Tags.Count) do ao.spawn('module-' .. i, { Data = 'return ' .. i, Tags = { Child = tostring(i) } }) end
  ao.assign({ Processes = { ao.id, msg.From }, Message = msg.Id })
end)

Handlers.add('probe.print', Handlers.utils.hasMatchingTag('Action', 'Print'), function(msg)
  print('printed: ' .. tostring(msg.Data))
  print({ list = { 1, 2, 3 } })
end)

Handlers.add('probe.break', function(msg) return msg.Tags.Action == 'Twice' and 'continue' end, function(msg) ao.send({ Target = msg.From, Data = 'first' }) end)
Handlers.add('probe.second', function(msg) return msg.Tags.Action == 'Twice' and 'break' end, function(msg) ao.send({ Target = msg.From, Data = 'second' }) end)
Handlers.add('probe.third', function(msg) return msg.Tags.Action == 'Twice' and 1 end, function(msg) ao.send({ Target = msg.From, Data = 'never' }) end)

Handlers.once('probe.once', function(msg) return msg.Tags.Action == 'Once' end, function(msg) ao.send({ Target = msg.From, Data = 'once' }) end)

Handlers.add('probe.ask', Handlers.utils.hasMatchingTag('Action', 'Ask'), function(msg)
  local reply = ao.send({ Target = msg.Tags.Whom, Action = 'Question', Data = msg.Data }).receive()
  Asked = (Asked or 0) + 1
  ao.send({ Target = msg.From, Data = 'they say ' .. tostring(reply.Data), Count = tostring(Asked) })
end)

Handlers.add('probe.cron', function(msg) return msg.Cron == true or msg.Tags.Action == 'Cron' end, function(msg)
  Ticks = (Ticks or 0) + 1
  ao.send({ Target = Owner, Action = 'Tick', Number = tostring(Ticks), From = tostring(msg.From), At = tostring(msg.Timestamp) })
end)

Handlers.add('probe.grow', Handlers.utils.hasMatchingTag('Action', 'Grow'), function(msg)
  Grown = Grown or {}
  Grown[#Grown + 1] = string.rep(msg.Tags.With, tonumber(msg.Tags.Times))
  ao.send({ Target = msg.From, Data = tostring(#Grown) })
end)

return 'probe'
