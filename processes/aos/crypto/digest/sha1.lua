--[[ SHA-1. Source: FIPS 180-4. Broken as a hash; HMAC with it still holds. ]]
local bytes = require('.crypto.bytes')

local MASK = 0xFFFFFFFF

local function rotate(value, by)
  return (value << by | value >> 32 - by) & MASK
end

local function mix(i, b, c, d)
  if i <= 20 then return b & c | ~b & d, 0x5A827999 end
  if i <= 40 then return b ~ c ~ d, 0x6ED9EBA1 end
  if i <= 60 then return b & c | b & d | c & d, 0x8F1BBCDC end
  return b ~ c ~ d, 0xCA62C1D6
end

local function sha1(input)
  local message = bytes.padded(bytes.of(input), 64, '>I8')
  local h0, h1, h2, h3, h4 = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
  for at = 1, #message, 64 do
    local words = { ('>' .. ('I4'):rep(16)):unpack(message, at) }
    for i = 17, 80 do words[i] = rotate(words[i - 3] ~ words[i - 8] ~ words[i - 14] ~ words[i - 16], 1) end
    local a, b, c, d, e = h0, h1, h2, h3, h4
    for i = 1, 80 do
      local mixed, added = mix(i, b, c, d)
      a, b, c, d, e = rotate(a, 5) + mixed + e + added + words[i] & MASK, a, rotate(b, 30), c, d
    end
    h0, h1, h2, h3, h4 = h0 + a & MASK, h1 + b & MASK, h2 + c & MASK, h3 + d & MASK, h4 + e & MASK
  end
  return bytes.result(('>I4I4I4I4I4'):pack(h0, h1, h2, h3, h4))
end

--- SHA1 is the same step by step: SHA1().init().update(data).finish().asHex().
return { sha1 = sha1, SHA1 = bytes.stepwise(sha1) }
