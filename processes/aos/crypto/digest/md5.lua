--[[ MD5. Source: RFC 1321. Broken as a hash; for old data only. ]]
local bytes = require('.crypto.bytes')

local MASK = 0xFFFFFFFF
local SHIFTS = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }
local SINES = {}
for i = 1, 64 do SINES[i] = math.floor(math.abs(math.sin(i)) * 2^32) end

local function mix(round, b, c, d)
  if round == 0 then return b & c | ~b & d end
  if round == 1 then return d & b | ~d & c end
  if round == 2 then return b ~ c ~ d end
  return c ~ (b | ~d & MASK)
end

local FACTORS, OFFSETS = { 1, 5, 3, 7 }, { 0, 1, 5, 0 }

return function(input)
  local message = bytes.padded(bytes.of(input), 64, '<I8')
  local a, b, c, d = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476
  for at = 1, #message, 64 do
    local words = { ('<' .. ('I4'):rep(16)):unpack(message, at) }
    local a0, b0, c0, d0 = a, b, c, d
    for i = 0, 63 do
      local round = i // 16
      local word = words[(FACTORS[round + 1] * i + OFFSETS[round + 1]) % 16 + 1]
      local sum = a + mix(round, b, c, d) + SINES[i + 1] + word & MASK
      local by = SHIFTS[round + 1][i % 4 + 1]
      a, b, c, d = d, b + (sum << by | sum >> 32 - by) & MASK, b, c
    end
    a, b, c, d = a + a0 & MASK, b + b0 & MASK, c + c0 & MASK, d + d0 & MASK
  end
  return bytes.result(('<I4I4I4I4'):pack(a, b, c, d))
end
