--[[ Cipher feedback by whole blocks. Source: NIST SP 800-38A 6.3. ]]
local stepwise = require('.crypto.cipher.mode.stepwise')
local XOR = require('.crypto.util.array').XOR

local function encrypt(block, before, cipher, key)
  local out = XOR(cipher.encrypt(key, before), block)
  return out, out
end

local function decrypt(block, before, cipher, key)
  return XOR(cipher.encrypt(key, before), block), block
end

return { Cipher = stepwise(encrypt), Decipher = stepwise(decrypt) }
