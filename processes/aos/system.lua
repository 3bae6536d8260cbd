--[[ os and io as a process may have them: the host's clock and calendar, and no files.

Wire        os.time() is the message's Timestamp in milliseconds, as apps of this contract expect. os.date(format, seconds) is UTC; without
            seconds it shows second 10 of 1970: the clock that these processes see has always stood still there.
Invariants  Nothing here reaches the host; the same message gives the same answers everywhere.
]]
local CLOCK_SECONDS = 10

local hostTime, hostDate = os.time, os.date
local system = { now = nil, os = { clock = os.clock, difftime = os.difftime }, io = {} }

function system.os.time(date)
  if type(date) == 'table' then return hostTime(date) end
  return system.now
end

function system.os.date(format, seconds)
  return hostDate(format, seconds or CLOCK_SECONDS)
end

function system.os.getenv()
  return nil
end

function system.os.remove(path)
  return nil, tostring(path) .. ': No such file or directory', 2
end

function system.os.rename()
  return nil, 'No such file or directory', 2
end

function system.io.open(path)
  return nil, tostring(path) .. ': No error information', 2
end

function system.io.write()
  return system.io
end

return system
