--[[ Electronic codebook: every block for itself, an initial value included. Source: NIST SP 800-38A 6.1. ]]
local stepwise = require('.crypto.cipher.mode.stepwise')

local function encrypt(block, _, cipher, key)
  return cipher.encrypt(key, block)
end

local function decrypt(block, _, cipher, key)
  return cipher.decrypt(key, block)
end

return { Cipher = stepwise(encrypt, true), Decipher = stepwise(decrypt, true) }
