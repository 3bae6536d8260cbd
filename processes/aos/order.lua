--[[ Table keys in one fixed order: numbers, then strings, then the rest by their text.

Invariants  Lua's own `pairs` order depends on the history of a table and on string hashes. Whatever leaves a process
            (tags, JSON, printed tables) goes through here, so that the same state always gives the same bytes.
]]
local order = {}

local RANK = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local typeA, typeB = type(a), type(b)
  if typeA ~= typeB then
    local rankA, rankB = RANK[typeA] or 4, RANK[typeB] or 4
    if rankA ~= rankB then return rankA < rankB end
    return typeA < typeB
  end
  if typeA == 'number' or typeA == 'string' then return a < b end
  return tostring(a) < tostring(b)
end

--- All keys of a table, ordered. The second value tells whether every key is a string.
function order.keys(subject)
  local keys, count, onlyStrings = {}, 0, true
  for key in next, subject do
    count = count + 1
    keys[count] = key
    if onlyStrings and type(key) ~= 'string' then onlyStrings = false end
  end
  if count > 1 then
    if onlyStrings then table.sort(keys) else table.sort(keys, before) end
  end
  return keys, onlyStrings
end

return order
