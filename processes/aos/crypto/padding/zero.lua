--[[ Zeros that fill the last block: a stream of them, as many as are needed or a few more that begin no block's end. ]]
return function(blockSize, byteCount)
  local left = blockSize - (byteCount - 1) % blockSize + 1
  return function()
    left = left - 1
    if left >= 0 then return 0 end
  end
end
