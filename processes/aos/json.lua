--[[ JSON: encode a Lua value, decode JSON text.

Wire        RFC 8259. An empty table is `[]`; object keys come out sorted; functions inside tables are left out;
            a big integer of `.bint` is a string of its digits. `null` decodes to nil, so an array with nulls has holes.
            A comma before a closing bracket is let pass.
Invariants  encode raises on what JSON cannot say (NaN, holes, mixed keys, cycles); decode raises with line and column.
            Integers keep every digit both ways (up to 64 bits); floats come back as the same float.
]]
local order = require('.order')

local json = { _version = '0.2.0' }

local find, sub, byte, format, gsub = string.find, string.sub, string.byte, string.format, string.gsub
local mathtype, huge = math.type, math.huge

local ESCAPES = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
for code = 0, 31 do
  local char = string.char(code)
  ESCAPES[char] = ESCAPES[char] or format('\\u%04x', code)
end

local function quoted(text)
  if find(text, '[\0-\31"\\]') then text = gsub(text, '[\0-\31"\\]', ESCAPES) end
  return '"' .. text .. '"'
end

local function numberText(value)
  if mathtype(value) == 'integer' then return format('%d', value) end
  if value ~= value or value >= huge or value <= -huge then error("unexpected number value '" .. tostring(value) .. "'", 0) end
  for digits = 14, 16 do
    local text = format('%.' .. digits .. 'g', value)
    if tonumber(text) == value then return text end
  end
  return format('%.17g', value)
end

local write

local function writeArray(value, count, out, at, open)
  if count == 0 then
    out[at + 1] = '[]'
    return at + 1
  end
  out[at + 1] = '['
  at = at + 1
  for index = 1, count do
    local item = value[index]
    if item == nil then error('invalid table: sparse array', 0) end
    if index > 1 then
      at = at + 1
      out[at] = ','
    end
    at = write(item, out, at, open)
  end
  out[at + 1] = ']'
  return at + 1
end

local function writeObject(value, out, at, open)
  local keys, onlyStrings = order.keys(value)
  if not onlyStrings then error('invalid table: mixed or invalid key types', 0) end
  local mark = '{'
  for index = 1, #keys do
    local key = keys[index]
    local item = value[key]
    if type(item) ~= 'function' then
      out[at + 1] = mark
      out[at + 2] = quoted(key)
      out[at + 3] = ':'
      at = write(item, out, at + 3, open)
      mark = ','
    end
  end
  out[at + 1] = mark == '{' and '{}' or '}'
  return at + 1
end

local function writeTable(value, out, at, open)
  local meta = getmetatable(value)
  if type(meta) == 'table' and meta.__name == 'bint' then
    out[at + 1] = '"' .. tostring(value) .. '"'
    return at + 1
  end
  if open[value] then error('circular reference', 0) end
  open[value] = true
  if next(value) == nil or value[1] ~= nil then
    local count = 0
    for key in next, value do
      if type(key) ~= 'number' then error('invalid table: mixed or invalid key types', 0) end
      count = count + 1
    end
    at = writeArray(value, count, out, at, open)
  else
    at = writeObject(value, out, at, open)
  end
  open[value] = nil
  return at
end

write = function(value, out, at, open)
  local kind = type(value)
  local text
  if kind == 'string' then
    text = quoted(value)
  elseif kind == 'number' then
    text = numberText(value)
  elseif kind == 'table' then
    return writeTable(value, out, at, open)
  elseif kind == 'boolean' then
    text = value and 'true' or 'false'
  elseif kind == 'nil' then
    text = 'null'
  else
    error("unexpected type '" .. kind .. "'", 0)
  end
  out[at + 1] = text
  return at + 1
end

function json.encode(value)
  local out = {}
  local count = write(value, out, 0, {})
  return table.concat(out, '', 1, count)
end

-- Decoding: every reader takes the text and the place of the value's first byte, and returns the value and the place after it.

local function fail(text, at, problem)
  local line, column = 1, 1
  for index = 1, at - 1 do
    column = column + 1
    if byte(text, index) == 10 then line, column = line + 1, 1 end
  end
  error(format('%s at line %d col %d', problem, line, column), 0)
end

local UNESCAPES = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }

local function readEscape(text, at)
  local char = sub(text, at + 1, at + 1)
  if UNESCAPES[char] then return UNESCAPES[char], at + 2 end
  if char ~= 'u' then fail(text, at, "invalid escape char '" .. char .. "' in string") end
  local hex = string.match(text, '^%x%x%x%x', at + 2)
  if not hex then fail(text, at, 'invalid unicode escape in string') end
  local code = tonumber(hex, 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = string.match(text, '^\\u([dD][c-fC-F]%x%x)', at + 6)
    if low then return utf8.char((code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00 + 0x10000), at + 12 end
  end
  return utf8.char(code), at + 6
end

local function readString(text, at)
  local stop = find(text, '[\0-\31"\\]', at + 1)
  if stop and byte(text, stop) == 34 then return sub(text, at + 1, stop - 1), stop + 1 end
  local parts, count, from = {}, 0, at + 1
  while stop do
    local code = byte(text, stop)
    parts[count + 1] = sub(text, from, stop - 1)
    count = count + 1
    if code == 34 then return table.concat(parts), stop + 1 end
    if code ~= 92 then fail(text, stop, 'control character in string') end
    parts[count + 1], from = readEscape(text, stop)
    count = count + 1
    stop = find(text, '[\0-\31"\\]', from)
  end
  return fail(text, at, 'expected closing quote for string')
end

local LITERALS = { ['true'] = true, ['false'] = false }

local function readWord(text, at)
  local word = string.match(text, '^[^%s,%]}:"%[{]+', at) or ''
  if word == 'null' then return nil, at + 4 end
  local literal = LITERALS[word]
  if literal ~= nil then return literal, at + #word end
  if find(word, '^-?%d+$') or find(word, '^-?%d+%.?%d*[eE]?[+-]?%d*$') then
    local value = tonumber(word)
    if value then return value, at + #word end
  end
  if find(word, '^[-%d]') then fail(text, at, "invalid number '" .. word .. "'") end
  if find(word, '^[tfn]') then fail(text, at, "invalid literal '" .. word .. "'") end
  return fail(text, at, "unexpected character '" .. sub(text, at, at) .. "'")
end

local function skip(text, at)
  return find(text, '[^ \t\r\n]', at) or #text + 1
end

local read

local function readArray(text, at)
  local result, index = {}, 0
  at = skip(text, at + 1)
  if byte(text, at) == 93 then return result, at + 1 end
  while true do
    index = index + 1
    result[index], at = read(text, at)
    at = skip(text, at)
    local code = byte(text, at)
    if code == 93 then return result, at + 1 end
    if code ~= 44 then fail(text, at + 1, "expected ']' or ','") end
    at = skip(text, at + 1)
    if byte(text, at) == 93 then return result, at + 1 end
  end
end

local function readObject(text, at)
  local result = {}
  at = skip(text, at + 1)
  if byte(text, at) == 125 then return result, at + 1 end
  while true do
    if byte(text, at) ~= 34 then fail(text, at, 'expected string for key') end
    local key
    key, at = readString(text, at)
    at = skip(text, at)
    if byte(text, at) ~= 58 then fail(text, at, "expected ':' after key") end
    result[key], at = read(text, skip(text, at + 1))
    at = skip(text, at)
    local code = byte(text, at)
    if code == 125 then return result, at + 1 end
    if code ~= 44 then fail(text, at + 1, "expected '}' or ','") end
    at = skip(text, at + 1)
    if byte(text, at) == 125 then return result, at + 1 end
  end
end

read = function(text, at)
  local code = byte(text, at)
  if code == 34 then return readString(text, at) end
  if code == 123 then return readObject(text, at) end
  if code == 91 then return readArray(text, at) end
  return readWord(text, at)
end

function json.decode(text)
  if type(text) ~= 'string' then error('expected argument of type string, got ' .. type(text), 0) end
  local value, at = read(text, skip(text, 1))
  at = skip(text, at)
  if at <= #text then fail(text, at, 'trailing garbage') end
  return value
end

return json
