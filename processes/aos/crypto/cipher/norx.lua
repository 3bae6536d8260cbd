--[[ NORX64-4-1: encryption with a tag of 32 bytes that proves text, header and trailer.

Wire        encrypt(key, nonce, text[, header, trailer]) -> {asBytes, asHex, asString} of encrypted text and tag.
            decrypt(key, nonce, bytes[, header, trailer]) -> text, or nil and "auth failure". Keys and nonces have 32 bytes.
Source      J.-P. Aumasson, P. Jovanovic, S. Neves, "NORX v3.0", 2016 (CAESAR, third round).
Invariants  The state is 16 words of 64 bits, of which the first 12 meet the text; a nonce must not serve one key twice.
]]
local hex = require('.crypto.util.hex')

local RATE, TAG = 96, 32
local RATE_WORDS = '<' .. ('i8'):rep(12)
local FOUR_WORDS = '<i8i8i8i8'
local DOMAIN = { header = 1, payload = 2, trailer = 4, final = 8 }
local ROUNDS = 4
local STEPS = {
  { 1, 5, 9, 13 }, { 2, 6, 10, 14 }, { 3, 7, 11, 15 }, { 4, 8, 12, 16 }, { 1, 6, 11, 16 }, { 2, 7, 12, 13 }, { 3, 8, 9, 14 }, { 4, 5, 10, 15 },
}

--- Nearly a sum: only the carry into the next bit.
local function blend(a, b)
  return a ~ b ~ (a & b) << 1
end

local function turned(value, by)
  return value >> by | value << 64 - by
end

local function round(s)
  for _, step in ipairs(STEPS) do
    local ia, ib, ic, id = step[1], step[2], step[3], step[4]
    local a, b, c, d = s[ia], s[ib], s[ic], s[id]
    a = blend(a, b)
    d = turned(d ~ a, 8)
    c = blend(c, d)
    b = turned(b ~ c, 19)
    a = blend(a, b)
    d = turned(d ~ a, 40)
    c = blend(c, d)
    s[ia], s[ib], s[ic], s[id] = a, turned(b ~ c, 63), c, d
  end
end

local function permute(s)
  for _ = 1, ROUNDS do round(s) end
end

local function addKey(s, key)
  local k = { FOUR_WORDS:unpack(key) }
  for i = 1, 4 do s[12 + i] = s[12 + i] ~ k[i] end
end

local function begin(key, nonce)
  local s = {}
  for i = 1, 16 do s[i] = i - 1 end
  round(s)
  round(s)
  table.move({ FOUR_WORDS:unpack(nonce) }, 1, 4, 1, s)
  table.move({ FOUR_WORDS:unpack(key) }, 1, 4, 5, s)
  -- Word bits, rounds, lanes, tag bits.
  s[13], s[14], s[15], s[16] = s[13] ~ 64, s[14] ~ ROUNDS, s[15] ~ 1, s[16] ~ 8 * TAG
  permute(s)
  addKey(s, key)
  return s
end

local function padded(block)
  if #block == RATE then return block end
  if #block == RATE - 1 then return block .. '\x81' end
  return block .. '\1' .. ('\0'):rep(RATE - 2 - #block) .. '\128'
end

--- Blocks of a text; the last one is never full.
local function blocks(text)
  local at = 1 - RATE
  return function()
    at = at + RATE
    if text ~= '' and at <= #text + 1 then return text:sub(at, at + RATE - 1) end
  end
end

local function enter(s, domain)
  s[16] = s[16] ~ domain
  permute(s)
end

local function absorb(s, text, domain)
  for block in blocks(text) do
    enter(s, domain)
    for i, word in ipairs({ RATE_WORDS:unpack(padded(block)) }) do
      if i <= 12 then s[i] = s[i] ~ word end
    end
  end
end

local function cross(s, text, isDecryption)
  local parts = {}
  for block in blocks(text) do
    enter(s, DOMAIN.payload)
    local before = RATE_WORDS:pack(table.unpack(s, 1, 12))
    -- Deciphering, the end of a short block is what the mask has there, so that it comes out as the padding does.
    local input = padded(block)
    if isDecryption then input = block .. before:sub(#block + 1) end
    local words = { RATE_WORDS:unpack(input) }
    for i = 1, 12 do words[i] = words[i] ~ s[i] end
    local out = RATE_WORDS:pack(table.unpack(words, 1, 12)):sub(1, #block)
    local plain = { RATE_WORDS:unpack(padded(isDecryption and out or block)) }
    for i = 1, 12 do s[i] = s[i] ~ plain[i] end
    parts[#parts + 1] = out
  end
  return parts
end

local function tagOf(s, key)
  enter(s, DOMAIN.final)
  addKey(s, key)
  permute(s)
  addKey(s, key)
  return FOUR_WORDS:pack(table.unpack(s, 13, 16))
end

local function encrypt(key, nonce, text, header, trailer)
  local s = begin(key, nonce)
  absorb(s, header or '', DOMAIN.header)
  local parts = cross(s, text, false)
  absorb(s, trailer or '', DOMAIN.trailer)
  parts[#parts + 1] = tagOf(s, key)
  local encrypted = table.concat(parts)
  return {
    asBytes = function() return parts end,
    asString = function() return encrypted end,
    asHex = function() return hex.stringToHex(encrypted) end,
  }
end

local function decrypt(key, nonce, bytes, header, trailer)
  assert(#bytes >= TAG, 'too short for a tag')
  local s = begin(key, nonce)
  absorb(s, header or '', DOMAIN.header)
  local parts = cross(s, bytes:sub(1, -TAG - 1), true)
  absorb(s, trailer or '', DOMAIN.trailer)
  if tagOf(s, key) ~= bytes:sub(-TAG) then return nil, 'auth failure' end
  return table.concat(parts)
end

return { encrypt = encrypt, decrypt = decrypt, key_size = 32, nonce_size = 32, variant = 'NORX 64-4-1' }
