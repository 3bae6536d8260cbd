--[[ crypto.utils: streams, lists of bytes, hexadecimal text, queues, 32-bit operations.

Wire        Hexadecimal text made of lists and streams is upper-case, as these functions have always given it; reading takes both.
]]
local bytes = require('.crypto.bytes')

local array, stream, hex = {}, {}, {}

hex.stringToHex = bytes.toHex
hex.hexToString = bytes.fromHex

function array.size(list)
  return #list
end

array.fromString = bytes.toList
array.toString = bytes.of
array.fromStream = function(source) return bytes.toList(bytes.of(source)) end

function array.fromHex(text)
  return bytes.toList(bytes.fromHex(text))
end

function array.toHex(list)
  return bytes.toHex(bytes.of(list)):upper()
end

function array.copy(list)
  return { table.unpack(list) }
end

function array.slice(list, first, last)
  return { table.unpack(list, first, last) }
end

function array.truncate(list, count)
  return { table.unpack(list, 1, count) }
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

function array.toStream(list)
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

function array.writeToQueue(queue, list)
  for _, item in ipairs(list) do queue.push(item) end
end

function array.readFromQueue(queue, count)
  local list = {}
  for index = 1, count do list[index] = queue.pop() end
  return list
end

function stream.fromString(text)
  return array.toStream(bytes.toList(text))
end

function stream.fromHex(text)
  return array.toStream(array.fromHex(text))
end

stream.fromArray = array.toStream
stream.toString = bytes.of
stream.toArray = array.fromStream

function stream.toHex(source)
  return array.toHex(array.fromStream(source))
end

--- First in, first out.
local function queue()
  local items, first, last = {}, 1, 0
  return {
    push = function(item)
      last = last + 1
      items[last] = item
    end,
    pop = function()
      if first > last then return nil end
      local item = items[first]
      items[first] = nil
      first = first + 1
      return item
    end,
    size = function() return last - first + 1 end,
    getHead = function() return first end,
    getTail = function() return last + 1 end,
    reset = function() items, first, last = {}, 1, 0 end,
  }
end

return { array = array, stream = stream, hex = hex, queue = queue, bit = require('.bit32') }
