--[[ A token: balances by address, moved by messages. Load it with an Eval, or spawn with it as Data and `On-Boot=Data`.

Wire        In:  Info · Balance [Recipient or Target] · Balances · Total-Supply · Transfer Recipient, Quantity [Cast, X-*] · Mint Quantity [Recipient]
            Out: Debit-Notice to the sender and Credit-Notice to the recipient of a Transfer (none with Cast; X-* goes along in both),
            Transfer-Error or Mint-Error with Message-Id and Error. After every change a message without Target for the readable state:
            device=patch@1.0, balances (only the changed ones), token-info.
            Quantities are whole numbers of the smallest unit, as decimal text of any size.
Source      AO token standard as the aos token blueprint 0.0.3 speaks it
Invariants  The balances add up to TotalSupply. A message that fails changes nothing. Only the process itself and its owner mint.
            Loading the source again keeps the balances.
]]
local json = require('json')

local QUANTITY_DIGITS_MAX = 256
local NATIVE_DIGITS = 18 -- what fits in a Lua integer, also as a sum of two
local CHUNK_DIGITS = 15

-- Whole numbers as decimal text without leading zeros

local function isLess(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function chunk(digits, index)
  local stop = #digits - index * CHUNK_DIGITS
  if stop < 1 then return 0 end
  return math.tointeger(tonumber(digits:sub(math.max(1, stop - CHUNK_DIGITS + 1), stop)))
end

--- a + sign * b, for a result that is not negative.
local function combine(a, b, sign)
  if #a <= NATIVE_DIGITS and #b <= NATIVE_DIGITS then return ('%d'):format(math.tointeger(tonumber(a)) + sign * math.tointeger(tonumber(b))) end
  local base, carry, parts = math.tointeger(10^CHUNK_DIGITS), 0, {}
  for index = 0, math.max(#a, #b) // CHUNK_DIGITS do
    local sum = chunk(a, index) + sign * chunk(b, index) + carry
    carry = sum // base
    table.insert(parts, 1, ('%015d'):format(sum % base))
  end
  return (table.concat(parts):gsub('^0+(%d)', '%1'))
end

local function add(a, b)
  return combine(a, b, 1)
end

local function subtract(a, b)
  return combine(a, b, -1)
end

--- The quantity of a message as canonical text; raises when it is not a whole number above zero.
local function quantityOf(msg)
  local text = msg.Quantity
  assert(type(text) == 'string', 'Quantity is required!')
  local sign, digits = text:match('^([+-]?)0*(%d+)$')
  assert(digits, 'Quantity must be a whole number of the smallest unit, got "' .. text:sub(1, 80) .. '"')
  assert(sign ~= '-' and digits ~= '0', 'Quantity must be greater than 0')
  assert(#digits <= QUANTITY_DIGITS_MAX, 'Quantity has more than ' .. QUANTITY_DIGITS_MAX .. ' digits')
  return digits
end

-- State

local tags = ao.env.Process.Tags

if not Balances then
  Denomination = math.tointeger(tonumber(tags.Denomination or 12)) or error('the tag Denomination must be a whole number')
  TotalSupply = (tags['Total-Supply'] or '10000' .. ('0'):rep(Denomination)):match('^0*(%d+)$') or error('the tag Total-Supply must be a whole number')
  Balances = { [ao.id] = TotalSupply }
  Name = tags.Name or 'Points Coin'
  Ticker = tags.Ticker or 'PNTS'
  Logo = tags.Logo or 'SBCCXwwecBlDqRLUjb8dYABExTJXLieawf7m2aBJ-KY'
end

local function balanceOf(address)
  return Balances[address] or '0'
end

local function info()
  return { name = Name, ticker = Ticker, logo = Logo, denomination = tostring(Denomination), supply = TotalSupply }
end

local function publish(...)
  local changed = {}
  for _, address in ipairs({ ... }) do changed[address] = Balances[address] end
  Send({ device = 'patch@1.0', balances = changed, ['token-info'] = info() })
end

-- Reading

Handlers.add('Info', 'Info', function(msg)
  msg.reply(info())
end)

Handlers.add('Balance', 'Balance', function(msg)
  local holder = msg.From
  if msg.Tags.Recipient then
    holder = msg.Tags.Recipient
  elseif msg.Tags.Target and Balances[msg.Tags.Target] then
    holder = msg.Tags.Target
  end
  local balance = balanceOf(holder)
  msg.reply({ Balance = balance, Ticker = Ticker, Account = msg.Tags.Recipient or msg.From, Data = balance })
end)

Handlers.add('Balances', 'Balances', function(msg)
  msg.reply({ Data = next(Balances) and json.encode(Balances) or '{}' })
end)

Handlers.add('Total-Supply', 'Total-Supply', function(msg)
  assert(msg.From ~= ao.id, 'Cannot call Total-Supply from the same process!')
  msg.reply({ Action = 'Total-Supply', Data = TotalSupply, Ticker = Ticker })
end)

-- Changing

local function sentence(before, quantity, between, address)
  return Colors.gray .. before .. Colors.blue .. quantity .. Colors.gray .. between .. Colors.green .. address .. Colors.reset
end

--- A notice with the X- tags of the message that caused it.
local function notice(msg, fields)
  for name, value in pairs(msg) do
    if type(name) == 'string' and name:sub(1, 2) == 'X-' and fields[name] == nil then fields[name] = value end
  end
  return fields
end

Handlers.add('Transfer', 'Transfer', function(msg)
  assert(type(msg.Recipient) == 'string', 'Recipient is required!')
  local sender, recipient, quantity = msg.From, msg.Recipient, quantityOf(msg)
  if isLess(balanceOf(sender), quantity) then
    msg.reply({ Action = 'Transfer-Error', ['Message-Id'] = msg.Id, Error = 'Insufficient Balance!' })
    return
  end
  Balances[sender] = subtract(balanceOf(sender), quantity)
  Balances[recipient] = add(balanceOf(recipient), quantity)
  if not msg.Cast then
    local debit = sentence('You transferred ', quantity, ' to ', recipient)
    local credit = sentence('You received ', quantity, ' from ', sender)
    msg.reply(notice(msg, { Action = 'Debit-Notice', Recipient = recipient, Quantity = quantity, Data = debit }))
    Send(notice(msg, { Target = recipient, Action = 'Credit-Notice', Sender = sender, Quantity = quantity, Data = credit }))
  end
  publish(sender, recipient)
end)

Handlers.add('Mint', 'Mint', function(msg)
  local quantity = quantityOf(msg)
  if msg.From ~= ao.id and msg.From ~= Owner then
    local problem = 'Only the Process Id can mint new ' .. Ticker .. ' tokens!'
    msg.reply({ Action = 'Mint-Error', ['Message-Id'] = msg.Id, Error = problem })
    return
  end
  local recipient = msg.Recipient or msg.From
  Balances[recipient] = add(balanceOf(recipient), quantity)
  TotalSupply = add(TotalSupply, quantity)
  msg.reply({ Data = Colors.gray .. 'Successfully minted ' .. Colors.blue .. quantity .. Colors.reset })
  publish(recipient)
end)
