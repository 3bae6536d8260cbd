/**
 * `pairs` and `next` in the order of HyperBEAM's engine: integers from 1 on, ascending; then all other keys in Erlang's term order: numbers,
 * false, true, tables, functions, and strings by their bytes.
 *
 * Source      rvirding/luerl 1.3 src/luerl_lib_basic.erl (next), src/ttdict.erl; Erlang term order
 * Invariants  Part of the prelude's chunk: uses its locals. Keys that are removed during a traversal are left out, as there. Keys that are
 *             added come with the next traversal, except for integers that continue a list; there they come at their place.
 *             Tables, functions and coroutines as keys have no order that two engines could share: they come in this engine's.
 */
export const LUERL_ORDER = `local order_next, order_rawequal = next, rawequal
local order_sort, order_meta = table.sort, debug.getmetatable
local RANKS = { boolean = 3, table = 5, ["function"] = 6, userdata = 7, thread = 7, string = 8 }

local function rankof(key)
  local kind = mathtype(key)
  if kind == "integer" then return key >= 1 and 1 or 2 end
  if kind == "float" then return 2 end
  if key == true then return 4 end
  return RANKS[type(key)]
end

local function isbefore(a, b)
  local first, second = rankof(a), rankof(b)
  if first ~= second then return first < second end
  return (first <= 2 or first == 8) and a < b
end

-- Keys of a table, or those after a key of its own order.
local function keysof(t, after)
  local strings, found = {}, 0
  local groups
  for key in order_next, t, after do
    if type(key) == "string" then
      found = found + 1
      strings[found] = key
    else
      local rank = rankof(key)
      groups = groups or {}
      local group = groups[rank]
      if group == nil then groups[rank] = { key } else group[#group + 1] = key end
    end
  end
  order_sort(strings)
  if groups == nil then return strings end
  local keys, n = {}, 0
  for rank = 1, 7 do
    local group = groups[rank]
    if group ~= nil then
      if rank <= 2 then order_sort(group) end
      for i = 1, #group do keys[n + i] = group[i] end
      n = n + #group
    end
  end
  for i = 1, found do keys[n + i] = strings[i] end
  return keys
end

-- One traversal by hand is remembered, the one that went on last.
local walked, walkedkeys, walkedat

local function after(keys, key)
  local low, high = 1, #keys + 1
  local rank = rankof(key)
  if rank >= 5 and rank <= 7 then
    for i = 1, #keys do
      if order_rawequal(keys[i], key) then return i end
    end
    error("invalid key to 'next'", 3)
  end
  while low < high do
    local middle = (low + high) // 2
    if isbefore(key, keys[middle]) then high = middle else low = middle + 1 end
  end
  return low - 1
end

local function firstof(t)
  local key = order_next(t)
  if key == nil then return nil end
  for other in order_next, t, key do
    if isbefore(other, key) then key = other end
  end
  return key, rawget(t, key)
end

local function luerlnext(...)
  local t, key = ...
  if type(t) ~= "table" then
    local what = select("#", ...) == 0 and "no value" or type(t)
    error("bad argument #1 to 'next' (table expected, got " .. what .. ")", 2)
  end
  if mathtype(key) == "float" then key = tointeger(key) or key end
  if key == nil or (mathtype(key) == "integer" and key >= 1) then
    local follower = (key or 0) + 1
    local value = rawget(t, follower)
    if value ~= nil then return follower, value end
  end
  if key == nil then
    if order_rawequal(walked, t) then walked = nil end
    return firstof(t)
  end
  if not (order_rawequal(walked, t) and order_rawequal(walkedkeys[walkedat], key)) then
    local keys = keysof(t)
    walkedat = after(keys, key)
    walked, walkedkeys = t, keys
  end
  local keys = walkedkeys
  for at = walkedat + 1, #keys do
    local value = rawget(t, keys[at])
    if value ~= nil then
      walkedat = at
      return keys[at], value
    end
  end
  walked, walkedkeys = nil, nil
  return nil
end

-- Starts as a list: while the engine's own order is 1, 2, 3 …, it is the right one.
local function walk(t)
  local last, keys, at = nil, nil, 0
  local isplain = order_meta(t) == nil
  return function(_, key)
    if key ~= last then return luerlnext(t, key) end
    if keys == nil then
      local isthere = last == nil
      if not isthere then
        if isplain then isthere = t[last] ~= nil else isthere = rawget(t, last) ~= nil end
      end
      if isthere then
        local follower, value = order_next(t, last)
        if follower == (last or 0) + 1 and mathtype(follower) == "integer" then
          last = follower
          return follower, value
        end
        if follower == nil then return nil end
        keys = keysof(t, last)
      else
        keys = keysof(t)
        at = after(keys, last)
      end
    end
    repeat
      at = at + 1
      local follower, value = keys[at], nil
      if follower == nil then
        at = at - 1
        return nil
      end
      if isplain then value = t[follower] else value = rawget(t, follower) end
      if value ~= nil then
        last = follower
        return follower, value
      end
    until false
  end
end

globals.next = luerlnext
globals.pairs = function(...)
  local t = ...
  if select("#", ...) == 0 then error("bad argument #1 to 'pairs' (value expected)", 2) end
  local meta = order_meta(t)
  local custom = meta and rawget(meta, "__pairs")
  if custom ~= nil then
    local iterate, state, first = custom(t)
    return iterate, state, first
  end
  if type(t) == "table" then return walk(t), t, nil end
  return function(other)
    error("bad argument #1 to 'for iterator' (table expected, got " .. type(other) .. ")", 2)
  end, t, nil
end

-- A traversal by hand ends with the call that it is in.
for _, op in order_next, { 4, 7 } do
  local plain = operations[op]
  operations[op] = plain and function()
    walked, walkedkeys = nil, nil
    return plain()
  end
end
`
