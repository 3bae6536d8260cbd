local t = require('.testing')

local PROMPT = '\27[32mcounter\27[90m@\27[34maos-2.0.4\27[90m[Inbox:\27[31m1\27[90m]\27[0m> '
local boot = t.boot({ Name = 'counter' })

local function output(source)
  local response = t.send(t.owner, 'Eval', nil, source)
  return response.Output, response.Error
end

t.test('the first message goes into the Inbox and prints nothing', function()
  t.equal(boot.Output, { data = '', prompt = PROMPT, print = true })
  t.equal(t.eval('#Inbox'), '1')
  t.equal(t.eval('Inbox[1].Tags.Name'), 'counter')
end)

t.test('the value of an Eval is its data, with prompt and test', function()
  t.equal(output('1+1'), { data = '2', prompt = PROMPT, test = '{\n    [1] = "2"\n}' })
  t.equal(output('nil'), { data = '', prompt = PROMPT, test = '{}' })
end)

t.test('values are shown as text', function()
  local shown = {
    ["'str'"] = 'str', ['true'] = 'true', ['false'] = '', ['1/0'] = 'inf', ['2^53'] = '9.007199254741e+15', ['10//3'] = '3', ['7%-3'] = '-2',
    ['math.maxinteger+1'] = '-9223372036854775808', ['{1,2}'] = '{ \27[34m1\27[0m, \27[34m2\27[0m }', ['_VERSION'] = 'Lua 5.3',
    ['{}'] = '{  }', ["{a='x'}"] = '{\n   \27[31ma\27[0m = \27[32m"x"\27[0m\n}', ['Owner'] = t.owner, ['Name'] = 'counter',
    ["require('.process')._version"] = '2.0.4', ['Handlers._version'] = '0.0.5', ['#Handlers.list'] = '2', ['Handlers.list[1].name'] = '_eval',
  }
  for source, expected in pairs(shown) do t.equal(t.eval(source), expected, source) end
end)

t.test('Dump shows Lua source with ordered keys', function()
  t.equal(t.eval("Dump({a={1,2},b='x',['c d']=true})"), '{\n    a = {\n        [1] = 1,\n        [2] = 2\n    },\n    b = "x",\n    ["c d"] = true\n}')
  t.equal(t.eval('local x = {} x.x = x return (Dump(x):gsub("0x%x+", "…"))'), '{\n    x = "<Circular table: …>"\n}')
end)

t.test('prints come before the value, line by line', function()
  t.equal(t.eval("print('one') print(2) print(nil) print({3}) return 'four'"), 'one\n\27[32m2\27[0m\n\27[31mnil\27[0m\n{ \27[34m3\27[0m }\nfour')
  t.equal(t.eval("print('a', 1)"), 'a\t\27[32m1\27[0m')
end)

t.test('an error is reported after what was printed, and nothing leaves', function()
  local response = t.send(t.owner, 'Eval', nil, "Send({Target = 'x'}) print('hello') error('boom')")
  t.equal(response.Error:gsub(':%d+: %[', ':N: [', 1), 'hello\n\n\27[31merror:\n\27[0m[string ".handlers"]:N: [string "aos"]:1: boom')
  t.equal({ response.Output, response.Messages, response.Spawns, response.Assignments }, { '', {}, {}, {} })
end)

t.test('source that does not compile and second values are plain errors', function()
  local _, problem = output('x==')
  t.equal(problem, '[string "aos"]:1: syntax error near \'==\'')
  _, problem = output("return nil, 'second'")
  t.equal(problem, 'second')
  _, problem = output("return 'a', 'b'")
  t.equal(problem, 'b')
end)

t.test('error values that are tables become text', function()
  local _, problem = output('error({code = 7})')
  t.contains(problem, 'code')
  _, problem = output("error(setmetatable({}, {__tostring = function() return 'told' end}))")
  t.contains(problem, 'told')
  _, problem = output('error()')
  t.contains(problem, 'nil')
end)

t.test('an Eval by somebody else is kept in the Inbox', function()
  local response = t.send(('x'):rep(43), 'Eval', nil, 'Owner = "stolen"')
  t.contains(response.Output.data, 'New Message From')
  t.equal(response.Output.print, nil)
  t.equal(Owner, t.owner)
  t.equal(t.eval('Inbox[#Inbox].Data'), 'Owner = "stolen"')
end)

t.test('state, functions and modules stay', function()
  t.eval('Count = 41 function more() Count = Count + 1 return Count end')
  t.equal(t.eval('more()'), '42')
  t.eval("package.loaded['.mine'] = { answer = 42 }")
  t.equal(t.eval("require('.mine').answer"), '42')
  t.raises("module 'nope' not found", t.eval, "require('nope')")
end)

t.test('the modules of the runtime are there under their names', function()
  t.equal(t.eval("require('ao') == ao and require('.ao') == ao and require('json') == require('.json') and require('.handlers') == Handlers"), 'true')
  for _, name in ipairs({ '.utils', '.base64', '.pretty', '.stringify', '.dump', '.eval', '.boot', '.default', '.assignment', '.handlers-utils' }) do
    t.equal(t.eval("require('" .. name .. "') ~= nil"), 'true', name)
  end
end)

t.test('a Prompt of its own is used, a broken one is not', function()
  t.eval("Prompt = function() return 'hi> ' end")
  t.equal(output('1').prompt, 'hi> ')
  t.eval('Prompt = 5')
  t.contains(output('1').prompt, 'aos-2.0.4')
end)

t.test('time is the time of the message, files do not exist', function()
  t.equal(t.eval('os.time() == Inbox[1].Timestamp'), '')
  t.equal(t.eval('math.type(os.time())'), 'integer')
  t.equal(t.eval("os.date('!%Y-%m-%d %H:%M:%S', 1700000000)"), '2023-11-14 22:13:20')
  t.equal(t.eval('os.date()'), 'Thu Jan 01 00:00:10 1970')
  t.raises('/etc/passwd: No such file or directory', t.eval, "io.open('/etc/passwd')")
  t.raises('/nope: No such file or directory', t.eval, "os.remove('/nope')")
end)

t.test('random numbers are seeded by the first message', function()
  t.eval("require('.chance').seed(5)")
  t.equal(t.eval("math.random(1, 100) .. ' ' .. math.random(1, 100) .. ' ' .. math.random()"), '23 6 0.87073230347596')
  t.eval("require('.chance').seed(123456789)")
  t.equal(t.eval("local c = require('.chance') return c.integer(-5, 5) .. ' ' .. c.integer(0, 0) .. ' ' .. c.integer(1, 2^40)"), '0 0 587289408001')
end)

t.test('nil, errors and functions in a table are shown, not fatal', function()
  t.contains(t.eval('{f = print}'), 'function')
  t.contains(t.eval('print(print)'), 'function')
  t.equal(t.eval('-- only a comment'), '')
  t.equal(t.eval(''), '')
end)

t.test('crypto counts as loaded before it is', function()
  t.equal(t.eval("Utils.includes('.crypto.init', Utils.keys(package.loaded))"), 'true')
  t.equal(t.eval("require('.crypto').digest.sha3_256('hello').asHex():sub(1, 8)"), '3338be69')
  t.equal(t.eval("require('.crypto.init') == require('.crypto') and package.loaded['.crypto.init'] == require('.crypto')"), 'true')
end)
