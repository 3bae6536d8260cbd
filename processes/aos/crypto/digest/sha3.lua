--[[ SHA-3 and the Keccak hashes from before its padding was changed (Ethereum's keccak256).

Source      FIPS 202. The 25 lanes are kept as a list, lane (x, y) at 5y + x + 1.
]]
local bytes = require('.crypto.bytes')

--- Round constants come out of a small shift register, turns and places of lanes out of a walk.
local function makeConstants()
  local rounds, register = {}, 1
  for round = 1, 24 do
    local constant = 0
    for power = 0, 6 do
      if register & 1 == 1 then constant = constant | 1 << (1 << power) - 1 end
      register = register << 1
      if register & 0x100 ~= 0 then register = register ~ 0x171 end
    end
    rounds[round] = constant
  end
  local turns, places, x, y = { [1] = 0 }, { [1] = 1 }, 1, 0
  for step = 1, 24 do
    turns[5 * y + x + 1] = step * (step + 1) // 2 % 64
    x, y = y, (2 * x + 3 * y) % 5
  end
  for index = 0, 24 do
    local fromX, fromY = index % 5, index // 5
    places[index + 1] = 5 * ((2 * fromX + 3 * fromY) % 5) + fromY + 1
  end
  return rounds, turns, places
end

local ROUNDS, TURNS, PLACES = makeConstants()

local function permute(lanes)
  local moved, sums = {}, {}
  for round = 1, 24 do
    for x = 1, 5 do sums[x] = lanes[x] ~ lanes[x + 5] ~ lanes[x + 10] ~ lanes[x + 15] ~ lanes[x + 20] end
    for x = 1, 5 do
      local right = sums[x % 5 + 1]
      local column = sums[(x + 3) % 5 + 1] ~ (right << 1 | right >> 63)
      for index = x, x + 20, 5 do
        local lane, by = lanes[index] ~ column, TURNS[index]
        moved[PLACES[index]] = lane << by | lane >> 64 - by
      end
    end
    for row = 0, 20, 5 do
      local a, b, c, d, e = moved[row + 1], moved[row + 2], moved[row + 3], moved[row + 4], moved[row + 5]
      lanes[row + 1], lanes[row + 2], lanes[row + 3] = a ~ ~b & c, b ~ ~c & d, c ~ ~d & e
      lanes[row + 4], lanes[row + 5] = d ~ ~e & a, e ~ ~a & b
    end
    lanes[1] = lanes[1] ~ ROUNDS[round]
  end
end

local function hash(digestBytes, suffix)
  local blockBytes = 200 - 2 * digestBytes
  local words = blockBytes // 8
  local unpackBlock, packDigest = '<' .. ('i8'):rep(words), '<' .. ('i8'):rep(digestBytes // 8)
  return function(input)
    local message = bytes.of(input)
    local missing = blockBytes - #message % blockBytes
    local padding = missing == 1 and string.char(suffix | 0x80) or string.char(suffix) .. ('\0'):rep(missing - 2) .. '\128'
    message = message .. padding
    local lanes = {}
    for i = 1, 25 do lanes[i] = 0 end
    for at = 1, #message, blockBytes do
      local block = { unpackBlock:unpack(message, at) }
      for i = 1, words do lanes[i] = lanes[i] ~ block[i] end
      permute(lanes)
    end
    return bytes.result(packDigest:pack(table.unpack(lanes, 1, digestBytes // 8)))
  end
end

return { sha3_256 = hash(32, 6), sha3_512 = hash(64, 6), keccak256 = hash(32, 1), keccak512 = hash(64, 1) }
