--[[ AES of whole texts.

Wire        encrypt(text, key[, iv, mode, keyBits]) and decrypt(hex, key[, iv, mode, keyBits]) -> {asBytes, asHex, asString}.
            mode: CBC (also for whatever else it is), ECB, CFB, OFB, CTR. keyBits: 128 unless 192 or 256. Without iv it is 16 zeros.
Invariants  Text is filled with zeros up to a whole block; decrypt gives them back too. ECB encrypts the initial value as the first block.
            A result can be read once. There is no integrity check: see morus and norx for ciphers with one.
]]
local array = require('.crypto.util.array')
local stream = require('.crypto.util.stream')

local MODES = { ECB = 'ecb', CBC = 'cbc', CFB = 'cfb', OFB = 'ofb', CTR = 'ctr' }
local KEYS = { [128] = 'aes128', [192] = 'aes192', [256] = 'aes256' }
local NO_START = ('\0'):rep(16)

local function run(direction, bytes, key, iv, mode, keyBits)
  local machine = require('.crypto.cipher.mode.' .. (MODES[mode] or 'cbc'))[direction]()
  machine.setKey(array.fromString(key)).setBlockCipher(require('.crypto.cipher.' .. (KEYS[keyBits] or 'aes128')))
  machine.setPadding(require('.crypto.padding.zero')).init()
  machine.update(stream.fromString(iv or NO_START)).update(stream.fromArray(bytes)).finish()
  return { asBytes = machine.asBytes, asHex = machine.asHex, asString = machine.asString }
end

return {
  encrypt = function(text, ...)
    return run('Cipher', array.fromString(text), ...)
  end,
  decrypt = function(hex, ...)
    return run('Decipher', array.fromHex(hex), ...)
  end,
}
