---- curried utils
local u = require('.utils') return table.concat(u.concat({ 1 })({ 2 }), ',') .. table.concat(u.concat({ 1 }, { 2 }), ',') .. u.reduce(function(a, b) return a + b end)(0)({ 1, 2, 3 }) .. u.reduce(function(a, b) return a + b end, 0, { 1, 2 }) .. u.reduce(function(a, b) return a + b end)(1, { 1, 2 })
---- map
return Utils.map(function(x, i) return x * i end)({ 1, 2, 3 })
---- filter
return Utils.filter(function(x) return x > 1 end, { 1, 2, 3 })
---- find
return tostring(Utils.find(function(x) return x > 1 end)({ 1, 2, 3 })) .. tostring(Utils.find(function() return false end, { 1 }))
---- find in a map
return Utils.find(function(x) return x == 2 end, { a = 2 })
---- propEq
return tostring(Utils.propEq('a')('1')({ a = '1' })) .. tostring(Utils.propEq('a', '1', { a = 1 }))
---- reverse
return Utils.reverse({ 1, 2, 3 })
---- compose
return Utils.compose(function(x) return x + 1 end, function(x) return x * 2 end)(3)
---- compose of three
return Utils.compose(function(x) return x + 1 end, function(x) return x * 2 end, function(x) return x - 1 end)(3)
---- compose one by one
return Utils.compose(function(x) return x + 1 end)(function(x) return x * 2 end)(3)
---- prop
return Utils.prop('a')({ a = 5 }) .. Utils.prop('a', { a = 6 })
---- includes
return tostring(Utils.includes(2)({ 1, 2 })) .. tostring(Utils.includes('x', { 'y' }))
---- includes false
return tostring(Utils.includes(false, { false }))
---- keys and values
return #Utils.keys({ a = 1, b = 2 }) .. #Utils.values({ a = 1, b = 2 }) .. Utils.keys({ z = 1 })[1] .. Utils.values({ z = 9 })[1]
---- normalize
return table.concat(Utils.map(Utils.normalize, { 'action', 'some_tag', 'SDK', 'aos-Version', 'X-reference', 'a', 'aB-cD', '1st-one', '', 'with space', 'a--b', '-x' }), '|')
---- capitalize
return table.concat(Utils.map(Utils.capitalize, { 'abc', 'ABC', 'a', '', '1a', 'aB c' }), '|')
---- bad arguments
local out = {} for i, f in ipairs({ function() Utils.concat(1, {}) end, function() Utils.map(1, {}) end, function() Utils.map(print, { a = 1 }) end, function() Utils.filter(print, 1) end, function() Utils.find(1, {}) end, function() Utils.propEq(1, 'a', {}) end, function() Utils.reverse(1) end, function() Utils.keys(1) end, function() Utils.values(1) end, function() Utils.includes(1, 1) end, function() Utils.curry(1) end }) do out[i] = tostring(select(2, pcall(f))):gsub('^%[string.-%]:%d+: ', '') end return table.concat(out, '\n')
---- curry [differs: repaired]
local add = Utils.curry(function(a, b, c) return a + b + c end, 3) return add(1)(2)(3) .. add(1, 2)(3) .. add(1, 2, 3)
---- matchesPattern
local m = Utils.matchesPattern local out = {} for i, c in ipairs({ { '_', 'x' }, { 'a', 'a' }, { 'a', 'A' }, { 'A', 'a' }, { '^a', 'abc' }, { '%d+', 'x1' }, { 'a.c', 'abc' }, { 'a', nil }, { '_', nil }, { nil, 'a' }, { function(v) return v == 'x' end, 'x' }, { function() return nil end, 'x' }, { { 'a', 'b' }, 'b' }, { { 'a', 'b' }, 'c' }, { { '_' }, 'c' }, { {}, 'c' }, { 1, 1 }, { 1, '1' }, { '1', 1 }, { true, true }, { true, 'true' }, { 'abc', 'ab' }, { 'a-b', 'a-b' }, { 'a-b', 'A-B' }, { 'a*', 'aaa' }, { '(x)', 'x' } }) do local ok, v = pcall(m, c[1], c[2], {}) out[i] = ok and tostring(v) or 'error' end return table.concat(out, ' ')
---- matchesSpec
local m = Utils.matchesSpec local msg = { Action = 'Go', From = 'a', Tags = { Action = 'Go', Extra = 'e' }, Number = 5 } local out = {} for i, c in ipairs({ 'Go', 'go', 'G', { Action = 'Go' }, { Action = 'go' }, { Extra = 'e' }, { Extra = '_' }, { Missing = '_' }, { Action = 'Go', From = 'b' }, { Action = { 'Stop', 'Go' } }, { Action = function(v, m) return v == 'Go' and m.From == 'a' end }, function(m) return m.From == 'a' end, function() return 1 end, function() return 'continue' end, function() return nil end, {}, { Number = 5 }, { Number = '5' }, 5, true }) do local ok, v = pcall(m, msg, c) out[i] = ok and tostring(v) or 'error' end return table.concat(out, ' ')
---- handlers utils
local u = Handlers.utils local m = { Tags = { A = '1' }, Data = 'd' } return tostring(u.hasMatchingTag('A', '1')(m)) .. tostring(u.hasMatchingTag('A', '2')(m)) .. tostring(u.hasMatchingTagOf('A', { '0', '1' })(m)) .. tostring(u.hasMatchingTagOf('A', { '0' })(m)) .. tostring(u.hasMatchingData('d')(m)) .. tostring(u.hasMatchingData('e')(m)) .. tostring(u.continue({ A = '1' })(m)) .. tostring(u.continue({ A = '2' })(m)) .. tostring(u.continue(function() return 'skip' end)(m)) .. tostring(u.continue(function() return -1 end)(m))
---- handlers utils with bad arguments
local u, out = Handlers.utils, {} for i, f in ipairs({ function() u.hasMatchingTag(1, 'a') end, function() u.hasMatchingTag('a') end, function() u.hasMatchingTagOf('a', 'b') end, function() u.hasMatchingData(1) end, function() u.reply() end, function() u.reply(1) end }) do out[i] = tostring(select(2, pcall(f))):gsub('^%[string.-%]:%d+: ', '') end return table.concat(out, '\n')
---- base64 [differs: repaired]
local b = require('.base64') return b.encode('') .. b.encode('a') .. b.encode('ab') .. b.encode('abc') .. b.encode('\0\255\128') .. b.decode('YWJj') .. b.decode('YWI=') .. b.decode('YQ==') .. b.decode('YWJ') .. '|' .. b.decode('YW\nJj') .. '|' .. b.decode('')
---- base64 with letters of its own
local b = require('.base64') return b.encode('\251\255\191', b.makeencoder('-', '_')) .. b.decode('-_-_', b.makedecoder('-', '_')):byte(1)
---- base64 with caching
local b = require('.base64') return b.encode('hello world', nil, true) .. b.decode('aGVsbG8gd29ybGQ=', nil, true)
---- base64 of long text
local b = require('.base64') local t = {} for i = 0, 255 do t[#t + 1] = string.char(i) end local s = table.concat(t) return b.decode(b.encode(s)) == s and b.encode(s)
---- json encodes [differs: digits]
local j = require('json') return j.encode({}) .. j.encode({ 1, { 2 } }) .. j.encode({ a = { 1 } }) .. j.encode('é\n"\\\1/') .. j.encode(1.5) .. j.encode(1) .. j.encode(true) .. j.encode(nil) .. j.encode({ a = { b = {} } }) .. j.encode(-0.5) .. j.encode(1e20) .. j.encode(1e15) .. j.encode(123456789012345)
---- json decodes
local j = require('json') local v = j.decode('{"a":[1,2.5,"x",true,false,null,{"b":{}}],"c":"\\u00e9\\ud83d\\ude00\\n\\/"," d ":-1e3}') return v.a[1] .. math.type(v.a[1]) .. v.a[2] .. v.a[3] .. tostring(v.a[4]) .. tostring(v.a[5]) .. tostring(v.a[6]) .. type(v.a[7].b) .. v.c .. v[' d ']
---- json decodes numbers
local j = require('json') local out = {} for i, s in ipairs({ '1', '1.0', '-5', '1e2', '1E+2', '0.1', '9007199254740993', '9223372036854775807', '9223372036854775808', '1e400' }) do local ok, v = pcall(j.decode, s) out[i] = ok and tostring(v) .. tostring(math.type(v)) or 'error' end return table.concat(out, ' ')
---- json refuses
local j, out = require('json'), {} for i, s in ipairs({ '', ' ', '{', '[1,]', '{"a":}', '{"a" 1}', '{a:1}', '[1 2]', 'tru', 'nul', '"abc', '"\\x"', '"\\u12"', '1 2', '01', '1.', '+1', '.5', "'a'", '{"a":1,}', '\1', '"a\nb"', '[', '-' }) do local ok, v = pcall(j.decode, s) out[i] = s .. ' -> ' .. (ok and 'value ' .. tostring(v) or tostring(v):gsub('^%[string.-%]:%d+: ', '')) end return table.concat(out, '\n')
---- json refuses to encode
local j, out = require('json'), {} local c = {} c.c = c for i, v in ipairs({ { 1, nil, 3 }, { 1, a = 2 }, { [1.5] = 1 }, { [true] = 1 }, print, { print }, 0 / 0, 1 / 0, -1 / 0, c, { a = print }, { [0] = 1 }, { [2] = 1 }, coroutine.create(print) }) do local ok, t = pcall(j.encode, v) out[i] = ok and 'text ' .. t or tostring(t):gsub('^%[string.-%]:%d+: ', ''):gsub('0x%x+', 'address') end return table.concat(out, '\n')
---- json of metatables
local j = require('json') local ok, t = pcall(j.encode, setmetatable({ 1 }, { __index = { 2, 3 } })) return ok and t
---- json of a big integer [differs: digits]
local bint = require('.bint')(256) local ok, t = pcall(require('json').encode, { q = bint('123456789012345678901234567890') }) return ok and t
---- json decode of no text
return (select(2, pcall(require('json').decode)):gsub('^%[string.-%]:%d+: ', ''))
---- bint
local b = require('.bint')(256) return tostring(b('123456789012345678901234567890') * b(2)) .. tostring(b(10) // 3) .. tostring(b(-7) // 2) .. tostring(b(-7) % 3) .. tostring(b(2) ^ 100) .. tostring(b.ipow(2, 64)) .. tostring(b(5) - 7) .. tostring(b.isqrt and 1 or 0)
---- bint comparisons
local b = require('.bint')(256) return tostring(b(1) < b(2)) .. tostring(b(1) <= 1) .. tostring(b(1) == b(1)) .. tostring(b.eq(b(1), 1)) .. tostring(b.lt('5', 6)) .. tostring(b.__lt(5, 6)) .. tostring(b.__le('7', '7')) .. tostring(b.__eq(b(1), b(2))) .. tostring(b.ult(-1, 1)) .. tostring(b.max(1, 2)) .. tostring(b.min(1, 2)) .. tostring(b.abs(-3))
---- bint converts
local b = require('.bint')(256) return tostring(b.tonumber(b('12'))) .. tostring(b.tointeger('13')) .. b.tobase(b(255), 16) .. b.tobase(255, 2) .. tostring(b.frombase('ff', 16)) .. tostring(b.fromstring('0x10')) .. tostring(b.isbint(b(1))) .. tostring(b.isbint(1)) .. tostring(b.iszero(0)) .. tostring(b.isneg(-1)) .. tostring(b.isodd(3)) .. tostring(b.isintegral('5')) .. tostring(b.isnumeric(1.5)) .. tostring(b.zero()) .. tostring(b.one())
---- bint adds like a token
local b = require('.bint')(256) local utils = { add = function(a, c) return tostring(b(a) + b(c)) end, subtract = function(a, c) return tostring(b(a) - b(c)) end, toNumber = function(a) return b.tonumber(a) end } return utils.add('99999999999999999999', '1') .. ' ' .. utils.subtract('5', '10') .. ' ' .. utils.toNumber('12345')
---- bint refuses [differs: errors]
local b, out = require('.bint')(256), {} for i, f in ipairs({ function() return b('x') end, function() return b(1.5) end, function() return b({}) end, function() return b(nil) end, function() return b('1') // 0 end, function() return b('') end, function() return b('1.5') end, function() return b(1) + 'x' end, function() return b('-') end, function() return b('1e3') end }) do local ok, v = pcall(f) out[i] = ok and 'value ' .. tostring(v) or tostring(v):gsub('^%[string.-%]:%d+: ', '') end return table.concat(out, '\n')
---- bint without an argument
return type(require('.bint')) .. tostring(require('.bint')().bits) .. tostring(require('.bint')(1024).bits) .. tostring(pcall(require('.bint'), 33))
---- bint with floats
local b = require('.bint')(256) return tostring(b(7) / 2) .. tostring(b(1) + 0.5) .. tostring(b.trunc and b.trunc(2.7)) .. tostring(b.tobint and b.tobint('x')) .. tostring(b.parse and b.parse('5'))
---- bint shifts and masks
local b = require('.bint')(256) return tostring(b(1) << 70) .. tostring(b(1 << 40) >> 3) .. tostring(b(12) & 10) .. tostring(b(12) | 3) .. tostring(b(12) ~ 10) .. tostring(~b(0)) .. tostring(-b(5)) .. tostring(b.udivmod(100, 7)) .. tostring(select(2, b.idivmod(-100, 7)))
---- bint of the largest
local b = require('.bint')(256) return tostring(b.maxinteger()) .. tostring(b.mininteger())
---- bint in a text
local b = require('.bint')(256) return 'n' .. tostring(b(5)) .. string.format('%s', b(6))
---- chance
local c = require('.chance') c.seed(1) local out = {} for i = 1, 5 do out[i] = c.integer(1, 100) end return table.concat(out, ' ') .. ' ' .. c.random()
---- chance of odd seeds
local c, out = require('.chance'), {} for i, s in ipairs({ 0, -1, 2 ^ 32, 2 ^ 40, 123456789012, 1.0 }) do c.seed(s) out[i] = c.integer(1, 1000000) end return table.concat(out, ' ')
---- chance of a broken interval
return (select(2, pcall(require('.chance').integer, 5, 1)):gsub('^%[string.-%]:%d+: ', ''))
---- chance of large intervals
local c = require('.chance') c.seed(9) return c.integer(-10, 10) .. ' ' .. c.integer(1, 2 ^ 40) .. ' ' .. c.integer(1.5, 9.5)
---- a long random sequence
local c = require('.chance') c.seed(4357) local sum = 0 for i = 1, 3000 do sum = sum + c.integer(1, 1000) end return sum .. ' ' .. c.random()
---- digests of streams
local c = require('.crypto') local s = c.utils.stream.fromString local out = {} for i, n in ipairs({ 'md2', 'md4', 'md5', 'sha1', 'sha2_256', 'sha2_512' }) do local ok, v = pcall(function() return c.digest[n](n == 'sha2_512' and 'hello' or s('hello')).asHex() end) out[i] = n .. ' ' .. tostring(ok and v) end return table.concat(out, '\n')
---- digests of text [differs: repaired]
local c = require('.crypto') local out = {} for i, n in ipairs({ 'sha3_256', 'sha3_512', 'keccak256', 'keccak512', 'blake2b', 'sha2_512' }) do out[i] = n .. ' ' .. c.digest[n]('hello').asHex() .. #c.digest[n]('').asString() .. #c.digest[n](('x'):rep(500)).asBytes() end return table.concat(out, '\n')
---- digests as bytes
local c = require('.crypto') local d = c.digest.sha2_256(c.utils.stream.fromString('abc')) return d.asBytes()[1] .. ' ' .. #d.asBytes() .. ' ' .. #d.asString() .. ' ' .. d.asString():byte(1)
---- blake2b with a size and a key
local c = require('.crypto') return c.digest.blake2b('abc', 32).asHex() .. ' ' .. c.digest.blake2b('abc', 20, 'key').asHex()
---- hashes step by step
local S = require('.crypto.digest.sha2_256').SHA2_256 local s = require('.crypto.util.stream').fromString return S().init().update(s('ab')).update(s('c')).finish().asHex() .. require('.crypto.digest.sha1').SHA1().init().update(s('abc')).finish().asHex()
---- hmac
local c = require('.crypto') local s, a = c.utils.stream.fromString, c.utils.array.fromString return c.mac.createHmac(s('data'), a('key')).asHex() .. ' ' .. c.mac.createHmac(s('data'), a('key'), 'sha1').asHex() .. ' ' .. c.mac.createHmac(s('data'), a('key'), 'sha256').asHex() .. ' ' .. #c.mac.createHmac(s('data'), a('key'), 'sha256').asBytes() .. ' ' .. c.mac.createHmac(s('data'), a(('k'):rep(100)), 'sha256').asHex()
---- hmac of an unknown algorithm
local c = require('.crypto') return (select(2, pcall(c.mac.createHmac, c.utils.stream.fromString('x'), { 1 }, 'md5')):gsub('^%[string.-%]:%d+: ', ''))
---- hmac step by step
local H = require('.crypto.mac.hmac').HMAC local s, a = require('.crypto.util.stream').fromString, require('.crypto.util.array').fromString return H().setBlockSize(64).setDigest(require('.crypto.digest.sha2_256').SHA2_256).setKey(a('key')).init().update(s('The quick brown fox jumps over the lazy dog')).finish().asHex()
---- pbkdf2
local c = require('.crypto') local a = c.utils.array.fromString return c.kdf.pbkdf2(a('password'), a('salt'), 2, 20).asHex() .. ' ' .. c.kdf.pbkdf2(a('password'), a('salt'), 3, 40, 'sha256').asHex() .. ' ' .. #c.kdf.pbkdf2(a('p'), a('s'), 1, 16).asBytes()
---- pbkdf2 step by step
local P, H = require('.crypto.kdf.pbkdf2').PBKDF2, require('.crypto.mac.hmac').HMAC local a = require('.crypto.util.array').fromString return P().setPRF(H().setBlockSize(64).setDigest(require('.crypto.digest.sha1').SHA1)).setBlockLen(16).setDKeyLen(16).setIterations(2).setSalt(a('salt')).setPassword(a('password')).finish().asHex()
---- aes
local aes = require('.crypto').cipher.aes local out = {} for _, m in ipairs({ 'CBC', 'ECB', 'CFB', 'OFB', 'CTR', 'XYZ' }) do for _, k in ipairs({ { 128, 'sixteen byte key' }, { 192, 'twenty four bytes of key' }, { 256, 'thirty two bytes of key material' } }) do local e = aes.encrypt('attack at dawn, or later than that', k[2], 'sixteen byte iv.', m, k[1]).asHex() out[#out + 1] = m .. k[1] .. e .. (aes.decrypt(e, k[2], 'sixteen byte iv.', m, k[1]).asString():gsub('%z', '0')) end end return table.concat(out, '\n')
---- aes by default
local aes = require('.crypto').cipher.aes local e = aes.encrypt('text', 'sixteen byte key') return e.asHex() .. #e.asBytes() .. '|' .. aes.decrypt(aes.encrypt('text', 'sixteen byte key').asHex(), 'sixteen byte key').asHex()
---- aes of nothing and of whole blocks
local aes = require('.crypto').cipher.aes return aes.encrypt('', 'sixteen byte key').asHex() .. '|' .. aes.encrypt(('x'):rep(16), 'sixteen byte key').asHex() .. '|' .. aes.encrypt(('x'):rep(32), 'sixteen byte key', nil, 'CTR').asHex()
---- aes blocks
local a, out = require('.crypto.util.array'), {} for _, n in ipairs({ '128', '192', '256' }) do local c = require('.crypto.cipher.aes' .. n) local key = a.fromHex(('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'):sub(1, tonumber(n) // 4)) local e = c.encrypt(key, a.fromHex('00112233445566778899aabbccddeeff')) out[#out + 1] = a.toHex(e) .. a.toHex(c.decrypt(key, e)) .. c.blockSize end return table.concat(out, '\n')
---- aes modes step by step
local C, a, s = require('.crypto.cipher.mode.cbc'), require('.crypto.util.array'), require('.crypto.util.stream') local c = C.Cipher().setKey(a.fromString('sixteen byte key')).setBlockCipher(require('.crypto.cipher.aes128')).setPadding(require('.crypto.padding.zero')) return c.init().update(s.fromString('sixteen byte iv.')).update(s.fromString('some text')).finish().asHex()
---- counters that overflow
local aes = require('.crypto').cipher.aes return aes.encrypt(('x'):rep(64), 'sixteen byte key', ('\255'):rep(16), 'CTR').asHex()
---- issac
local i = require('.crypto').cipher.issac local e = i.encrypt('some plain text', 'a key') return e.asHex and e.asHex() or type(e)
---- issac both ways
local i = require('.crypto').cipher.issac local e = i.encrypt('Hello World', 'secret') return i.decrypt(e.asString(), 'secret') .. e.asHex() .. #e.asBytes()
---- issac gives numbers
local i = require('.crypto').cipher.issac i.seedIsaac('seed', true) local out = {} for n = 1, 8 do out[n] = i.getRandom() end out[9] = string.byte(i.getRandomChar()) return table.concat(out, ' ')
---- random of the library
local c = require('.crypto') local n = c.random(1, 10, 'seed') return tostring(n) .. ' ' .. tostring(c.random(1, 1000, 'other')) .. ' ' .. tostring(c.random(1, 1000))
---- random of the library in a row
local c, out = require('.crypto'), {} c.cipher.issac.seedIsaac('row', true) for i = 1, 10 do out[i] = tostring(c.random(0, 100)) end return table.concat(out, ' ')
---- morus
local m, out = require('.crypto').cipher.morus, {} for _, c in ipairs({ { 16, '', '' }, { 16, 'some plain text', 'header' }, { 32, ('long '):rep(20), ('ad'):rep(40) }, { 32, ('x'):rep(64), '' } }) do local e = m.encrypt(('k'):rep(c[1]), ('n'):rep(16), c[2], c[3]) out[#out + 1] = e.asHex() .. tostring(m.decrypt(('k'):rep(c[1]), ('n'):rep(16), e.asString(), #c[3]) == c[2]) end return table.concat(out, '\n')
---- morus refuses
local m = require('.crypto').cipher.morus local e = m.encrypt(('k'):rep(16), ('n'):rep(16), 'text').asString() return show(m.decrypt(('k'):rep(16), ('m'):rep(16), e)) .. tostring(pcall(m.encrypt, 'short', ('n'):rep(16), 'x')) .. m.variant .. m.key_size .. m.nonce_size
---- norx
local m, out = require('.crypto').cipher.norx, {} for _, c in ipairs({ { '', '', '' }, { 'some plain text', 'header', 'trailer' }, { ('long '):rep(50), ('ad'):rep(60), ('t'):rep(96) }, { ('x'):rep(96), '', 'y' }, { ('x'):rep(95), ('z'):rep(95), '' } }) do local e = m.encrypt(('k'):rep(32), ('n'):rep(32), c[1], c[2], c[3]) out[#out + 1] = e.asHex() .. tostring(m.decrypt(('k'):rep(32), ('n'):rep(32), e.asString(), c[2], c[3]) == c[1]) end return table.concat(out, '\n')
---- norx refuses
local m = require('.crypto').cipher.norx local e = m.encrypt(('k'):rep(32), ('n'):rep(32), 'text').asString() return show(m.decrypt(('k'):rep(32), ('m'):rep(32), e)) .. m.variant .. m.key_size .. m.nonce_size
---- arrays
local a = require('.crypto').utils.array return a.toHex(a.fromString('abc')) .. a.toString(a.fromHex('6162')) .. a.size({ 1, 2 }) .. table.concat(a.concat({ 1 }, { 2 }), ',') .. table.concat(a.slice({ 1, 2, 3 }, 2, 3), ',') .. table.concat(a.slice({ 1, 2, 3 }, -2), ',') .. table.concat(a.truncate({ 1, 2, 3 }, 2), ',') .. table.concat(a.XOR({ 1, 2 }, { 3, 4 }), ',') .. table.concat(a.substitute({ 1, 2 }, { 9, 8 }), ',') .. table.concat(a.permute({ 5, 6 }, { 2, 1 }), ',') .. table.concat(a.copy({ 1, 2 }), ',') .. a.toStream({ 7 })() .. table.concat(a.fromStream(a.toStream({ 1, 2 })), ',')
---- streams
local s = require('.crypto').utils.stream return s.toString(s.fromString('ab')) .. s.toHex(s.fromHex('0aff')) .. table.concat(s.toArray(s.fromArray({ 1, 2 })), ',')
---- hexadecimal text
local h = require('.crypto').utils.hex return h.stringToHex('ab\255') .. h.hexToString('61 62') .. h.stringToHex('abcd', 2) .. '|' .. h.stringToHex('abcd', 8, ' ') .. tostring(pcall(h.hexToString, 'xyz')) .. h.stringToHex('')
---- queues
local q = require('.crypto').utils.queue() q.push(1) q.push(2) local a = require('.crypto').utils.array a.writeToQueue(q, { 3, 4 }) return q.pop() .. q.size() .. q.getHead() .. q.getTail() .. table.concat(a.readFromQueue(q, 2), ',') .. tostring(q.reset()) .. tostring(q.pop())
---- bits
local b = require('.crypto').utils.bit return b.band(12, 10) .. b.bor(12, 3) .. b.bxor(5, 1) .. b.bnot(0) .. b.lshift(1, 4) .. b.rshift(256, 4) .. b.lrotate(1, 31) .. b.rrotate(1, 1) .. b.arshift(-8, 1) .. b.extract(255, 4, 4) .. b.replace(0, 5, 4, 4) .. tostring(b.btest(1, 2))
---- names of modules
local out = {} for _, n in ipairs({ 'json', 'ao', '.ao', '.process', '.handlers', '.handlers-utils', '.utils', '.base64', '.crypto', '.crypto.init', '.bint', '.chance', '.pretty', '.stringify', '.dump', '.eval', '.boot', '.default', '.assignment', 'lsqlite3', 'bit32', 'string', 'table', 'math', 'os', 'io', 'debug', 'coroutine', 'utf8', 'package', '_G', '.crypto.cipher', '.crypto.cipher.init', '.crypto.cipher.aes', '.crypto.cipher.aes128', '.crypto.cipher.aes192', '.crypto.cipher.aes256', '.crypto.cipher.issac', '.crypto.cipher.morus', '.crypto.cipher.norx', '.crypto.cipher.mode.cbc', '.crypto.cipher.mode.cfb', '.crypto.cipher.mode.ctr', '.crypto.cipher.mode.ecb', '.crypto.cipher.mode.ofb', '.crypto.digest', '.crypto.digest.init', '.crypto.digest.blake2b', '.crypto.digest.md2', '.crypto.digest.md4', '.crypto.digest.md5', '.crypto.digest.sha1', '.crypto.digest.sha2_256', '.crypto.digest.sha2_512', '.crypto.digest.sha3', '.crypto.kdf', '.crypto.kdf.init', '.crypto.kdf.pbkdf2', '.crypto.mac', '.crypto.mac.init', '.crypto.mac.hmac', '.crypto.padding.zero', '.crypto.util', '.crypto.util.init', '.crypto.util.array', '.crypto.util.bit', '.crypto.util.hex', '.crypto.util.queue', '.crypto.util.stream' }) do local ok, v = pcall(require, n) out[#out + 1] = n .. '=' .. (ok and type(v) or 'none') end return table.concat(out, '\n')
---- modules are loaded
return tostring(package.loaded['.utils'] == Utils) .. tostring(package.loaded['.handlers'] == Handlers) .. tostring(package.loaded['ao'] == ao) .. tostring(require('.ao') == ao) .. tostring(package.loaded._G == _G)
---- a module of the program
package.loaded['.mine'] = { x = 1 } return require('.mine').x
---- a preloaded module of the program
package.preload['lazy'] = function(name) return { name = name } end return require('lazy').name .. tostring(require('lazy') == package.loaded.lazy)
---- a module that gives nothing
package.preload['nothing'] = function() end return tostring(require('nothing'))
---- a searcher of the program
table.insert(package.searchers, function(name) if name == 'searched' then return function(n, extra) return { n = n, extra = extra } end, 'more' end end) local m = require('searched') return m.n .. tostring(m.extra)
---- a missing module
return (select(2, pcall(require, 'not.there')):match('^.-:\n\tno field package.preload%[.-%]'))
---- require of nothing
return (select(2, pcall(require)):gsub('%(.*', ''))
---- text that is equal to a pattern that does not match it [differs: repaired]
return Utils.matchesPattern('a+b', 'a+b')
---- patterns for what is no text [differs: errors]
return show(pcall(Utils.matchesPattern, 'true', true)) .. show(pcall(Utils.matchesPattern, 'x', {}))
---- digests that are read as bytes
return table.concat(require('.crypto').digest.sha3_256('x').asHex():sub(1, 4):upper():lower() == 'a' and {} or { 'read' })
---- a stream hash of text [differs: repaired]
return require('.crypto').digest.sha2_256('hello').asHex()
---- a long key
local H = require('.crypto.mac.hmac').HMAC local s, a = require('.crypto.util.stream').fromString, require('.crypto.util.array').fromString return H().setBlockSize(64).setDigest(require('.crypto.digest.sha1').SHA1).setKey(a(('k'):rep(64))).init().update(s('x')).finish().asHex()
---- numbers in JSON [differs: digits]
return require('json').encode({ 123456789012345678, 0.1 + 0.2, 1 / 3 })
---- floats in JSON of few digits
return require('json').encode({ 0.5, 1e10, 12345.678, -1, 1e300, 1000000000 })
