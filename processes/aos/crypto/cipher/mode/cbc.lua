--[[ Cipher block chaining: every block is mixed with the one before it. Source: NIST SP 800-38A 6.2. ]]
local stepwise = require('.crypto.cipher.mode.stepwise')
local XOR = require('.crypto.util.array').XOR

local function encrypt(block, before, cipher, key)
  local out = cipher.encrypt(key, XOR(before, block))
  return out, out
end

local function decrypt(block, before, cipher, key)
  return XOR(before, cipher.decrypt(key, block)), block
end

return { Cipher = stepwise(encrypt), Decipher = stepwise(decrypt) }
