--[[ What a person at a terminal sees: `print` collects lines for the Output of the message, `Prompt` is the line they type at.

Invariants  Printing has no effect outside the Output; the lines of one message are gone when the next begins.
]]
local colors = require('.colors')
local stringify = require('.stringify')

--- `trace`: the stack of the last error of a handler.
local console = { trace = nil }

local function shown(value)
  local kind = type(value)
  if kind == 'string' then return value end
  if kind == 'table' then return stringify.format(value) end
  if kind == 'number' then return colors.green .. tostring(value) .. colors.reset end
  if kind == 'nil' then return colors.red .. 'nil' .. colors.reset end
  return colors.blue .. tostring(value) .. colors.reset
end

function console.print(...)
  local count = select('#', ...)
  local text
  if count <= 1 then
    text = shown((...))
  else
    local parts = { ... }
    for index = 1, count do parts[index] = shown(parts[index]) end
    text = table.concat(parts, '\t')
  end
  table.insert(HANDLER_PRINT_LOGS, text)
end

--- Prints as the program does, which may have a `print` of its own.
function console.say(text)
  if type(print) == 'function' then print(text) else console.print(text) end
end

function console.prompt(version)
  return colors.green .. tostring(Name) .. colors.gray .. '@' .. colors.blue .. 'aos-' .. version .. colors.gray
    .. '[Inbox:' .. colors.red .. tostring(type(Inbox) == 'table' and #Inbox or 0) .. colors.gray .. ']' .. colors.reset .. '> '
end

return console
