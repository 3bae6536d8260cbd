--[[ Random numbers that are the same on every host: a 32-bit Mersenne twister (MT19937).

Wire        random() is a number of 32 bits divided by 2^32; integer(a, b) is scaled from it. The seed counts modulo 2^32.
Source      M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998, with the initialisation of 2002.
]]
local chance = {}

local SIZE, SHIFT = 624, 397
local state, at = {}, SIZE

function chance.seed(number)
  state[0] = math.tointeger(number) and math.tointeger(number) & 0xFFFFFFFF or math.floor(number % 2^32)
  for index = 1, SIZE - 1 do
    local before = state[index - 1]
    state[index] = (1812433253 * (before ~ before >> 30) + index) & 0xFFFFFFFF
  end
  at = SIZE
end

local function refill()
  for index = 0, SIZE - 1 do
    local mixed = state[index] & 0x80000000 | state[(index + 1) % SIZE] & 0x7FFFFFFF
    local next = state[(index + SHIFT) % SIZE] ~ mixed >> 1
    if mixed & 1 == 1 then next = next ~ 0x9908B0DF end
    state[index] = next
  end
  at = 0
end

local function draw()
  if at >= SIZE then refill() end
  local value = state[at]
  at = at + 1
  value = value ~ value >> 11
  value = value ~ value << 7 & 0x9D2C5680
  value = value ~ value << 15 & 0xEFC60000
  return (value ~ value >> 18) & 0xFFFFFFFF
end

function chance.random()
  return draw() / 2^32
end

--- A whole number from `low` to `high`, both included.
function chance.integer(low, high)
  if low > high then error('max must bigger than min', 0) end
  return math.floor(chance.random() * (high - low + 1) + low)
end

chance.seed(5489)

return chance
