--[[ Streams: functions that give one byte after the other, then nil. Hexadecimal text comes out upper-case, both cases go in. ]]
local array = require('.crypto.util.array')

local stream = { fromArray = array.toStream, toArray = array.fromStream }

function stream.fromString(text)
  local at = 0
  return function()
    at = at + 1
    return text:byte(at)
  end
end

function stream.toString(source)
  return array.toString(array.fromStream(source))
end

function stream.fromHex(text)
  return array.toStream(array.fromHex(text))
end

function stream.toHex(source)
  return array.toHex(array.fromStream(source))
end

return stream
