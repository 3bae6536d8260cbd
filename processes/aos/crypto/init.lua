--[[ crypto: digests, HMAC, PBKDF2, and the byte tools that go with them.

Wire        digest.<name>(data) with data as text, list of bytes or stream, answers {asBytes, asHex, asString}.
            mac.createHmac(data, key, algorithm) and kdf.pbkdf2(password, salt, iterations, keyBytes, algorithm); algorithm is md5, sha1
            (default), sha256 or sha512. The hexadecimal text of pbkdf2 is upper-case.
]]
local bytes = require('.crypto.bytes')
local chance = require('.chance')
local keccak = require('.crypto.digest.sha3')

local digest = {
  blake2b = require('.crypto.digest.blake2b'),
  md2 = require('.crypto.digest.md2'),
  md4 = require('.crypto.digest.md4'),
  md5 = require('.crypto.digest.md5'),
  sha1 = require('.crypto.digest.sha1'),
  sha2_256 = require('.crypto.digest.sha2_256'),
  sha2_512 = require('.crypto.digest.sha2_512'),
  sha3_256 = keccak.sha3_256,
  sha3_512 = keccak.sha3_512,
  keccak256 = keccak.keccak256,
  keccak512 = keccak.keccak512,
}

local ALGORITHMS = {
  md5 = { digest.md5, 64 },
  sha1 = { digest.sha1, 64 },
  sha256 = { digest.sha2_256, 64 },
  sha512 = { digest.sha2_512, 128 },
}

--- A function from text to the HMAC of it, as text.
local function hmac(key, name)
  local algorithm = ALGORITHMS[name or 'sha1'] or error("unknown algorithm '" .. tostring(name) .. "'; use md5, sha1, sha256 or sha512", 3)
  local hash, blockBytes = algorithm[1], algorithm[2]
  if #key > blockBytes then key = hash(key).asString() end
  key = key .. ('\0'):rep(blockBytes - #key)
  local function masked(mask)
    return (key:gsub('.', function(char) return string.char(char:byte() ~ mask) end))
  end
  local inner, outer = masked(0x36), masked(0x5C)
  return function(text)
    return hash(outer .. hash(inner .. text).asString()).asString()
  end
end

local function createHmac(data, key, algorithm)
  return bytes.result(hmac(bytes.of(key), algorithm)(bytes.of(data)))
end

local function xor(first, second)
  local parts = {}
  for at = 1, #first do parts[at] = string.char(first:byte(at) ~ second:byte(at)) end
  return table.concat(parts)
end

local function pbkdf2(password, salt, iterations, keyBytes, algorithm)
  local sign = hmac(bytes.of(password), algorithm)
  local saltText, key, block = bytes.of(salt), '', 0
  while #key < keyBytes do
    block = block + 1
    local last = sign(saltText .. ('>I4'):pack(block))
    local sum = last
    for _ = 2, iterations do
      last = sign(last)
      sum = xor(sum, last)
    end
    key = key .. sum
  end
  local result = bytes.result(key:sub(1, keyBytes))
  local lower = result.asHex
  result.asHex = function() return lower():upper() end
  return result
end

--- A whole number; from the same generator as math.random, so predictable to whoever knows the process.
local function random(low, high)
  return chance.integer(low or 0, high or 0x7FFFFFFF)
end

return {
  _version = '0.0.1',
  digest = digest,
  mac = { createHmac = createHmac },
  kdf = { pbkdf2 = pbkdf2 },
  utils = require('.crypto.util'),
  random = random,
}
