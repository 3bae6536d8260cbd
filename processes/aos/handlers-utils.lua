--[[ Handlers.utils: small patterns and handlers for `Handlers.add`. ]]
local matchesSpec = require('.utils').matchesSpec

local patterns = { _version = '0.0.2' }

local function expect(condition, message)
  if not condition then error('invalid arguments: (' .. message .. ')', 0) end
end

function patterns.hasMatchingTag(name, value)
  expect(type(name) == 'string' and type(value) == 'string', 'name : string, value : string')
  return function(msg)
    return msg.Tags[name] == value
  end
end

function patterns.hasMatchingTagOf(name, values)
  expect(type(name) == 'string' and type(values) == 'table', 'name : string, values : string[]')
  return function(msg)
    for _, value in ipairs(values) do
      if msg.Tags[name] == value then return true end
    end
    return 0
  end
end

function patterns.hasMatchingData(value)
  expect(type(value) == 'string', 'value : string')
  return function(msg)
    return msg.Data == value
  end
end

--- A handler that answers with a text, or with a message table.
function patterns.reply(answer)
  expect(type(answer) == 'string' or type(answer) == 'table', 'input : table or string')
  if type(answer) == 'string' then answer = { Data = answer } end
  return function(msg)
    msg.reply(answer)
  end
end

--- The same pattern, but later handlers get the message too.
function patterns.continue(pattern)
  return function(msg)
    local match = matchesSpec(msg, pattern)
    if not match or match == 0 or match == 'skip' then return match end
    return 1
  end
end

return patterns
