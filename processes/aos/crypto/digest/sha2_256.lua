--[[ SHA-256. Source: FIPS 180-4. ]]
local bytes = require('.crypto.bytes')
local constants = require('.crypto.digest.constants')

local MASK = 0xFFFFFFFF
local ADDED, START = {}, {}
for i = 1, 64 do ADDED[i] = constants.cubeRoots[i] >> 32 end
for i = 1, 8 do START[i] = constants.squareRoots[i] >> 32 end

--- Rotations of 32 bits are shifts of the number written twice.
local function schedule(words)
  for i = 17, 64 do
    local x, y = words[i - 15], words[i - 2]
    local xx, yy = x << 32 | x, y << 32 | y
    words[i] = words[i - 16] + words[i - 7] + ((xx >> 7 ~ xx >> 18) & MASK ~ x >> 3) + ((yy >> 17 ~ yy >> 19) & MASK ~ y >> 10) & MASK
  end
  return words
end

local function sha2_256(input)
  local message = bytes.padded(bytes.of(input), 64, '>I8')
  local h0, h1, h2, h3, h4, h5, h6, h7 = table.unpack(START)
  for at = 1, #message, 64 do
    local words = schedule({ ('>' .. ('I4'):rep(16)):unpack(message, at) })
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 1, 64 do
      local aa, ee = a << 32 | a, e << 32 | e
      local first = h + ((ee >> 6 ~ ee >> 11 ~ ee >> 25) & MASK) + (e & f ~ ~e & g) + ADDED[i] + words[i]
      local second = ((aa >> 2 ~ aa >> 13 ~ aa >> 22) & MASK) + (a & b ~ a & c ~ b & c)
      h, g, f, e, d, c, b, a = g, f, e, d + first & MASK, c, b, a, first + second & MASK
    end
    h0, h1, h2, h3 = h0 + a & MASK, h1 + b & MASK, h2 + c & MASK, h3 + d & MASK
    h4, h5, h6, h7 = h4 + e & MASK, h5 + f & MASK, h6 + g & MASK, h7 + h & MASK
  end
  return bytes.result(('>I4I4I4I4I4I4I4I4'):pack(h0, h1, h2, h3, h4, h5, h6, h7))
end

--- SHA2_256 is the same step by step: SHA2_256().init().update(data).finish().asHex().
return { sha2_256 = sha2_256, SHA2_256 = bytes.stepwise(sha2_256) }
