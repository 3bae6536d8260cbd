--[[ ISAAC: a stream of numbers from a seed, and a cipher of printable text that is made of it.

Wire        seedIsaac(seed, isWhole); getRandom() -> 32 bits; getRandomChar() -> 32 to 126; encrypt(text, key) -> {asBytes, asHex, asString};
            decrypt(text, key) -> text; random([low, high, seed]) -> a whole number.
            Without `isWhole` a seed changes nothing, and so random() without a seed always gives the same: use math.random.
Source      R. Jenkins, "ISAAC: a fast cryptographic random number generator", 1996. The name is spelled as programs ask for it.
Invariants  Like everything in a process, no secret: whoever knows the process can compute it.
]]
local MASK = 0xFFFFFFFF
local GOLDEN = 0x9E3779B9
--- Shifts of the mixing, to the left above zero, to the right below.
local MIX = { [0] = 11, -2, 8, -16, 10, -4, 8, -9 }
local TURNS = { [0] = 13, -6, 2, -16 }
local FIRST, LETTERS = 32, 95

local memory, results, taken = {}, {}, 0
local a, b, c = 0, 0, 0

local function shifted(value, by)
  return by > 0 and value << by or value >> -by
end

local function refill()
  c = c + 1 & MASK
  b = b + c & MASK
  for i = 0, 255 do
    local x = memory[i]
    a = (a ~ shifted(a, TURNS[i % 4])) + memory[(i + 128) % 256] & MASK
    local y = memory[x >> 2 & 255] + a + b & MASK
    memory[i] = y
    b = memory[y >> 10 & 255] + x & MASK
    results[i] = b
  end
  taken = 0
end

local function mix(words)
  for i = 0, 7 do
    local after, third = (i + 1) % 8, (i + 3) % 8
    words[i] = (words[i] ~ shifted(words[after], MIX[i])) & MASK
    words[third] = words[third] + words[i] & MASK
    words[after] = words[after] + words[(i + 2) % 8] & MASK
  end
end

local function spread(words, source)
  for at = 0, 255, 8 do
    if source then
      for i = 0, 7 do words[i] = words[i] + source[at + i] & MASK end
    end
    mix(words)
    for i = 0, 7 do memory[at + i] = words[i] end
  end
end

local function seedIsaac(seed, isWhole)
  a, b, c = 0, 0, 0
  local words = {}
  for i = 0, 7 do words[i] = GOLDEN end
  for _ = 1, 4 do mix(words) end
  for i = 0, 255 do results[i] = seed:byte(i + 1) or 0 end
  spread(words, isWhole and results)
  if isWhole then spread(words, memory) end
  refill()
end

local function getRandom()
  local result = results[taken]
  taken = taken + 1
  if taken > 255 then refill() end
  return result
end

local function getRandomChar()
  return getRandom() % LETTERS + FIRST
end

local function random(low, high, seed)
  low, high = low or 0, high or 2^31 - 1
  if seed then seedIsaac(seed, true) else seedIsaac(tostring(_G.math.random(2^31 - 1)), false) end
  return getRandom() % (high - low + 1) + low
end

--- Moves every letter by the next number, up or down.
local function moved(text, key, direction)
  seedIsaac(key, true)
  local letters = {}
  for at = 1, #text do letters[at] = string.char(FIRST + (text:byte(at) - FIRST + direction * getRandomChar()) % LETTERS) end
  return letters
end

local function encrypt(text, key)
  local letters = moved(text, key, 1)
  local encrypted = table.concat(letters)
  return {
    asBytes = function() return letters end,
    asString = function() return encrypted end,
    asHex = function() return require('.crypto.util.hex').stringToHex(encrypted) end,
  }
end

local function decrypt(text, key)
  return table.concat(moved(text, key, -1))
end

return { seedIsaac = seedIsaac, getRandom = getRandom, getRandomChar = getRandomChar, random = random, encrypt = encrypt, decrypt = decrypt }
