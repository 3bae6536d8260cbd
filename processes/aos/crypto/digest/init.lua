--[[ Hashes by name; each is loaded when it is first used. Data may be text, a list of bytes or a stream. ]]
local function from(module, name)
  return function()
    return require(module)[name]
  end
end

return require('.crypto.later')({ _version = '0.0.1' }, {
  blake2b = '.crypto.digest.blake2b',
  keccak256 = from('.crypto.digest.sha3', 'keccak256'),
  keccak512 = from('.crypto.digest.sha3', 'keccak512'),
  md2 = '.crypto.digest.md2',
  md4 = '.crypto.digest.md4',
  md5 = '.crypto.digest.md5',
  sha1 = from('.crypto.digest.sha1', 'sha1'),
  sha2_256 = from('.crypto.digest.sha2_256', 'sha2_256'),
  sha2_512 = '.crypto.digest.sha2_512',
  sha3_256 = from('.crypto.digest.sha3', 'sha3_256'),
  sha3_512 = from('.crypto.digest.sha3', 'sha3_512'),
})
