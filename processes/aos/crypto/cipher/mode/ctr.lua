--[[ Counter mode: both ways the same. Source: NIST SP 800-38A 6.5. The counter is the lower half of the initial value, highest byte first. ]]
local stepwise = require('.crypto.cipher.mode.stepwise')
local XOR = require('.crypto.util.array').XOR

local function following(counter)
  local next = { table.unpack(counter) }
  for at = 16, 9, -1 do
    next[at] = next[at] + 1 & 255
    if next[at] ~= 0 then break end
  end
  return next
end

local function step(block, counter, cipher, key)
  return XOR(cipher.encrypt(key, counter), block), following(counter)
end

return { Cipher = stepwise(step), Decipher = stepwise(step) }
