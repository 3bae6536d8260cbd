--[[ Boot: what the process's own first message asks for.

Wire        Tag `On-Boot`: `Data` runs the Data of the process as an Eval; a transaction id runs that transaction's data, where the
            host lets a guest read `/data/<id>`. No tag: nothing runs.
]]
return function(ao)
  local eval = require('.eval')(ao)
  return function(msg)
    if #Inbox == 0 then Inbox[1] = msg end
    local source = msg['On-Boot']
    if source == nil then return end
    if source == 'Data' then return eval(msg) end
    local file = io and io.open and io.open('/data/' .. source)
    if not file then error('On-Boot: the data of ' .. source .. ' is not available to this process; put the source into Data', 0) end
    local text = file:read(file:seek('end'))
    file:close()
    return eval({ Data = text })
  end
end
