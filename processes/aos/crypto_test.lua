local t = require('.testing')
local crypto = require('.crypto')
local digest, stream, array = crypto.digest, crypto.utils.stream, crypto.utils.array

--- Of "hello", and of 1000 times z, which fills several blocks of each hash.
local DIGESTS = {
  md2 = { 'a9046c73e00331af68917d3804f70655' },
  md4 = { '866437cb7a794bce2b727acc0362ee27' },
  md5 = { '5d41402abc4b2a76b9719d911017c592', '93f8e2ed34e2c6727cf1ee6f138267e9' },
  sha1 = { 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d', '3bbf093cf7107deb323bced4c13c347cc87e482a' },
  sha2_256 = { '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', '950f88b09cf1d5e2cdbc5660c77dce3962265c548797950095629a0ea2daea46' },
  sha2_512 = { '9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043', '649863c93ab70c93de2542ad597217e24501f041b6a5bbfde28bb65f24ff34eba1673f9eeb79c3affc464663e7cd6067e4406e06e1bf88b1e36f480d4814b448' },
  sha3_256 = { '3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392', '81b5715551d6e6f3d549a719315bd10672c05a7386f4120e4ced917bdc254f06' },
  sha3_512 = { '75d527c368f2efe848ecf6b073a36767800805e9eef2b1857d5f984f036eb6df891d75f72d9b154518c1cd58835286d1da9a38deba3de98b5a53e5ed78a84976', 'd553acbb6df5a5fa308e0bd1847fccbef7f1b9997156683747601c3bb63785fff081a09f0458ded0a3a5b6699f84f35b690e70bc74459b71c19506ee39e59f94' },
  keccak256 = { '1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8' },
  blake2b = { 'e4cfa39a3d37be31c59609e807970799caa68a19bfaa15135f165085e01d41a65ba1e1b146aeb6bd0092b49eac214c103ccfa3a365954bbbe52f74a2b3620c94', '8bbebdbb1dea41681ddb2b3e954c72668552c7b4b5245228be3b96d7ed98babd281241227e719321ce1233b3e45c96480dad069d2d382d4e7c768c6ee3c0a781' },
}

for name, expected in pairs(DIGESTS) do
  t.test(name, function()
    t.equal(digest[name]('hello').asHex(), expected[1])
    if expected[2] then t.equal(digest[name](('z'):rep(1000)).asHex(), expected[2]) end
  end)
end

t.test('data may be text, a list or a stream', function()
  for _, name in ipairs({ 'md5', 'sha1', 'sha2_256', 'keccak256' }) do
    local expected = DIGESTS[name][1]
    t.equal(digest[name](stream.fromString('hello')).asHex(), expected)
    t.equal(digest[name](array.fromString('hello')).asHex(), expected)
  end
  t.equal(digest.sha1('hello').asBytes()[1], 0xaa)
  t.equal(#digest.sha1('hello').asString(), 20)
  t.raises('expected text, a list of bytes or a stream', digest.sha1, 5)
end)

t.test('every length around the edge of a block pads right', function()
  local edges = { md5 = '5eb511bbeee4128876c913aeb0a2f947', sha1 = '05e19f58cd07c4cec28e4a06e4a76949177e06bb', sha2_256 = '55bde8801c6f6d65d9a083bb36b35d01743043ba7a09ebb93bd8e6ad3482591a', sha2_512 = '0dbaa503f32b68edfd88f2e11547b6cbe0686f7080c67e512e768666cd1cc160671e1744e0989e976155bc599409df62455775158918ba8d2e99277c99382848', sha3_256 = 'f3a61782250f8527c67a5b8686648e18e4ceb1ae5a97902a9d42017d0f1faa63', blake2b = 'bb90eb3b9c78afb56ff89d245b0a555200fbf14db8088a7285a0176f5a1124b30fa37f91e5a1b00e86cccb640f136b78ce996284c3dfcdc6aaa5152d0a757cd9' }
  for name, expected in pairs(edges) do
    local all = {}
    for length = 50, 140 do all[#all + 1] = digest[name](('e'):rep(length)).asString() end
    t.equal(digest[name](table.concat(all)).asHex(), expected, name)
  end
end)

t.test('blake2b has sizes and keys', function()
  t.equal(digest.blake2b('hello', 32).asHex(), '324dcf027dd4a30a932c441f365a25e86b173defa4b8e58948253471b81b72cf')
  t.equal(digest.blake2b('hello', 32, 'key').asHex(), '30002f17070c8cee9d5cc38cc0bf4ef6f2c709b2c8f556dcd5e7f8c20901bb30')
  t.raises('1 to 64 bytes', digest.blake2b, 'hello', 65)
end)

t.test('createHmac has the blocks of this contract, HMAC() those of the standard', function()
  local hmac, HMAC = crypto.mac.createHmac, require('.crypto.mac.hmac').HMAC
  t.equal(hmac(stream.fromString('data'), array.fromString('key')).asHex(), '21b35b42abbb2c4da5cfeda6791c5a5d75fbf657')
  t.equal(hmac('data', 'key', 'sha256').asHex(), 'b54cf2b0ce06ff4392f40824b03d09642608d475ec8bf8fd3bc2e8c45a4d6331')
  local function standard(module, key)
    return HMAC().setBlockSize(64).setDigest(module).setKey(key).init().update('msg').finish().asHex()
  end
  t.equal(standard(require('.crypto.digest.sha2_256').SHA2_256, 'key'), '2d93cbc1be167bcb1637a4a23cbff01a7878f0c50ee833954ea5221bb1b8c628')
  t.equal(standard(require('.crypto.digest.sha1').SHA1, ('k'):rep(100)), 'a3f6e90d792b6ca5ed3bfc556a4aa73d62d7cae4')
  t.raises('Unsupported algorithm: rot13', hmac, 'msg', 'key', 'rot13')
end)

t.test('PBKDF2 follows its standard', function()
  t.equal(crypto.kdf.pbkdf2('pw', array.fromString('salt'), 2, 16).asHex(), '133A0B823B029801576D5A38793387E8')
  t.equal(crypto.kdf.pbkdf2('password', 'salt', 2, 32, 'sha256').asHex():lower(), 'ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43')
end)

t.test('AES has the vectors of its standard', function()
  local key, block = array.fromHex(('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')), array.fromHex('00112233445566778899aabbccddeeff')
  local expected = { aes128 = '69C4E0D86A7B0430D8CDB78070B4C55A', aes192 = 'DDA97CA4864CDFE06EAF70A0EC0D7191', aes256 = '8EA2B7CA516745BFEAFC49904B496089' }
  for name, text in pairs(expected) do
    local cipher, own = require('.crypto.cipher.' .. name), array.truncate(key, tonumber(name:sub(4)) // 8)
    t.equal(array.toHex(cipher.encrypt(own, block)), text, name)
    t.equal(array.toHex(cipher.decrypt(own, array.fromHex(text))), '00112233445566778899AABBCCDDEEFF', name)
  end
  for _, mode in ipairs({ 'CBC', 'CFB', 'OFB', 'CTR' }) do
    local hex = crypto.cipher.aes.encrypt('attack at dawn', 'sixteen byte key', 'sixteen byte iv.', mode).asHex()
    t.equal(crypto.cipher.aes.decrypt(hex, 'sixteen byte key', 'sixteen byte iv.', mode).asString(), 'attack at dawn\0\0', mode)
  end
end)

t.test('ciphers with a tag give text back, or nothing', function()
  local key, nonce = ('k'):rep(32), ('n'):rep(32)
  for length = 0, 200, 13 do
    local text = ('t'):rep(length)
    local norx = crypto.cipher.norx.encrypt(key, nonce, text, 'header').asString()
    t.equal(crypto.cipher.norx.decrypt(key, nonce, norx, 'header'), text)
    t.equal({ crypto.cipher.norx.decrypt(key, nonce, norx, 'Header') }, { nil, 'auth failure' })
    local morus = crypto.cipher.morus.encrypt(key, nonce:sub(1, 16), text, 'header').asString()
    t.equal(crypto.cipher.morus.decrypt(key, nonce:sub(1, 16), morus, 6), text)
    t.equal({ crypto.cipher.morus.decrypt(key, nonce:sub(1, 16), 'H' .. morus:sub(2), 6) }, { nil, 'decrypt error' })
  end
  t.equal(crypto.cipher.issac.decrypt(crypto.cipher.issac.encrypt('Hello World', 'key').asString(), 'key'), 'Hello World')
end)

t.test('bytes turn into text, lists, streams and hexadecimal', function()
  local hex = crypto.utils.hex
  t.equal({ hex.stringToHex('hey'), hex.hexToString('686579') }, { '686579', 'hey' })
  t.equal({ array.fromString('he'), array.toHex({ 1, 255 }), array.XOR({ 1, 2 }, { 3, 4 }) }, { { 104, 101 }, '01FF', { 2, 6 } })
  t.equal({ array.permute({ 7, 8 }, { 2, 1 }), array.substitute({ 1, 2 }, { 5, 6 }), array.concat({ 1 }, { 2 }) }, { { 8, 7 }, { 5, 6 }, { 1, 2 } })
  t.equal({ stream.toHex(stream.fromString('hey')), stream.toString(stream.fromHex('6865')) }, { '686579', 'he' })
  t.raises('invalid hex', hex.hexToString, 'xyz')
  local queue = crypto.utils.queue()
  queue.push(5)
  queue.push(6)
  t.equal({ queue.pop(), queue.size(), queue.pop(), queue.pop() }, { 5, 1, 6 })
end)
