--[[ crypto.utils: streams, lists of bytes, hexadecimal text, queues, 32-bit operations. ]]
return require('.crypto.later')({ _version = '0.0.1' }, {
  array = '.crypto.util.array',
  bit = '.crypto.util.bit',
  hex = '.crypto.util.hex',
  queue = '.crypto.util.queue',
  stream = '.crypto.util.stream',
})
