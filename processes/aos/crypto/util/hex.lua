--[[ Bytes as hexadecimal text and back.

Wire        stringToHex(bytes[, perLine, separator]) -> lower-case digits; with `perLine` a line break after so many bytes, else the separator.
            hexToString(hex[, isTrusted]) takes blanks between the digits; with `isTrusted` what is no digit stays as it is.
]]
local hex = {}

function hex.stringToHex(bytes, perLine, separator)
  local count = 0
  return (bytes:gsub('.', function(char)
    count = count + 1
    local digits = ('%02x'):format(char:byte())
    if not perLine or count == #bytes then return digits end
    return digits .. (count % perLine == 0 and '\n' or separator or '')
  end))
end

function hex.hexToString(digits, isTrusted)
  if not isTrusted then
    digits = digits:gsub('%s+', '')
    if #digits % 2 ~= 0 or digits:find('%X') then error('invalid hex string', 0) end
  end
  return (digits:gsub('%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end

return hex
