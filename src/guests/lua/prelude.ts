/**
 * The Lua side of the Lua guest: takes dangerous and unpredictable functions away, reads messages, writes results.
 *
 * Wire        The host writes into `mailbox`, a long string that Lua never changes and never hashes; larger input goes into a string made
 *             for it. Its first byte says what to do (see OP), its second where the input is (0 mailbox, 1 large). Values as value-codec.ts.
 *             A reply is a string: its first byte as REPLY says, then what prelude-process.ts or prelude-ao.ts say; for 0 the text of an error.
 * Source      Lua 5.3 reference manual
 * Invariants  Nothing here depends on the machine. Everything that programs can change is captured in locals before they run.
 *             Every change of this text changes what processes compute: raise PRELUDE_VERSION.
 */
import { AO_LIBRARY, AO_OPERATIONS, AO_PACKAGE } from './prelude-ao.ts'
import { LUERL_ORDER } from './prelude-order.ts'
import { OS_LIBRARY } from './prelude-os.ts'
import { PROCESS_LIBRARY, PROCESS_OPERATIONS, PROCESS_REST } from './prelude-process.ts'

export const PRELUDE_VERSION = 3
/** Room for the text below. */
export const PRELUDE_BYTES_MAX = 32 * 1024
export const MAILBOX_BYTES = 16 * 1024
/** Bytes before the input in the mailbox. */
export const MAILBOX_HEADER_BYTES = 2
export const REPLY = { failed: 0, done: 1, doneWithError: 2, request: 3, fault: 4 } as const
/** What the host asks for: a string for large input, a garbage collection, and what prelude-process.ts (load to handle) and prelude-ao.ts say. */
export const OP = {
  reserve: 1,
  load: 2,
  identify: 3,
  handle: 4,
  loadNamed: 5,
  install: 6,
  begin: 7,
  resume: 8,
  functions: 9,
  collect: 10,
} as const

/** Two kinds of program: processes with a `handle`, and modules whose functions AO-Core calls. */
export interface PreludeKind {
  readonly kind: 'process' | 'ao'
  /** `pairs` and `next` go through keys in the order of HyperBEAM's engine. */
  readonly hasLuerlOrder: boolean
}

export interface PreludeSizes {
  readonly resultBytesMax: number
  readonly depthMax: number
}

/** A chunk that returns the function that the host calls, and the mailbox. */
export function preludeSource({ kind, hasLuerlOrder }: PreludeKind, { resultBytesMax, depthMax }: PreludeSizes): string {
  const isAo = kind === 'ao'
  return [
    `local RESULT_BYTES_MAX, DEPTH_MAX, MAILBOX_BYTES = ${resultBytesMax}, ${depthMax}, ${MAILBOX_BYTES}`,
    // What an empty table is for the host: a map where every table may be a message, otherwise a list.
    `local EMPTY = "\\${isAo ? 7 : 6}\\0\\0\\0\\0"`,
    // os.time() of processes counts milliseconds, as that of aos does.
    `local TIME_UNIT = ${isAo ? 1000 : 1}`,
    // The C standard has a blank before days of one digit, the library of aos a zero.
    `local DATE_AND_TIME = "%a %b ${isAo ? '%e' : '%d'} %H:%M:%S %Y"`,
    VALUES,
    isAo ? AO_OPERATIONS : PROCESS_OPERATIONS,
    CALLS,
    OS_LIBRARY,
    hasLuerlOrder ? LUERL_ORDER : '',
    isAo ? AO_LIBRARY : '',
    isAo ? '' : PROCESS_LIBRARY,
    LIBRARY,
    isAo ? AO_REST : PROCESS_REST,
    isAo ? AO_PACKAGE : '',
    'return dispatch, mailbox',
  ].join('\n')
}

const VALUES = String.raw`local byte, rep, pack, unpack = string.byte, string.rep, string.pack, string.unpack
local sub, gsub, find, match, format, concat = string.sub, string.gsub, string.find, string.match, string.format, table.concat
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
  if first == nil then return put(EMPTY) end
  if length > 0 and islist(value, length) then
    put(pack("<BI4", 6, length))
    for i = 1, length do write(value[i], depth) end
    return
  end
  local slot, entries = count + 1, 0
  put("     ")
  for key, entry in next, value do
    local kind = type(key)
    if kind ~= "string" then
      if kind ~= "number" and kind ~= "boolean" then error("the result has a table with a " .. kind .. " as a key; use strings", 0) end
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
local BLOCK = rep("\0", 4096)
local operations = {
  [1] = function()
    local length = unpack("<I4", source, start)
    return rep(BLOCK, length // #BLOCK) .. sub(BLOCK, 1, length % #BLOCK)
  end,
  [10] = function()
    collectgarbage()
    return "\1"
  end,
}
`

const CALLS = String.raw`local mailbox = rep("\0", MAILBOX_BYTES)
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
`

/** AO-Core's modules have neither files nor a debugger. */
const AO_REST = 'globals.io, globals.debug = nil, { traceback = debug.traceback }\n'

const LIBRARY = `-- What programs do not get -----------------------------------------------------------------------------------------------------
globals.package, globals.require, globals.dofile, globals.loadfile = nil, nil, nil, nil
local getinfo = debug.getinfo
globals.string.dump = nil
globals.print = function() end -- Nothing leaves a process but results; the aos runtime has its own.
-- What the C function behind it says at its place in here, it says at the caller's.
local function relocate(problem)
  local rest = type(problem) == "string" and match(problem, "^heddle:%d+: (.*)")
  if not rest then return problem end
  local info = getinfo(3, "Sl")
  if info.currentline > 0 then rest = info.short_src .. ":" .. info.currentline .. ": " .. rest end
  return rest
end

globals.load = function(...)
  local chunk, name, mode, env = ...
  local given = select("#", ...)
  local kind = type(chunk)
  if kind ~= "string" and kind ~= "number" and kind ~= "function" then
    error("bad argument #1 to 'load' (function expected, got " .. (given == 0 and "no value" or kind) .. ")", 2)
  end
  if mode ~= nil and not find(tostring(mode), "t", 1, true) and not (kind == "string" and byte(chunk) == 27) then
    return nil, "attempt to load a text chunk (mode is '" .. tostring(mode) .. "')"
  end
  local fn, problem
  if given >= 4 then fn, problem = load(chunk, name, "t", env) else fn, problem = load(chunk, name, "t") end
  if fn then return fn end
  return nil, relocate(problem)
end
local OPTIONS = { collect = true, count = true, step = true, isrunning = true, stop = false, restart = false, setpause = false, setstepmul = false }
globals.collectgarbage = function(option, ...)
  if option == nil then return collectgarbage() end
  local isreal = OPTIONS[option]
  if isreal then return collectgarbage(option) end
  if isreal == false then return 0 end
  error("bad argument #1 to 'collectgarbage' (invalid option '" .. tostring(option) .. "')", 2)
end
`
