-- A token by the usual contract: Info, Balance, Balances, Transfer with notices, Mint, Total-Supply.
local bint = require('.bint')(256)
local json = require('json')

Denomination = 12
Ticker = 'TEST'
Balances = Balances or { [ao.id] = tostring(bint(10000) * bint.ipow(10, Denomination)) }
TotalSupply = TotalSupply or Balances[ao.id]

local function add(a, b) return tostring(bint(a) + bint(b)) end
local function subtract(a, b) return tostring(bint(a) - bint(b)) end

local function answer(msg, reply)
  if msg.reply then
    msg.reply(reply)
  else
    reply.Target = msg.From
    ao.send(reply)
  end
end

Handlers.add('token.info', Handlers.utils.hasMatchingTag('Action', 'Info'), function(msg)
  answer(msg, { Name = 'Test token', Ticker = Ticker, Denomination = tostring(Denomination) })
end)

Handlers.add('token.balance', Handlers.utils.hasMatchingTag('Action', 'Balance'), function(msg)
  local account = msg.Tags.Recipient or msg.Tags.Target or msg.From
  local balance = Balances[account] or '0'
  answer(msg, { Balance = balance, Ticker = Ticker, Account = account, Data = balance })
end)

Handlers.add('token.balances', Handlers.utils.hasMatchingTag('Action', 'Balances'), function(msg)
  answer(msg, { Data = json.encode(Balances) })
end)

Handlers.add('token.transfer', Handlers.utils.hasMatchingTag('Action', 'Transfer'), function(msg)
  local to, quantity = msg.Tags.Recipient, msg.Tags.Quantity
  assert(type(to) == 'string', 'Recipient is required!')
  assert(type(quantity) == 'string', 'Quantity is required!')
  assert(bint.__lt(0, bint(quantity)), 'Quantity must be greater than 0')
  Balances[msg.From] = Balances[msg.From] or '0'
  Balances[to] = Balances[to] or '0'
  if bint(quantity) > bint(Balances[msg.From]) then
    answer(msg, { Action = 'Transfer-Error', ['Message-Id'] = msg.Id, Error = 'Insufficient Balance!' })
    return
  end
  Balances[msg.From] = subtract(Balances[msg.From], quantity)
  Balances[to] = add(Balances[to], quantity)
  if msg.Tags.Cast then return end
  local debit = { Action = 'Debit-Notice', Recipient = to, Quantity = quantity, Data = 'You transferred ' .. quantity .. ' to ' .. to }
  local credit = { Target = to, Action = 'Credit-Notice', Sender = msg.From, Quantity = quantity, Data = 'You received ' .. quantity .. ' from ' .. msg.From }
  for name, value in pairs(msg.Tags) do
    if name:sub(1, 2) == 'X-' then debit[name], credit[name] = value, value end
  end
  answer(msg, debit)
  ao.send(credit)
  ao.send({ device = 'patch@1.0', balances = { [msg.From] = Balances[msg.From], [to] = Balances[to] } })
end)

Handlers.add('token.mint', Handlers.utils.hasMatchingTag('Action', 'Mint'), function(msg)
  if msg.From ~= ao.id and msg.From ~= Owner then
    answer(msg, { Action = 'Mint-Error', ['Message-Id'] = msg.Id, Error = 'Only the process may mint ' .. Ticker })
    return
  end
  Balances[msg.From] = add(Balances[msg.From] or '0', msg.Tags.Quantity)
  TotalSupply = add(TotalSupply, msg.Tags.Quantity)
  answer(msg, { Data = 'Minted ' .. msg.Tags.Quantity })
end)

Handlers.add('token.supply', Handlers.utils.hasMatchingTag('Action', 'Total-Supply'), function(msg)
  assert(msg.From ~= ao.id, 'Cannot call Total-Supply from the same process!')
  answer(msg, { Action = 'Total-Supply', Data = TotalSupply, Ticker = Ticker })
end)

return 'token with ' .. #Handlers.list .. ' handlers'
