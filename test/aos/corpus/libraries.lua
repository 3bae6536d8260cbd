---- json encodes
local json = require('json')
return show(json.encode({ 1, 2, { a = 1 } }), json.encode({}), json.encode('a"b\\c\n\t\0\31é'), json.encode(1.5), json.encode(1e100), json.encode(2 ^ 53), json.encode(true),
  json.encode({ a = { b = {} } }), json.encode(-0.0), json.encode(123456789012), json.encode(0.1))
---- json decodes
local json = require('json')
local t = json.decode('{"a":[1,2.5,-3e2,true,false,null,"x\\u00e9\\n\\ud83d\\ude00"],"b":{"c":{}},"":0}')
return show(#t.a, t.a[1], t.a[2], t.a[3], t.a[4], t.a[5], t.a[6], t.a[7], type(t.b.c), t[''], math.type(t.a[1]), math.type(json.decode('1.0')), json.decode(' 12 '))
---- json decodes large numbers
local json = require('json')
return show(json.decode('9007199254740993'), json.decode('12345678901234567890'), json.decode('1e400'), json.decode('-0'), json.decode('0.1e1'))
---- json round trip
local json = require('json')
local t = { list = { 1, 'two', { 3 } }, text = 'zwölf "zoll"', yes = true, half = 0.5 }
local u = json.decode(json.encode(t))
return show(u.list[1], u.list[2], u.list[3][1], u.text, u.yes, u.half)
---- json of a list with holes
return require('json').encode({ 1, nil, 3 })
---- json of mixed keys
return require('json').encode({ 1, 2, x = 3 })
---- json of a function
return require('json').encode({ f = print })
---- json of NaN
return require('json').encode({ 0 / 0 })
---- json of infinity
return require('json').encode(1 / 0)
---- json decode of an unfinished list
return require('json').decode('[1, 2')
---- json decode of junk
return require('json').decode('{a:1}')
---- json decode of trailing text
return require('json').decode('1 2')
---- json decode of a bad escape
return require('json').decode('"\\x"')
---- json decode of a number
return require('json').decode(5)
---- base64
local b = require('.base64')
return show(b.encode('hello'), b.decode('aGVsbG8='), b.encode(''), b.encode('\0\255\254'), hex(b.decode('AP/+')), b.encode('a'), b.encode('ab'), b.decode('YQ=='))
---- base64 of much
local b = require('.base64')
local s = ('The quick brown fox. '):rep(100)
return show(#b.encode(s), b.decode(b.encode(s)) == s, b.encode(s):sub(1, 60))
---- the digests
local crypto = require('.crypto')
local stream = crypto.utils.stream.fromString
local out = {}
for _, name in ipairs({ 'md2', 'md4', 'md5', 'sha1', 'sha2_256', 'sha2_512', 'sha3_256', 'sha3_512', 'keccak256', 'keccak512', 'blake2b' }) do
  for _, text in ipairs({ '', 'hello', ('abc'):rep(60) }) do
    local ok, value = pcall(function() return crypto.digest[name](stream(text)).asHex() end)
    if not ok then ok, value = pcall(function() return crypto.digest[name](text).asHex() end) end
    out[#out + 1] = name .. ' ' .. tostring(ok) .. ' ' .. tostring(value)
  end
end
return table.concat(out, '\n')
---- a digest of the wrong kind
return require('.crypto').digest.sha2_256('hello').asHex()
---- a digest of nothing
return require('.crypto').digest.sha3_256().asHex()
---- hmac
local crypto = require('.crypto')
local stream = crypto.utils.stream.fromString
local out = {}
for _, name in ipairs({ 'md5', 'sha1', 'sha2_256' }) do
  out[#out + 1] = name .. ' ' .. tostring(select(2, pcall(function() return crypto.mac.createHmac(stream('the text'), stream('the key'), name).asHex() end)))
  out[#out + 1] = name .. ' ' .. tostring(select(2, pcall(function()
    local array = crypto.utils.array
    local mac = crypto.mac.createHmac(crypto.digest[name], 64, array.fromString('key'))
    return mac.update(stream('data')).finish().asHex()
  end)))
end
return table.concat(out, '\n')
---- pbkdf2
local crypto = require('.crypto')
return tostring(select(2, pcall(function()
  return crypto.kdf.pbkdf2(crypto.utils.array.fromString('salt'), crypto.utils.array.fromString('password'), 10, 32).asHex()
end)))
---- aes
local crypto = require('.crypto')
local out = {}
for _, mode in ipairs({ 'ECB', 'CBC', 'PCBC', 'CFB', 'OFB', 'CTR' }) do
  out[#out + 1] = mode .. ' ' .. tostring(select(2, pcall(function()
    local cipher = crypto.cipher.aes
    local encrypted = cipher.encrypt('attack at dawn!!', 'sixteen byte key', 'sixteen byte iv.', mode, 128).asHex()
    return encrypted .. ' ' .. cipher.decrypt(crypto.utils.hex.hexToString(encrypted), 'sixteen byte key', 'sixteen byte iv.', mode, 128).asString()
  end)))
end
return table.concat(out, '\n')
---- issac, morus, norx
local crypto = require('.crypto')
local out = {}
for _, name in ipairs({ 'issac', 'morus', 'norx' }) do
  out[#out + 1] = name .. ' ' .. tostring(select(2, pcall(function()
    local cipher = crypto.cipher[name]
    local key, nonce = ('k'):rep(name == 'norx' and 32 or 16), ('n'):rep(name == 'norx' and 32 or 16)
    local encrypted = name == 'issac' and cipher.encrypt('some plain text', key) or cipher.encrypt(key, nonce, 'some plain text', 'header', 'trailer')
    return type(encrypted) == 'table' and encrypted.asHex() or hex(encrypted)
  end)))
end
return table.concat(out, '\n')
---- crypto random
local crypto = require('.crypto')
return tostring(select(2, pcall(function() return crypto.random.string(8) .. crypto.random(1, 100, 'seed') end)))
---- crypto utils
local utils = require('.crypto').utils
local out = {}
for _, name in ipairs({ 'array', 'bit', 'hex', 'queue', 'stream' }) do
  local names = {}
  local util = utils[name]
  if type(util) == 'table' then
    for k in pairs(util) do names[#names + 1] = tostring(k) end
  end
  table.sort(names)
  out[#out + 1] = name .. ' ' .. type(util) .. ': ' .. table.concat(names, ' ')
end
return table.concat(out, '\n')
---- crypto hex
local utils = require('.crypto').utils
return tostring(select(2, pcall(function() return utils.hex.stringToHex('abc\255') .. ' ' .. utils.hex.hexToString('616263') end)))
---- bint
local bint = require('.bint')(256)
local a, b = bint('123456789012345678901234567890'), bint(987654321)
return show(tostring(a + b), tostring(a * b), tostring(a - b), tostring(a // b), tostring(a % b), tostring(-a), tostring(a ^ 2), a > b, a == bint('123456789012345678901234567890'),
  tostring(bint.max(a, b)), bint.tonumber(b), tostring(bint.ipow(2, 200)), bint.isneg(-a), tostring(bint.abs(-a)), tostring(a << 10), tostring(a >> 5))
---- bint of texts
local bint = require('.bint')(256)
return show(tostring(bint('0xff')), tostring(bint.fromstring('-42')), tostring(bint.frombase('zz', 36)), bint.tobase(bint(255), 16), bint.tobase(bint(5), 2), tostring(bint.trunc(3.9)),
  bint.eq(1, bint(1)), bint.isintegral('7'))
---- bint of junk
return require('.bint')(256)('12x')
---- bint division by zero
local bint = require('.bint')(256)
return bint(1) // bint(0)
---- bint overflow
local bint = require('.bint')(128)
return show(tostring(bint.maxinteger()), tostring(bint.mininteger()), tostring(bint.maxinteger() + 1))
---- bint of a bad size
return require('.bint')(33)
---- a bint as it is
return require('.bint')(64)(5)
---- pretty
local pretty = require('.pretty')
return pretty.tprint({ 1, 'two', { three = 3 } })
---- stringify
local stringify = require('.stringify')
return show(stringify.format({ a = 1 }), stringify.format({ 1, 2, 3 }), stringify.isSimpleArray({ 1, 2 }), stringify.isSimpleArray({ a = 1 }))
---- stringify nests
local stringify = require('.stringify')
return stringify.format({ outer = { inner = { 1, 2 } } })
---- dump
local dump = require('.dump')
return type(dump) == 'table' and show(dump.dump and dump.dump({ 1, { a = 2 } })) or tostring(type(dump))
---- Dump of values
return show(Dump({ 1, 2 }), Dump({ a = { 1, 2 } }), Dump('x'), Dump(nil), Dump(1.5))
---- chance
local chance = require('.chance')
chance.seed(7)
local out = {}
for i = 1, 6 do out[i] = precise(chance.random()) end
for _ = 1, 6 do out[#out + 1] = tostring(chance.integer(1, 1000)) end
return table.concat(out, ' ')
---- math.random after chance
return show(math.random(1, 1000000), math.random(100), precise(math.random()))
---- utils
local utils = require('.utils')
return show(
  table.concat(utils.map(function(x) return x * 2 end)({ 1, 2 }), ','),
  table.concat(utils.map(function(x) return x * 2 end, { 3, 4 }), ','),
  table.concat(utils.filter(function(x) return x > 1 end, { 1, 2, 3 }), ','),
  utils.reduce(function(a, b) return a + b end, 0, { 1, 2, 3 }),
  utils.find(function(x) return x > 1 end, { 1, 2, 3 }),
  table.concat(utils.concat({ 1, 2 }, { 3 }), ','),
  table.concat(utils.reverse({ 1, 2, 3 }), ','),
  utils.includes(2, { 1, 2 }), utils.prop('a', { a = 5 }), utils.propEq('a', '5', { a = '5' }),
  utils.compose(function(x) return x + 1 end, function(x) return x * 2 end)(5), #utils.keys({ a = 1, b = 2 }), #utils.values({ a = 1 }))
---- utils with wrong arguments
return require('.utils').map(5, {})
---- utils.matchesSpec
local utils = require('.utils')
local m = { From = 'alice', Action = 'Pay', Tags = { Action = 'Pay', Quantity = '12' } }
return show(utils.matchesSpec(m, { Action = 'Pay' }), utils.matchesSpec(m, { Action = 'pay' }), utils.matchesSpec(m, { Quantity = '%d+' }), utils.matchesSpec(m, { From = '_' }),
  utils.matchesSpec(m, { Action = { 'Pay', 'Give' } }), utils.matchesSpec(m, { From = function(v) return v == 'alice' end }), utils.matchesSpec(m, { Missing = '_' }), utils.matchesSpec(m, 'Pay'))
---- utils.curry
local utils = require('.utils')
return show(utils.curry(function(a, b, c) return a + b + c end, 3)(1)(2)(3))
---- handlers-utils
local names = {}
for k in pairs(require('.handlers-utils')) do names[#names + 1] = k end
table.sort(names)
return table.concat(names, ' ')
---- handlers evaluates the list
local seen = {}
Handlers.append('probe-1', function(m) return m.Action == 'Probe' end, function() seen[#seen + 1] = 1 end)
Handlers.append('probe-2', function(m) return m.Action == 'Probe' and 1 end, function() seen[#seen + 1] = 2 end)
local ok, err = pcall(Handlers.evaluate, { Action = 'Probe', Tags = {}, From = 'x', Id = 'i' }, ao.env)
Handlers.remove('probe-1')
Handlers.remove('probe-2')
return show(ok, tostring(err), table.concat(seen, ','))
---- handlers are named and ordered
Handlers.add('b', 'B', print)
Handlers.prepend('a', 'A', print)
Handlers.before('b').add('ab', 'AB', print)
Handlers.after('b').add('bc', 'BC', print)
Handlers.once('o', 'O', print)
local out = {}
for i, h in ipairs(Handlers.list) do out[i] = h.name .. ':' .. tostring(h.maxRuns) end
for _, name in ipairs({ 'a', 'b', 'ab', 'bc', 'o' }) do Handlers.remove(name) end
return table.concat(out, ' ') .. ' then ' .. #Handlers.list
---- handlers want a pattern
Handlers.add('bad', 5, print)
---- handlers want a name
Handlers.add(5)
---- handlers: a list of names after all that
local out = {}
for i, h in ipairs(Handlers.list) do out[i] = h.name end
return table.concat(out, ' ')
---- require by every name
local out = {}
for _, name in ipairs({ 'json', '.json', 'ao', '.ao', '.process', '.handlers', '.handlers-utils', '.utils', '.base64', '.crypto', '.crypto.init', '.bint', '.chance', '.pretty', '.stringify', '.dump',
  '.eval', '.boot', '.default', '.assignment', 'lsqlite3', 'bit', 'bit32', 'lpeg', 'socket', '.crypto.digest', '.crypto.digest.init', '.crypto.digest.sha3', '.crypto.util.hex' }) do
  local ok, value = pcall(require, name)
  out[#out + 1] = name .. '=' .. (ok and type(value) or 'none')
end
return table.concat(out, ' ')
---- require of one that is missing tells where it looked
return select(2, pcall(require, 'socket.http'))
---- a package of its own
package.loaded['mine'] = { answer = 42 }
return require('mine').answer
---- sqlite where it is
local ok, sqlite = pcall(require, 'lsqlite3')
if not ok then return 'none' end
DB = DB or sqlite.open_memory()
local rc = DB:exec([[create table t (id integer primary key, name text, amount real);
  insert into t (name, amount) values ('a', 1.5), ('b', 2), ('c', null), ('ä', -1e10);]])
local out = { tostring(rc), tostring(sqlite.version()) }
for row in DB:nrows('select * from t order by id desc') do out[#out + 1] = row.id .. row.name .. tostring(row.amount) end
for sum, n in DB:urows('select sum(amount), count(*) from t') do out[#out + 1] = sum .. '/' .. n end
return table.concat(out, ' ')
---- sqlite keeps its rows
if not DB then return 'none' end
local insert = DB:prepare('insert into t (name, amount) values (?, ?)')
for i = 1, 500 do
  insert:bind_values('row' .. i, i / 4)
  insert:step()
  insert:reset()
end
insert:finalize()
local out = {}
for name, total in DB:urows('select substr(name, 1, 4) as n, sum(amount) from t group by n order by 2 desc limit 5') do out[#out + 1] = name .. '=' .. total end
return table.concat(out, ' ')
---- sqlite functions and errors
if not DB then return 'none' end
local rc, message = DB:exec('select nothing from nowhere')
local out = { tostring(rc), tostring(DB:errmsg()) }
for v in DB:urows([[select upper('abc') || length('ä') || round(2.5) || hex('a') || typeof(1.0) || coalesce(null, 'x') || printf('%05d', 42)
  || strftime('%Y-%m-%d', 0, 'unixepoch')]]) do out[#out + 1] = v end
return table.concat(out, ' ')
---- sqlite transaction that is undone
if not DB then return 'none' end
DB:exec('begin; delete from t; rollback;')
for n in DB:urows('select count(*) from t') do return n end
