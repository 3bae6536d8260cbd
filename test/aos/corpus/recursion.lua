---- recursion without end
local function f() return 1 + f() end
return f()
---- recursion without end, caught
local function f() return 1 + f() end
local ok, err = pcall(f)
return show(ok, err)
---- recursion through metamethods without end
local t = setmetatable({}, {})
getmetatable(t).__index = function(self, k) return self[k] end
local ok, err = pcall(function() return t.x end)
return show(ok, #tostring(err) > 10)
---- recursion through sort, gsub and pcall
local depth = 0
local function dive() depth = depth + 1 return pcall(string.gsub, 'x', 'x', dive) end
dive()
return depth
---- nested pcall without end
local depth = 0
local function dive() depth = depth + 1 local ok, e = pcall(dive) return ok, e end
local ok = dive()
return show(ok, depth)
---- a very long expression
return load('return ' .. ('1+'):rep(5000) .. '1')()
---- parentheses that nest too deep
return load('return ' .. ('('):rep(300) .. '1' .. (')'):rep(300))
---- metatables: a loop of __index
local a, b = {}, {}
setmetatable(a, { __index = b })
setmetatable(b, { __index = a })
return a.x
---- deep tables built and walked
local root = {}
local at = root
for _ = 1, 10000 do
  at.next = {}
  at = at.next
end
local depth = 0
at = root
while at.next do
  depth = depth + 1
  at = at.next
end
return depth
---- pattern too complex
return ('x'):rep(300000):match(('x?'):rep(300000) .. 'y')
---- a traceback of forty levels
local function down(n) if n == 0 then error('bottom') end local r = down(n - 1) return r end
down(40)
---- json of a loop
local t = {}
t.t = t
return require('json').encode(t)
---- json decode of deep lists
local json = require('json')
local t = json.decode(('['):rep(150) .. (']'):rep(150))
local depth = 0
while t do depth, t = depth + 1, t[1] end
return depth
---- json decode of very deep lists
return require('json').decode(('['):rep(100000))
