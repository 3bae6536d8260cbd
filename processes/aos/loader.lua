--[[ require and package: the modules of this runtime by name, and what a process adds itself.

Wire        A module is found in package.loaded, then in package.preload, also when the leading dot of its name is left out
            (`json` and `.json` are one module) or with `.init` after it. The first to answer is kept in package.loaded.
Invariants  Nothing is read from files; binary chunks and native modules do not exist here.
]]
package = { loaded = { _G = _G }, preload = {}, path = '', cpath = '', config = '/\n;\n?\n!\n-\n' }

for _, name in ipairs({ 'string', 'table', 'math', 'coroutine', 'utf8', 'os', 'io', 'debug' }) do package.loaded[name] = _G[name] end

local function sourceName(name)
  local preload = package.preload
  for _, candidate in ipairs({ name, '.' .. name, name .. '.init', '.' .. name .. '.init' }) do
    if preload[candidate] then return candidate end
  end
end

function require(name)
  if type(name) ~= 'string' then error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ')', 2) end
  local loaded = package.loaded
  if loaded[name] ~= nil then return loaded[name] end
  local source = sourceName(name)
  if not source then error("module '" .. name .. "' not found:\n\tno field package.preload['" .. name .. "']", 2) end
  local module = loaded[source]
  if module == nil then
    module = package.preload[source](source)
    if module == nil then module = true end
    loaded[source] = module
  end
  loaded[name] = module
  return module
end
