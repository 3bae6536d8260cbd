/**
 * The Lua side of the Lua guest: takes dangerous and unpredictable functions away, reads messages, writes results.
 *
 * Wire        The host writes into `mailbox`, a long string that Lua never changes and never hashes; larger input goes into a string made
 *             for it. Its first byte says what to do (see OP), its second where the input is (0 mailbox, 1 large). Values as value-codec.ts.
 *             A reply is a string: 1 and the values Output, Messages, Spawns, Assignments, Error (2 if Error is set);
 *             or 0 and the text of an error.
 * Source      Lua 5.3 reference manual; os.time as aos has it: the message's Timestamp
 * Invariants  Nothing here depends on the machine. Everything that programs can change is captured in locals before they run.
 *             Every change of this text changes what processes compute: raise PRELUDE_VERSION.
 */
import { OS_LIBRARY } from './prelude-os.ts'

export const PRELUDE_VERSION = 1
export const MAILBOX_BYTES = 16 * 1024
/** Bytes before the input in the mailbox. */
export const MAILBOX_HEADER_BYTES = 2
export const REPLY = { failed: 0, done: 1, doneWithError: 2 } as const
/** What the host asks for: a string for large input; to run the module's source; to be told whose process it is; to handle a message. */
export const OP = { reserve: 1, load: 2, identify: 3, handle: 4 } as const

export interface PreludeSizes {
  readonly resultBytesMax: number
  readonly depthMax: number
}

/** A chunk that returns the function that the host calls, and the mailbox. */
export function preludeSource({ resultBytesMax, depthMax }: PreludeSizes): string {
  return `local RESULT_BYTES_MAX, DEPTH_MAX, MAILBOX_BYTES = ${resultBytesMax}, ${depthMax}, ${MAILBOX_BYTES}${BODY}`
}

const BODY = String.raw`
local byte, rep, pack, unpack = string.byte, string.rep, string.pack, string.unpack
local sub, gsub, format, concat = string.sub, string.gsub, string.format, table.concat
local mathtype, tointeger, floor, randomseed = math.type, math.tointeger, math.floor, math.randomseed
local type, next, pcall, error, tostring, tonumber, select, rawget, rawlen = type, next, pcall, error, tostring, tonumber, select, rawget, rawlen
local load, collectgarbage = load, collectgarbage
local globals = _G

-- Input -----------------------------------------------------------------------------------------------------------------------
local source, start = "", 1

local function read(kind, at)
  if kind == 5 then
    return unpack("<s4", source, at)
  elseif kind == 9 then
    local count
    count, at = unpack("<I4", source, at)
    local list = {}
    for i = 1, count do
      local name, value
      name, value, at = unpack("<s4s4", source, at)
      list[i] = { name = name, value = value }
    end
    return list, at
  elseif kind == 3 then
    return unpack("<i8", source, at)
  elseif kind == 7 then
    local count
    count, at = unpack("<I4", source, at)
    local map = {}
    for _ = 1, count do
      local key
      key, kind, at = unpack("<s4B", source, at)
      if kind == 5 then map[key], at = unpack("<s4", source, at) else map[key], at = read(kind, at) end
    end
    return map, at
  elseif kind == 6 then
    local count
    count, at = unpack("<I4", source, at)
    local list = {}
    for i = 1, count do list[i], at = read(byte(source, at), at + 1) end
    return list, at
  elseif kind == 4 then
    return unpack("<d", source, at)
  elseif kind == 2 then
    return true, at
  elseif kind == 1 then
    return false, at
  end
  return nil, at
end

-- Output ----------------------------------------------------------------------------------------------------------------------
local parts, count, size

local function put(part)
  size = size + #part
  if size > RESULT_BYTES_MAX then error("the result is larger than " .. RESULT_BYTES_MAX .. " bytes", 0) end
  count = count + 1
  parts[count] = part
end

local write

-- True when the keys are exactly 1 .. n.
local function islist(value, length)
  local found = 0
  for key in next, value do
    if mathtype(key) ~= "integer" or key < 1 or key > length then return false end
    found = found + 1
  end
  return found == length
end

local function writetable(value, depth)
  if depth > DEPTH_MAX then error("the result nests deeper than " .. DEPTH_MAX .. " tables, or contains itself", 0) end
  local first, item = next(value)
  if (first == "name" or first == "value") and type(item) == "string" then
    local second, other = next(value, first)
    if (second == "name" or second == "value") and type(other) == "string" and next(value, second) == nil then
      if first == "name" then return put(pack("<Bs4s4", 8, item, other)) end
      return put(pack("<Bs4s4", 8, other, item))
    end
  end
  local length = rawlen(value)
  if first == nil or (length > 0 and islist(value, length)) then
    put(pack("<BI4", 6, length))
    for i = 1, length do write(value[i], depth) end
    return
  end
  local slot, entries = count + 1, 0
  put("     ")
  for key, entry in next, value do
    local kind = type(key)
    if kind ~= "string" then
      if kind ~= "number" then error("the result has a table with a " .. kind .. " as a key; use strings", 0) end
      key = tostring(key)
    end
    local what = type(entry)
    if what == "string" then
      put(pack("<s4Bs4", key, 5, entry))
    else
      put(pack("<s4", key))
      write(entry, depth)
    end
    entries = entries + 1
  end
  parts[slot] = pack("<BI4", 7, entries)
end

write = function(value, depth)
  local kind = type(value)
  if kind == "string" then
    put(pack("<Bs4", 5, value))
  elseif kind == "table" then
    writetable(value, depth + 1)
  elseif kind == "number" then
    if mathtype(value) == "integer" then put(pack("<Bi8", 3, value)) else put(pack("<Bd", 4, value)) end
  elseif kind == "boolean" then
    put(value and "\2" or "\1")
  elseif kind == "nil" then
    put("\0")
  else
    error("the result contains a " .. kind .. ", which cannot leave the process", 0)
  end
end

local function writelist(response, name)
  local list = response[name]
  if list ~= nil and (type(list) ~= "table" or not islist(list, rawlen(list))) then
    error("response." .. name .. " is a " .. type(list) .. ", expected a list", 0)
  end
  write(list, 0)
end

local function failure(problem)
  local kind = type(problem)
  if kind ~= "string" and kind ~= "number" then
    local ok, text = pcall(tostring, problem)
    problem = ok and type(text) == "string" and text or "(error object is a " .. kind .. " value)"
  end
  return "\0" .. problem
end

-- Calls -----------------------------------------------------------------------------------------------------------------------
local now = 0
local env, entry

local function respond()
  local message = read(7, start + 1)
  local timestamp = message.Timestamp
  if timestamp ~= nil then now = tointeger(tonumber(timestamp)) or now end
  local handle = entry or rawget(globals, "handle")
  if handle == nil then error("the module has no function 'handle'", 0) end
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

local BLOCK = rep("\0", 4096)
local operations = {
  [1] = function()
    local length = unpack("<I4", source, start)
    return rep(BLOCK, length // #BLOCK) .. sub(BLOCK, 1, length % #BLOCK)
  end,
  [2] = function()
    local chunk, problem = load(source, "=module", "t", globals)
    if chunk == nil then error(problem, 0) end
    local returned = chunk()
    if type(returned) == "function" then
      entry = returned
    elseif type(returned) == "table" and type(returned.handle) == "function" and rawget(globals, "handle") == nil then
      entry = returned.handle
    end
    return "\1"
  end,
  [3] = function()
    local identity = read(7, start + 1)
    env = identity.env
    randomseed(identity.seed)
    return "\1"
  end,
  [4] = function()
    parts, count, size = {}, 0, 0
    respond()
    return concat(parts)
  end,
}

local mailbox = rep("\0", MAILBOX_BYTES)
local large

local function dispatch()
  local op, place = byte(mailbox, 1, 2)
  if place == 1 then source, start = large, 1 else source, start = mailbox, 3 end
  large = nil
  local ok, reply = pcall(operations[op])
  source, parts = "", nil
  if op == 1 and ok then large = reply end
  if ok then return reply end
  return failure(reply)
end

${OS_LIBRARY}
-- What programs do not get -----------------------------------------------------------------------------------------------------
globals.io, globals.package, globals.require, globals.dofile, globals.loadfile = nil, nil, nil, nil, nil
globals.debug = { traceback = debug.traceback }
globals.string.dump = nil
globals.print = function() end -- Nothing leaves a process but results; the aos runtime has its own.
globals.load = function(chunk, name, mode, ...)
  if mode ~= nil and mode ~= "t" and mode ~= "bt" then
    return nil, "attempt to load a text chunk (mode is '" .. tostring(mode) .. "'); compiled chunks are not allowed here"
  end
  if select("#", ...) == 0 then return load(chunk, name, "t") end
  return load(chunk, name, "t", (...))
end
globals.collectgarbage = function(option)
  if option == nil or option == "collect" then return collectgarbage() end
  if option == "count" or option == "step" or option == "isrunning" then return collectgarbage(option) end
  return 0
end

return dispatch, mailbox
`
