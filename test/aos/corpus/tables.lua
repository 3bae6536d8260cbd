---- constructors
local t = { 1, 2, x = 3, [10] = 4, 'three', (function() return 4, 5 end)() }
return show(#t, t[4], t[5], t.x, t[10])
---- order of pairs with text keys
local t = {}
for i = 1, 12 do t['key' .. i] = i end
local out = {}
for k in pairs(t) do out[#out + 1] = k end
return table.concat(out, ' ')
---- order of pairs with mixed keys
local t = { 10, 20, 30, name = 'n', [true] = 1, [2.5] = 2, [-1] = 3, [100] = 4, other = 5, [false] = 6 }
local out = {}
for k, v in pairs(t) do out[#out + 1] = tostring(k) .. '=' .. tostring(v) end
return table.concat(out, ' ')
---- order of pairs after removals
local t = {}
for i = 1, 40 do t['n' .. i] = i end
for i = 1, 40, 3 do t['n' .. i] = nil end
for i = 1, 5 do t['m' .. i] = i end
local out = {}
for k in pairs(t) do out[#out + 1] = k end
return table.concat(out, ' ')
---- order of the names in _G
local out = {}
for k in pairs(_G) do out[#out + 1] = k end
return table.concat(out, ' ')
---- order of the names in the libraries
local out = {}
for _, lib in ipairs({ string, table, math, utf8, coroutine, os, io, debug }) do
  for k in pairs(lib) do out[#out + 1] = k end
end
return table.concat(out, ' ')
---- insert and remove
local t = { 1, 2, 3 }
table.insert(t, 4)
table.insert(t, 1, 0)
local last, first, none = table.remove(t), table.remove(t, 1), table.remove({})
return show(last, first, none, table.concat(t, ','), table.remove({}, 0))
---- insert at a bad position
table.insert({ 1 }, 5, 2)
---- insert with too many arguments
table.insert({}, 1, 2, 3)
---- remove at a bad position
table.remove({ 1, 2 }, 7)
---- concat
return show(table.concat({ 1, 2.5, 'x' }, '-'), table.concat({}, ','), table.concat({ 1, 2, 3 }, ',', 2, 3), table.concat({ 1, 2 }, ',', 3))
---- concat of a table [masked: its value]
return table.concat({ 1, {}, 3 })
---- unpack and pack
local p = table.pack(1, nil, 3, nil)
return show(p.n, #p >= 0, table.unpack({ 1, 2, 3 }, 2), table.unpack({ 1, 2 }, -1, 1), select('#', table.unpack({}, 1, 3)), table.unpack(p, 1, p.n))
---- unpack of too much
return table.unpack({}, 1, 1e8)
---- move
return show(table.concat(table.move({ 1, 2, 3, 4 }, 2, 4, 1), ','), table.concat(table.move({ 1, 2, 3 }, 1, 3, 3), ','), table.concat(table.move({ 1, 2 }, 1, 2, 3, { 8, 9 }), ','))
---- sort
local t = { 5, 2, 8, 1, 9, 3.5, -1, 0 }
table.sort(t)
local words = { 'pear', 'Apple', 'fig', 'apple', '' }
table.sort(words)
return table.concat(t, ' ') .. ' | ' .. table.concat(words, ' ')
---- sort with a comparator
local t = {}
for i = 1, 100 do t[i] = { key = i * 37 % 101, at = i } end
table.sort(t, function(a, b) return a.key > b.key end)
local out = {}
for i = 1, 100, 9 do out[#out + 1] = t[i].key .. ':' .. t[i].at end
return table.concat(out, ' ')
---- sort that is not stable
local t = {}
for i = 1, 60 do t[i] = { key = i % 4, at = i } end
table.sort(t, function(a, b) return a.key < b.key end)
local out = {}
for i = 1, 60 do out[i] = t[i].at end
return table.concat(out, ' ')
---- sort of a large list
local t, seed = {}, 7
for i = 1, 5000 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  t[i] = seed
end
table.sort(t)
return show(t[1], t[2500], t[5000])
---- sort with a comparator that contradicts itself
table.sort({ 3, 1, 2, 5, 4, 9, 8, 7, 6, 10, 12, 11 }, function() return true end)
return 'sorted'
---- sort of values that cannot be compared
table.sort({ 1, 'a', 2 })
---- sort with nil inside
local t = { 3, nil, 1 }
t[3] = nil
table.sort(t)
return #t
---- length of tables with holes
local t = { 1, 2, nil, 4 }
local u = {}
u[1], u[2], u[4] = 1, 2, 4
return show(#t, #u, #{ nil }, #{ nil, 2 }, #{ n = 1 })
---- next
local t = { a = 1 }
return show(next(t), next({}), next(t, 'a'), rawlen({ 1, 2 }), rawlen('abc'), rawequal(t, t), rawget(t, 'a'))
---- next with a key that is not there
return next({}, 'missing')
---- index of nil
local t
return t.x
---- index of a missing field
local t = {}
return t.x.y
---- assignment to nil key
local t = {}
t[nil] = 1
---- assignment to NaN key
local t = {}
t[0 / 0] = 1
---- float keys that are integers
local t = {}
t[1.0], t[2 ^ 53] = 'one', 'big'
return show(t[1], t[2 ^ 53 | 0], math.type(next(t)))
---- metatables: index, newindex, call
local log = {}
local t = setmetatable({}, {
  __index = function(_, k) return k .. '?' end,
  __newindex = function(self, k, v) log[#log + 1] = k rawset(self, k, v) end,
  __call = function(_, a, b) return a + b end,
})
t.x = 1
t.x = 2
return show(t.x, t.y, t(3, 4), table.concat(log, ','))
---- metatables: arithmetic and comparison
local V = {}
V.__index = V
local function vec(x, y) return setmetatable({ x = x, y = y }, V) end
V.__add = function(a, b) return vec(a.x + b.x, a.y + b.y) end
V.__mul = function(a, b) return type(a) == 'number' and vec(a * b.x, a * b.y) or a.x * b.x + a.y * b.y end
V.__unm = function(a) return vec(-a.x, -a.y) end
V.__eq = function(a, b) return a.x == b.x and a.y == b.y end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__len = function() return 2 end
V.__concat = function(a, b) return tostring(a) .. '..' .. tostring(b) end
V.__tostring = function(a) return '(' .. a.x .. ',' .. a.y .. ')' end
V.__idiv = function() return 'idiv' end
V.__mod = function() return 'mod' end
V.__shl = function() return 'shl' end
V.__band = function() return 'band' end
V.__bnot = function() return 'bnot' end
local a, b = vec(1, 2), vec(3, 4)
return show(a + b, a * b, 2 * a, -a, a == vec(1, 2), a ~= b, a < b, a <= b, a > b, #a, a .. 'x', 1 .. a, a // 1, a % 1, a << 1, a & 1, ~a)
---- metatables: __pairs, __metatable, __close is nothing
local t = setmetatable({}, { __pairs = function() return function(_, k) if not k then return 1, 'one' end end, nil, nil end, __metatable = 'locked' })
local out = {}
for k, v in pairs(t) do out[#out + 1] = k .. v end
return show(out[1], getmetatable(t), both(pcall(setmetatable, t, {})))
---- metatables: inheritance over three levels
local A = {} A.__index = A
function A.new(n) return setmetatable({ n = n }, A) end
function A:name() return 'A' .. self.n end
local B = setmetatable({}, { __index = A }) B.__index = B
function B:twice() return self:name():rep(2) end
local C = setmetatable({}, { __index = B }) C.__index = C
return setmetatable({ n = 5 }, C):twice()
---- metatables of text
local mt = getmetatable('')
mt.__index = function(s, k) if type(k) == 'number' then return string.sub(s, k, k) end return string[k] end
local picked = ('hello')[2] .. ('hello'):upper()
mt.__index = string
return picked
---- weak tables and the collector
local weak = setmetatable({}, { __mode = 'k' })
local kept = {}
weak[kept], weak[{}] = 'kept', 'lost'
local values = setmetatable({ {}, kept, 'text' }, { __mode = 'v' })
collectgarbage()
local out = {}
for _, v in pairs(weak) do out[#out + 1] = v end
return show(table.concat(out, ','), values[1], values[2] == kept, values[3])
---- finalizers run when garbage is collected
local order = {}
for i = 1, 5 do setmetatable({}, { __gc = function() order[#order + 1] = i end }) end
collectgarbage()
return table.concat(order, ' ')
---- collector options
return show(collectgarbage('isrunning'), collectgarbage('step'), collectgarbage('stop'), collectgarbage('isrunning'), collectgarbage('restart'), collectgarbage('setpause', 150), collectgarbage('setstepmul', 300), collectgarbage('setpause', 200), collectgarbage('setstepmul', 200))
---- collector option that is none
return collectgarbage('incremental')
---- a table that holds itself
local t = { name = 'self' }
t.self = t
return t.self.self.self.name
---- a large list comes back
local t = {}
for i = 1, 3000 do t[i] = i * i end
return t
---- a nested table comes back
return { a = 1, b = { c = { d = { 'deep', 2, 3.5, true } } }, list = { 1, 2, 3 }, empty = {} }
---- a queue and a heap
local heap = {}
local function push(x)
  heap[#heap + 1] = x
  local i = #heap
  while i > 1 and heap[i // 2] > heap[i] do
    heap[i // 2], heap[i] = heap[i], heap[i // 2]
    i = i // 2
  end
end
for i = 1, 50 do push(i * 29 % 53) end
return table.concat(heap, ' ')
