--[[ Tables as coloured text for people: what `print` and the value of an Eval show.

Invariants  Keys are in a fixed order; a table inside itself is shown as <circular reference>.
]]
local order = require('.order')
local colors = require('.colors')

local stringify = { _version = '0.0.1' }

--- True for a list of numbers and texts, which is shown on one line.
function stringify.isSimpleArray(subject)
  local count = 0
  for _, value in next, subject do
    local kind = type(value)
    if kind ~= 'number' and kind ~= 'string' then return false end
    count = count + 1
  end
  return count == #subject
end

local function plain(value)
  if type(value) == 'string' then return colors.green .. '"' .. value .. '"' .. colors.reset end
  return colors.blue .. tostring(value) .. colors.reset
end

local function isArray(subject)
  local count = 0
  for _ in next, subject do count = count + 1 end
  return count == #subject
end

local function shown(value, indent, open)
  if type(value) ~= 'table' then return plain(value) end
  if open[value] then return '<circular reference>' end
  return stringify.format(value, indent, open)
end

local function items(subject, indent, open)
  local pad, parts = string.rep(' ', indent + 2), {}
  for index, value in ipairs(subject) do parts[index] = pad .. shown(value, indent + 2, open) end
  return '{\n' .. table.concat(parts, ',\n') .. '\n' .. string.rep(' ', indent) .. ' }'
end

local function fields(subject, indent, open)
  local pad, parts = string.rep(' ', indent + 2), {}
  for index, key in ipairs((order.keys(subject))) do
    parts[index] = pad .. colors.red .. tostring(key) .. colors.reset .. ' = ' .. shown(subject[key], indent + 2, open)
  end
  return '{\n ' .. table.concat(parts, ',\n ') .. '\n' .. string.rep(' ', indent) .. '}'
end

function stringify.format(subject, indent, open)
  indent, open = indent or 0, open or {}
  if stringify.isSimpleArray(subject) then
    local parts = {}
    for index, value in ipairs(subject) do parts[index] = plain(value) end
    return '{ ' .. table.concat(parts, ', ') .. ' }'
  end
  open[subject] = true
  local text = isArray(subject) and items(subject, indent, open) or fields(subject, indent, open)
  open[subject] = nil
  return text
end

return stringify
