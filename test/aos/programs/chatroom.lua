-- A chat room: members register, and what one says goes to all of them.
local json = require('json')

Members = Members or {}
History = History or {}

local function indexOf(who)
  for i, member in ipairs(Members) do
    if member == who then return i end
  end
end

Handlers.add('chat.register', 'Register', function(msg)
  if indexOf(msg.From) then
    Handlers.utils.reply('Already registered.')(msg)
  else
    table.insert(Members, msg.From)
    Handlers.utils.reply('Registered.')(msg)
  end
end)

Handlers.add('chat.unregister', 'Unregister', function(msg)
  local at = indexOf(msg.From)
  if at then table.remove(Members, at) end
  Handlers.utils.reply(at and 'Unregistered' or 'Not registered')(msg)
end)

Handlers.add('chat.broadcast', Handlers.utils.hasMatchingTag('Action', 'Broadcast'), function(msg)
  assert(indexOf(msg.From), 'Register before you speak')
  table.insert(History, { from = msg.From, text = msg.Data, at = msg.Timestamp })
  for _, member in ipairs(Members) do
    ao.send({ Target = member, Action = 'Broadcast-Notice', Broadcaster = msg.From, Nickname = msg.Tags.Nickname or 'nobody', Data = msg.Data })
  end
  Handlers.utils.reply('Broadcasted.')(msg)
end)

Handlers.add('chat.replay', 'Replay', function(msg)
  local depth = tonumber(msg.Tags.Depth) or 3
  local out = {}
  for i = math.max(#History - depth + 1, 1), #History do out[#out + 1] = History[i] end
  msg.reply({ Action = 'Replayed', Count = tostring(#out), Data = json.encode(out) })
end)

Handlers.add('chat.list', { Action = 'Get-List', From = '_' }, function(msg)
  ao.send({ Target = msg.From, Action = 'Room-List', ['Room-main'] = ao.id, Members = tostring(#Members) })
end)

return 'chat room'
