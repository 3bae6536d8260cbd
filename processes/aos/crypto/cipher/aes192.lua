--[[ AES with a key of 192 bits. ]]
return require('.crypto.cipher.aes-blocks')(12)
