--[[ 32-bit operations: the library bit32. ]]
return require('.bit32')
