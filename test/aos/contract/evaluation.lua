---- numbers
return 42
---- a float
return 1.5
---- an expression
1 + 1
---- a statement
Answer = 42
---- the value of the statement before
Answer
---- text
return 'text'
---- an empty text
return ''
---- true
return true
---- false
return false
---- nil
return nil
---- nothing

---- a list
return { 1, 2, 'three' }
---- a list with a boolean
return { 1, true }
---- a list of lists
return { { 1 }, { 2, { 3 } } }
---- an empty table
return {}
---- a map of one key
return { a = 1 }
---- a map of one key in a map of one key
return { a = { b = { c = 'deep' } } }
---- a function as value
return { f = print } ~= nil
---- two values
return 1, 2
---- nil and text
return nil, 'second'
---- false and text
return false, 'second'
---- a value and false
return 1, false
---- three values
return 1, nil, 3
---- print and value
print('one') print(2) print(true) print(nil) return 'end'
---- print of a list
print({ 1, 2, 3 })
---- print of a map
print({ a = 'b' })
---- print of nothing gives nil
return print('x')
---- a comment
-- only a comment
---- many lines
local a = 1
local b = 2

return a + b
---- a syntax error
return +
---- a syntax error on the third line
local a = 1
local b = 2
local = 3
---- an unfinished string
return 'abc
---- an unfinished function
function f()
---- an error
error('boom')
---- an error without place
error('boom', 0)
---- an error in a function
local function f() error('inner') end
f()
---- an error on the second line
local x = 1
x()
---- an error after a print
print('before') error('after')
---- an error after a send
Send({ Target = 'x', Data = 'lost' }) error('gone')
---- Errors
return type(Errors), nil
---- an assert
assert(false, 'asserted')
---- an assert without text
assert(nil)
---- globals
return type(Inbox) .. type(Owner) .. type(Name) .. type(Colors) .. type(Bell) .. type(Errors) .. type(Dump) .. type(Utils) .. type(Tab) .. type(Prompt) .. type(print) .. type(Version) .. type(Seeded) .. type(Nonce)
---- the bell
return #Bell .. Bell
---- colours
return Dump(Colors) ~= nil and Colors.red .. Colors.green .. Colors.blue .. Colors.gray .. Colors.reset
---- the prompt
return Prompt()
---- another name
Name = 'renamed' return Name
---- its prompt
return Prompt()
---- the version
Version()
---- the owner
return Owner
---- seeded
return Seeded
---- ao
return ao.id .. ' ' .. ao._module .. ' ' .. ao._version .. ' ' .. type(ao.env)
---- authorities
return ao.authorities
---- the environment
return ao.env.Process.Id .. ao.env.Process.Owner .. ao.env.Process.Tags.Name .. #ao.env.Process.TagArray .. type(ao.env.Module)
---- the reference
return ao.reference
---- versions
return require('.process')._version .. ' ' .. Handlers._version .. ' ' .. Handlers.utils._version .. ' ' .. Utils._version .. ' ' .. require('json')._version .. ' ' .. require('.pretty')._version .. ' ' .. require('.stringify')._version .. ' ' .. require('.assignment')._version
---- the handlers
return #Handlers.list .. Handlers.list[1].name .. Handlers.list[2].name
---- the inbox
return #Inbox .. Inbox[1].Id .. tostring(Inbox[1].Data) .. Inbox[1].From
---- a field of the first message
return Inbox[1].Tags.Name .. Inbox[1].TagArray[1].name .. tostring(Inbox[1].Module) .. tostring(Inbox[1].Authority) .. tostring(Inbox[1].Type) .. tostring(Inbox[1].Variant)
---- functions of the first message
return type(Inbox[1].reply) .. type(Inbox[1].forward)
---- the time
return os.time()
---- the time of a date
return os.time({ year = 2020, month = 1, day = 1 })
---- the date
return os.date()
---- the clock is a number
return math.type(os.clock())
---- a table as error [differs: errors]
error({ code = 1 })
---- nil as error [differs: errors]
error()
---- a huge text
return #(('x'):rep(100000))
---- a text with colours
return '\27[31mred\27[0m'
---- a text with zeros
return 'a\0b'
---- Unicode
return 'grüße 😀 日本'
---- load sees globals
return load('return Answer')()
---- load with an environment
return load('return x', 'name', 't', { x = 5 })()
---- load of a bad source
return load('return +', 'chunk')
---- its text
return select(2, load('return +', 'chunk'))
---- pcall
return tostring(select(2, pcall(error, 'text')))
---- a table in pcall
return select(2, pcall(error, { code = 7 })).code
---- goto and integer division
for i = 1, 3 do if i == 2 then goto done end end ::done:: return 7 // 2 .. ' ' .. 7 % -3
---- math.random of a new process
return math.random(1000) .. ' ' .. math.random(5, 10) .. ' ' .. math.random()
---- math.random of a seed
math.randomseed(7) return type(math.random(100))
---- math.random is chance
require('.chance').seed(42) return math.random(1000) .. ' ' .. require('.chance').integer(1, 6) .. ' ' .. require('.chance').random()
---- math.random below
return select(2, pcall(math.random, 0)) ~= nil
---- math.random of one
return math.random(1) .. math.random(3, 3)
---- Tab
return Tab({ Tags = { { name = 'a', value = '1' }, { name = 'a', value = '2' } } })
---- Dump of values
return Dump(1) .. Dump('a') .. Dump(true) .. Dump(nil) .. Dump({}) .. Dump({ 1, { 2 } })
---- Dump of odd keys
return Dump({ ['a b'] = 1, [3] = 2 })
---- Dump of a reserved word
return Dump({ ['end'] = 1 })
---- Dump of negative numbers
return Dump({ -1, 1.5, 1e100, 1 / 0 })
---- Dump without indentation
return Dump({ a = { b = 1 } }, 0)
---- Dump with an indentation
return Dump({ a = { b = 1 } }, 2)
---- Dump with padding
return Dump({ a = { b = 1 } }, 2, 4)
---- Dump with a filter
return Dump({ a = 1, b = 2 }, 4, 0, function(val, depth, t, use, key) if key == 'b' then return nil end return val end)
---- Dump with a bad indentation
return Dump({}, 'x')
---- Dump of a cycle
local t = {} t.t = t return (Dump(t):gsub('0x%x+', 'address'))
---- stringify of a cycle
local t = {} t.t = t return #require('.stringify').format(t) > 10
---- pretty
return require('.pretty').tprint({ a = { b = true } }) .. require('.pretty').tprint({ 1, 'x' }, 2)
---- stringify
return require('.stringify').format({ 1, 2 }) .. require('.stringify').format({ a = { 'x' } }) .. tostring(require('.stringify').isSimpleArray({ 1, 'a' })) .. tostring(require('.stringify').isSimpleArray({ true }))
---- stringify with an indentation
return require('.stringify').format({ a = { b = { 1, true } } }, 4)
---- stringify of a list with a hole [differs: shows]
return require('.stringify').format({ 1, nil, 3 })
---- ao.log
ao.log('logged') return 1
---- ao.clone
local c = ao.clone({ a = { b = 1 } }) c.a.b = 2 return c.a.b
---- ao.clone of a cycle with a metatable
local t = setmetatable({}, { __index = { x = 5 } }) t.t = t local c = ao.clone(t) return tostring(c.t == c) .. c.x .. tostring(c ~= t)
---- ao.normalize
local m = ao.normalize({ Tags = { { name = 'Foo', value = 'bar' }, { name = 'Type', value = 'x' }, { name = 'From', value = 'y' } } }) return tostring(m.Foo) .. tostring(m.Type) .. tostring(m.From)
---- ao.sanitize
local m = ao.sanitize({ From = 'a', Foo = 'b', Id = 'c', Data = 'd', Tags = {} }) return tostring(m.From) .. tostring(m.Foo) .. tostring(m.Id) .. tostring(m.Data) .. tostring(m.Tags)
---- ao.isTrusted
return tostring(ao.isTrusted({ From = 'x', Owner = 'y' })) .. tostring(ao.isTrusted({ From = 'x', Owner = ao.authorities[1] })) .. tostring(ao.isTrusted({ From = ao.authorities[1], Owner = 'z' }))
---- ao.isAssignment
return tostring(ao.isAssignment({ Target = ao.id })) .. tostring(ao.isAssignment({ Target = 'x' }))
---- ao.isAssignable
return tostring(ao.isAssignable({ Action = 'x' }))
---- ao.result
local r = ao.result({ Output = 'o' }) return r.Output .. #r.Messages .. #r.Spawns .. #r.Assignments .. tostring(r.Error)
---- ao.result with an Error [differs: result]
local r = ao.result({ Error = 'e' }) return tostring(r.Output) .. type(r.Messages) .. tostring(r.Error)
---- ao.outbox
Send({ Target = 'x' }) local n = #ao.outbox.Messages ao.clearOutbox() return n .. #ao.outbox.Messages .. type(ao.outbox.Output)
---- an Output by hand
ao.outbox.Output = { data = 'mine' } return 'theirs'
---- an Error by hand
ao.outbox.Error = 'by hand' return 1
---- non-extractable tags
return table.concat(ao.nonExtractableTags, ',') .. '|' .. table.concat(ao.nonForwardableTags, ',')
---- _G is shared
_G.shared = 1 return shared
---- shadowed globals
local print, tostring, type = nil, nil, nil return 1
---- print of several values [differs: shows]
print('a', 2, nil, true)
---- print of a list with names [differs: shows]
print({ 1, 2, name = 'x' })
---- a broken list and a name [differs: shows]
return { 1, nil, 3, x = 4 }
---- an integral float
return 2^53
---- logarithms and exponents [differs: libm]
return string.format('%.17g %.17g', math.exp(1), math.log(81, 3))
---- roots and angles
return string.format('%.17g %.17g %.17g %.17g', math.sqrt(2), math.sin(1), math.log(10), math.pi)
---- positions of functions
local info = debug.getinfo(1, 'Sl') local function two(a, b) end return info.short_src .. info.currentline .. debug.getinfo(two, 'u').nparams .. debug.getlocal(two, 1) .. type(debug.traceback())
---- a metatable by debug
return tostring(debug.getmetatable('').__index == string)
---- the debugger changes nothing [differs: debug]
local up = 5 local function f() return up end debug.setupvalue(f, 1, 9) return f()
---- a traceback
local _, trace = xpcall(function() error('deep') end, debug.traceback) return (trace:match('^[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*'))
---- functions as bytes [differs: bytes]
return load(string.dump(function() return 42 end), 'x', 'b')()
---- files that are not there
return show((io.open('/etc/passwd'))) .. show((io.open('/tmp/x', 'w'))) .. show(os.remove('/x')) .. show(os.rename('/a', '/b')) .. show(os.getenv('HOME'))
---- io.lines of no file
return show(pcall(io.lines, '/nope'))
---- io.open with a bad mode
io.open('/x', 'q')
---- io.popen
io.popen('ls')
---- io.write is seen by nobody
io.write('x', 1) io.stdout:write('y') return io.type(io.stdout) .. io.type(io.stdin)
---- os.execute
return show(os.execute()) .. show(os.execute('ls'))
---- os.date of a time
return os.date('!%Y-%m-%d %H:%M:%S', 1700000000) .. os.date('*t', 0).year
---- loadfile of no file [differs: errors]
return show(loadfile('/nope'))
---- package.searchpath
return show(package.searchpath('a.b', '?;/x/?.lua')) .. show(package.searchpath('a.b', '?', '.', '_'))
---- package.loadlib
return show(package.loadlib('x', 'y'))
