--[[ Output feedback: both ways the same. Source: NIST SP 800-38A 6.4. ]]
local stepwise = require('.crypto.cipher.mode.stepwise')
local XOR = require('.crypto.util.array').XOR

local function step(block, before, cipher, key)
  local mask = cipher.encrypt(key, before)
  return XOR(mask, block), mask
end

return { Cipher = stepwise(step), Decipher = stepwise(step) }
