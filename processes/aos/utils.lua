--[[ Utils: list functions that take their arguments one by one or together, and the matching of messages.

Invariants  Functions here never change what they are given.
            A pattern matches a value: `_` any value; a function decides itself; a table if one of its patterns does; text is equal in any
            case, or, with magic characters, found as a Lua pattern (both in small letters: `%D` means `%d`). Other patterns match nothing.
]]
local order = require('.order')

local utils = { _version = '0.0.5' }

local find, lower = string.find, string.lower
local MAGIC = '[%^%$%(%)%%%.%[%]%*%+%?]'

local function matchesText(pattern, text)
  if text == pattern then return true end
  local lowText, lowPattern = lower(text), lower(pattern)
  return lowText == lowPattern or find(pattern, MAGIC) ~= nil and find(lowText, lowPattern) ~= nil
end

function utils.matchesPattern(pattern, value, msg)
  if not pattern then return false end
  if pattern == '_' then return true end
  local kind = type(pattern)
  if kind == 'function' then return pattern(value, msg) and true or false end
  if kind == 'string' then
    local given = type(value)
    if given == 'string' then return matchesText(pattern, value) end
    return (given == 'nil' or given == 'number') and matchesText(pattern, tostring(value or ''))
  end
  if kind == 'table' then
    for _, one in next, pattern do
      if utils.matchesPattern(one, value, msg) then return true end
    end
  end
  return false
end

--- Whether a message fits a spec: a function of the message, a table of patterns by field or tag, or an Action.
function utils.matchesSpec(msg, spec)
  local kind = type(spec)
  if kind == 'function' then return spec(msg) end
  if kind == 'string' then return msg.Action == spec end
  if kind ~= 'table' then return false end
  for key, pattern in next, spec do
    local value = msg[key]
    if not value and type(msg.Tags) == 'table' then value = msg.Tags[key] end
    if not value or not utils.matchesPattern(pattern, value, msg) then return false end
  end
  return true
end

--- A function of `arity` arguments (as many as it names, unless told) that may be called with some of them at a time.
function utils.curry(fn, arity)
  if type(fn) ~= 'function' then error('function is required as first argument', 0) end
  arity = arity or debug.getinfo(fn, 'u').nparams
  if arity < 2 then return fn end
  local function collect(held, count)
    return function(...)
      local given = select('#', ...)
      local all = { table.unpack(held, 1, count) }
      for index = 1, given do all[count + index] = (select(index, ...)) end
      if count + given >= arity then return fn(table.unpack(all, 1, count + given)) end
      return collect(all, count + given)
    end
  end
  return collect({}, 0)
end

local function isArray(subject)
  if type(subject) ~= 'table' then return false end
  local count = 0
  for key in next, subject do
    if math.type(key) ~= 'integer' then return false end
    count = count + 1
  end
  return count == #subject
end

local function expect(condition, message)
  if not condition then error(message, 0) end
end

utils.concat = utils.curry(function(first, second)
  expect(isArray(first), 'first argument should be a table that is an array')
  expect(isArray(second), 'second argument should be a table that is an array')
  local result = table.move(first, 1, #first, 1, {})
  return table.move(second, 1, #second, #result + 1, result)
end, 2)

utils.reduce = utils.curry(function(fn, initial, list)
  expect(type(fn) == 'function', 'first argument should be a function that accepts (result, value, key)')
  expect(isArray(list), 'third argument should be a table that is an array')
  local result = initial
  for index, value in ipairs(list) do
    if result == nil then result = value else result = fn(result, value, index) end
  end
  return result
end, 3)

utils.map = utils.curry(function(fn, list)
  expect(type(fn) == 'function', 'first argument should be a unary function')
  expect(isArray(list), 'second argument should be an Array')
  local result = {}
  for index, value in ipairs(list) do result[index] = fn(value, index) end
  return result
end, 2)

utils.filter = utils.curry(function(fn, list)
  expect(type(fn) == 'function', 'first argument should be a unary function')
  expect(isArray(list), 'second argument should be an Array')
  local result = {}
  for _, value in ipairs(list) do
    if fn(value) then result[#result + 1] = value end
  end
  return result
end, 2)

utils.find = utils.curry(function(fn, list)
  expect(type(fn) == 'function', 'first argument should be a unary function')
  expect(type(list) == 'table', 'second argument should be a table')
  for _, key in ipairs((order.keys(list))) do
    if fn(list[key]) then return list[key] end
  end
end, 2)

utils.propEq = utils.curry(function(name, value, subject)
  expect(type(name) == 'string', 'first argument should be a string')
  expect(type(subject) == 'table', 'third argument should be a table')
  return subject[name] == value
end, 3)

utils.prop = utils.curry(function(name, subject)
  return subject[name]
end, 2)

utils.includes = utils.curry(function(value, list)
  expect(type(list) == 'table', 'argument needs to be a table')
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end, 2)

function utils.reverse(list)
  expect(isArray(list), 'argument needs to be a table that is an array')
  local result, count = {}, #list
  for index = 1, count do result[index] = list[count - index + 1] end
  return result
end

--- compose(f, g)(x) is f(g(x)); of two functions or more, which may come one by one.
utils.compose = utils.curry(function(...)
  local functions = { ... }
  return function(value)
    for index = #functions, 1, -1 do
      expect(type(functions[index]) == 'function', 'each argument needs to be a function')
      value = functions[index](value)
    end
    return value
  end
end, 2)

function utils.keys(subject)
  expect(type(subject) == 'table', 'argument needs to be a table')
  return (order.keys(subject))
end

function utils.values(subject)
  expect(type(subject) == 'table', 'argument needs to be a table')
  local result = order.keys(subject)
  for index, key in ipairs(result) do result[index] = subject[key] end
  return result
end

function utils.capitalize(text)
  return (lower(text):gsub('^%l', string.upper))
end

--- A name as tags are written here: `some_tag` is `Some-Tag`, `SDK` is `Sdk`.
function utils.normalize(name)
  if type(name) ~= 'string' then return name end
  return (name:gsub('_', '-'):gsub('[^-]+', utils.capitalize))
end

return utils
