local t = require('.testing')
local json = require('json')

t.test('JSON is written with ordered keys and exact numbers', function()
  local cases = {
    { {}, '[]' }, { { a = {} }, '{"a":[]}' }, { { 1, 2, { a = 1 } }, '[1,2,{"a":1}]' }, { { b = 1, a = '2' }, '{"a":"2","b":1}' }, { 1.0, '1' },
    { 2^53, '9007199254740992' }, { 0.1, '0.1' }, { 1 / 3, '0.3333333333333333' }, { 1e100, '1e+100' }, { 9007199254740993, '9007199254740993' },
    { true, 'true' }, { 'a"\\\n\t\0\127é/', '"a\\"\\\\\\n\\t\\u0000\127é/"' }, { { f = print, g = 1 }, '{"g":1}' },
    { { require('.bint')(256)('5') }, '["5"]' },
  }
  for _, case in ipairs(cases) do t.equal(json.encode(case[1]), case[2]) end
  t.equal(json.encode(nil), 'null')
end)

t.test('what JSON cannot say is an error', function()
  local loop = {}
  loop.x = loop
  t.raises('circular reference', json.encode, loop)
  t.raises('sparse array', json.encode, { 1, 2, nil, 4 })
  t.raises('mixed or invalid key types', json.encode, { [1] = 1, a = 2 })
  t.raises('mixed or invalid key types', json.encode, { [true] = 1 })
  t.raises('unexpected number value', json.encode, 1 / 0)
  t.raises("unexpected type 'function'", json.encode, print)
end)

t.test('JSON is read with integers apart from floats', function()
  local value = json.decode(' {"a" : [1, 2.5, null, true, "\\u00e9\\ud83d\\ude00\\n"], "b": {} , "c":-1.5e3} ')
  t.equal(value, { a = { 1, 2.5, nil, true, 'é😀\n' }, b = {}, c = -1500.0 })
  t.equal({ math.type(json.decode('1')), math.type(json.decode('1.0')), math.type(json.decode('1e2')) }, { 'integer', 'float', 'float' })
  t.equal(json.decode('9007199254740993'), 9007199254740993)
  t.equal(json.decode('null'), nil)
end)

t.test('broken JSON is refused with line and column', function()
  local cases = {
    { '', "unexpected character '' at line 1 col 1" }, { '{', 'expected string for key at line 1 col 2' }, { '[1 2]', "expected ']' or ','" },
    { '[1,,2]', 'unexpected character' }, { '"abc', 'expected closing quote' }, { 'tru', "invalid literal 'tru'" }, { '1 2', 'trailing garbage' },
    { '\n "a\tb"', 'control character in string at line 2 col 4' }, { '{"a" 1}', "expected ':' after key" }, { '"\\x"', "invalid escape char 'x'" },
    { '-', "invalid number '-'" }, { '1.2.3', "invalid number '1.2.3'" }, { '"\\u12"', 'invalid unicode escape' },
  }
  for _, case in ipairs(cases) do t.raises(case[2], json.decode, case[1]) end
  t.raises('expected argument of type string', json.decode, 5)
  t.equal({ json.decode('[1,]'), json.decode('{"a":1,}') }, { { 1 }, { a = 1 } })
end)

t.test('base64 goes both ways, with both alphabets', function()
  local base64 = require('.base64')
  for text, encoded in pairs({ [''] = '', f = 'Zg==', fo = 'Zm8=', hello = 'aGVsbG8=', ['\0\255\254'] = 'AP/+' }) do
    t.equal(base64.encode(text), encoded)
    t.equal(base64.decode(encoded), text)
    t.equal(base64.decode((encoded:gsub('=', ''))), text)
  end
  t.equal(base64.decode('AP_-'), '\0\255\254')
  t.equal(base64.encode('\0\255\254', base64.makeencoder('-', '_')), 'AP_-')
end)

t.test('Utils take their arguments together or one by one', function()
  local u = Utils
  t.equal(u.map(function(x) return x * 2 end)({ 1, 2 }), { 2, 4 })
  t.equal(u.reduce(function(a, b) return a + b end, 0, { 1, 2, 3 }), 6)
  t.equal(u.reduce(function(a, b) return a + b end)(0)({ 1, 2, 3 }), 6)
  t.equal(u.filter(function(x) return x > 1 end, { 1, 2, 3 }), { 2, 3 })
  t.equal(u.concat({ 1 })({ 2 }), { 1, 2 })
  t.equal(u.find(function(x) return x > 1 end, { 1, 2, 3 }), 2)
  t.equal({ u.propEq('a', 'x', { a = 'x' }), u.propEq('a')('x')({ a = 'y' }) }, { true, false })
  t.equal({ u.prop('a', { a = 1 }), u.includes(2, { 1, 2 }), u.includes(5)({ 1 }) }, { 1, true, false })
  t.equal({ u.reverse({ 1, 2, 3 }), u.keys({ b = 1, a = 2 }), u.values({ b = 1, a = 2 }) }, { { 3, 2, 1 }, { 'a', 'b' }, { 2, 1 } })
  t.equal(u.compose(function(x) return x + 1 end, function(x) return x * 2 end)(5), 11)
  t.equal(u.curry(function(a, b, c) return a + b + c end, 3)(1)(2, 3), 6)
  t.raises('first argument should be a unary function', u.map, 5, {})
  t.raises('second argument should be an Array', u.map, print, { a = 1 })
end)

t.test('bit32 counts in 32 bits', function()
  t.equal({ bit32.lshift(1, 33), bit32.arshift(-8, 2), bit32.extract(0xff, 4, 4), bit32.replace(0, 15, 4, 4) }, { 0, 0xFFFFFFFE, 15, 240 })
  t.equal({ bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.bnot(0), bit32.band(), bit32.btest(1, 2) }, { 3, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF, false })
end)

t.test('pretty prints a line per field', function()
  t.equal(require('.pretty').tprint({ a = 1, b = { c = true } }), 'a: 1\nb: \n c: true\n')
end)
