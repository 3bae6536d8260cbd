---- length, sub, byte, char
local s = 'héllo\0world'
return show(#s, s:sub(2, 3) == 'é', s:sub(-5), s:sub(0), s:sub(3, 2), s:byte(1, 3), s:byte(-1), s:byte(100), string.char(72, 105), string.char())
---- char out of range
return string.char(256)
---- upper, lower, rep, reverse
return show(('aBc'):upper(), ('aBc'):lower(), ('ab'):rep(3, '-'), ('x'):rep(0), ('x'):rep(-1), ('abc'):reverse(), ('é'):upper() == 'é')
---- rep that is too large
return ('x'):rep(1 << 40, 'y')
---- find
return show(both(('hello world'):find('o w')), both(('hello'):find('l+')), both(('a.b'):find('.', 1, true)), ('a.b'):find('%.'), ('hello'):find(''), ('hello'):find('', 10),
  ('hello'):find('xyz'), both(('hello'):find('(l)(l)')), both(('hello'):find('l', -2)))
---- match and captures
return show(both(('key = value'):match('^(%w+)%s*=%s*(%w+)$')), both(('2024-01-02'):match('(%d+)-(%d+)-(%d+)')), ('abc'):match('()b()'), ('  trim  '):match('^%s*(.-)%s*$'),
  ('[[nested]]'):match('%[(%b[])%]'), ('THE (quick) fox'):find('%((%a+)%)'))
---- frontier and balanced patterns
return show(('THE (quick) fox'):gsub('%f[%a]%a+', string.lower), ('f(a(b)c)d'):match('%b()'), ('x'):match('%f[%z]'), ('a,b,,c'):gsub(',%f[,]', '#'))
---- gsub with text, table and function
return show(('hello'):gsub('l', 'L'), ('hello'):gsub('l', 'L', 1), ('$name is $age'):gsub('%$(%w+)', { name = 'Bob' }),
  ('abc'):gsub('%w', function(c) return c == 'b' and false or c .. c end), ('abc'):gsub('', '-'), ('abc'):gsub('(a)(b)', '%2%1%0%%'))
---- gsub with a bad replacement
return ('abc'):gsub('a', '%2')
---- gsub with a replacement that is no text
return ('abc'):gsub('a', function() return {} end)
---- gmatch
local out = {}
for word in ('one two  three'):gmatch('%a+') do out[#out + 1] = word end
for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do out[#out + 1] = k .. v end
for at in ('abc'):gmatch('()') do out[#out + 1] = at end
return table.concat(out, ' ')
---- character classes
local out = {}
for _, class in ipairs({ 'a', 'c', 'd', 'g', 'l', 'p', 's', 'u', 'w', 'x' }) do
  local count = 0
  for i = 0, 255 do if string.char(i):match('%' .. class) then count = count + 1 end end
  out[#out + 1] = class .. count
end
return table.concat(out, ' ')
---- sets in patterns
return show(('a-b]c'):match('[%]a-]+'), ('x^y'):match('[%^x]+'), ('09az'):match('[0-9a-f]+'), ('abc'):match('[^a]+'), (']'):match('[]]'))
---- malformed set
return ('x'):match('[a')
---- malformed pattern end
return ('x'):match('%')
---- missing balance
return ('x'):match('%b')
---- unfinished capture
return ('x'):match('(x')
---- bad capture index
return ('x'):match('%1')
---- greedy and lazy
return show(('<a><b>'):match('<.*>'), ('<a><b>'):match('<.->'), ('aaa'):match('a?a?a'), ('aXbX'):match('(.*)X'), ('abc'):match('^b'), ('a$'):match('a$$'))
---- %q of values
return string.format('%q %q %q %q %q', 'a\n"b"\\\0\1\200c', 42, 1.5, math.mininteger, true)
---- %q of special floats
return string.format('%q %q %q', 1 / 0, -1 / 0, 0 / 0)
---- %q of a table
return string.format('%q', {})
---- %s with widths, precision and metamethods
local named = setmetatable({}, { __tostring = function() return 'named!' end })
return string.format('[%5s][%-5s][%.2s][%s][%s][%s][%c%c]', 'ab', 'ab', 'abcdef', named, nil, true, 72, 105)
---- __tostring that returns no text
return tostring(setmetatable({}, { __tostring = function() return 1 end }))
---- __name shows in errors
return #setmetatable({}, { __name = 'Account' }) + setmetatable({}, { __name = 'Account' })
---- format without an argument
return string.format('%d')
---- format with a bad option
return string.format('%y', 1)
---- format with a width that is too long
return string.format('%0100d', 1)
---- pack and unpack integers
return hex(string.pack('<i1i2i4i8', -1, -2, -3, -4)) .. ' ' .. hex(string.pack('>I2I3', 258, 66051)) .. ' ' .. show(both(string.unpack('<i2', '\255\255')), both(string.unpack('>I4', '\1\2\3\4')))
---- pack floats and strings
return hex(string.pack('<fd', 1.5, -2.25)) .. ' ' .. hex(string.pack('z s1 s2', 'ab', 'cd', 'ef')) .. ' ' .. show(both(string.unpack('z', 'hello\0rest')), both(string.unpack('s1', '\3abcd')))
---- pack with alignment
return hex(string.pack('!4 i1 i4', 1, 2)) .. ' ' .. hex(string.pack('<!8 i1 Xi8 i8', 1, 2)) .. ' ' .. show(string.packsize('!8 i1 i8'), string.packsize('<i3 i7'))
---- pack native sizes
return show(string.packsize('bhilj'), string.packsize('T'), string.packsize('n'), hex(string.pack('j', 1)))
---- pack sixteen byte integers
return hex(string.pack('<i16', -2)) .. show(string.unpack('<i16', string.pack('<i16', -2)))
---- unpack that overflows
return string.unpack('<i16', ('\255'):rep(8) .. ('\1'):rep(8))
---- pack that overflows
return string.pack('i1', 200)
---- unpack of too little data
return string.unpack('i4', 'abc')
---- pack with a bad option
return string.pack('y', 1)
---- utf8 functions
return show(utf8.char(72, 228, 8364, 128512, 0x10ffff) == 'Hä€😀\u{10ffff}', utf8.len('Hä€😀'), both(utf8.codepoint('ä€', 1, -1)), both(utf8.len('a\xff')), utf8.offset('aä€', 3),
  utf8.offset('aä€', -1), utf8.len('\xff'), utf8.charpattern == '[\0-\x7F\xC2-\xF4][\x80-\xBF]*')
---- utf8.char out of range
return utf8.char(0x110000)
---- utf8 codes
local out = {}
for at, code in utf8.codes('aä€😀') do out[#out + 1] = at .. ':' .. code end
return table.concat(out, ' ')
---- utf8 codes of bytes that are none
for _ in utf8.codes('ab\xff') do end
---- utf8 offset inside of a character
return utf8.offset('ä', 1, 2)
---- escapes in literals
return hex('\a\b\f\n\r\t\v\\\'\"\x41\65\u{20AC}\z
   end')
---- long brackets
return show([[
first
second]], [==[a]]b]=]c]==])
---- comparison of texts
return show('a' < 'b', 'a' < 'B', '' < 'a', 'a\0b' < 'a\0c', 'Z' < 'a', 'ä' > 'z', 'abc' <= 'abc', '10' < '9')
---- comparison of text and number
return 1 < '2'
---- concatenation of nil
local missing
return 'a' .. missing
---- concatenation of a boolean in a field
local t = { flag = true }
return 'a' .. t.flag
---- strings with every byte
local s = ''
for i = 0, 255 do s = s .. string.char(i) end
return show(#s, hex(s:sub(1, 40)), s:find('\127', 1, true), s:find('\200', 1, true))
---- invalid UTF-8 comes back as it can
return 'a\xff\xfeb\xc3'
---- valid UTF-8 comes back exactly
return 'grüße 日本語 😀 \u{10FFFF} \u{7f} \u{80} \u{7ff} \u{800} \u{ffff}'
---- control characters come back exactly
return '\0\1\2\27\31\127"\\/\b\f\n\r\t'
---- surrogates and noncharacters
return '\u{D7FF}|\u{E000}|\u{FFFE}|\u{FDD0}|\xef\xbb\xbf|'
---- string.dump is binary
return #string.dump(function(a) return a + 1 end) > 10
---- dumped functions load again
local f = load(string.dump(function(a, b) return a * b end), 'x', 'b')
return f(6, 7)
---- dumped functions as text
return load(string.dump(function() end), 'x', 't')
---- a string buffer of many pieces
local parts = {}
for i = 1, 5000 do parts[i] = i * 7 % 13 end
local s = table.concat(parts, ',')
return show(#s, s:sub(1, 20), s:sub(-20))
---- long keys and short keys
local t = {}
for i = 1, 60 do t[('k'):rep(i)] = i end
local sum = 0
for k, v in pairs(t) do sum = sum + #k * v end
return sum
