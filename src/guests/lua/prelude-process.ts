/**
 * What the Lua side does for processes of `heddle-lua-1`: runs the module once, learns whose process it is, handles messages.
 *
 * Wire        load: the source. identify: a map {env, seed}. handle: the message, a map.
 *             Reply to handle: 1 (2 if Error is set) and the values Output, Messages, Spawns, Assignments, Error.
 * Source      our own; os.time as aos has it: the message's Timestamp
 * Invariants  Part of the prelude's chunk: uses its locals.
 */
export const PROCESS_OPERATIONS = String.raw`local getmetatable, nativeos = debug.getmetatable, os
local env, entry

local function writelist(response, name)
  local list = response[name]
  if list ~= nil and (type(list) ~= "table" or not islist(list, rawlen(list))) then
    error("response." .. name .. " is a " .. type(list) .. ", expected a list", 0)
  end
  write(list, 0)
end

local function respond()
  local message = read(7, start + 1)
  local timestamp = message.Timestamp
  if timestamp ~= nil then now = tointeger(tonumber(timestamp)) or now end
  local handle = entry or rawget(globals, "handle")
  if type(handle) ~= "function" then
    if handle == nil then error("the module has no function 'handle'", 0) end
    local meta = getmetatable(handle)
    if meta == nil or rawget(meta, "__call") == nil then
      error("the global 'handle' is a " .. type(handle) .. ", expected a function", 0)
    end
  end
  local answer = handle(message, env)
  if type(answer) ~= "table" then error("handle returned a " .. type(answer) .. ", expected a table with ok and response", 0) end
  local response = answer.response
  if not answer.ok then error(response == nil and "handle returned ok = false and no response" or response, 0) end
  if type(response) ~= "table" then error("handle returned a response that is a " .. type(response) .. ", expected a table", 0) end
  put(response.Error == nil and "\1" or "\2")
  write(response.Output, 0)
  writelist(response, "Messages")
  writelist(response, "Spawns")
  writelist(response, "Assignments")
  write(response.Error, 0)
end

operations[2] = function()
  local chunk, problem = load(source, "=module", "t", globals)
  if chunk == nil then error(problem, 0) end
  local returned = chunk()
  if type(returned) == "function" then
    entry = returned
  elseif type(returned) == "table" and type(returned.handle) == "function" and rawget(globals, "handle") == nil then
    entry = returned.handle
  end
  return "\1"
end

operations[3] = function()
  local identity = read(7, start + 1)
  env = identity.env
  randomseed(identity.seed)
  return "\1"
end

operations[4] = function()
  parts, count, size = {}, 0, 0
  respond()
  return concat(parts)
end
`

/** Kept before the calendar takes the place of Lua's own os. */
export const PROCESS_LIBRARY = `-- Lua's own functions reach what the host shows of files: nothing, but for io.open of the drive.
globals.os.execute = function(command)
  if command == nil then return false end
  return nil, "Function not implemented", 52
end
for _, name in next, { "getenv", "remove", "rename", "setlocale", "tmpname" } do globals.os[name] = nativeos[name] end
`

/** Nothing that could change this chunk's own variables: they count what a result may hold. */
export const PROCESS_REST = `local getlocal, gettraceback = debug.getlocal, debug.traceback
globals.debug = {
  getmetatable = debug.getmetatable,
  setmetatable = debug.setmetatable,
  traceback = gettraceback,
  -- Names of parameters; of running functions it tells nothing.
  getlocal = function(fn, index)
    if type(fn) ~= "function" then error("bad argument #1 to 'getlocal' (function expected, got " .. type(fn) .. ")", 2) end
    return getlocal(fn, index)
  end,
  getinfo = function(...)
    local subject, what, more = ...
    local isthread = type(subject) == "thread"
    if isthread then subject, what = what, more end
    local level = tointeger(subject)
    if level == nil and type(subject) ~= "function" then error("bad argument #1 to 'getinfo' (function or level expected)", 2) end
    local info
    if isthread then
      info = getinfo(..., level or subject, what or "nSltuf")
    else
      info = getinfo(level ~= nil and level + 1 or subject, what or "nSltuf")
    end
    if info ~= nil and info.func ~= nil and getinfo(info.func, "S").source == "=heddle" then info.func = nil end
    return info
  end,
}
`
