--[[ SHA-512. Source: FIPS 180-4. ]]
local bytes = require('.crypto.bytes')
local constants = require('.crypto.digest.constants')

local function rotate(value, by)
  return value >> by | value << 64 - by
end

local function schedule(words)
  for i = 17, 80 do
    local x, y = words[i - 15], words[i - 2]
    local first = rotate(x, 1) ~ rotate(x, 8) ~ x >> 7
    local second = rotate(y, 19) ~ rotate(y, 61) ~ y >> 6
    words[i] = words[i - 16] + first + words[i - 7] + second
  end
  return words
end

return function(input)
  local message = bytes.padded(bytes.of(input), 128, '>I16')
  local h0, h1, h2, h3, h4, h5, h6, h7 = table.unpack(constants.squareRoots)
  for at = 1, #message, 128 do
    local words = schedule({ ('>' .. ('i8'):rep(16)):unpack(message, at) })
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 1, 80 do
      local first = h + (rotate(e, 14) ~ rotate(e, 18) ~ rotate(e, 41)) + (e & f ~ ~e & g) + constants.cubeRoots[i] + words[i]
      local second = (rotate(a, 28) ~ rotate(a, 34) ~ rotate(a, 39)) + (a & b ~ a & c ~ b & c)
      h, g, f, e, d, c, b, a = g, f, e, d + first, c, b, a, first + second
    end
    h0, h1, h2, h3, h4, h5, h6, h7 = h0 + a, h1 + b, h2 + c, h3 + d, h4 + e, h5 + f, h6 + g, h7 + h
  end
  return bytes.result(('>i8i8i8i8i8i8i8i8'):pack(h0, h1, h2, h3, h4, h5, h6, h7))
end
