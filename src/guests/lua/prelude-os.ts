/**
 * The `os` library that programs in Lua see: a calendar in UTC and the time of the message, nothing of the machine.
 *
 * Source      Lua 5.3 reference manual 6.9, C99 strftime in the C locale; os.time() as aos has it: the message's Timestamp in milliseconds
 * Invariants  Part of the prelude's chunk: uses its locals `now`, `globals` and the captured library functions.
 */
export const OS_LIBRARY = String.raw`
-- Days since 1970-01-01 of a date in the Gregorian calendar, and back.
local function daysof(year, month, day)
  local m = month - 1
  year, month = year + m // 12, m % 12 + 1
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local yearofera = year - era * 400
  local dayofyear = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + yearofera * 365 + yearofera // 4 - yearofera // 100 + dayofyear - 719468
end

local function dateof(seconds)
  local days, rest = seconds // 86400, seconds % 86400
  local shifted = days + 719468
  local era = shifted // 146097
  local dayofera = shifted - era * 146097
  local yearofera = (dayofera - dayofera // 1460 + dayofera // 36524 - dayofera // 146096) // 365
  local dayofyear = dayofera - (365 * yearofera + yearofera // 4 - yearofera // 100)
  local shiftedmonth = (5 * dayofyear + 2) // 153
  local month = shiftedmonth < 10 and shiftedmonth + 3 or shiftedmonth - 9
  local year = yearofera + era * 400 + (month <= 2 and 1 or 0)
  return {
    year = year, month = month, day = dayofyear - (153 * shiftedmonth + 2) // 5 + 1,
    hour = rest // 3600, min = rest % 3600 // 60, sec = rest % 60,
    wday = (days + 4) % 7 + 1, yday = days - daysof(year, 1, 1) + 1, isdst = false,
  }
end

local DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" }
local expand

-- Week of the ISO 8601 year that the date falls in, and that year.
local function isoweek(date)
  local weekday = (date.wday + 5) % 7
  local thursday = dateof((daysof(date.year, date.month, date.day) - weekday + 3) * 86400)
  return (thursday.yday - 1) // 7 + 1, thursday.year
end

local CONVERSIONS = {
  a = function(d) return sub(DAYS[d.wday], 1, 3) end,
  A = function(d) return DAYS[d.wday] end,
  b = function(d) return sub(MONTHS[d.month], 1, 3) end,
  B = function(d) return MONTHS[d.month] end,
  c = function(d) return expand("%a %b %d %H:%M:%S %Y", d) end,
  C = function(d) return format("%02d", d.year // 100) end,
  d = function(d) return format("%02d", d.day) end,
  D = function(d) return expand("%m/%d/%y", d) end,
  e = function(d) return format("%2d", d.day) end,
  F = function(d) return expand("%Y-%m-%d", d) end,
  g = function(d) return format("%02d", select(2, isoweek(d)) % 100) end,
  G = function(d) return tostring((select(2, isoweek(d)))) end,
  h = function(d) return sub(MONTHS[d.month], 1, 3) end,
  H = function(d) return format("%02d", d.hour) end,
  I = function(d) return format("%02d", (d.hour + 11) % 12 + 1) end,
  j = function(d) return format("%03d", d.yday) end,
  m = function(d) return format("%02d", d.month) end,
  M = function(d) return format("%02d", d.min) end,
  n = function() return "\n" end,
  p = function(d) return d.hour < 12 and "AM" or "PM" end,
  r = function(d) return expand("%I:%M:%S %p", d) end,
  R = function(d) return expand("%H:%M", d) end,
  S = function(d) return format("%02d", d.sec) end,
  t = function() return "\t" end,
  T = function(d) return expand("%H:%M:%S", d) end,
  u = function(d) return tostring((d.wday + 5) % 7 + 1) end,
  U = function(d) return format("%02d", (d.yday + 6 - (d.wday - 1)) // 7) end,
  V = function(d) return format("%02d", (isoweek(d))) end,
  w = function(d) return tostring(d.wday - 1) end,
  W = function(d) return format("%02d", (d.yday + 6 - (d.wday + 5) % 7) // 7) end,
  x = function(d) return expand("%m/%d/%y", d) end,
  X = function(d) return expand("%H:%M:%S", d) end,
  y = function(d) return format("%02d", d.year % 100) end,
  Y = function(d) return tostring(d.year) end,
  z = function() return "+0000" end,
  Z = function() return "UTC" end,
  ["%"] = function() return "%" end,
}

expand = function(template, date)
  return (gsub(template, "%%(.?)", function(letter)
    local conversion = CONVERSIONS[letter]
    if conversion == nil then error("bad argument #1 to 'date' (invalid conversion specifier '%" .. letter .. "')", 0) end
    return conversion(date)
  end))
end

local function field(date, name, default)
  local value = date[name]
  local number = tointeger(tonumber(value))
  if number ~= nil then return number end
  if value ~= nil then error("field '" .. name .. "' is not an integer", 3) end
  if default == nil then error("field '" .. name .. "' missing in date table", 3) end
  return default
end

globals.os = {
  -- The message's Timestamp in milliseconds; of a table, seconds since 1970 in UTC.
  time = function(date)
    if date == nil then return now end
    if type(date) ~= "table" then error("bad argument #1 to 'time' (table expected, got " .. type(date) .. ")", 2) end
    local days = daysof(field(date, "year"), field(date, "month"), field(date, "day"))
    return days * 86400 + field(date, "hour", 12) * 3600 + field(date, "min", 0) * 60 + field(date, "sec", 0)
  end,
  -- In UTC; of the message's time unless seconds since 1970 are given.
  date = function(template, seconds)
    template = template == nil and "%c" or tostring(template)
    if seconds == nil then
      seconds = now // 1000
    else
      seconds = tointeger(floor(tonumber(seconds) or error("bad argument #2 to 'date' (number expected)", 2)))
      if seconds == nil or seconds > 67768036191676799 or seconds < -67768040609740800 then
        error("bad argument #2 to 'date' (time out of range)", 2)
      end
    end
    if sub(template, 1, 1) == "!" then template = sub(template, 2) end
    local date = dateof(seconds)
    if sub(template, 1, 2) == "*t" then return date end
    return expand(template, date)
  end,
  clock = function() return 0.0 end,
  difftime = function(later, earlier) return (later - (earlier or 0)) * 1.0 end,
}
`
