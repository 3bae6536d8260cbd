--[[ First in, first out: {push, pop, size, getHead (how many went in), getTail (how many came out), reset}. ]]
return function()
  local items, pushed, popped = {}, 0, 0
  return {
    push = function(item)
      items[pushed] = item
      pushed = pushed + 1
    end,
    pop = function()
      if popped >= pushed then return nil end
      local item = items[popped]
      items[popped] = nil
      popped = popped + 1
      return item
    end,
    size = function() return pushed - popped end,
    getHead = function() return pushed end,
    getTail = function() return popped end,
    reset = function() items, pushed, popped = {}, 0, 0 end,
  }
end
