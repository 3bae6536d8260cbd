/** Lua programs that the benchmark runs in our guest and in the system's Lua, the same text in both. */

/** `handle` moves tokens, as in any AO token: notices to both sides. */
export const TOKEN = `
balances = { alice = 1 << 40 }
local function tag(msg, name)
  for _, tag in ipairs(msg.Tags) do if tag.name == name then return tag.value end end
end
local function notice(target, action, quantity)
  return { Target = target, Data = "You moved " .. quantity, Anchor = string.format("%032d", quantity), Tags = {
    { name = "Action", value = action }, { name = "Quantity", value = tostring(quantity) }, { name = "Data-Protocol", value = "ao" },
    { name = "Variant", value = "ao.TN.1" }, { name = "Type", value = "Message" }, { name = "Reference", value = "1" } } }
end
function handle(msg)
  local quantity, to = math.tointeger(tonumber(tag(msg, "Quantity"))), tag(msg, "Recipient")
  balances.alice = balances.alice - quantity
  balances[to] = (balances[to] or 0) + quantity
  return { ok = true, response = { Output = "", Messages = { notice("alice", "Debit-Notice", quantity), notice(to, "Credit-Notice", quantity) } } }
end`

/** A table `works` of functions without arguments; JSON is written out, since Lua has none. */
export const WORKS = String.raw`
local function encode(value)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  elseif kind ~= "table" then
    return tostring(value)
  end
  local out = {}
  if #value > 0 then
    for i, entry in ipairs(value) do out[i] = encode(entry) end
    return "[" .. table.concat(out, ",") .. "]"
  end
  for key, entry in pairs(value) do out[#out + 1] = encode(key) .. ":" .. encode(entry) end
  return "{" .. table.concat(out, ",") .. "}"
end
local decode
local function string_at(text, at)
  local from = at
  while true do
    local byte = text:byte(at)
    if byte == 34 then
      local inner = text:sub(from, at - 1)
      if inner:find("\\", 1, true) then inner = inner:gsub("\\u(%x%x%x%x)", function(hex) return utf8.char(tonumber(hex, 16)) end) end
      return inner, at + 1
    end
    at = at + (byte == 92 and 2 or 1)
  end
end
decode = function(text, at)
  at = text:find("%S", at)
  local first = text:byte(at)
  if first == 34 then return string_at(text, at + 1) end
  if first == 91 then
    local list, n = {}, 0
    at = text:find("%S", at + 1)
    while text:byte(at) ~= 93 do
      n = n + 1
      list[n], at = decode(text, at)
      at = text:find("[^%s,]", at)
    end
    return list, at + 1
  end
  if first == 123 then
    local map = {}
    at = text:find("%S", at + 1)
    while text:byte(at) ~= 125 do
      local key
      key, at = string_at(text, at + 1)
      map[key], at = decode(text, text:find(":", at, true) + 1)
      at = text:find("[^%s,]", at)
    end
    return map, at + 1
  end
  local word = text:match("^[%w%.+-]+", at)
  local value = tonumber(word)
  if value == nil then value = word == "true" end
  return value, at + #word
end

works = {}
function works.fib()
  local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
  return fib(30)
end
function works.loops()
  local sum, float = 0, 0.0
  for i = 1, 3000000 do sum = sum + i % 7 float = float + i * 0.5 end
  return sum
end
function works.sort()
  local list, x = {}, 42
  for i = 1, 100000 do x = (x * 1103515245 + 12345) & 0x7fffffff list[i] = x end
  table.sort(list)
  table.sort(list, function(a, b) return a > b end)
  return list[1]
end
function works.strings()
  local list = {}
  for i = 1, 100000 do list[#list + 1] = "item " .. i .. string.format("%5.2f", i / 3) end
  local text = table.concat(list, ",")
  return #text:gsub("%d+", "#"):upper()
end
function works.json()
  local record = { name = "A record", tags = {}, nested = { deep = { 1, 2.5, true, "x\n\"y\"" } }, numbers = {} }
  for i = 1, 20 do record.tags[i] = { name = "Tag-" .. i, value = ("v"):rep(20) } record.numbers[i] = i * 1.5 end
  local size = 0
  for _ = 1, 300 do
    local text = encode(record)
    size = size + #text
    record = decode(text, 1)
  end
  return size
end
`

export const WORK_NAMES = ['fib', 'loops', 'sort', 'strings', 'json'] as const
