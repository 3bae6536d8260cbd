--[[ What digests take and give: bytes as text, as a list of numbers, or as a stream (a function that gives one byte at a time).

Wire        A digest answers {asBytes() list of numbers, asHex() lower-case text, asString() bytes}.
]]
local bytes = {}

--- A string from text, a list of byte values, or a stream.
function bytes.of(input)
  local kind = type(input)
  if kind == 'string' then return input end
  if kind == 'function' then
    local list = {}
    for byte in input do list[#list + 1] = byte end
    input = list
  elseif kind ~= 'table' then
    error('expected text, a list of bytes or a stream, got ' .. kind, 3)
  end
  local parts = {}
  for from = 1, #input, 4096 do parts[#parts + 1] = string.char(table.unpack(input, from, math.min(from + 4095, #input))) end
  return table.concat(parts)
end

function bytes.toList(text)
  local list = {}
  for at = 1, #text do list[at] = text:byte(at) end
  return list
end

function bytes.toHex(text)
  return (text:gsub('.', function(char)
    return ('%02x'):format(char:byte())
  end))
end

function bytes.fromHex(hex)
  if #hex % 2 ~= 0 or hex:find('%X') then error('expected hexadecimal digits in pairs', 3) end
  return (hex:gsub('..', function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

--- The answer of a digest.
function bytes.result(text)
  return {
    asBytes = function() return bytes.toList(text) end,
    asHex = function() return bytes.toHex(text) end,
    asString = function() return text end,
  }
end

--- Message, 0x80, zeros, and the length in bits in the last bytes of a block. `length` is a format of string.pack.
function bytes.padded(message, blockBytes, length)
  local lengthBytes = string.packsize(length)
  local zeros = -(#message + 1 + lengthBytes) % blockBytes
  return message .. '\128' .. ('\0'):rep(zeros + lengthBytes - 8) .. (length:sub(1, 1) .. 'I8'):pack(#message * 8)
end

--- A function that makes {init, update(data), finish, asBytes, asHex, asString} of a hash of whole texts.
function bytes.stepwise(hash)
  return function()
    local steps, parts, result = {}, {}, nil
    function steps.init()
      parts, result = {}, nil
      return steps
    end
    function steps.update(data)
      parts[#parts + 1] = bytes.of(data)
      return steps
    end
    function steps.finish()
      result = hash(table.concat(parts))
      return steps
    end
    function steps.asBytes() return result.asBytes() end
    function steps.asHex() return result.asHex() end
    function steps.asString() return result.asString() end
    return steps
  end
end

return bytes
