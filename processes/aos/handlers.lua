--[[ Handlers: the list of {name, pattern, handle, maxRuns} that a message walks through.

Wire        A pattern answers true, -1 or "break": run and stop; 1 or "continue": run and go on; false, nil, 0 or "skip": go on.
            A text pattern is an Action, a table is matched key by key. `_default` runs at the end if nobody stopped.
Invariants  Every change makes a new list, so that a handler may add or remove handlers while a message walks.
            A name is there once: adding it again replaces pattern, handle and maxRuns, and keeps its place.
]]
local matchesSpec = require('.utils').matchesSpec

local Handlers = { _version = '0.0.5', list = {}, coroutines = {}, onceNonce = 0, utils = require('.handlers-utils') }

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

local function isHandle(value)
  return type(value) == 'function' or type(value) == 'table'
end

--- Reads (name, pattern, handle, maxRuns) or (Action, handle); the caller of the public function is the one to blame.
local function readArguments(...)
  local name, pattern, handle, maxRuns = ...
  if select('#', ...) == 2 then name, pattern, handle = name, name, pattern end
  local runs = maxRuns == nil or maxRuns == 'inf' or type(maxRuns) == 'number'
  if type(name) ~= 'string' or not isPattern(pattern) or not isHandle(handle) or not runs then error(USAGE, 4) end
  if maxRuns == 'inf' then maxRuns = nil end
  return name, pattern, Handlers.generateResolver(handle), maxRuns
end

local function indexOf(name)
  for index, entry in ipairs(Handlers.list) do
    if entry.name == name then return index end
  end
end

local function insertAt(place, entry)
  local list = Handlers.list
  local count = #list
  local changed = table.move(list, 1, place - 1, 1, {})
  changed[place] = entry
  Handlers.list = table.move(list, place, count, place + 1, changed)
  return count + 1
end

--- `place` gives the index for a new name; no index, no change.
local function put(place, ...)
  local name, pattern, handle, maxRuns = readArguments(...)
  local index = indexOf(name)
  if index then
    local entry = Handlers.list[index]
    entry.pattern, entry.handle, entry.maxRuns = pattern, handle, maxRuns
    return #Handlers.list
  end
  index = place()
  return index and insertAt(index, { name = name, pattern = pattern, handle = handle, maxRuns = maxRuns })
end

local function first()
  return 1
end

local function last()
  return #Handlers.list + 1
end

function Handlers.add(...)
  return (put(last, ...))
end

Handlers.append = Handlers.add

function Handlers.prepend(...)
  return (put(first, ...))
end

function Handlers.before(name)
  local function place()
    return indexOf(name)
  end
  return {
    add = function(...)
      return (put(place, ...))
    end,
  }
end

function Handlers.after(name)
  local function place()
    local index = indexOf(name)
    return index and index + 1
  end
  return {
    add = function(...)
      return (put(place, ...))
    end,
  }
end

--- once([name,] pattern, handle): first in the list, gone after its first run.
function Handlers.once(...)
  local name, pattern, handle = ...
  if select('#', ...) == 2 then
    name, pattern, handle = '_once_' .. Handlers.onceNonce, name, pattern
    Handlers.onceNonce = Handlers.onceNonce + 1
  end
  put(first, name, pattern, handle, 1)
end

function Handlers.remove(name)
  if type(name) ~= 'string' then error('name MUST be string', 2) end
  local index = indexOf(name)
  if not index then return end
  local list = Handlers.list
  local changed = table.move(list, 1, index - 1, 1, {})
  Handlers.list = table.move(list, index + 1, #list, index, changed)
end

--- A handle from a table {pattern = function}: the first that matches runs. A function is its own resolver.
function Handlers.generateResolver(resolver)
  if type(resolver) ~= 'table' then return resolver end
  return function(msg)
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
    if not ok then error(problem, 0) end
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
  if not match then return 0 end
  if match == true then return -1 end
  kind = type(match)
  if kind == 'number' then return match end
  if kind == 'string' then return VERDICTS[match] or 0 end
  error('Pattern result is not valid, it MUST be string, number, or boolean', 0)
end

local function run(entry, msg)
  local maxRuns = entry.maxRuns
  if maxRuns then
    entry.maxRuns = maxRuns - 1
    if maxRuns <= 1 then Handlers.remove(entry.name) end
  end
  entry.handle(msg)
end

--- Walks a message through the list.
function Handlers.evaluate(msg, env)
  if type(msg) ~= 'table' then error('msg is not valid', 2) end
  if type(env) ~= 'table' then error('env is not valid', 2) end
  local list = Handlers.list
  local default
  for index = 1, #list do
    local entry = list[index]
    if entry.name == '_default' then
      default = entry
    else
      local verdict = verdictOf(entry, msg)
      if verdict ~= 0 then
        run(entry, msg)
        if verdict < 0 then return end
      end
    end
  end
  if default then default.handle(msg) end
end

return Handlers
