--[[ apm: a name that updates of terminals ask for. The package manager itself is no part of this runtime: its blueprint brings it. ]]
return setmetatable({ _version = '0.0.0' }, {
  __index = function(_, name)
    error('apm.' .. tostring(name) .. ' is not here; load the blueprint `apm` first', 0)
  end,
})
