--[[ crypto: digests, ciphers, HMAC, PBKDF2, and the byte tools that go with them. Each part is loaded when it is first used.

Wire        digest.<name>(data) with data as text, list of bytes or stream, answers {asBytes, asHex, asString}; the other parts say
            themselves what they take. random is that of cipher.issac.
]]
return require('.crypto.later')({ _version = '0.0.1' }, {
  cipher = '.crypto.cipher.init',
  digest = '.crypto.digest.init',
  kdf = '.crypto.kdf.init',
  mac = '.crypto.mac.init',
  random = function() return require('.crypto.cipher.issac').random end,
  utils = '.crypto.util.init',
})
