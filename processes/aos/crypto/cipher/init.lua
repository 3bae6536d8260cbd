--[[ Ciphers by name; each is loaded when it is first used. ]]
return require('.crypto.later')({ _version = '0.0.1' }, {
  aes = '.crypto.cipher.aes',
  issac = '.crypto.cipher.issac',
  morus = '.crypto.cipher.morus',
  norx = '.crypto.cipher.norx',
})
