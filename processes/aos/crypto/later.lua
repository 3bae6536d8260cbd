--[[ later(fields, modules): a table whose fields are loaded when they are first asked for. `modules`: field -> name of its module, or a
     function that gives the value. A process that wants a hash should not pay for the ciphers. ]]
return function(fields, modules)
  return setmetatable(fields, {
    __index = function(_, name)
      local source = modules[name]
      if source == nil then return nil end
      local value = type(source) == 'function' and source() or require(source)
      rawset(fields, name, value)
      return value
    end,
    __pairs = function(own)
      for name in next, modules do local _ = own[name] end
      return next, own, nil
    end,
  })
end
