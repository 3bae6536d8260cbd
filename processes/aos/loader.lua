--[[ require and package: the modules of this runtime by name, and what a process adds itself.

Wire        A module is found in package.loaded, then by package.searchers: the first looks into package.preload, also when the leading dot
            of the name is left out (`json` and `.json` are one module) or `.init` after it; a process may add its own. The first to answer
            is kept in package.loaded.
Invariants  Nothing is read from files; native modules do not exist here.
            The runtime has the standard functions for itself: what a program does to its globals does not reach them. All other names
            are the globals that it shares with the program.
]]
local private = { package = false }
for _, name in ipairs({
  'type', 'tostring', 'tonumber', 'pairs', 'ipairs', 'next', 'select', 'pcall', 'xpcall', 'error', 'assert', 'setmetatable', 'getmetatable',
  'rawget', 'rawset', 'rawequal', 'rawlen', 'load', 'collectgarbage',
}) do
  private[name] = _G[name]
end
for _, name in ipairs({ 'string', 'table', 'math', 'coroutine', 'utf8', 'debug' }) do
  private[name] = {}
  for key, value in pairs(_G[name]) do private[name][key] = value end
end
local _ENV = setmetatable(private, { __index = _G, __newindex = _G })

package = { loaded = { _G = _G }, preload = {}, path = '', cpath = '', config = '/\n;\n?\n!\n-\n' }
package.loaded.package = package
_G.package = package

for _, name in ipairs({ 'string', 'table', 'math', 'coroutine', 'utf8', 'os', 'io', 'debug' }) do package.loaded[name] = _G[name] end

local require

--- Stands in package.loaded for a module that counts as loaded before anybody requires it, and answers as the module does.
local later = setmetatable({}, {
  __index = function(_, name)
    return require('.crypto.init')[name]
  end,
  __pairs = function()
    return pairs(require('.crypto.init'))
  end,
})
package.loaded['.crypto.init'] = later

local function sourceName(preload, name)
  for _, candidate in ipairs({ name, '.' .. name, name .. '.init', '.' .. name .. '.init' }) do
    if preload[candidate] then return candidate end
  end
end

local function preloadSearcher(name)
  local preload = package.preload
  local source = sourceName(preload, name)
  if not source then return "\n\tno field package.preload['" .. name .. "']" end
  return function()
    local loaded = package.loaded
    local module = loaded[source]
    if module == nil or module == later then
      module = preload[source](source)
      if module == nil then module = loaded[source] end
      if module == nil or module == later then module = true end
      loaded[source] = module
    end
    return module
  end, source
end

package.searchers = { preloadSearcher }

--- Where a file of a module would be, if there were files: the names that were tried.
function package.searchpath(name, path, separator, replacement)
  separator = separator or '.'
  if separator ~= '' then name = name:gsub('%' .. separator, ((replacement or '/'):gsub('%%', '%%%%'))) end
  local tried = {}
  for template in path:gmatch('[^;]+') do tried[#tried + 1] = "\n\tno file '" .. template:gsub('%?', (name:gsub('%%', '%%%%'))) .. "'" end
  return nil, table.concat(tried)
end

function package.loadlib()
  return nil, 'dynamic libraries not enabled; check your Lua installation', 'absent'
end

function require(name)
  if type(name) ~= 'string' then error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ')', 2) end
  local loaded = package.loaded
  local known = loaded[name]
  if known ~= nil and known ~= later then return known end
  local tried = {}
  for _, search in ipairs(package.searchers) do
    local loader, extra = search(name)
    if type(loader) == 'function' then
      local module = loader(name, extra)
      if module == nil then module = loaded[name] end
      if module == nil or module == later then module = true end
      loaded[name] = module
      return module
    end
    if type(loader) == 'string' then tried[#tried + 1] = loader end
  end
  error("module '" .. name .. "' not found:" .. table.concat(tried), 2)
end

_G.require, private.require = require, require

--- Keeps a source until it is required; compiled, all of them would make every process larger.
local function preload(name, source)
  package.preload[name] = function(...)
    return assert(load(source, name, 't', _ENV))(...)
  end
end
