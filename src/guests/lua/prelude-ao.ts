/**
 * What the Lua side does for `lua@5.3a`: loads named modules, calls their global functions, and asks the host in the middle of a call.
 *
 * Wire        loadNamed: name (u32 size, bytes), then the source. install: a map {seed, sandbox: list of {path: list, value}}.
 *             begin: name (u32 size, bytes), u32 count of parameters, i64 time in milliseconds, parameters. resume: u32 count, values.
 *             functions: nothing. Replies: 1, u32 count, values (the function returned them; for functions: one list of names);
 *             3, name (u32 size, bytes), u32 count, arguments (the function asks); 4, error value, list of {function, line} (it failed).
 * Source      permaweb/HyperBEAM src/dev_lua.erl, src/dev_lua_lib.erl; Lua 5.3 reference manual 6.2
 * Invariants  Part of the prelude's chunk: uses its locals. A call runs in a coroutine of its own, so that asking is a yield that the host
 *             answers when it likes. Programs cannot see it: their own coroutines hand such yields on, and yields of theirs never leave the call.
 */
export const AO_OPERATIONS = String.raw`local create, rawresume, rawyield = coroutine.create, coroutine.resume, coroutine.yield
local running, status, isyieldable = coroutine.running, coroutine.status, coroutine.isyieldable
local getinfo, getmetatable, rawequal, rawset, sort = debug.getinfo, debug.getmetatable, rawequal, rawset, table.sort
local expand_list = table.unpack
local REQUEST = {}
local TRACE_MAX = 50
local current, called
local ao = {}

-- The functions that a failed call was in, innermost first.
local function traceof(co)
  local list = {}
  for level = 0, 1000 do
    local info = getinfo(co, level, "Sln")
    if info == nil or #list == TRACE_MAX then break end
    if info.what ~= "C" and info.source ~= "=heddle" then
      local name = info.name or (info.what == "main" and "main chunk") or "anonymous"
      list[#list + 1] = { ["function"] = name, line = info.short_src .. ":" .. info.currentline }
      local outer = getinfo(co, level + 1, "S")
      if info.name == nil and info.what ~= "main" and outer == nil then list[#list]["function"] = called end
    end
  end
  return list
end

local function fault(problem, trace)
  parts, count, size = { "\4" }, 1, 1
  local body, kind, meta = problem, type(problem), getmetatable(problem)
  local isdata = kind == "string" or (kind == "table" and (meta == nil or rawget(meta, "__tostring") == nil))
  if not isdata then body = sub(failure(problem), 2) end
  if not pcall(write, body, 0) then
    parts, count, size = { "\4" }, 1, 1
    write(sub(failure(problem), 2), 0)
  end
  write(trace, 0)
  return concat(parts)
end

local function writeall(...)
  local n = select("#", ...)
  put(pack("<I4", n))
  for i = 1, n do write((select(i, ...)), 0) end
end

local function returned(...)
  parts, count, size = { "\1" }, 1, 1
  writeall(...)
  return concat(parts)
end

local function step(ok, ...)
  if ok and status(current) == "suspended" then return "\3" .. select(2, ...) end
  local co = current
  current = nil
  if not ok then return fault((...), traceof(co)) end
  local written, reply = pcall(returned, ...)
  if written then return reply end
  return fault(reply, {})
end

local function readall(at, n)
  local list = {}
  for i = 1, n do list[i], at = read(byte(source, at), at + 1) end
  source = ""
  return list
end

local function ask(name)
  return function(...)
    if not isyieldable() then
      error("ao." .. name .. " cannot be called from here: it waits, and a C function (sort, gsub, tostring, __gc) is in between", 2)
    end
    parts, count, size = {}, 0, 0
    put(pack("<s4", name))
    writeall(...)
    local request = concat(parts)
    parts = nil
    return rawyield(REQUEST, request)
  end
end

operations[5] = function()
  local name, at = unpack("<s4", source, start)
  local chunk, problem = load(sub(source, at), "=" .. name, "t", globals)
  if chunk == nil then error(problem, 0) end
  source = ""
  chunk()
  return "\1"
end

operations[6] = function()
  local settings = read(7, start + 1)
  randomseed(settings.seed)
  for _, rule in next, settings.sandbox do
    local place, path = globals, rule.path
    for i = 1, #path - 1 do
      local inner = rawget(place, path[i])
      if type(inner) ~= "table" then
        inner = {}
        rawset(place, path[i], inner)
      end
      place = inner
    end
    rawset(place, path[#path], rule.value)
  end
  local library = rawget(globals, "ao")
  if type(library) ~= "table" then
    library = {}
    rawset(globals, "ao", library)
  end
  for name, answer in next, ao do rawset(library, name, answer) end
  return "\1"
end

operations[7] = function()
  local name, n, milliseconds, at = unpack("<s4I4i8", source, start)
  local params = readall(at, n)
  now = milliseconds
  called = name
  current = create(function(...)
    local fn = globals[name]
    if fn == nil then error("attempt to call a nil value (global '" .. name .. "')", 0) end
    return fn(...)
  end)
  return step(rawresume(current, expand_list(params, 1, n)))
end

operations[8] = function()
  local n, at = unpack("<I4", source, start)
  return step(rawresume(current, expand_list(readall(at, n), 1, n)))
end

operations[9] = function()
  local names = {}
  for name, value in next, globals do
    if type(name) == "string" and type(value) == "function" then names[#names + 1] = name end
  end
  sort(names)
  return returned(names)
end

for _, name in next, { "resolve", "get", "set", "event" } do ao[name] = ask(name) end
`

/** Programs' own coroutines hand requests on to the host, and the coroutine of a call looks like the main one. */
export const AO_LIBRARY = `globals.unpack = table.unpack -- Luerl has it.

local function hand(co, ...)
  local _, first, request = ...
  if rawequal(first, REQUEST) then return hand(co, rawresume(co, rawyield(REQUEST, request))) end
  return ...
end

local function deliver(co, ok, ...)
  if rawequal((...), REQUEST) then return deliver(co, rawresume(co, rawyield(REQUEST, (select(2, ...))))) end
  if not ok then error((...), 2) end
  return ...
end

coroutine.resume = function(co, ...)
  if type(co) ~= "thread" then error("bad argument #1 to 'resume' (thread expected)", 2) end
  return hand(co, rawresume(co, ...))
end

coroutine.wrap = function(...)
  local body = ...
  if type(body) ~= "function" then
    local what = select("#", ...) == 0 and "no value" or type(body)
    error("bad argument #1 to 'wrap' (function expected, got " .. what .. ")", 2)
  end
  local co = create(body)
  return function(...) return deliver(co, rawresume(co, ...)) end
end

coroutine.yield = function(...)
  if running() == current then error("attempt to yield from outside a coroutine", 0) end
  return rawyield(...)
end

coroutine.running = function()
  local co, main = running()
  return co, main or co == current
end

coroutine.isyieldable = function()
  return running() ~= current and isyieldable()
end
`

/** `require` of what modules put into `package.preload` or `package.loaded`, as bundled programs do; nothing is ever read from files. */
export const AO_PACKAGE = String.raw`local loaded, preload = { _G = globals }, {}
for _, name in next, { "string", "table", "math", "utf8", "coroutine", "os", "debug", "bit32" } do loaded[name] = globals[name] end
globals.package = { loaded = loaded, preload = preload, path = "", cpath = "", config = "/\n;\n?\n!\n-\n" }

globals.require = function(name)
  if type(name) ~= "string" and type(name) ~= "number" then
    error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
  end
  name = tostring(name)
  if loaded[name] then return loaded[name] end
  local loader = preload[name]
  if loader == nil then
    error("module '" .. name .. "' not found:\n\tno field package.preload['" .. name .. "']", 2)
  end
  local result = loader(name)
  if result ~= nil then loaded[name] = result end
  if loaded[name] == nil then loaded[name] = true end
  return loaded[name]
end
`
