--[[ Dump(value, indent, padding, filter): a value as Lua source with ordered keys.

Wire        indent: spaces per level, 4 unless told; 0 puts all on one line. padding: spaces before every line but the first.
            filter(value, depth, type, use, key): what stands for a key or a value ('key' or 'val' is the use); nil leaves the entry out.
Invariants  Plain values come quoted (`Dump(6)` is `"6"`), inside a table numbers and booleans are bare.
            What Lua source cannot say (functions, a table inside itself) is shown as a quoted description.
]]
local order = require('.order')

local RESERVED = {}
for word in ('and break do else elseif end false for function goto if in local nil not or repeat return then true until while'):gmatch('%a+') do
  RESERVED[word] = true
end

local format = string.format

local function keyText(key)
  local kind = type(key)
  if kind == 'string' then
    if key:find('^[%a_][%w_]*$') and not RESERVED[key] then return key end
    return format('[%q]', key)
  end
  if kind == 'number' or kind == 'boolean' then return '[' .. tostring(key) .. ']' end
  return kind == 'table' and '[{}]' or format('[%q]', tostring(key))
end

local dump

local function entries(subject, pad, depth, how)
  local parts = {}
  for _, key in ipairs((order.keys(subject))) do
    local shown, value = key, subject[key]
    if how.filter then
      shown = how.filter(key, depth, type(key), 'key', nil)
      if shown ~= nil then value = how.filter(value, depth, type(value), 'val', shown) end
    end
    if shown ~= nil and value ~= nil then parts[#parts + 1] = pad .. keyText(shown) .. ' = ' .. dump(value, pad, depth + 1, how) end
  end
  return parts
end

function dump(value, pad, depth, how)
  local kind = type(value)
  if kind == 'number' or kind == 'boolean' then return tostring(value) end
  if kind ~= 'table' then return format('%q', tostring(value)) end
  if how.open[value] then return format('%q', '<Circular ' .. tostring(value) .. '>') end
  how.open[value] = true
  local parts = entries(value, how.isOneLine and '' or pad .. how.indent, depth, how)
  how.open[value] = nil
  if #parts == 0 then return '{}' end
  if how.isOneLine then return '{ ' .. table.concat(parts, ', ') .. ' }' end
  return '{\n' .. table.concat(parts, ',\n') .. '\n' .. pad .. '}'
end

local function spaces(count, default, name)
  if count == nil then return default end
  if math.type(count) ~= 'integer' or count < 0 then error(name .. ' must be unsigned integer', 3) end
  return count
end

return function(value, indent, padding, filter)
  indent, padding = spaces(indent, 4, 'indent'), spaces(padding, 0, 'padding')
  if filter ~= nil and type(filter) ~= 'function' then error('filter must be function', 2) end
  if type(value) ~= 'table' then return format('%q', tostring(filter and filter(value, 0, type(value), 'val', nil) or value)) end
  local how = { indent = (' '):rep(indent), isOneLine = indent == 0, filter = filter, open = {} }
  return dump(value, (' '):rep(padding), 1, how)
end
