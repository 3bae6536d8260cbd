--[[ Dump(value): a value as Lua source with four-space indentation and ordered keys.

Invariants  Plain values come quoted (`Dump(6)` is `"6"`), inside a table numbers and booleans are bare.
            What Lua source cannot say (functions, a table inside itself) is shown as a quoted description.
]]
local order = require('.order')

local RESERVED = {}
for word in ('and break do else elseif end false for function goto if in local nil not or repeat return then true until while'):gmatch('%a+') do
  RESERVED[word] = true
end

local function keyText(key)
  local kind = type(key)
  if kind == 'string' then
    if key:find('^[%a_][%w_]*$') and not RESERVED[key] then return key end
    return string.format('[%q]', key)
  end
  if kind == 'number' or kind == 'boolean' then return '[' .. tostring(key) .. ']' end
  return kind == 'table' and '[{}]' or string.format('[%q]', tostring(key))
end

local function dump(value, indent, open)
  local kind = type(value)
  if kind == 'number' or kind == 'boolean' then return tostring(value) end
  if kind ~= 'table' then return string.format('%q', tostring(value)) end
  if open[value] then return string.format('%q', '<Circular ' .. tostring(value) .. '>') end
  if next(value) == nil then return '{}' end
  open[value] = true
  local pad, parts = indent .. '    ', {}
  for index, key in ipairs((order.keys(value))) do parts[index] = pad .. keyText(key) .. ' = ' .. dump(value[key], pad, open) end
  open[value] = nil
  return '{\n' .. table.concat(parts, ',\n') .. '\n' .. indent .. '}'
end

return function(value)
  if type(value) ~= 'table' then return string.format('%q', tostring(value)) end
  return dump(value, '', {})
end
