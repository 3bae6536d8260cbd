--[[ MD2. Source: RFC 1319; the table is made of the digits of pi. Broken as a hash; for old data only. ]]
local bytes = require('.crypto.bytes')

local PI = bytes.toList(bytes.fromHex(
  '292e43c9a2d87c013d3654a1ecf0061362a705f3c0c7738c98932bd9bc4c82ca1e9b573cfdd4e01667426f188a17e512be4ec4d6da9ede49a0fbf58ebb2fee7a'
    .. 'a968799115b2073f94c210890b225f21807f5d9a5a903227353ecce7bff79703ff1930b348a5b5d1d75e922aac56aac64fb838d296a47db676fc6be29c7404f1'
    .. '459d705964718720865bcf65e62da8021b6025adaeb0b9f61c46616934407e0f5547a323dd51af3ac35cf9cebac5ea262c530d6e85288409d3dfcdf441814d52'
    .. '6adc37c86cc1abfa24e17b080cbdb14a7888958be363e86de9cbd5fe3b001d39f2efb70e6658d0e4a67772f8eb754b0a314450b48fed1f1adb998d339f118314'
))

local function checksum(message)
  local sum, last = {}, 0
  for i = 1, 16 do sum[i] = 0 end
  for at = 1, #message, 16 do
    for i = 1, 16 do
      last = sum[i] ~ PI[(message:byte(at + i - 1) ~ last) + 1]
      sum[i] = last
    end
  end
  return bytes.of(sum)
end

return function(input)
  local message = bytes.of(input)
  local padding = 16 - #message % 16
  message = message .. string.char(padding):rep(padding)
  message = message .. checksum(message)
  local state = {}
  for i = 1, 48 do state[i] = 0 end
  for at = 1, #message, 16 do
    for i = 1, 16 do
      local byte = message:byte(at + i - 1)
      state[16 + i], state[32 + i] = byte, byte ~ state[i]
    end
    local mixed = 0
    for round = 0, 17 do
      for i = 1, 48 do
        mixed = state[i] ~ PI[mixed + 1]
        state[i] = mixed
      end
      mixed = mixed + round & 255
    end
  end
  return bytes.result(bytes.of({ table.unpack(state, 1, 16) }))
end
