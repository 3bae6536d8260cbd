--[[ tprint(table, indent): one `key: value` line per field, nested tables one space further in. ]]
local order = require('.order')

local pretty = { _version = '0.0.1' }

local function lines(subject, indent, open, out)
  for _, key in ipairs((order.keys(subject))) do
    local value = subject[key]
    local start = string.rep(' ', indent) .. tostring(key) .. ': '
    if type(value) == 'table' and not open[value] then
      out[#out + 1] = start .. '\n'
      open[value] = true
      lines(value, indent + 1, open, out)
      open[value] = nil
    else
      out[#out + 1] = start .. tostring(value) .. '\n'
    end
  end
  return out
end

function pretty.tprint(subject, indent)
  return table.concat(lines(subject, indent or 0, { [subject] = true }, {}))
end

return pretty
