/**
 * The Lua side of the Lua guest: takes dangerous and unpredictable functions away, reads messages, writes results.
 *
 * Wire        The host writes into `mailbox`, a long string that Lua never changes and never hashes; larger input goes into a string made
 *             for it. Its first byte says what to do (see OP), its second where the input is (0 mailbox, 1 large). Values as value-codec.ts.
 *             A reply is a string: 1 and the values Output, Messages, Spawns, Assignments, Error; or 0 and the text of an error.
 * Source      Lua 5.3 reference manual; os.time as aos has it: the message's Timestamp
 * Invariants  Nothing here depends on the machine. Everything that programs can change is captured in locals before they run.
 *             Every change of this text changes what processes compute: raise PRELUDE_VERSION.
 */
export const PRELUDE_VERSION = 1
export const MAILBOX_BYTES = 16 * 1024
/** Bytes before the input in the mailbox. */
export const MAILBOX_HEADER_BYTES = 2
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
local load, collectgarbage, setmetatable = load, collectgarbage, setmetatable
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
  local handle = entry or globals.handle
  if handle == nil then error("the module has no function 'handle'", 0) end
  local answer = handle(message, env)
  if type(answer) ~= "table" then error("handle returned a " .. type(answer) .. ", expected a table with ok and response", 0) end
  local response = answer.response
  if not answer.ok then error(response == nil and "handle returned ok = false and no response" or response, 0) end
  if type(response) ~= "table" then error("handle returned a response that is a " .. type(response) .. ", expected a table", 0) end
  put("\1")
  write(response.Output, 0)
  write(response.Messages, 0)
  write(response.Spawns, 0)
  write(response.Assignments, 0)
  write(response.Error, 0)
end

local operations = {
  [1] = function() return rep("\0", (unpack("<I4", source, start))) end,
  [2] = function()
    local chunk, problem = load(source, "=module", "t", globals)
    if chunk == nil then error(problem, 0) end
    local returned = chunk()
    if type(returned) == "function" then
      entry = returned
    elseif type(returned) == "table" and type(returned.handle) == "function" and globals.handle == nil then
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

-- What programs see -----------------------------------------------------------------------------------------------------------
-- Days since 1970-01-01 of a date in the Gregorian calendar, and back.
local function daysof(year, month, day)
  local m = month - 1
  year, month = year + m // 12, m % 12 + 1
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local yearofera = year - era * 400
  local dayofyear = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + yearofera * 365 + yearofera // 4 - yearofera // 100 + dayofyear - 719468
end

local function dateof(seconds)
  local days, rest = seconds // 86400, seconds % 86400
  local shifted = days + 719468
  local era = shifted // 146097
  local dayofera = shifted - era * 146097
  local yearofera = (dayofera - dayofera // 1460 + dayofera // 36524 - dayofera // 146096) // 365
  local dayofyear = dayofera - (365 * yearofera + yearofera // 4 - yearofera // 100)
  local shiftedmonth = (5 * dayofyear + 2) // 153
  local month = shiftedmonth < 10 and shiftedmonth + 3 or shiftedmonth - 9
  local year = yearofera + era * 400 + (month <= 2 and 1 or 0)
  return {
    year = year, month = month, day = dayofyear - (153 * shiftedmonth + 2) // 5 + 1,
    hour = rest // 3600, min = rest % 3600 // 60, sec = rest % 60,
    wday = (days + 4) % 7 + 1, yday = days - daysof(year, 1, 1) + 1, isdst = false,
  }
end

local DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" }
local expand

-- Week of the ISO 8601 year that the date falls in, and that year.
local function isoweek(date)
  local weekday = (date.wday + 5) % 7
  local thursday = dateof((daysof(date.year, date.month, date.day) - weekday + 3) * 86400)
  return (thursday.yday - 1) // 7 + 1, thursday.year
end

local CONVERSIONS = {
  a = function(d) return sub(DAYS[d.wday], 1, 3) end,
  A = function(d) return DAYS[d.wday] end,
  b = function(d) return sub(MONTHS[d.month], 1, 3) end,
  B = function(d) return MONTHS[d.month] end,
  c = function(d) return expand("%a %b %d %H:%M:%S %Y", d) end,
  C = function(d) return format("%02d", d.year // 100) end,
  d = function(d) return format("%02d", d.day) end,
  D = function(d) return expand("%m/%d/%y", d) end,
  e = function(d) return format("%2d", d.day) end,
  F = function(d) return expand("%Y-%m-%d", d) end,
  g = function(d) return format("%02d", select(2, isoweek(d)) % 100) end,
  G = function(d) return tostring((select(2, isoweek(d)))) end,
  h = function(d) return sub(MONTHS[d.month], 1, 3) end,
  H = function(d) return format("%02d", d.hour) end,
  I = function(d) return format("%02d", (d.hour + 11) % 12 + 1) end,
  j = function(d) return format("%03d", d.yday) end,
  m = function(d) return format("%02d", d.month) end,
  M = function(d) return format("%02d", d.min) end,
  n = function() return "\n" end,
  p = function(d) return d.hour < 12 and "AM" or "PM" end,
  r = function(d) return expand("%I:%M:%S %p", d) end,
  R = function(d) return expand("%H:%M", d) end,
  S = function(d) return format("%02d", d.sec) end,
  t = function() return "\t" end,
  T = function(d) return expand("%H:%M:%S", d) end,
  u = function(d) return tostring((d.wday + 5) % 7 + 1) end,
  U = function(d) return format("%02d", (d.yday + 6 - (d.wday - 1)) // 7) end,
  V = function(d) return format("%02d", (isoweek(d))) end,
  w = function(d) return tostring(d.wday - 1) end,
  W = function(d) return format("%02d", (d.yday + 6 - (d.wday + 5) % 7) // 7) end,
  x = function(d) return expand("%m/%d/%y", d) end,
  X = function(d) return expand("%H:%M:%S", d) end,
  y = function(d) return format("%02d", d.year % 100) end,
  Y = function(d) return tostring(d.year) end,
  z = function() return "+0000" end,
  Z = function() return "UTC" end,
  ["%"] = function() return "%" end,
}

expand = function(template, date)
  return (gsub(template, "%%(.?)", function(letter)
    local conversion = CONVERSIONS[letter]
    if conversion == nil then error("bad argument #1 to 'date' (invalid conversion specifier '%" .. letter .. "')", 0) end
    return conversion(date)
  end))
end

local function field(date, name, default)
  local value = date[name]
  local number = tointeger(tonumber(value))
  if number ~= nil then return number end
  if value ~= nil then error("field '" .. name .. "' is not an integer", 3) end
  if default == nil then error("field '" .. name .. "' missing in date table", 3) end
  return default
end

globals.os = {
  -- The message's Timestamp in milliseconds; of a table, seconds since 1970 in UTC.
  time = function(date)
    if date == nil then return now end
    if type(date) ~= "table" then error("bad argument #1 to 'time' (table expected, got " .. type(date) .. ")", 2) end
    local days = daysof(field(date, "year"), field(date, "month"), field(date, "day"))
    return days * 86400 + field(date, "hour", 12) * 3600 + field(date, "min", 0) * 60 + field(date, "sec", 0)
  end,
  -- In UTC; of the message's time unless seconds since 1970 are given.
  date = function(template, seconds)
    template = template == nil and "%c" or tostring(template)
    if seconds == nil then
      seconds = now // 1000
    else
      seconds = tointeger(floor(tonumber(seconds) or error("bad argument #2 to 'date' (number expected)", 2)))
      if seconds == nil or seconds > 67768036191676799 or seconds < -67768040609740800 then
        error("bad argument #2 to 'date' (time out of range)", 2)
      end
    end
    if sub(template, 1, 1) == "!" then template = sub(template, 2) end
    local date = dateof(seconds)
    if sub(template, 1, 2) == "*t" then return date end
    return expand(template, date)
  end,
  clock = function() return 0.0 end,
  difftime = function(later, earlier) return (later - (earlier or 0)) * 1.0 end,
}
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
