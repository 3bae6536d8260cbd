--[[ Utils: list functions that take their arguments one by one or together, and the matching of messages.

Invariants  Functions here never change what they are given.
            A pattern matches a value: `_` any value; a function decides itself; a list if one of its patterns does; text equal in any
            case, or as a Lua pattern when it has magic characters; other values when their text is the same.
]]
local order = require('.order')

local utils = { _version = '0.0.5' }

local find, lower = string.find, string.lower
local MAGIC = '[%^%$%(%)%%%.%[%]%*%+%?]'

local function matchesText(pattern, text)
  if text == pattern then return true end
  local lowText, lowPattern = lower(text), lower(pattern)
  if lowText == lowPattern then return true end
  if not find(pattern, MAGIC) then return false end
  return find(text, pattern) ~= nil or find(lowText, lowPattern) ~= nil
end

function utils.matchesPattern(pattern, value, msg)
  local kind = type(pattern)
  if kind == 'nil' then return false end
  if kind == 'string' then
    if pattern == '_' then return true end
    if type(value) == 'string' then return matchesText(pattern, value) end
    return (type(value) == 'number' or type(value) == 'boolean') and matchesText(pattern, tostring(value))
  end
  if kind == 'function' then return pattern(value, msg) and true or false end
  if kind == 'table' then
    for _, one in ipairs(pattern) do
      if utils.matchesPattern(one, value, msg) then return true end
    end
    return false
  end
  return pattern == value or tostring(pattern) == value
end

--- Whether a message fits a spec: a function of the message, a table of patterns by key, or an Action.
function utils.matchesSpec(msg, spec)
  local kind = type(spec)
  if kind == 'function' then return spec(msg) end
  if kind == 'string' then return type(msg) == 'table' and msg.Action == spec end
  if kind ~= 'table' then return false end
  for key, pattern in next, spec do
    local value = msg[key]
    if value == nil and type(msg.Tags) == 'table' then value = msg.Tags[key] end
    if value == nil or not utils.matchesPattern(pattern, value, msg) then return false end
  end
  return true
end

--- A function of `arity` arguments (2 unless given) that may be called with some of them at a time.
function utils.curry(fn, arity)
  assert(type(fn) == 'function', 'first argument should be a function')
  arity = arity or math.max(2, debug and debug.getinfo and debug.getinfo(fn, 'u').nparams or 2)
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
  if not condition then error(message, 3) end
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
  for _, value in ipairs(list) do
    if fn(value) then return value end
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
  expect(type(list) == 'table', 'second argument should be a table')
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

--- compose(f, g)(x) is f(g(x)).
function utils.compose(...)
  local functions = { ... }
  return function(...)
    local result = table.pack(...)
    for index = #functions, 1, -1 do result = table.pack(functions[index](table.unpack(result, 1, result.n))) end
    return table.unpack(result, 1, result.n)
  end
end

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
