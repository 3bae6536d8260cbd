--[[ The last handler: keeps a message that nobody took in the Inbox and prints a line about it. ]]
local colors = require('.colors')
local console = require('.console')
local dump = require('.dump')
local json = require('.json')

local SHOWN = 20

local function short(id)
  if type(id) ~= 'string' then return 'unknown' end
  return id:sub(1, 3) .. '...' .. id:sub(-3)
end

local function dataText(data)
  if type(data) ~= 'table' then return tostring(data == nil and '' or data) end
  local ok, text = pcall(json.encode, data)
  return ok and text or dump(data)
end

return function(keep)
  return function(msg)
    keep(msg)
    local what = msg.Action and 'Action = ' .. colors.blue .. tostring(msg.Action):sub(1, SHOWN)
      or 'Data = ' .. colors.blue .. dataText(msg.Data):sub(1, SHOWN)
    console.say(colors.gray .. 'New Message From ' .. colors.green .. short(msg.From) .. colors.gray .. ': ' .. colors.gray .. what .. colors.reset)
  end
end
