local t = require('.testing')
local bint = require('.bint')(256)

local function text(value)
  return tostring(value)
end

t.test('numbers come from text, integers and whole floats only', function()
  for given, expected in pairs({ ['0x10'] = '16', ['0b11'] = '3', ['+5'] = '5', ['007'] = '7', ['-0'] = '0', [3.0] = '3', [math.mininteger] = '-9223372036854775808' }) do
    t.equal(text(bint(given)), expected)
  end
  for _, given in ipairs({ 'abc', '1.5', '1.0', '', ' 5', '1e3', '0xg', '0b2', 3.7, true, {} }) do
    t.raises('value cannot be represented by a bint', bint, given)
    t.equal(bint.tobint(given), nil)
  end
end)

t.test('arithmetic is exact and wraps at 256 bits', function()
  local big = bint('57896044618658097711785492504343953926634992332820282019728792003956564819967')
  t.equal(big == bint.maxinteger(), true)
  t.equal(text(big + 1), text(bint.mininteger()))
  t.equal(text(bint('123456789012345678901234567890') * bint('987654321098765432109876543210')), '121932631137021795226185032733622923332237463801111263526900')
  t.equal(text(bint('121932631137021795226185032733622923332237463801111263526900') // '987654321098765432109876543210'), '123456789012345678901234567890')
  t.equal(text(bint.ipow(2, 200)), '1606938044258990275541962092341162602522202993782792835301376')
  t.equal(text(bint.upowmod(3, 200, 13)), '9')
end)

t.test('division rounds down, tdiv toward zero, udiv ignores signs', function()
  local results = {}
  for _, pair in ipairs({ { 7, 2 }, { -7, 2 }, { 7, -2 }, { -7, -2 } }) do
    local x, y = bint(pair[1]), bint(pair[2])
    results[#results + 1] = table.concat({ text(x // y), text(x % y), text(bint.tdiv(x, y)), text(bint.tmod(x, y)) }, ' ')
  end
  t.equal(results, { '3 1 3 1', '-4 1 -3 -1', '-4 -1 -3 1', '3 -1 3 -1' })
  t.equal(text(bint.udiv(-1, 2)), text(bint.maxinteger()))
  t.raises('attempt to divide by zero', function() return bint(1) // 0 end)
end)

--- Long division is checked by its definition, on numbers that make its guesses go wrong.
t.test('quotient * divisor + rest is the number again', function()
  local edges = { '1', '4294967295', '4294967296', '18446744073709551615', '18446744069414584320', '79228162514264337593543950335', '340282366920938463463374607431768211455', '340282366920938463444927863358058659840', '-1' }
  for _, a in ipairs(edges) do
    for _, b in ipairs(edges) do
      local x, y = bint.maxinteger() - bint(a) * 7, bint(b)
      local quotient, rest = bint.udivmod(x, y)
      t.equal(quotient * y + rest == x and bint.ult(rest, y), true, a .. ' by ' .. b)
    end
  end
end)

t.test('comparison works with numbers on either side', function()
  t.equal({ bint(5) < 6, bint(5) <= 5, 4 < bint(5), bint(-1) < 0, bint(5) == bint('5'), bint.eq(1, 1.0), bint.ult(1, -1) }, { true, true, true, true, true, true, true })
  t.equal({ text(bint.max(1, 2)), text(bint.min(1, 2)), text(bint.abs(-5)), bint.isneg(bint(-1)), bint.iszero(bint(0)) }, { '2', '1', '5', true, true })
end)

t.test('bits shift, rotate and combine', function()
  t.equal(text(bint(1) << 200), '1606938044258990275541962092341162602522202993782792835301376')
  t.equal({ text(bint(-1) >> 250), text(~bint(0)), text(bint(6) & 3), text(bint(6) | 1), text(bint(6) ~ 3), text(-bint(6)) }, { '63', '-1', '2', '7', '5', '-6' })
  t.equal({ text(bint.brol(1, 255)), text(bint.bror(1, 1)), text(bint.bwrap(bint(-1), 8)) }, { text(bint.mininteger()), text(bint.mininteger()), '255' })
end)

t.test('numbers go out in bases, bytes and Lua numbers', function()
  t.equal({ bint.tobase(bint(255), 16), bint.tobase(bint(-255), 10), bint.tobase(bint(-1), 16), bint.frombase('zz', 36):tobase(36) }, { 'ff', '-255', ('f'):rep(64), 'zz' })
  t.equal({ #bint.tole(bint(1)), bint.tole(bint(258), true), bint.tobe(bint(258), true), text(bint.frombe('\1\0')), text(bint.fromle('\1\0')) }, { 32, '\2\1', '\1\2', '256', '1' })
  t.equal({ bint.tonumber(bint(7)), bint.tonumber(bint(2) << 99), bint.tointeger(bint(-7)), bint(10) / 4, bint(2)^0.5 == 2^0.5 }, { 7, 2.0^100, -7, 2.5, true })
end)

t.test('operators leave their operands alone', function()
  local x = bint(5)
  local _ = x + 1, x * 2, -x, ~x, x << 3, x // 2, bint.inc(x), bint.abs(x)
  t.equal(text(x), '5')
  t.equal(text(x:_inc():_add(4):_sub(1)), '9')
  t.equal(text(x), '9')
end)
