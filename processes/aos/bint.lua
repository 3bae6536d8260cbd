--[[ bint(bits): whole numbers of a fixed width that wrap around, by default of 256 bits, signed.

Wire        local bint = require('.bint')(256); bint('10') // 3. Operators take bints, integers, integral floats and numeric text on either
            side; with a fractional float, and for `/` and `^`, they calculate in floats as Lua does.
            Text is decimal, 0x… or 0b…, with a sign; anything else raises "value cannot be represented by a bint".
Invariants  A bint is never changed by operators and by functions without `_`; those with `_` change their first argument and return it.
            Limbs are 32 bits, lowest first, in two's complement. `//` and `%` round down as in Lua, tdiv and tmod toward zero.
]]
local ult = math.ult

local WORD_BITS = 32
local WORD_MASK = 0xFFFFFFFF
local DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

--- Quotient and rest of unsigned 64-bit numbers, for a divisor below 2^32.
local function divideWord(high, low, divisor)
  local value = high << WORD_BITS | low
  if value >= 0 then return value // divisor, value % divisor end
  local quotient = (value >> 1) // divisor << 1
  local rest = value - quotient * divisor
  if not ult(rest, divisor) then return quotient + 1, rest - divisor end
  return quotient, rest
end

local function create(bits)
  assert(math.type(bits) == 'integer' and bits > 0 and bits % WORD_BITS == 0, 'bitsize is not multiple of word bitsize')
  local SIZE = bits // WORD_BITS

  local bint = { bits = bits, __name = 'bint' }
  bint.__index = bint

  local function make()
    return setmetatable({}, bint)
  end

  function bint.zero()
    local x = make()
    for i = 1, SIZE do x[i] = 0 end
    return x
  end

  function bint.one()
    local x = bint.zero()
    x[1] = 1
    return x
  end

  function bint.isbint(x)
    return getmetatable(x) == bint
  end

  function bint.mininteger()
    local x = bint.zero()
    x[SIZE] = 0x80000000
    return x
  end

  function bint.maxinteger()
    return bint._bnot(bint.mininteger())
  end

  local function copy(x)
    return setmetatable(table.move(x, 1, SIZE, 1, {}), bint)
  end

  local function fromBits(value, fill)
    local x = make()
    x[1] = value & WORD_MASK
    if SIZE > 1 then x[2] = value >> WORD_BITS end
    for i = 3, SIZE do x[i] = fill end
    return x
  end

  -- In

  --- Of a Lua integer without its sign; nil for other values.
  function bint.fromuinteger(value)
    value = math.tointeger(value)
    return value and fromBits(value, 0)
  end

  --- Of a Lua integer or an integral float; nil for other values.
  function bint.frominteger(value)
    value = math.type(value) and math.tointeger(value)
    return value and fromBits(value, value < 0 and WORD_MASK or 0)
  end

  --- x = x * factor + extra, for a factor below 2^32.
  local function scale(x, factor, extra)
    for i = 1, SIZE do
      extra = extra + x[i] * factor
      x[i] = extra & WORD_MASK
      extra = extra >> WORD_BITS
    end
    return x
  end

  local function fromDigits(digits, base)
    local x = bint.zero()
    local step = base <= 10 and 9 or 5
    for from = 1, #digits, step do
      local part = digits:sub(from, from + step - 1)
      scale(x, math.tointeger(base^#part), tonumber(part, base))
    end
    return x
  end

  --- Of text in a base from 2 to 36, with a sign; nil when it is not one.
  function bint.frombase(text, base)
    base = base or 10
    if type(text) ~= 'string' or base < 2 or base > 36 then return nil end
    local sign, digits = text:lower():match('^([+-]?)(%w+)$')
    if not digits then return nil end
    for digit in digits:gmatch('.') do
      if DIGITS:find(digit, 1, true) > base then return nil end
    end
    local x = fromDigits(digits, base)
    return sign == '-' and x:_unm() or x
  end

  --- Of decimal text, or with the prefix 0x or 0b; nil for other text.
  function bint.fromstring(text)
    if type(text) ~= 'string' then return nil end
    if text:find('^[+-]?%d+$') then return bint.frombase(text, 10) end
    local sign, prefix, digits = text:match('^([+-]?)0([xXbB])(%w+)$')
    if not digits then return nil end
    return bint.frombase(sign .. digits, prefix:lower() == 'x' and 16 or 2)
  end

  local function fromBytes(bytes)
    local x = bint.zero()
    for at = 1, math.min(#bytes, SIZE * 4) do
      local i = (at - 1) // 4 + 1
      x[i] = x[i] | bytes:byte(at) << (at - 1) % 4 * 8
    end
    return x
  end

  --- Of bytes, lowest first.
  function bint.fromle(bytes)
    return fromBytes(bytes)
  end

  --- Of bytes, highest first.
  function bint.frombe(bytes)
    return fromBytes(bytes:reverse())
  end

  --- A bint of what is whole and fits, else nil. The same object comes back for a bint, unless a copy is asked for.
  function bint.tobint(x, clone)
    if getmetatable(x) == bint then return clone and copy(x) or x end
    local kind = type(x)
    if kind == 'number' then return bint.frominteger(x) end
    if kind == 'string' then return bint.fromstring(x) end
  end

  local function must(x)
    return bint.tobint(x) or error('value cannot be represented by a bint', 0)
  end

  --- A new bint, or an error.
  function bint.new(x)
    return bint.tobint(x, true) or error('value cannot be represented by a bint', 0)
  end

  --- A bint if the value is whole, else a Lua number, else nil.
  function bint.parse(x, clone)
    return bint.tobint(x, clone) or (type(x) == 'number' and x or tonumber(x))
  end

  -- Asking

  function bint.iszero(x)
    x = bint.tobint(x)
    if not x then return false end
    for i = 1, SIZE do
      if x[i] ~= 0 then return false end
    end
    return true
  end

  local function isSmall(x, low, rest)
    if not x or x[1] ~= low then return false end
    for i = 2, SIZE do
      if x[i] ~= rest then return false end
    end
    return true
  end

  function bint.isone(x)
    return isSmall(bint.tobint(x), 1, 0)
  end

  function bint.isminusone(x)
    return isSmall(bint.tobint(x), WORD_MASK, WORD_MASK)
  end

  local function isNegative(x)
    return x[SIZE] & 0x80000000 ~= 0
  end

  function bint.isneg(x)
    if getmetatable(x) == bint then return isNegative(x) end
    return x < 0
  end

  function bint.ispos(x)
    if getmetatable(x) == bint then return not isNegative(x) and not bint.iszero(x) end
    return x > 0
  end

  function bint.iseven(x)
    return must(x)[1] & 1 == 0
  end

  function bint.isodd(x)
    return must(x)[1] & 1 == 1
  end

  function bint.isintegral(x)
    return getmetatable(x) == bint or math.type(x) ~= nil and math.tointeger(x) ~= nil
  end

  function bint.isnumeric(x)
    return getmetatable(x) == bint or type(x) == 'number'
  end

  function bint.type(x)
    return getmetatable(x) == bint and 'bint' or math.type(x)
  end

  -- Out

  --- The lowest 64 bits as a Lua integer.
  function bint.touinteger(x)
    x = bint.tobint(x)
    return x and (x[1] | (x[2] or 0) << WORD_BITS)
  end

  --- The Lua integer of the lowest 64 bits; of a number its whole value, or nil.
  function bint.tointeger(x)
    x = bint.tobint(x)
    if not x then return nil end
    local value = bint.touinteger(x)
    return SIZE == 1 and isNegative(x) and value - 0x100000000 or value
  end

  --- A Lua integer when the whole value fits, else nil.
  local function exact(x)
    local value = bint.tointeger(x)
    local fill = value < 0 and WORD_MASK or 0
    for i = 3, SIZE do
      if x[i] ~= fill then return nil end
    end
    return value
  end

  --- A Lua integer when it fits, else the nearest float.
  function bint.tonumber(x)
    if getmetatable(x) ~= bint then return tonumber(x) end
    return exact(x) or tonumber(tostring(x)) + 0.0
  end

  --- Divides x by a divisor below 2^32 in place; returns the rest.
  local function shrink(x, divisor)
    local rest = 0
    for i = SIZE, 1, -1 do x[i], rest = divideWord(rest, x[i], divisor) end
    return rest
  end

  local function digitsOf(value, base, width)
    local text = ''
    for _ = 1, width do
      local digit = value % base
      text, value = DIGITS:sub(digit + 1, digit + 1) .. text, value // base
    end
    return text
  end

  --- Digits in a base from 2 to 36. Decimal is signed, other bases show the two's complement, unless said otherwise.
  function bint.tobase(x, base, unsigned)
    x = must(x)
    base = base or 10
    if base < 2 or base > 36 then return nil end
    if unsigned == nil then unsigned = base ~= 10 end
    local negative = not unsigned and isNegative(x)
    local rest = negative and -x or copy(x)
    local width = base <= 10 and 9 or 5
    local divisor, parts = math.tointeger(base^width), {}
    repeat
      table.insert(parts, 1, digitsOf(shrink(rest, divisor), base, width))
    until bint.iszero(rest)
    local digits = table.concat(parts):gsub('^0+(%w)', '%1')
    return negative and '-' .. digits or digits
  end

  function bint.__tostring(x)
    local small = exact(x)
    return small and ('%d'):format(small) or bint.tobase(x, 10)
  end

  --- Bytes, lowest first; `trim` leaves high zero bytes out.
  function bint.tole(x, trim)
    x = must(x)
    local bytes = ('<' .. ('I4'):rep(SIZE)):pack(table.unpack(x, 1, SIZE))
    return trim and bytes:gsub('\0+$', '') or bytes
  end

  --- Bytes, highest first.
  function bint.tobe(x, trim)
    x = must(x)
    local bytes = bint.tole(x):reverse()
    return trim and bytes:gsub('^\0+', '') or bytes
  end

  -- Adding

  function bint:_inc()
    for i = 1, SIZE do
      local sum = self[i] + 1 & WORD_MASK
      self[i] = sum
      if sum ~= 0 then break end
    end
    return self
  end

  function bint:_dec()
    for i = 1, SIZE do
      local before = self[i]
      self[i] = before - 1 & WORD_MASK
      if before ~= 0 then break end
    end
    return self
  end

  function bint.inc(x)
    local value = bint.tobint(x, true)
    return value and value:_inc() or x + 1
  end

  function bint.dec(x)
    local value = bint.tobint(x, true)
    return value and value:_dec() or x - 1
  end

  function bint:_assign(y)
    return table.move(must(y), 1, SIZE, 1, self)
  end

  function bint:_add(y)
    y = must(y)
    local carry = 0
    for i = 1, SIZE do
      local sum = self[i] + y[i] + carry
      self[i] = sum & WORD_MASK
      carry = sum >> WORD_BITS
    end
    return self
  end

  function bint:_sub(y)
    y = must(y)
    local borrow = 0
    for i = 1, SIZE do
      local difference = self[i] - y[i] - borrow
      self[i] = difference & WORD_MASK
      borrow = difference >> 63
    end
    return self
  end

  function bint:_bnot()
    for i = 1, SIZE do self[i] = ~self[i] & WORD_MASK end
    return self
  end

  function bint:_unm()
    return self:_bnot():_inc()
  end

  function bint:_abs()
    return isNegative(self) and self:_unm() or self
  end

  function bint.abs(x)
    local value = bint.tobint(x, true)
    return value and value:_abs() or math.abs(x)
  end

  --- The values of both sides as bints, or as Lua numbers when one is not whole.
  local function sides(x, y)
    local a, b = bint.tobint(x), bint.tobint(y)
    if a and b then return a, b, true end
    return bint.tonumber(x), bint.tonumber(y), false
  end

  function bint.__add(x, y)
    local a, b, whole = sides(x, y)
    return whole and copy(a):_add(b) or a + b
  end

  function bint.__sub(x, y)
    local a, b, whole = sides(x, y)
    return whole and copy(a):_sub(b) or a - b
  end

  function bint.__unm(x)
    return copy(x):_unm()
  end

  local function multiply(a, b)
    local product = bint.zero()
    for i = 1, SIZE do
      local factor, carry = a[i], 0
      if factor ~= 0 then
        for j = 1, SIZE - i + 1 do
          local place = i + j - 1
          carry = carry + factor * b[j] + product[place]
          product[place] = carry & WORD_MASK
          carry = carry >> WORD_BITS
        end
      end
    end
    return product
  end

  function bint.__mul(x, y)
    local a, b, whole = sides(x, y)
    if whole then return multiply(a, b) end
    return a * b
  end

  -- Shifting and single bits

  function bint:_shlwords(count)
    for i = SIZE, 1, -1 do self[i] = self[i - count] or 0 end
    return self
  end

  function bint:_shrwords(count)
    for i = 1, SIZE do self[i] = self[i + count] or 0 end
    return self
  end

  function bint:_shlone()
    local carry = 0
    for i = 1, SIZE do
      local word = self[i]
      self[i], carry = (word << 1 | carry) & WORD_MASK, word >> 31
    end
    return self
  end

  function bint:_shrone()
    local carry = 0
    for i = SIZE, 1, -1 do
      local word = self[i]
      self[i], carry = word >> 1 | carry << 31, word & 1
    end
    return self
  end

  local function shiftLeft(x, by)
    local result = copy(x)
    if by >= bits then return bint.zero() end
    result:_shlwords(by // WORD_BITS)
    by = by % WORD_BITS
    if by == 0 then return result end
    for i = SIZE, 1, -1 do result[i] = (result[i] << by | (result[i - 1] or 0) >> WORD_BITS - by) & WORD_MASK end
    return result
  end

  local function shiftRight(x, by)
    local result = copy(x)
    if by >= bits then return bint.zero() end
    result:_shrwords(by // WORD_BITS)
    by = by % WORD_BITS
    if by == 0 then return result end
    for i = 1, SIZE do result[i] = (result[i] >> by | (result[i + 1] or 0) << WORD_BITS - by) & WORD_MASK end
    return result
  end

  local function shift(x, by)
    if by >= 0 then return shiftLeft(x, by) end
    return shiftRight(x, -by)
  end

  --- Shifts fill with zeros on both sides, as in Lua.
  function bint.__shl(x, by)
    return shift(must(x), exact(must(by)) or bits)
  end

  function bint.__shr(x, by)
    return shift(must(x), -(exact(must(by)) or bits))
  end

  function bint:_band(y)
    y = must(y)
    for i = 1, SIZE do self[i] = self[i] & y[i] end
    return self
  end

  function bint:_bor(y)
    y = must(y)
    for i = 1, SIZE do self[i] = self[i] | y[i] end
    return self
  end

  function bint:_bxor(y)
    y = must(y)
    for i = 1, SIZE do self[i] = self[i] ~ y[i] end
    return self
  end

  function bint.__band(x, y)
    return copy(must(x)):_band(y)
  end

  function bint.__bor(x, y)
    return copy(must(x)):_bor(y)
  end

  function bint.__bxor(x, y)
    return copy(must(x)):_bxor(y)
  end

  function bint.__bnot(x)
    return copy(x):_bnot()
  end

  --- Only the lowest bits.
  function bint.bwrap(x, width)
    x = must(x)
    if width <= 0 then return bint.zero() end
    if width >= bits then return copy(x) end
    return x & shiftLeft(bint.one(), width):_dec()
  end

  --- Rotated left.
  function bint.brol(x, by)
    x, by = must(x), by % bits
    if by == 0 then return copy(x) end
    return shiftLeft(x, by):_bor(shiftRight(x, bits - by))
  end

  --- Rotated right.
  function bint.bror(x, by)
    return bint.brol(must(x), -by)
  end

  -- Comparing

  --- -1, 0 or 1, without signs.
  local function compare(a, b)
    for i = SIZE, 1, -1 do
      if a[i] ~= b[i] then return a[i] < b[i] and -1 or 1 end
    end
    return 0
  end

  local function less(a, b)
    local negative = isNegative(a)
    if negative ~= isNegative(b) then return negative end
    return compare(a, b) < 0
  end

  function bint.__eq(x, y)
    return compare(x, y) == 0
  end

  --- Equality that also takes numbers and text, which `==` in Lua does not.
  function bint.eq(x, y)
    local a, b, whole = sides(x, y)
    if whole then return compare(a, b) == 0 end
    return a ~= nil and a == b
  end

  function bint.__lt(x, y)
    local a, b, whole = sides(x, y)
    if whole then return less(a, b) end
    return a < b
  end

  function bint.__le(x, y)
    local a, b, whole = sides(x, y)
    if whole then return not less(b, a) end
    return a <= b
  end

  function bint.ult(x, y)
    return compare(must(x), must(y)) < 0
  end

  function bint.ule(x, y)
    return compare(must(x), must(y)) <= 0
  end

  function bint.max(x, y)
    return bint.new(must(x) > must(y) and x or y)
  end

  function bint.min(x, y)
    return bint.new(must(x) < must(y) and x or y)
  end

  -- Dividing

  local function topWord(x)
    for i = SIZE, 1, -1 do
      if x[i] ~= 0 then return i end
    end
    return 0
  end

  --- One step of long division: takes digit * divisor away from rest[at...]; gives the digit that was right.
  local function takeAway(rest, divisor, count, at, digit)
    local borrow, carry = 0, 0
    for i = 1, count do
      carry = carry + digit * divisor[i]
      local difference = rest[at + i] - (carry & WORD_MASK) - borrow
      rest[at + i] = difference & WORD_MASK
      borrow, carry = difference >> 63, carry >> WORD_BITS
    end
    local difference = rest[at + count + 1] - carry - borrow
    rest[at + count + 1] = difference & WORD_MASK
    if difference >= 0 then return digit end
    carry = 0
    for i = 1, count do
      carry = carry + rest[at + i] + divisor[i]
      rest[at + i] = carry & WORD_MASK
      carry = carry >> WORD_BITS
    end
    rest[at + count + 1] = rest[at + count + 1] + carry & WORD_MASK
    return digit - 1
  end

  --- The digit that the two highest words of the rest suggest; it is right or one or two too large before the third corrects it.
  local function guess(rest, divisor, count, at)
    local high, low = rest[at + count + 1], rest[at + count]
    if high >= divisor[count] then return WORD_MASK end
    local digit, left = divideWord(high, low, divisor[count])
    while left <= WORD_MASK and ult(left << WORD_BITS | rest[at + count - 1], digit * divisor[count - 1]) do
      digit, left = digit - 1, left + divisor[count]
    end
    return digit
  end

  local function longDivide(x, y, count)
    local bitsUp = 0
    while y[count] << bitsUp & 0x80000000 == 0 do bitsUp = bitsUp + 1 end
    local divisor, rest = shiftLeft(y, bitsUp), shiftLeft(x, bitsUp)
    rest[SIZE + 1] = bitsUp == 0 and 0 or x[SIZE] >> WORD_BITS - bitsUp
    local quotient = bint.zero()
    for at = SIZE - count, 0, -1 do quotient[at + 1] = takeAway(rest, divisor, count, at, guess(rest, divisor, count, at)) end
    rest[SIZE + 1] = nil
    return quotient, shiftRight(rest, bitsUp)
  end

  --- Quotient and rest without signs.
  function bint.udivmod(x, y)
    x, y = must(x), must(y)
    local count = topWord(y)
    if count == 0 then error('attempt to divide by zero', 0) end
    if compare(x, y) < 0 then return bint.zero(), copy(x) end
    if count > 1 then return longDivide(x, y, count) end
    local quotient = copy(x)
    return quotient, bint.fromuinteger(shrink(quotient, y[1]))
  end

  function bint.udiv(x, y)
    return (bint.udivmod(x, y))
  end

  function bint.umod(x, y)
    local _, rest = bint.udivmod(x, y)
    return rest
  end

  --- Quotient and rest, rounded toward zero; the rest has the sign of x.
  function bint.tdivmod(x, y)
    local a, b, whole = sides(x, y)
    if not whole then
      local quotient = a / b
      return quotient < 0 and math.ceil(quotient) or math.floor(quotient), math.fmod(a, b)
    end
    local quotient, rest = bint.udivmod(bint.abs(a), bint.abs(b))
    if isNegative(a) ~= isNegative(b) then quotient:_unm() end
    return quotient, isNegative(a) and rest:_unm() or rest
  end

  function bint.tdiv(x, y)
    return (bint.tdivmod(x, y))
  end

  function bint.tmod(x, y)
    local _, rest = bint.tdivmod(x, y)
    return rest
  end

  --- Quotient and rest, rounded down; the rest has the sign of y.
  function bint.idivmod(x, y)
    local a, b, whole = sides(x, y)
    if not whole then return a // b, a % b end
    local quotient, rest = bint.tdivmod(a, b)
    if isNegative(a) ~= isNegative(b) and not bint.iszero(rest) then return quotient:_dec(), rest:_add(b) end
    return quotient, rest
  end

  function bint.__idiv(x, y)
    return (bint.idivmod(x, y))
  end

  function bint.__mod(x, y)
    local _, rest = bint.idivmod(x, y)
    return rest
  end

  function bint.__div(x, y)
    return bint.tonumber(x) / bint.tonumber(y)
  end

  -- Powers

  function bint.__pow(x, y)
    return bint.tonumber(x)^bint.tonumber(y)
  end

  --- x to the power of y in whole numbers, wrapping around.
  function bint.ipow(x, y)
    local base, exponent, result = must(x), copy(must(y)), bint.one()
    if isNegative(exponent) then error('the exponent of ipow is negative', 2) end
    while not bint.iszero(exponent) do
      if exponent[1] & 1 == 1 then result = multiply(result, base) end
      exponent:_shrone()
      base = multiply(base, base)
    end
    return result
  end

  --- x to the power of y, modulo m, without signs.
  function bint.upowmod(x, y, m)
    m = must(m)
    if bint.isone(m) then return bint.zero() end
    local base, exponent, result = bint.umod(x, m), copy(must(y)), bint.one()
    while not bint.iszero(exponent) do
      if exponent[1] & 1 == 1 then result = bint.umod(multiply(result, base), m) end
      exponent:_shrone()
      base = bint.umod(multiply(base, base), m)
    end
    return result
  end

  -- Rounding

  local function rounded(x, round)
    return bint.tobint(x) or bint.new(round(bint.tonumber(x)))
  end

  function bint.floor(x)
    return rounded(x, math.floor)
  end

  function bint.ceil(x)
    return rounded(x, math.ceil)
  end

  function bint.trunc(x)
    return rounded(x, function(number)
      return number < 0 and math.ceil(number) or math.floor(number)
    end)
  end

  return setmetatable(bint, {
    __call = function(_, x)
      return bint.tobint(x, true) or error('value cannot be represented by a bint', 0)
    end,
  })
end

local widths = {}

return function(bits)
  bits = bits or 256
  widths[bits] = widths[bits] or create(bits)
  return widths[bits]
end
