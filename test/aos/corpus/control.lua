---- closures share their variables
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local up, get = counter()
up() up()
local fns = {}
for i = 1, 3 do fns[i] = function() i = i + 10 return i end end
return show(get(), fns[1](), fns[1](), fns[2](), fns[3]())
---- state kept in globals
Counter = (Counter or 0) + 1
Log = Log or {}
Log[#Log + 1] = 'visit ' .. Counter
return show(Counter, #Log)
---- state kept in globals, again
Counter = (Counter or 0) + 1
Log[#Log + 1] = 'visit ' .. Counter
return show(Counter, table.concat(Log, ';'))
---- state of a failing message is taken back
Counter = 1000
Log = nil
error('taken back')
---- state after a failing message
return show(Counter, Log and #Log)
---- goto
local out = {}
for i = 1, 5 do
  for j = 1, 5 do
    if j == 3 then goto continue end
    if i == 4 then goto done end
    out[#out + 1] = i * j
    ::continue::
  end
end
::done::
return table.concat(out, ' ')
---- goto without a label
goto nowhere
---- goto into a scope
goto inside
local x = 1
::inside::
print(x)
---- break outside of a loop
break
---- varargs
local function f(...)
  local a, b = ...
  return select('#', ...), a, b, select(-1, ...), (select(2, ...))
end
local function none(...) return ... end
return show(f(1, nil, 3), f('x', 'y'), (none()), none(1, 2, 3), (none(1, 2, 3)))
---- select out of range
return select(0, 1)
---- multiple assignment
local a, b, c = 1, 2
a, b = b, a
local t = { 1, 2 }
local i = 1
i, t[i] = i + 1, 20
return show(a, b, c, i, t[1], t[2])
---- repeat sees its locals
local n = 0
repeat
  local done = n >= 3
  n = n + 1
until done
return n
---- integer loops cannot be changed from inside
local out = {}
for i = 1, 3 do
  out[#out + 1] = i
  i = 10
end
return table.concat(out, ' ')
---- and, or, not
return show(nil and 1, false or nil, 1 and 2, nil or 'd', not nil, not 0, false == nil, 1 or error('never'))
---- method calls and varied calls
local o = { v = 3 }
function o:add(n) self.v = self.v + n return self end
return show(o:add(1):add(2).v, ('x'):rep(3), #'abc', type 'x', (type({})))
---- tail calls do not grow the stack
local function loop(n) if n == 0 then return 'done' end return loop(n - 1) end
return loop(100000)
---- recursion that ends
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
return fib(20)
---- coroutines: yield and resume
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(c * 2)
  return d + e
end)
return show(both(coroutine.resume(co, 1, 2)), both(coroutine.resume(co, 10)), both(coroutine.resume(co, 3, 4)), both(coroutine.resume(co)), coroutine.status(co))
---- coroutines: wrap and iterate
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end
local out = {}
for i, sq in range(5) do out[#out + 1] = i .. ':' .. sq end
return table.concat(out, ' ')
---- coroutines: errors
local co = coroutine.create(function() error({ code = 7 }) end)
local ok, err = coroutine.resume(co)
local other = coroutine.create(function() local x = nil; return x.y end)
return show(ok, err.code, coroutine.status(co), both(coroutine.resume(other)), coroutine.isyieldable())
---- coroutines: wrap passes errors on
local f = coroutine.wrap(function() error('inside') end)
f()
---- coroutines: resume of the dead
local f = coroutine.wrap(function() return 1 end)
f()
f()
---- coroutines: yield across pcall and metamethods
local t = setmetatable({}, { __index = function(_, k) return coroutine.yield(k) end, __lt = function() return coroutine.yield('lt') end })
local co = coroutine.wrap(function()
  local ok, v = pcall(function() return t.field .. coroutine.yield('second') end)
  return ok, v, t < t
end)
return show(both(co()), both(co('A')), both(co('B')), both(co(true)))
---- coroutines: yield across sort
local co = coroutine.create(function() table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end) end)
return show(coroutine.resume(co))
---- coroutines: yield outside
local co = coroutine.running()
return show(type(co), select(2, coroutine.running()), coroutine.isyieldable())
---- coroutines: many at once
local cos = {}
for i = 1, 200 do cos[i] = coroutine.wrap(function() for j = 1, 3 do coroutine.yield(i * j) end end) end
local sum = 0
for _ = 1, 3 do for i = 1, 200 do sum = sum + cos[i]() end end
return sum
---- coroutines kept in the state
Worker = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
return Worker()
---- coroutines kept in the state go on
return show(Worker(), Worker())
---- coroutines kept in the state, taken back on error
Worker()
Worker()
error('no')
---- coroutines kept in the state after that
return Worker()
---- load with an environment
local env = { x = 5 }
local f = load('x = x + 1; return x, y', 'chunk', 't', env)
return show(f(), env.x, x)
---- load from pieces
local parts = { 'return ', '1 ', '+ 2' }
local at = 0
local f = load(function() at = at + 1 return parts[at] end)
return f()
---- load with a syntax error
return show(both(load('return +', '=name')), both(load('x = = 1', '@file.lua')), load('for', 'a very long chunk name that is cut at some point because it is too long to show in full'))
---- load of binary text
return show(load('\27Lua', 'x', 't'))
---- _ENV
local function sandbox()
  local _ENV = { y = 1 }
  y = y + 1
  return y
end
return show(sandbox(), y)
---- debug
local info = debug.getinfo(1, 'Sl')
local function two(a, b) return a, b end
local details = debug.getinfo(two, 'u')
return show(info.short_src, info.currentline, info.what, details.nparams, details.isvararg, debug.getlocal(two, 1), type(debug.traceback()))
---- debug: upvalues and hooks
local up = 5
local function f() return up end
debug.setupvalue(f, 1, 9)
local count = 0
debug.sethook(function() count = count + 1 end, '', 100)
for _ = 1, 1000 do end
debug.sethook()
return show(f(), debug.getupvalue(f, 1), count)
---- many locals
local src = {}
for i = 1, 150 do src[i] = ('local v%d = %d'):format(i, i) end
src[#src + 1] = 'return v1 + v150'
return load(table.concat(src, '\n'))()
---- too many locals
local src = {}
for i = 1, 250 do src[i] = ('local v%d = %d'):format(i, i) end
return load(table.concat(src, '\n'))
---- queens
local count, n = 0, 7
local function place(row, cols, d1, d2)
  if row > n then count = count + 1 return end
  for c = 1, n do
    if not cols[c] and not d1[row + c] and not d2[row - c] then
      cols[c], d1[row + c], d2[row - c] = true, true, true
      place(row + 1, cols, d1, d2)
      cols[c], d1[row + c], d2[row - c] = nil, nil, nil
    end
  end
end
place(1, {}, {}, {})
return count
