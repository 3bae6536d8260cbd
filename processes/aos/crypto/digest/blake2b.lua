--[[ blake2b(data, digestBytes, key): BLAKE2b of 1 to 64 bytes, with an optional key. Source: RFC 7693. ]]
local bytes = require('.crypto.bytes')
local START = require('.crypto.digest.constants').squareRoots

local SIGMA = {
  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
  { 15, 11, 5, 9, 10, 16, 14, 7, 2, 13, 1, 3, 12, 8, 6, 4 },
  { 12, 9, 13, 1, 6, 3, 16, 14, 11, 15, 4, 7, 8, 2, 10, 5 },
  { 8, 10, 4, 2, 14, 13, 12, 15, 3, 7, 6, 11, 5, 1, 16, 9 },
  { 10, 1, 6, 8, 3, 5, 11, 16, 15, 2, 12, 13, 7, 9, 4, 14 },
  { 3, 13, 7, 11, 1, 12, 9, 4, 5, 14, 8, 6, 16, 15, 2, 10 },
  { 13, 6, 2, 16, 15, 14, 5, 11, 1, 8, 7, 4, 10, 3, 9, 12 },
  { 14, 12, 8, 15, 13, 2, 4, 10, 6, 1, 16, 5, 9, 7, 3, 11 },
  { 7, 16, 15, 10, 12, 4, 1, 9, 13, 3, 14, 8, 2, 5, 11, 6 },
  { 11, 3, 9, 5, 8, 7, 2, 6, 16, 12, 10, 15, 4, 13, 14, 1 },
}
local QUARTERS = {
  { 1, 5, 9, 13 }, { 2, 6, 10, 14 }, { 3, 7, 11, 15 }, { 4, 8, 12, 16 }, { 1, 6, 11, 16 }, { 2, 7, 12, 13 }, { 3, 8, 9, 14 }, { 4, 5, 10, 15 },
}

local function mix(v, quarter, x, y)
  local ia, ib, ic, id = quarter[1], quarter[2], quarter[3], quarter[4]
  local a, b, c, d = v[ia], v[ib], v[ic], v[id]
  a = a + b + x
  d = d ~ a
  d = d >> 32 | d << 32
  c = c + d
  b = b ~ c
  b = b >> 24 | b << 40
  a = a + b + y
  d = d ~ a
  d = d >> 16 | d << 48
  c = c + d
  b = b ~ c
  v[ia], v[ib], v[ic], v[id] = a, b >> 63 | b << 1, c, d
end

local function compress(state, block, count, isLast)
  local words = { ('<' .. ('i8'):rep(16)):unpack(block) }
  local v = table.move(START, 1, 8, 9, { table.unpack(state, 1, 8) })
  v[13] = v[13] ~ count
  if isLast then v[15] = ~v[15] end
  for round = 0, 11 do
    local sigma = SIGMA[round % 10 + 1]
    for step = 1, 8 do mix(v, QUARTERS[step], words[sigma[2 * step - 1]], words[sigma[2 * step]]) end
  end
  for i = 1, 8 do state[i] = state[i] ~ v[i] ~ v[i + 8] end
end

return function(input, digestBytes, key)
  local message, secret = bytes.of(input), bytes.of(key or '')
  digestBytes = digestBytes or 64
  if digestBytes < 1 or digestBytes > 64 or #secret > 64 then error('blake2b gives 1 to 64 bytes and takes a key of at most 64', 2) end
  if #secret > 0 then message = secret .. ('\0'):rep(128 - #secret) .. message end
  local state = { table.unpack(START) }
  state[1] = state[1] ~ 0x01010000 ~ #secret << 8 ~ digestBytes
  local at = 1
  while #message - at + 1 > 128 do
    compress(state, message:sub(at, at + 127), at + 127, false)
    at = at + 128
  end
  local last = message:sub(at)
  compress(state, last .. ('\0'):rep(128 - #last), #message, true)
  return bytes.result(('<' .. ('i8'):rep(8)):pack(table.unpack(state)):sub(1, digestBytes))
end
