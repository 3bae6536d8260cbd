--[[ AES with a key of 128 bits. ]]
return require('.crypto.cipher.aes-blocks')(10)
