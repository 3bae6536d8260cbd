---- os.time is the time of the message
return os.time()
---- os.time of a date, as aos has it
return show(os.time({ year = 2020, month = 5, day = 17, hour = 12 }), os.time({ year = 1970, month = 1, day = 1, hour = 0 }))
---- os.date of now
return show(os.date(), os.date('%Y-%m-%d %H:%M:%S'), os.date('!%c'))
---- os.date of given times
return show(os.date('!%Y-%m-%d %H:%M:%S', 1700000000), os.date('%c', 0), os.date('!%x %X %p', 951782400), os.date('!%A %B %d %j %U %w %y %%', 1709164800))
---- os.date of every conversion
local out = {}
for c in ('aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ'):gmatch('.') do out[#out + 1] = c .. '=' .. os.date('!%' .. c, 1234567890) end
return table.concat(out, ' ')
---- os.date with the locale modifiers
return show(os.date('!%Ec %EC %Ex %EX %Ey %EY', 86400 * 365), os.date('!%Od %Oe %OH %OI %Om %OM %OS %Ou %OU %OV %Ow %OW %Oy', 1e9 | 0))
---- os.date before 1970 and far away
return show(os.date('!%Y-%m-%d', -86400), os.date('!%F %T', 253402300799), os.date('!%F', 253402300800), os.date('!%F', -62135596800))
---- os.date of leap years
local out = {}
for _, year in ipairs({ 1900, 1999, 2000, 2023, 2024, 2100 }) do
  local days = (year - 1970) * 365 + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
  out[#out + 1] = os.date('!%F %j %u %V %G', (days + 59) * 86400)
end
return table.concat(out, ' | ')
---- os.date of many times
local out, seed = {}, 11
for i = 1, 150 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  local time = (seed - 2 ^ 30) * (i % 5 == 0 and 97 or i % 3) // 1 | 0
  out[i] = time .. ' ' .. os.date('!%a %A %b %B %c %C %d %e %F %g %G %H %I %j %m %M %p %r %R %S %T %u %U %V %w %W %x %X %y %Y %z %Z', time)
end
return table.concat(out, '\n')
---- os.date tables of many times
local out, seed = {}, 5
for i = 1, 60 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  local t = os.date(i % 2 == 0 and '*t' or '!*t', (seed - 2 ^ 30) * (i % 4) | 0)
  out[i] = show(t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst)
end
return table.concat(out, '\n')
---- os.date of the ends of the calendar
return show(both(pcall(os.date, '!%c', 8640000000000)), both(pcall(os.date, '!%c', 8640000000001)), both(pcall(os.date, '!%c', -8640000000000)), both(pcall(os.date, '!%F', -62167219200)),
  both(pcall(os.date, '!%F %y %C %G', -62200000000)), both(pcall(os.date, '!*t', 2 ^ 60 | 0)), both(pcall(os.date, '!%c', math.mininteger)), both(pcall(os.date, '%c', 1.5)), both(pcall(os.date, '%c', 'x')))
---- os.date of a local time that no calendar has
return os.date('%c', 8640000000001)
---- os.date of a local time that is far away
return os.date('%c', 8640000000000)
---- os.date tables
local t = os.date('!*t', 1709164800 + 3661)
local u = os.date('*t', 0)
return show(t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst, u.year, u.hour, u.yday)
---- os.date with a bad conversion
return os.date('%Q')
---- os.date with a bad modifier
return os.date('%Ea')
---- os.date that is too long
return #os.date(('%c'):rep(200), 0)
---- os.date of a time out of range
return os.date('!%F', math.maxinteger)
---- os.getenv
return show(os.getenv('HOME'), os.getenv('PATH'), os.getenv(''), os.getenv('LUA_PATH'))
---- os.difftime and os.setlocale
return show(os.difftime(5, 3), os.setlocale(), os.setlocale('C'), os.setlocale('de_DE'), os.setlocale(nil, 'numeric'))
---- os.setlocale of a bad category
return os.setlocale('C', 'nothing')
---- os.clock is a number [masked: its value]
return os.clock()
---- os.tmpname is a name [masked: its value]
return os.tmpname()
---- collectgarbage count is a number [masked: its value]
return collectgarbage('count')
---- os.remove
return show(both(os.remove('/nope')), both(os.remove('')), both(os.remove('/x/y')))
---- os.rename
return show(os.rename('/a', '/b'))
---- os.remove as the value
return os.remove('/nope')
---- os.rename as the value
return os.rename('/a', '/b')
---- io.open to read
return show(both(io.open('/etc/passwd')), both(io.open('nothing', 'r')), both(io.open('', 'rb')))
---- io.open to write
return show(both(io.open('/tmp/x', 'w')), both(io.open('/data/x', 'a')), both(io.open('x', 'r+')), both(io.open('/new', 'w+b')))
---- io.open as the value
return io.open('/etc/passwd')
---- io.open with a bad mode
return io.open('/x', 'q')
---- io.open of the drive's folders
return show(both(io.open('/data/' .. ('x'):rep(43))), both(io.open('/block/1')), both(io.open('/tx/' .. ('x'):rep(43))), both(io.open('/tx2/x')))
---- io.lines
return io.lines('/nope')
---- io.input
return io.input('/nope')
---- io.output
return io.output('/nope')
---- io.popen
return io.popen('true')
---- io.read
return show(both(io.read()), both(io.read('n')))
---- io.write and the standard files
io.write('not seen ', 1, ' ', 2.5, '\n')
io.stdout:write('nor this')
io.stderr:write('nor that\n')
return show(io.type(io.stdout), io.type(io.stdin), io.type(5), io.output() == io.stdout, io.input() == io.stdin)
---- io.write of a table
io.write({})
---- seek of the standard files
return show(both(io.stdout:seek('cur')), both(io.stdout:seek('set', 5)), both(io.stdout:seek('end')))
---- setvbuf and flush
return show(both(io.stdout:setvbuf('no')), both(io.stdout:setvbuf('full', 1024)), both(io.stdout:flush()) ~= '', both(io.flush()) ~= '')
---- use of a standard file that was closed
local names = {}
for _, f in ipairs({ io.stdin, io.stdout, io.stderr }) do names[#names + 1] = io.type(f) end
return table.concat(names, ' ')
---- dofile and loadfile
return show(both(loadfile('/nope.lua')), both(pcall(dofile, '/nope.lua')))
---- package
return show(package.path, package.cpath, package.config, type(package.loaded), type(package.preload), #package.searchers)
---- package.searchpath
return show(both(package.searchpath('json', './?.lua;/x/?.lua')), both(package.searchpath('a.b', '?;?.so', '.', '_')))
---- package.loadlib
return show(package.loadlib('/nope.so', 'luaopen_x'))
---- the names of what is loaded
local out = {}
for name in pairs(package.loaded) do out[#out + 1] = tostring(name) end
table.sort(out)
return table.concat(out, ' ')
---- versions
return show(_VERSION, type(Version), require('.process')._version, Handlers._version)
---- globals of aos
return show(Name, Owner, #Inbox, type(Handlers), type(ao), type(Utils), ao.id, #Handlers.list)
---- the environment
return { id = ao.env.Process.Id, owner = ao.env.Process.Owner, module = ao.env.Module and ao.env.Module.Id, tags = #ao.env.Process.Tags }
---- authorities and module
return show(table.concat(ao.authorities or {}, ','), ao._module, ao.reference)
---- the message that is evaluated
return show(msg and msg.Id, msg and msg.From)
---- Prompt and Colors
return show(Prompt(), Colors.red, Colors.reset, Bell)
---- a prompt of its own
local old = Prompt
Prompt = function() return 'mine> ' end
return 'changed'
---- a prompt of its own shows
return 1
---- a prompt that fails
Prompt = function() error('no prompt') end
return 'broken'
---- a prompt that is no text
Prompt = function() return 5 end
return 'number'
---- the name is the prompt's
Prompt = nil
Name = 'Renamed'
return Name
---- after all that
return 'x'
