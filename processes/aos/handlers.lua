--[[ Handlers: the list of {name, pattern, handle, maxRuns} that a message walks through.

Wire        A pattern answers true, a number below 0 or "break": run and stop; a number above 0 or "continue": run and go on; false, 0 or
            any other text: go on. A text pattern is an Action, a table is matched key by key. `_default` runs at the end if nobody stopped.
Invariants  Every change makes a new list, so that a handler may add or remove handlers while a message walks.
            A name is there once: adding it again replaces pattern, handle and maxRuns, and keeps its place; only what before() and
            after() add is always new.
            An error of a handler gets this file's position in front, as everywhere in this contract: terminals look for the second one.
]]
local matchesSpec = require('.utils').matchesSpec

local Handlers = { _version = '0.0.5', list = {}, coroutines = {}, onceNonce = 0, utils = require('.handlers-utils') }

local console = require('.console')

local running, resume, yield = coroutine.running, coroutine.resume, coroutine.yield

local USAGE = table.concat({
  'Invalid arguments given. Expected: ',
  '\tname : string, \tpattern : Action : string | MsgMatch : table,',
  '\t\tfunction(msg: Message) : {-1 = break, 0 = skip, 1 = continue},',
  '\thandle(msg : Message) : void) | Resolver,',
  '\tMaxRuns? : number | "inf" | nil',
}, '\n')

local function isPattern(value)
  local kind = type(value)
  return kind == 'string' or kind == 'table' or kind == 'function'
end

--- Reads (name, pattern, handle, maxRuns) or (Action, handle).
local function readArguments(...)
  local name, pattern, handle, maxRuns = ...
  if select('#', ...) == 2 then name, pattern, handle = name, name, pattern end
  if type(name) ~= 'string' or not isPattern(pattern) then error(USAGE, 0) end
  return name, pattern, Handlers.generateResolver(handle), maxRuns
end

local function indexOf(name)
  for index, entry in ipairs(Handlers.list) do
    if entry.name == name then return index end
  end
end

local function insertAt(place, name, pattern, handle, maxRuns)
  local list = Handlers.list
  local changed = table.move(list, 1, place - 1, 1, {})
  changed[place] = { name = name, pattern = pattern, handle = handle, maxRuns = maxRuns }
  Handlers.list = table.move(list, place, #list, place + 1, changed)
end

--- Replaces what has this name; false when nothing has.
local function replace(name, pattern, handle, maxRuns)
  local index = indexOf(name)
  if not index then return false end
  local entry = Handlers.list[index]
  entry.pattern, entry.handle, entry.maxRuns = pattern, handle, maxRuns
  return true
end

function Handlers.append(...)
  local name, pattern, handle, maxRuns = readArguments(...)
  if not replace(name, pattern, handle, maxRuns) then insertAt(#Handlers.list + 1, name, pattern, handle, maxRuns) end
end

--- Like append, and tells how many handlers there are then.
function Handlers.add(...)
  Handlers.append(...)
  return #Handlers.list
end

function Handlers.prepend(...)
  local name, pattern, handle, maxRuns = readArguments(...)
  if not replace(name, pattern, handle, maxRuns) then insertAt(1, name, pattern, handle, maxRuns) end
end

--- Adds at a distance from a handler that is there; where there is none, nothing is added.
local function adder(name, distance)
  if type(name) ~= 'string' then error('Handler name MUST be a string', 0) end
  return {
    add = function(own, pattern, handle, maxRuns)
      own, pattern, handle = readArguments(own, pattern, handle, maxRuns)
      local index = indexOf(name)
      if index then insertAt(index + distance, own, pattern, handle, maxRuns) end
    end,
  }
end

function Handlers.before(name)
  return adder(name, 0)
end

function Handlers.after(name)
  return adder(name, 1)
end

--- once([name,] pattern, handle): first in the list, gone after its first run.
function Handlers.once(...)
  local name, pattern, handle = ...
  if select('#', ...) == 2 then
    name, pattern, handle = '_once_' .. Handlers.onceNonce, name, pattern
    Handlers.onceNonce = Handlers.onceNonce + 1
  end
  Handlers.prepend(name, pattern, handle, 1)
end

function Handlers.remove(name)
  if type(name) ~= 'string' then error('name MUST be string', 0) end
  local index = indexOf(name)
  if not index then return end
  local list = Handlers.list
  local changed = table.move(list, 1, index - 1, 1, {})
  Handlers.list = table.move(list, index + 1, #list, index, changed)
end

--- A handle from a table {pattern = function}: the first that matches runs. A function is its own resolver.
function Handlers.generateResolver(resolver)
  if type(resolver) == 'function' then
    return function(msg)
      return resolver(msg)
    end
  end
  return function(msg)
    if type(resolver) ~= 'table' then error('the handler is a ' .. type(resolver) .. ' value; give it a function or a table of patterns and functions', 0) end
    for pattern, handle in next, resolver do
      if matchesSpec(msg, pattern) then return handle(msg) end
    end
  end
end

--- Puts the running coroutine to sleep until a message matches, and returns that message.
function Handlers.receive(pattern)
  local sleeper = running()
  Handlers.once(pattern, function(msg)
    local ok, problem = resume(sleeper, msg)
    if not ok then error(problem) end
  end)
  return yield(pattern)
end

local VERDICTS = { continue = 1, ['break'] = -1, skip = 0 }

local function verdictOf(entry, msg)
  local pattern = entry.pattern
  local kind = type(pattern)
  local match
  if kind == 'string' then
    match = msg.Action == pattern
  elseif kind == 'function' then
    match = pattern(msg)
  else
    match = matchesSpec(msg, pattern)
  end
  if match == true then return -1 end
  if match == false then return 0 end
  kind = type(match)
  if kind == 'number' then return match end
  if kind == 'string' then return VERDICTS[match] or 0 end
  error('Pattern result is not valid, it MUST be string, number, or boolean')
end

local traceback = debug.traceback

--- Where the last handler failed; read by `.process` right after the error.
local function keepTrace(problem)
  console.trace = traceback(nil, 2)
  return problem
end

--- A run counts before it begins: what waits in the middle of its last run is not run again.
local function run(entry, msg, env)
  local runs = entry.maxRuns
  if runs and runs ~= 'inf' then
    entry.maxRuns = runs - 1
    if entry.maxRuns == 0 then Handlers.remove(entry.name) end
  end
  local ok, problem = xpcall(entry.handle, keepTrace, msg, env)
  if not ok then error(problem) end
end

--- Walks a message through the list; true when a handler ended the walk.
function Handlers.evaluate(msg, env)
  if type(msg) ~= 'table' then error('msg is not valid', 0) end
  if type(env) ~= 'table' then error('env is not valid', 0) end
  local list = Handlers.list
  local default
  for index = 1, #list do
    local entry = list[index]
    if entry.name == '_default' then
      default = entry
    else
      local verdict = verdictOf(entry, msg)
      if verdict ~= 0 then
        run(entry, msg, env)
        if verdict < 0 then return true end
      end
    end
  end
  if default then default.handle(msg, env) end
end

return Handlers
