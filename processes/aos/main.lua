--[[ The globals of a process, and handle(): the way in for the host.

Wire        handle(msg, env) -> {ok = true, response = {Output, Messages, Spawns, Assignments, Error?}} or {ok = false, response = text}.
]]
ao = require('ao')
require('json')
Handlers = require('.handlers')
Utils = require('.utils')
Dump = require('.dump')
Colors = require('.colors')
Bell = '\7'
Inbox = {}
Errors = {}
HANDLER_PRINT_LOGS = {}

local chance = require('.chance')
local console = require('.console')
local process = require('.process')

print = console.print

function Prompt()
  return console.prompt(process._version)
end

function Version()
  print('version: ' .. process._version)
end

--- The tags of a message as a map; the first of a name wins.
function Tab(msg)
  local map = {}
  for _, tag in ipairs(msg.Tags) do
    if map[tag.name] == nil then map[tag.name] = tag.value end
  end
  return map
end

function Send(fields)
  if type(fields) ~= 'table' then error('msg should be a table', 0) end
  if not fields.Target then print('WARN: No target specified for message. Data will be stored, but no process will receive it.') end
  local sent = ao.send(fields)
  return { output = 'Message added to outbox', receive = sent.receive, onReply = sent.onReply }
end

--- Spawn([module,] fields): of this process's own module when none is named.
function Spawn(module, fields)
  if type(module) ~= 'string' then module, fields = ao._module, module end
  local spawned = ao.spawn(module, fields or {})
  return { output = 'Spawn process request added to outbox', receive = spawned.receive, onReply = spawned.onReply }
end

function Assign(assignment)
  ao.assign(assignment)
  print('Assignment added to outbox.')
  return 'Assignment added to outbox.'
end

Receive = Handlers.receive

function _G.math.random(...)
  local first, second, third = ...
  if first == nil or third ~= nil then return chance.random() end
  if second == nil then return chance.integer(1, first) end
  return chance.integer(first, second)
end

bit32 = require('.bit32')

package.loaded['bit32'] = bit32

local loaded, clone, ownHandle = package.loaded, ao.clone, process.handle

--- A process may bring a `.process` of its own, as the update of terminals does; what that changes in the environment is undone.
local function run(msg, env)
  local other = loaded['.process']
  local handleOther = type(other) == 'table' and other.handle
  if type(handleOther) ~= 'function' or handleOther == ownHandle then return ownHandle(msg, env) end
  return handleOther(msg, clone(env))
end

function handle(msg, env)
  local ok, response = pcall(run, msg, env)
  if ok then return { ok = true, response = response } end
  return { ok = false, response = type(response) == 'string' and response or Dump(response) }
end

-- The sources of what is loaded are not needed again; crypto only counts as loaded, since terminals look for it (loader.lua).
for name in pairs(package.loaded) do
  if name ~= '.crypto.init' then package.preload[name] = nil end
end

return handle
