--[[ HMAC of a hash, at once or step by step.

Wire        hmac(data, key[, algorithm]) -> {asBytes, asHex, asString}; algorithm is sha1 (default) or sha256.
            HMAC().setBlockSize(bytes).setDigest(hash).setKey(key).init().update(data).finish().asHex(); hash is such as SHA2_256 of its module.
Source      RFC 2104
Invariants  hmac() fills keys up to 32 bytes instead of the 64 that RFC 2104 has for these hashes, as all processes of this contract compute it:
            for what other systems shall verify, use HMAC() with a block size of 64.
]]
local bytes = require('.crypto.bytes')

local BLOCK_BYTES = 32
local ALGORITHMS = {
  sha1 = function() return require('.crypto.digest.sha1').SHA1 end,
  sha256 = function() return require('.crypto.digest.sha2_256').SHA2_256 end,
}

local function masked(key, mask)
  return (key:gsub('.', function(char) return string.char(char:byte() ~ mask) end))
end

local function HMAC()
  local mac, blockBytes, newHash, hash = {}, 64, nil, nil
  local inner, outer = '', ''

  function mac.setBlockSize(count)
    blockBytes = count
    return mac
  end

  function mac.setDigest(digest)
    newHash, hash = digest, digest()
    return mac
  end

  function mac.setKey(key)
    if not newHash then error('Digest not set', 0) end
    key = bytes.of(key)
    if #key > blockBytes then key = newHash().init().update(key).finish().asString() end
    -- The hash of a long key may be longer than the block, too.
    key = (key .. ('\0'):rep(blockBytes - #key)):sub(1, blockBytes)
    inner, outer = masked(key, 0x36), masked(key, 0x5C)
    return mac
  end

  function mac.init()
    hash.init().update(inner)
    return mac
  end

  function mac.update(data)
    hash.update(data)
    return mac
  end

  function mac.finish()
    local text = hash.finish().asString()
    hash.init().update(outer).update(text).finish()
    return mac
  end

  function mac.asBytes() return hash.asBytes() end
  function mac.asHex() return hash.asHex() end
  function mac.asString() return hash.asString() end

  return mac
end

local function algorithmOf(name)
  local find = ALGORITHMS[name or 'sha1']
  if not find then error('Unsupported algorithm: ' .. tostring(name), 0) end
  return find()
end

local function hmac(data, key, algorithm)
  return HMAC().setBlockSize(BLOCK_BYTES).setDigest(algorithmOf(algorithm)).setKey(key).init().update(data).finish()
end

return { HMAC = HMAC, hmac = hmac, algorithmOf = algorithmOf }
