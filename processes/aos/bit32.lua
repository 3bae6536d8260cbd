--[[ bit32: the 32-bit operations of Lua 5.2, which libraries of that time ask for. ]]
local bit32 = {}

local MASK = 0xFFFFFFFF

local function fold(start, operation)
  return function(...)
    local result = start
    for index = 1, select('#', ...) do result = operation(result, (select(index, ...)) & MASK) end
    return result
  end
end

bit32.band = fold(MASK, function(a, b) return a & b end)
bit32.bor = fold(0, function(a, b) return a | b end)
bit32.bxor = fold(0, function(a, b) return a ~ b end)

function bit32.btest(...)
  return bit32.band(...) ~= 0
end

function bit32.bnot(value)
  return ~value & MASK
end

function bit32.lshift(value, by)
  if by < 0 then return (value & MASK) >> -by end
  return value << by & MASK
end

function bit32.rshift(value, by)
  return bit32.lshift(value, -by)
end

function bit32.arshift(value, by)
  value = value & MASK
  if by <= 0 or value < 0x80000000 then return bit32.rshift(value, by) end
  return by >= 32 and MASK or (value >> by | ~(MASK >> by)) & MASK
end

function bit32.lrotate(value, by)
  value, by = value & MASK, by % 32
  return (value << by | value >> (32 - by)) & MASK
end

function bit32.rrotate(value, by)
  return bit32.lrotate(value, -by)
end

local function widthMask(field, width)
  width = width or 1
  if field < 0 or width < 1 or field + width > 32 then error('trying to access non-existent bits', 3) end
  return (1 << width) - 1
end

function bit32.extract(value, field, width)
  return value >> field & widthMask(field, width)
end

function bit32.replace(value, by, field, width)
  local mask = widthMask(field, width)
  return (value & ~(mask << field) | (by & mask) << field) & MASK
end

return bit32
