---- a text
error('boom')
---- a text without position
error('boom', 0)
---- a text of the caller
local function check() error('bad input', 2) end
check()
---- a text with line breaks
error('first\nsecond\n\tthird')
---- nil
error()
---- a number
error(42)
---- a float
error(4.5)
---- a boolean
error(true)
---- a table
error({ code = 404, message = 'not found' })
---- a table with __tostring
error(setmetatable({ code = 1 }, { __tostring = function(e) return 'E' .. e.code end }))
---- a function
error(print)
---- assert
assert(false)
---- assert with a message
assert(nil, 'asserted')
---- assert with a table
assert(false, { reason = 'x' })
---- assert passes values on
return show(assert(1, 2, 3))
---- pcall of tables and texts
return show(pcall(error, { 1 }) == false, select(2, pcall(error, 'x', 0)), select(2, pcall(error)), pcall(function() error({ code = 5 }) end))
---- pcall of what is no function
return show(both(pcall(nil)), both(pcall(42)))
---- xpcall with a traceback
return show(xpcall(function() local x = nil; x() end, function(m) return 'handled: ' .. m end))
---- xpcall with debug.traceback
local _, trace = xpcall(function() error('deep') end, debug.traceback)
return trace
---- xpcall with a handler that fails
return show(xpcall(error, function() error('again') end, 'first'))
---- error thrown on from pcall
local ok, err = pcall(function() error({ code = 1 }) end)
err.code = err.code + 1
return show(ok, err.code, pcall(error, err))
---- call of nil
undefinedFunction()
---- call of a missing method
local o = {}
o:method()
---- call of a field that is a number
local o = { n = 1 }
o.n()
---- arithmetic on nil
local a
return a + 1
---- arithmetic on a table field
local t = { x = {} }
return t.x * 2
---- arithmetic on an upvalue
local up = {}
local function f() return up - 1 end
f()
---- arithmetic on a global
return someGlobal / 2
---- comparison of tables
return {} < {}
---- comparison of nil and number
return nil < 1
---- length of a number
local n = 5
return #n
---- bad argument to a library
return string.rep()
---- bad argument to a method
return ('x'):rep({})
---- bad self
return string.rep(nil, 3)
---- bad argument number
return setmetatable(1, {})
---- bad argument to ipairs
for _ in ipairs() do end
---- bad iterator
for _ in 5 do end
---- error three functions down
local function c() error('at the bottom') end
local function b() c() return 1 end
local function a() b() return 1 end
a()
---- error in a tail call
local function c() error('in a tail') end
local function b() return c() end
return b()
---- error in a coroutine of the program
local co = coroutine.wrap(function() local t = nil; t.x = 1 end)
co()
---- error in a metamethod
local t = setmetatable({}, { __add = function() error('no addition') end })
return t + 1
---- error in __gc is not seen
setmetatable({}, { __gc = function() error('in gc') end })
collectgarbage()
return 'still here'
---- error in required code
package.preload['broken'] = function() error('cannot load') end
require('broken')
---- require of a missing module
require('no.such.module')
---- syntax: unexpected symbol
x = = 1
---- syntax: unfinished string
return 'abc
---- syntax: unfinished long string
return [[abc
---- syntax: malformed number
return 3x
---- syntax: missing end
if true then return 1
---- syntax: end that is too many
return 1 end
---- syntax: bad escape
return '\q'
---- syntax: escape too large
return '\300'
---- syntax: bad unicode escape
return '\u{110000000}'
---- syntax: ambiguity of lines
local a = 1
(a)()
---- syntax: binary zero
return 1 .. '\0' $
---- syntax: not Lua at all
hello there, how are you?
---- syntax: several lines
local a = 1
local b = 2
local c = a b
---- syntax: vararg outside
local function f() return ... end
---- syntax: reserved word
local end = 1
---- syntax: duplicate label
::a:: ::a::
---- nothing at all
---- only a comment
-- nothing here
---- only a statement
local x = 5
---- an expression without return
1 + 1
---- a call without return
tostring(5)
---- a name without return
Owner
---- return of nothing
return
---- return of nil
return nil
---- return of false
return false
---- return of two values
return 'a', 'b'
---- return of nil and a message
return nil, 'second'
---- return of nil and a table
return nil, { code = 1 }
---- return of three values
return 1, nil, 3
---- return of a function
return print
---- return of a coroutine
return coroutine.create(print)
---- print of many kinds
print(1)
print('two')
print({ 3, four = 'five' })
print(nil)
print(true)
return 'end'
---- print of several arguments
print('a', 'b', 3)
---- print before an error
print('seen before')
error('after the print')
---- output that is large
local t = {}
for i = 1, 20000 do t[i] = 'line ' .. i end
return table.concat(t, '\n')
---- output that is large and printed
for i = 1, 300 do print('row ' .. i) end
---- os.exit
os.exit(3)
---- after an exit all goes on
return 'alive'
---- globals that are deleted and an error
local p = print
tostring = nil
error('with tostring gone')
---- after that tostring is there
return tostring(12)
