--[[ A host in Lua for tests of processes: boots the process, sends it messages, looks at the results.

Wire        A test file is a chunk that calls boot(), then test(name, body). Results are the responses of handle().
Invariants  One test file, one process. There is no rollback here: state that a failing message changed stays changed.
]]
local testing = { owner = ('O'):rep(43), process = ('p'):rep(43), module = ('m'):rep(43), authority = ('A'):rep(43) }

local handle = handle
local nonce, env = -1, nil
local passed, failed = {}, {}

local function tagList(tags)
  if tags[1] then return tags end
  local names, list = {}, {}
  for name in pairs(tags) do names[#names + 1] = name end
  table.sort(names)
  for index, name in ipairs(names) do list[index] = { name = name, value = tags[name] } end
  return list
end

--- Gives a message to the process: fields as the host names them, Tags as a map or a list. Returns the response, and ok.
function testing.deliver(fields)
  nonce = nonce + 1
  local msg = {
    Id = ('%043d'):format(nonce), Owner = testing.owner, Target = testing.process, Data = '', Nonce = nonce, Epoch = 0, Cron = false,
    Timestamp = 1700000000000 + nonce * 1000, ['Block-Height'] = 100000 + nonce, ['Read-Only'] = false,
  }
  for key, value in pairs(fields) do msg[key] = value end
  msg.From = fields.From or msg.Owner
  msg.Tags = tagList(fields.Tags or {})
  local result = handle(msg, env)
  return result.response, result.ok
end

--- The first message. `tags` are the process's; an Authority is added. With `spawner`, a process sent it.
function testing.boot(tags, data, spawner)
  local list = { { name = 'Type', value = 'Process' }, { name = 'Module', value = testing.module }, { name = 'Authority', value = testing.authority } }
  if spawner then list[4] = { name = 'From-Process', value = spawner } end
  for _, tag in ipairs(tagList(tags or {})) do list[#list + 1] = tag end
  env = {
    Process = { Id = testing.process, Owner = testing.owner, Tags = list },
    Module = { Id = testing.module, Owner = testing.owner, Tags = {} },
  }
  local copy = {}
  for index, tag in ipairs(list) do copy[index] = { name = tag.name, value = tag.value } end
  local signer = spawner and testing.authority or testing.owner
  return testing.deliver({ Id = testing.process, Owner = signer, From = spawner or signer, Tags = copy, Data = data or '' })
end

--- A message with an Action and other tags.
function testing.send(from, action, tags, data)
  local all = { Action = action }
  for name, value in pairs(tags or {}) do all[name] = value end
  return testing.deliver({ Owner = from, Tags = all, Data = data or '' })
end

--- A message that another process sent: signed by the authority.
function testing.pushed(from, tags, data)
  local all = { ['From-Process'] = from }
  for name, value in pairs(tags or {}) do all[name] = value end
  return testing.deliver({ Owner = testing.authority, From = from, Tags = all, Data = data or '' })
end

--- Lua source from the owner. Returns what it printed and gave, or raises its Error.
function testing.eval(source)
  local response = testing.send(testing.owner, 'Eval', nil, source)
  if response.Error then error(response.Error, 2) end
  return response.Output.data
end

--- The tags of an outbox entry as a map.
function testing.tags(entry)
  local map = {}
  for _, tag in ipairs(entry.Tags) do map[tag.name] = tag.value end
  return map
end

local function show(value)
  return type(value) == 'table' and Dump(value) or tostring(value)
end

function testing.equal(actual, expected, what)
  if actual == expected then return end
  if type(actual) == 'table' and type(expected) == 'table' and Dump(actual) == Dump(expected) then return end
  error((what and what .. ': ' or '') .. 'expected ' .. show(expected) .. '\ngot ' .. show(actual), 2)
end

function testing.contains(text, part)
  if type(text) == 'string' and text:find(part, 1, true) then return end
  error('expected text with ' .. show(part) .. '\ngot ' .. show(text), 2)
end

--- Raises unless the function raises, with this text in the message.
function testing.raises(part, body, ...)
  local ok, problem = pcall(body, ...)
  if ok then error('expected an error with ' .. part, 2) end
  testing.contains(problem, part)
end

function testing.test(name, body)
  local ok, problem = pcall(body)
  if ok then passed[#passed + 1] = name else failed[#failed + 1] = name .. '\n' .. tostring(problem) end
end

--- What happened, as data.
function testing.report()
  return { passed = passed, failed = failed }
end

return testing
