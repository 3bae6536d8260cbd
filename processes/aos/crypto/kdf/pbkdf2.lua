--[[ PBKDF2, at once or step by step.

Wire        pbkdf2(password, salt, iterations, keyBytes[, algorithm]) -> {asBytes, asHex (upper-case), asString}; algorithm sha1 or sha256.
            PBKDF2().setPRF(mac).setBlockLen(bytes).setDKeyLen(bytes).setIterations(count).setSalt(salt).setPassword(password).finish()
Source      RFC 8018 5.2
]]
local bytes = require('.crypto.bytes')
local mac = require('.crypto.mac.hmac')

local function xor(first, second)
  local parts = {}
  for at = 1, #first do parts[at] = string.char(first:byte(at) ~ second:byte(at)) end
  return table.concat(parts)
end

local function block(prf, password, salt, index, iterations)
  prf.setKey(password)
  local last = prf.init().update(salt .. ('>I4'):pack(index)).finish().asString()
  local sum = last
  for _ = 2, iterations do
    last = prf.init().update(last).finish().asString()
    sum = xor(sum, last)
  end
  return sum
end

local function PBKDF2()
  local kdf = {}
  local settings = { BlockLen = 16, DKeyLen = 256, Iterations = 4096, Salt = '', Password = '', PRF = nil }
  local key = ''
  for _, name in ipairs({ 'BlockLen', 'DKeyLen', 'Iterations', 'Salt', 'Password', 'PRF' }) do
    kdf['set' .. name] = function(value)
      settings[name] = value
      return kdf
    end
  end

  function kdf.finish()
    local parts, salt, password = {}, bytes.of(settings.Salt), bytes.of(settings.Password)
    for index = 1, math.ceil(settings.DKeyLen / settings.BlockLen) do
      parts[index] = block(settings.PRF, password, salt, index, settings.Iterations)
    end
    key = table.concat(parts):sub(1, settings.DKeyLen)
    return kdf
  end

  function kdf.asBytes() return bytes.toList(key) end
  function kdf.asHex() return bytes.toHex(key):upper() end
  function kdf.asString() return key end

  return kdf
end

local function pbkdf2(password, salt, iterations, keyBytes, algorithm)
  local prf = mac.HMAC().setBlockSize(64).setDigest(mac.algorithmOf(algorithm))
  return PBKDF2().setPRF(prf).setBlockLen(16).setDKeyLen(keyBytes).setIterations(iterations).setSalt(salt).setPassword(password).finish()
end

return { PBKDF2 = PBKDF2, pbkdf2 = pbkdf2 }
