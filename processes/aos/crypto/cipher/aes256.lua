--[[ AES with a key of 256 bits. ]]
return require('.crypto.cipher.aes-blocks')(14)
