--[[ Assignments: messages that were sent to somebody else and assigned to this process.

Invariants  Only what one of `ao.assignables` describes is let in; its order is the order of adding, a name is there once.
]]
local utils = require('.utils')

local assignment = { _version = '0.1.0' }

local function indexOf(list, name)
  for index, entry in ipairs(list) do
    if entry.name == name then return index end
  end
end

--- Gives `ao` its assignment functions.
function assignment.init(ao)
  ao.assignables = ao.assignables or {}

  --- addAssignable([name,] spec): lets matching assignments in; a known name gets the new spec.
  function ao.addAssignable(...)
    local name, spec = ...
    if select('#', ...) == 1 then name, spec = nil, name end
    if name ~= nil and type(name) ~= 'string' then error('MatchSpec name MUST be a string', 0) end
    local kind = type(spec)
    if kind ~= 'string' and kind ~= 'table' and kind ~= 'function' then error('MatchSpec must be a table, string, or function', 0) end
    local index = name and indexOf(ao.assignables, name) or #ao.assignables + 1
    ao.assignables[index] = { name = name, pattern = spec }
  end

  --- By name, or by place in the list.
  function ao.removeAssignable(nameOrIndex)
    local index = nameOrIndex
    if type(nameOrIndex) == 'string' then
      index = indexOf(ao.assignables, nameOrIndex)
    elseif math.type(nameOrIndex) ~= 'integer' then
      error('index MUST be a number', 0)
    end
    if index and ao.assignables[index] then table.remove(ao.assignables, index) end
  end

  function ao.isAssignment(msg)
    return msg.Target ~= ao.id
  end

  function ao.isAssignable(msg)
    for _, assignable in ipairs(ao.assignables) do
      if utils.matchesSpec(msg, assignable.pattern) then return true end
    end
    return false
  end
end

return assignment
