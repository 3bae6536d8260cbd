--[[ Eval: runs the Lua source in a message's Data and keeps its value for the answer.

Invariants  Source is tried as an expression first. The value is printed after what the source printed itself; nil and false print nothing.
            Source that does not compile, or a second value, becomes the Error of the message.
]]
local stringify = require('.stringify')

return function(ao)
  return function(msg)
    local source = msg.Data
    if type(source) ~= 'string' then error('Eval needs Lua source as Data, got ' .. type(source), 0) end
    local chunk = load('return ' .. source, 'aos', 't', _G)
    local problem
    if not chunk then chunk, problem = load(source, 'aos', 't', _G) end
    if not chunk then
      ao.outbox.Error = problem
      return
    end
    local value, second = chunk()
    if second then
      ao.outbox.Error = second
      return
    end
    if value then table.insert(HANDLER_PRINT_LOGS, type(value) == 'table' and stringify.format(value) or tostring(value)) end
  end
end
