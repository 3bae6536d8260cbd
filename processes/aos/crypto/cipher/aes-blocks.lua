--[[ AES on single blocks, for keys of 128, 192 and 256 bits.

Wire        blocks(rounds) -> {blockSize, encrypt(key, block), decrypt(key, block)}; keys and blocks are lists of bytes.
Source      FIPS 197. A block is a list of 16 bytes, column by column.
]]
local function times2(x)
  x = x << 1
  return x > 255 and x ~ 0x11B or x
end

--- The S-box from its definition: the inverse in GF(2^8), then an affine map; powers of the generator 3 give the inverses.
local function makeBoxes()
  local power, log = {}, {}
  local value = 1
  for exponent = 0, 254 do
    power[exponent], log[value] = value, exponent
    value = value ~ times2(value)
  end
  local box, inverse = {}, {}
  for x = 0, 255 do
    local y = x == 0 and 0 or power[(255 - log[x]) % 255]
    local spread = y << 8 | y
    local out = (y ~ spread >> 4 ~ spread >> 5 ~ spread >> 6 ~ spread >> 7 ~ 0x63) & 255
    box[x], inverse[out] = out, x
  end
  return box, inverse
end

local BOX, INVERSE_BOX = makeBoxes()
local SHIFT = { 1, 6, 11, 16, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12 }
local INVERSE_SHIFT = {}
for to, from in ipairs(SHIFT) do INVERSE_SHIFT[from] = to end

local function substitute(block, box, places)
  local out = {}
  for i = 1, 16 do out[i] = box[block[places[i]]] end
  return out
end

local function addKey(block, schedule, round)
  local out = {}
  for i = 1, 16 do out[i] = block[i] ~ schedule[16 * round + i] end
  return out
end

local function mixColumns(block)
  local out = {}
  for at = 1, 16, 4 do
    local a, b, c, d = block[at], block[at + 1], block[at + 2], block[at + 3]
    local all = a ~ b ~ c ~ d
    out[at], out[at + 1] = a ~ all ~ times2(a ~ b), b ~ all ~ times2(b ~ c)
    out[at + 2], out[at + 3] = c ~ all ~ times2(c ~ d), d ~ all ~ times2(d ~ a)
  end
  return out
end

--- Three times the mixing forwards is the mixing backwards.
local function unmixColumns(block)
  return mixColumns(mixColumns(mixColumns(block)))
end

local function expand(key, rounds)
  local size, schedule, constant = #key, { table.unpack(key) }, 1
  for at = size, 16 * (rounds + 1) - 1, 4 do
    local a, b, c, d = schedule[at - 3], schedule[at - 2], schedule[at - 1], schedule[at]
    if at % size == 0 then
      a, b, c, d = BOX[b] ~ constant, BOX[c], BOX[d], BOX[a]
      constant = times2(constant)
    elseif size > 24 and at % size == 16 then
      a, b, c, d = BOX[a], BOX[b], BOX[c], BOX[d]
    end
    local before = at - size
    schedule[at + 1], schedule[at + 2] = schedule[before + 1] ~ a, schedule[before + 2] ~ b
    schedule[at + 3], schedule[at + 4] = schedule[before + 3] ~ c, schedule[before + 4] ~ d
  end
  return schedule
end

return function(rounds)
  local cipher = { blockSize = 16 }

  function cipher.encrypt(key, block)
    local schedule = expand(key, rounds)
    block = addKey(block, schedule, 0)
    for round = 1, rounds - 1 do block = addKey(mixColumns(substitute(block, BOX, SHIFT)), schedule, round) end
    return addKey(substitute(block, BOX, SHIFT), schedule, rounds)
  end

  function cipher.decrypt(key, block)
    local schedule = expand(key, rounds)
    block = addKey(block, schedule, rounds)
    for round = rounds - 1, 1, -1 do block = unmixColumns(addKey(substitute(block, INVERSE_BOX, INVERSE_SHIFT), schedule, round)) end
    return addKey(substitute(block, INVERSE_BOX, INVERSE_SHIFT), schedule, 0)
  end

  return cipher
end
