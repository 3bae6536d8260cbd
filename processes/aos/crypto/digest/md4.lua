--[[ MD4. Source: RFC 1320. Broken as a hash; for old data only. ]]
local bytes = require('.crypto.bytes')

local MASK = 0xFFFFFFFF
local ORDERS = {
  { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
  { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 },
  { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 },
}
local SHIFTS = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } }
local ADDED = { 0, 0x5A827999, 0x6ED9EBA1 }
local MIXES = {
  function(x, y, z) return x & y | ~x & z end,
  function(x, y, z) return x & y | x & z | y & z end,
  function(x, y, z) return x ~ y ~ z end,
}

return function(input)
  local message = bytes.padded(bytes.of(input), 64, '<I8')
  local a, b, c, d = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476
  for at = 1, #message, 64 do
    local words = { ('<' .. ('I4'):rep(16)):unpack(message, at) }
    local a0, b0, c0, d0 = a, b, c, d
    for round = 1, 3 do
      local mix, order, shifts, added = MIXES[round], ORDERS[round], SHIFTS[round], ADDED[round]
      for step = 0, 15 do
        local sum = a + mix(b, c, d) + words[order[step + 1] + 1] + added & MASK
        local by = shifts[step % 4 + 1]
        a, b, c, d = d, (sum << by | sum >> 32 - by) & MASK, b, c
      end
    end
    a, b, c, d = a + a0 & MASK, b + b0 & MASK, c + c0 & MASK, d + d0 & MASK
  end
  return bytes.result(('<I4I4I4I4'):pack(a, b, c, d))
end
