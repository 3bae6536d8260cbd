--[[ os as a process sees it: the message's clock, a calendar, and no machine.

Wire        os.time() is the message's Timestamp in milliseconds, whatever it is given, as apps of this contract expect.
            os.date(format, seconds) is UTC; without seconds it shows second 10 of 1970: the clock that these processes see stands still there.
Invariants  Nothing here reaches the host; the same message gives the same answers everywhere. Files are the host's own `io`.
]]
local CLOCK_SECONDS = 10

local hostDate = os.date
local system = { now = nil }

function os.time()
  return system.now
end

function os.date(format, seconds)
  return hostDate(format, seconds or CLOCK_SECONDS)
end

--- A chunk from a file that the host shows, or nil and why there is none.
function loadfile(path, mode, ...)
  local file = path and io.open(path)
  if not file then return nil, 'cannot open ' .. tostring(path) end
  local source = file:read('a')
  file:close()
  return load(source, '@' .. path, mode, select('#', ...) > 0 and (...) or _G)
end

function dofile(path)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  return chunk()
end

return system
