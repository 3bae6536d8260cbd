--[[ Base64, standard alphabet by default, others by `makeencoder` and `makedecoder`.

Wire        RFC 4648. encode pads with `=`; decode takes padded or bare text, the URL-safe letters too, and skips anything else.
]]
local base64 = {}

local char, byte = string.char, string.byte
local LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

--- The letters for values 62 and 63, and the padding, make an alphabet: value -> byte, with the padding byte under 64.
function base64.makeencoder(letter62, letter63, padding)
  local encoder = { [64] = byte(padding or '=') }
  for value = 0, 61 do encoder[value] = byte(LETTERS, value + 1) end
  encoder[62], encoder[63] = byte(letter62 or '+'), byte(letter63 or '/')
  return encoder
end

--- The reverse of makeencoder: byte -> value.
function base64.makedecoder(letter62, letter63, padding)
  local decoder = {}
  local encoder = base64.makeencoder(letter62, letter63, padding)
  for value = 0, 63 do decoder[encoder[value]] = value end
  return decoder
end

local ENCODER, DECODER = base64.makeencoder(), base64.makedecoder()
DECODER[byte('-')], DECODER[byte('_')] = 62, 63

function base64.encode(text, encoder)
  encoder = encoder or ENCODER
  local parts, count = {}, 0
  for at = 1, #text, 3 do
    local a, b, c = byte(text, at, at + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    count = count + 1
    parts[count] = char(
      encoder[bits >> 18],
      encoder[bits >> 12 & 63],
      b and encoder[bits >> 6 & 63] or encoder[64],
      c and encoder[bits & 63] or encoder[64]
    )
  end
  return table.concat(parts)
end

function base64.decode(text, decoder)
  decoder = decoder or DECODER
  local parts, count, bits, held = {}, 0, 0, 0
  for at = 1, #text do
    local value = decoder[byte(text, at)]
    if value then
      bits, held = (bits << 6 | value) & 0xFFFFFF, held + 6
      if held >= 8 then
        held = held - 8
        count = count + 1
        parts[count] = char(bits >> held & 255)
      end
    end
  end
  return table.concat(parts)
end

return base64
