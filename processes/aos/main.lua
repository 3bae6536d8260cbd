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
  return 'Assignment added to outbox.'
end

Receive = Handlers.receive

math.random = chance.between
math.randomseed = chance.seed
bit32 = require('.bit32')

local system = require('.system')
os, io = system.os, system.io
for _, name in ipairs({ 'os', 'io', 'bit32' }) do package.loaded[name] = _G[name] end

function handle(msg, env)
  local ok, response = pcall(process.handle, msg, env)
  if ok then return { ok = true, response = response } end
  return { ok = false, response = type(response) == 'string' and response or Dump(response) }
end

-- The sources of what is loaded are not needed again.
for name in pairs(package.loaded) do package.preload[name] = nil end

return handle
