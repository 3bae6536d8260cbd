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
  c = function(d) return expand(DATE_AND_TIME, d) end,
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
  Z = function(d) return d.zone end,
  ["%"] = function() return "%" end,
}

local MODIFIED = { E = "cCxXyY", O = "deHImMSuUVwWy" }

-- The text, or nil and the conversion that there is none of.
expand = function(template, date)
  local wrong
  local text = gsub(template, "%%([EO]?)(.?)", function(modifier, letter)
    local conversion = CONVERSIONS[letter]
    if modifier ~= "" and (letter == "" or not find(MODIFIED[modifier], letter, 1, true)) then conversion = nil end
    if conversion == nil then
      wrong = wrong or "%" .. modifier .. letter
      return ""
    end
    return conversion(date)
  end)
  if wrong then return nil, wrong end
  return text
end

local FIELD_MAX = 2 ^ 30 - 1 | 0

local function field(date, name, default)
  local value = date[name]
  local number = tointeger(tonumber(value))
  if number ~= nil then
    if number > FIELD_MAX or number < -FIELD_MAX then error("field '" .. name .. "' is out-of-bound", 3) end
    return number
  end
  if value ~= nil then error("field '" .. name .. "' is not an integer", 3) end
  if default == nil then error("field '" .. name .. "' missing in date table", 3) end
  return default
end

local function integerof(name, position, given, value)
  local number = tonumber(value)
  local integer = tointeger(number)
  if integer ~= nil then return integer end
  local problem = "number has no integer representation"
  if number == nil then problem = "number expected, got " .. (position > given and "no value" or type(value)) end
  error("bad argument #" .. position .. " to '" .. name .. "' (" .. problem .. ")", 3)
end

globals.os = {
  -- The message's Timestamp in milliseconds; of a table, seconds since 1970 in UTC.
  time = function(date)
    if date == nil then return now // TIME_UNIT end
    if type(date) ~= "table" then error("bad argument #1 to 'time' (table expected, got " .. type(date) .. ")", 2) end
    local second, minute, hour = field(date, "sec", 0), field(date, "min", 0), field(date, "hour", 12)
    local day, month, year = field(date, "day"), field(date, "month"), field(date, "year")
    local seconds = daysof(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    for name, value in next, dateof(seconds) do date[name] = value end
    return seconds
  end,
  -- In UTC; of the message's time unless seconds since 1970 are given.
  date = function(template, ...)
    template = template == nil and "%c" or tostring(template)
    local seconds = ...
    if seconds == nil then
      seconds = now // 1000
    else
      seconds = integerof("date", 2, 2, seconds)
    end
    if seconds > 67768036191676799 or seconds < -67768040609740800 then
      error("time result cannot be represented in this installation", 2)
    end
    local date, zone = dateof(seconds), "UTC"
    if sub(template, 1, 1) == "!" then template, zone = sub(template, 2), "GMT" end
    if sub(template, 1, 2) == "*t" then return date end
    date.zone = zone
    local text, wrong = expand(template, date)
    if text == nil then error("bad argument #1 to 'date' (invalid conversion specifier '" .. wrong .. "')", 2) end
    return text
  end,
  clock = function() return 0.0 end,
  difftime = function(...)
    local later, earlier = ...
    local given = select("#", ...)
    return integerof("difftime", 1, given, later) - integerof("difftime", 2, given, earlier) + 0.0
  end,
}
`
