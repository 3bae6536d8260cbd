--[[ What all modes of block ciphers share: bytes go in step by step, blocks come out.

Wire        stepwise(step[, hasNoStart]) -> a function that makes {setKey, setBlockCipher, setPadding, init, update(stream), finish, asHex,
            asBytes, asString, getOutputQueue}; all but the last four answer the object itself. The first block is the initial value, unless
            there is none. step(block, value, cipher, key) -> block for the output, next value.
Invariants  The output is a queue: what was read is gone.
]]
local array = require('.crypto.util.array')
local stream = require('.crypto.util.stream')
local newQueue = require('.crypto.util.queue')

return function(step, hasNoStart)
  return function()
    local machine = {}
    local key, cipher, padding, input, output, value

    local function setter(set)
      return function(given)
        set(given)
        return machine
      end
    end

    machine.setKey = setter(function(given) key = given end)
    machine.setBlockCipher = setter(function(given) cipher = given end)
    machine.setPadding = setter(function(given) padding = given end)

    function machine.init()
      input, output, value = newQueue(), newQueue(), nil
      return machine
    end

    local function takeBlock()
      local block = array.readFromQueue(input, cipher.blockSize)
      if value == nil and not hasNoStart then
        value = block
        return
      end
      local out
      out, value = step(block, value, cipher, key)
      array.writeToQueue(output, out)
    end

    function machine.update(bytes)
      for byte in bytes do
        input.push(byte)
        if input.size() >= cipher.blockSize then takeBlock() end
      end
      return machine
    end

    function machine.finish()
      return machine.update(padding(cipher.blockSize, input.getHead()))
    end

    function machine.getOutputQueue() return output end
    function machine.asHex() return stream.toHex(output.pop) end
    function machine.asBytes() return stream.toArray(output.pop) end
    function machine.asString() return stream.toString(output.pop) end

    return machine
  end
end
