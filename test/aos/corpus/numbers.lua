---- integers and floats print apart
return show(1, 1.0, -0.0, 0.0, 1e15, 1e16, 1e100, 2^53, 2^63, 10 // 3, 10.0 // 3, 7 / 2, 8 / 2, 100000000000000, 1e14)
---- infinities and NaN
return show(1 / 0, -1 / 0, 0 / 0, -(0 / 0), math.huge // 1, -math.huge % 2, 5 % math.huge, -5 % math.huge, (0 / 0) == (0 / 0))
---- wrapping integers
return show(math.maxinteger + 1, math.mininteger - 1, math.maxinteger * 2, -math.mininteger, math.mininteger // -1, math.mininteger % -1)
---- floor division and modulo of all signs
local out = {}
for _, a in ipairs({ 7, -7, 7.5, -7.5 }) do
  for _, b in ipairs({ 2, -2, 2.5, -2.5 }) do out[#out + 1] = show(a // b, a % b) end
end
return table.concat(out, ' | ')
---- integer division by zero
return 1 // 0
---- integer modulo by zero
return 1 % 0
---- float division by zero
return show(1 // 0.0, -1 // 0.0, 1 % 0.0, 0.0 / 0.0)
---- powers
return show(2 ^ 10, 2 ^ 0.5, (-8) ^ (1 / 3), 0 ^ 0, 10 ^ -5, 2 ^ 1023, 2 ^ 1024, (-2) ^ 63, -2 ^ 2)
---- bitwise operators
return show(5 & 3, 5 | 3, 5 ~ 3, ~5, 1 << 63, 1 << 64, -1 >> 1, -1 >> 63, 1 << -1, 2 >> -1, 0xff & 3.0, '0x10' | 1)
---- bitwise on a fraction
return 1 & 1.5
---- bitwise on a float out of range
return 1 | 2 ^ 63
---- text as numbers
return show('10' + 5, '0x10' + 0, '1e1' * 1, ' 7 ' + 0, '10' // 3, -'2', '3' .. 4, 10 .. '', 1.5 .. '|' .. -0.0)
---- arithmetic on text that is no number
return 'ten' + 1
---- tonumber
return show(tonumber('0x1p4'), tonumber('1e'), tonumber(' 12 '), tonumber('12a'), tonumber('z', 36), tonumber('ff', 16), tonumber('8', 8),
  tonumber('1e400'), tonumber('0x7fffffffffffffff'), tonumber('0xffffffffffffffff'), tonumber('9223372036854775808'), tonumber(''), tonumber('-0'),
  tonumber('0x'), tonumber('1 2'), tonumber('-7fffffffffffffff', 16), tonumber('inf'), tonumber('nan'), tonumber('0x.8p1'), tonumber('5.'), tonumber('.5'))
---- tonumber of a bad base
return tonumber('1', 99)
---- literals
return show(0xA, 0Xa.8p0, 3e-2, 0x.1, 1e2, .5, 3., 0xffffffffffffffff, 9007199254740993, 9223372036854775807, 9223372036854775808, 1e308 * 10)
---- comparisons of integers and floats
return show(1 == 1.0, math.maxinteger < math.huge, math.maxinteger + 0.0 == math.maxinteger, 2 ^ 53 == 2 ^ 53 + 1, math.mininteger <= -2 ^ 63,
  1 < 1.5, -1 > -1.5, 9007199254740993 < 9007199254740992.0, 0 == -0.0)
---- math.type and math.tointeger
return show(math.type(1), math.type(1.0), math.type('1'), math.tointeger(3.0), math.tointeger(3.5), math.tointeger(2 ^ 63), math.tointeger('8'))
---- rounding functions
return show(math.floor(3.7), math.floor(-3.7), math.ceil(3.2), math.ceil(-3.2), math.floor(2 ^ 70), math.ceil(-0.5), both(math.modf(3.7)), both(math.modf(-3.7)),
  math.fmod(7, -3), math.fmod(-7, 3), math.fmod(7.5, 2), both(math.modf(1 / 0)), both(math.modf(5)))
---- math.fmod by zero
return math.fmod(1, 0)
---- math.abs, max, min, ult
return show(math.abs(math.mininteger), math.abs(-0.0), math.max(1, 2.5, -3), math.min(4, 1.0), math.ult(1, -1), math.ult(-1, 1))
---- math.max of nothing
return math.max()
---- roots, logarithms, exponentials
return precise(math.sqrt(2), math.exp(1), math.log(10), math.log(1024, 2), math.log(1000, 10), math.log(81, 3), math.log(0), math.log(-1), math.exp(710), math.exp(-750))
---- trigonometry
return precise(math.sin(1), math.cos(1), math.tan(1), math.asin(1), math.acos(0.5), math.atan(1), math.atan(1, -1), math.atan(-0.0, -1), math.pi,
  math.sin(1e22), math.cos(math.pi / 2), math.deg(math.pi), math.rad(90))
---- random numbers of a seed
math.randomseed(42)
local out = {}
for i = 1, 12 do out[i] = math.random(1, 1000000) end
out[#out + 1] = precise(math.random())
return table.concat(out, ' ')
---- random numbers go on
return show(math.random(10), math.random(-5, 5), math.random(1, 2))
---- random interval that is empty
return math.random(2, 1)
---- random with too many limits
return math.random(1, 2, 3)
---- number formats
return string.format('%d|%5d|%-5d|%05d|%+d|% d|%i|%u', 42, 42, 42, 42, 42, 42, 42, 42)
---- float formats
return string.format('%f|%.2f|%10.3f|%-10.1f|%e|%.0e|%g|%.3g|%G|%#g|%E', 3.14159, 2.345, 2.5, 2.5, 12345.678, 5e10, 1e20, 1234567, 1e-10, 1, 0.5)
---- hexadecimal and octal formats
return string.format('%x|%X|%#x|%o|%#o|%x|%08x', 255, 255, 255, 8, 8, -1, 48879)
---- hexadecimal floats
return string.format('%a|%A|%.3a|%a|%a', 1, 0.5, 3.14159, 0, -1.5)
---- formats of special numbers
return string.format('%f|%g|%e|%5.1f|%d|%a|%a', 1 / 0, -1 / 0, 0 / 0, 0 / 0, 3.0, 1 / 0, 0 / 0)
---- %d of a fraction
return string.format('%d', 3.5)
---- %d of text
return string.format('%d|%s|%x', '10', 10, '0xff')
---- shortest digits are fourteen
return show(0.1, 1 / 3, 0.1 + 0.2, 100 / 3, 123456789012345.0, 1e15 / 3, 5e-324, 1.7976931348623157e308, 3.14159265358979)
---- seventeen digits
return precise(0.1, 1 / 3, 0.1 + 0.2, 5e-324, 2 ^ 53, 1e23)
---- numeric for with floats
local out = {}
for x = 0, 1, 0.1 do out[#out + 1] = tostring(x) end
for x = 3, 1, -1 do out[#out + 1] = tostring(x) end
for x = 1.0, 3 do out[#out + 1] = tostring(x) end
return table.concat(out, ' ')
---- numeric for at the edge of integers
local count = 0
for _ = math.maxinteger - 2, math.maxinteger - 1 do count = count + 1 end
for _ = math.mininteger, math.mininteger + 2 do count = count + 1 end
for _ = 1, 2.9 do count = count + 1 end
for _ = 1, -math.huge do count = count + 1 end
for _ = 1, math.huge do count = count + 1 if count > 20 then break end end
return count
---- numeric for with step zero
for _ = 1, 2, 0 do end
---- numeric for with text
for _ = 'a', 2 do end
---- sums of many floats
local sum = 0
for i = 1, 10000 do sum = sum + 1 / i end
return precise(sum)
---- collatz
local longest, best = 0, 0
for start = 1, 2000 do
  local n, steps = start, 0
  while n ~= 1 do
    n = n % 2 == 0 and n // 2 or 3 * n + 1
    steps = steps + 1
  end
  if steps > longest then longest, best = steps, start end
end
return show(longest, best)
---- mandelbrot
local inside = 0
for y = -12, 12 do
  for x = -20, 10 do
    local cr, ci, zr, zi, n = x / 10, y / 10, 0.0, 0.0, 0
    while zr * zr + zi * zi < 4 and n < 40 do zr, zi, n = zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1 end
    inside = inside + n
  end
end
return inside
