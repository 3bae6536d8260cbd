--[[ MORUS-1280: encryption with a tag of 16 bytes that proves text and header.

Wire        encrypt(key, nonce, text[, header]) -> {asBytes, asHex, asString} of header, encrypted text and tag.
            decrypt(key, nonce, bytes[, headerBytes]) -> text, or nil and "decrypt error". Keys have 16 or 32 bytes, nonces 16.
Source      H. Wu and T. Huang, "The authenticated cipher MORUS", 2016 (CAESAR, third round).
Invariants  The state is five rows of four 64-bit words in one list; a nonce must not serve one key twice.
]]
local hex = require('.crypto.util.hex')

local BLOCK, TAG = 32, 16
local WORDS = '<i8i8i8i8'
local TURNS = { 13, 46, 38, 7, 4 }
--- By how many words a row moves.
local MOVES = { 1, 2, 3, 2, 1 }
local CONSTANT = { ('<i8i8i8i8'):unpack('\0\1\1\2\3\5\8\13\21\34\55\89\144\233\121\98\219\61\24\85\109\194\47\241\32\17\49\66\115\181\40\221') }

local function update(state, m0, m1, m2, m3)
  local input = { 0, 0, 0, 0 }
  for round = 1, 5 do
    local row, next, after = 4 * (round - 1), 4 * (round % 5), 4 * ((round + 1) % 5)
    local moved = 4 * ((round + 2) % 5)
    local turn = TURNS[round]
    for i = 1, 4 do
      local word = state[row + i] ~ state[next + i] & state[after + i] ~ state[moved + i] ~ input[i]
      state[row + i] = word << turn | word >> 64 - turn
    end
    local words = { state[moved + 1], state[moved + 2], state[moved + 3], state[moved + 4] }
    for i = 0, 3 do state[moved + (i + MOVES[round]) % 4 + 1] = words[i + 1] end
    input = { m0, m1, m2, m3 }
  end
end

--- What the next block of text is mixed with.
local function mask(s)
  return s[1] ~ s[6] ~ s[9] & s[13], s[2] ~ s[7] ~ s[10] & s[14], s[3] ~ s[8] ~ s[11] & s[15], s[4] ~ s[5] ~ s[12] & s[16]
end

local function begin(key, nonce)
  assert(#key == 16 or #key == 32, 'key must be 16 or 32 bytes')
  assert(#nonce == 16, 'iv must be 16 bytes')
  -- A short key stands there twice, the second time with its halves exchanged.
  local k0, k1, k2, k3 = WORDS:unpack(#key == 32 and key or key .. key:sub(9) .. key:sub(1, 8))
  local n0, n1 = ('<i8i8'):unpack(nonce)
  local state = { n0, n1, 0, 0, k0, k1, k2, k3, -1, -1, -1, -1, 0, 0, 0, 0, table.unpack(CONSTANT) }
  for _ = 1, 16 do update(state, 0, 0, 0, 0) end
  state[5], state[6], state[7], state[8] = state[5] ~ k0, state[6] ~ k1, state[7] ~ k2, state[8] ~ k3
  return state
end

local function filled(block)
  return block .. ('\0'):rep(BLOCK - #block)
end

local function absorb(state, header)
  for at = 1, #header, BLOCK do update(state, WORDS:unpack(filled(header:sub(at, at + BLOCK - 1)))) end
end

--- Text into its cipher or back; the state goes on with the text in both cases.
local function cross(state, input, isDecryption)
  local parts = {}
  for at = 1, #input, BLOCK do
    local block = input:sub(at, at + BLOCK - 1)
    local x0, x1, x2, x3 = WORDS:unpack(filled(block))
    local k0, k1, k2, k3 = mask(state)
    local out = WORDS:pack(x0 ~ k0, x1 ~ k1, x2 ~ k2, x3 ~ k3):sub(1, #block)
    update(state, WORDS:unpack(filled(isDecryption and out or block)))
    parts[#parts + 1] = out
  end
  return parts
end

local function tagOf(state, textBytes, headerBytes)
  for i = 1, 4 do state[16 + i] = state[16 + i] ~ state[i] end
  for _ = 1, 10 do update(state, headerBytes << 3, textBytes << 3, 0, 0) end
  local t0, t1 = mask(state)
  return ('<i8i8'):pack(t0, t1)
end

local function encrypt(key, nonce, text, header)
  header = header or ''
  local state = begin(key, nonce)
  absorb(state, header)
  local parts = cross(state, text, false)
  table.insert(parts, 1, header)
  parts[#parts + 1] = tagOf(state, #text, #header)
  return {
    asBytes = function() return parts end,
    asHex = function() return hex.stringToHex(table.concat(parts)) end,
    asString = function() return table.concat(parts) end,
  }
end

local function decrypt(key, nonce, bytes, headerBytes)
  headerBytes = headerBytes or 0
  local state = begin(key, nonce)
  absorb(state, bytes:sub(1, headerBytes))
  local encrypted = bytes:sub(headerBytes + 1, -TAG - 1)
  local parts = cross(state, encrypted, true)
  if tagOf(state, #encrypted, headerBytes) ~= bytes:sub(-TAG) then return nil, 'decrypt error' end
  return table.concat(parts)
end

--- One step of the state, a list of 20 words.
return { state_update = update, encrypt = encrypt, decrypt = decrypt, key_size = 32, nonce_size = 16, variant = 'Morus-1280' }
