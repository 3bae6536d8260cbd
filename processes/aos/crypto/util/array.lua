--[[ Lists of bytes. Hexadecimal text comes out upper-case, both cases go in. ]]
local bytes = require('.crypto.bytes')

local array = { fromString = bytes.toList, toString = bytes.of }

function array.size(list)
  return #list
end

function array.fromStream(source)
  local list = {}
  for byte in source do list[#list + 1] = byte end
  return list
end

function array.toStream(list)
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

function array.fromHex(text)
  return bytes.toList(bytes.fromHex(text))
end

function array.toHex(list)
  return bytes.toHex(bytes.of(list)):upper()
end

function array.copy(list)
  local copy = {}
  for key, value in next, list do copy[key] = value end
  return copy
end

--- From `first` to `last`; below zero they count from the end.
function array.slice(list, first, last)
  first, last = first or 1, last or #list
  if first < 0 then first = #list + first + 1 end
  if last < 0 then last = #list + last + 1 end
  return table.move(list, first, last, 1, {})
end

function array.truncate(list, count)
  return table.move(list, 1, count, 1, {})
end

function array.concat(first, second)
  return table.move(second, 1, #second, #first + 1, array.copy(first))
end

function array.XOR(first, second)
  local result = {}
  for index = 1, #first do result[index] = first[index] ~ second[index] end
  return result
end

--- result[i] is box[list[i]].
function array.substitute(list, box)
  local result = {}
  for index = 1, #list do result[index] = box[list[index]] end
  return result
end

--- result[i] is list[box[i]].
function array.permute(list, box)
  local result = {}
  for index = 1, #box do result[index] = list[box[index]] end
  return result
end

function array.writeToQueue(queue, list)
  for _, item in ipairs(list) do queue.push(item) end
end

function array.readFromQueue(queue, count)
  local list = {}
  for index = 1, count do list[index] = queue.pop() end
  return list
end

return array
