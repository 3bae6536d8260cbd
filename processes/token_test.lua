local t = require('.testing')
local json = require('json')

local ALICE, BOB, CAROL = ('a'):rep(43), ('b'):rep(43), ('c'):rep(43)
local SUPPLY = '10000000000000000'

t.boot({ Name = 'Test Coin', Ticker = 'TST' })
t.eval(SOURCES.token)

local function outbox(response)
  if response.Error then error(response.Error, 2) end
  local found = {}
  for index, entry in ipairs(response.Messages) do
    local tags = t.tags(entry)
    found[index] = { target = entry.Target, data = entry.Data, tags = tags, action = tags.Action }
  end
  return found
end

local function balance(address)
  return outbox(t.send(BOB, 'Balance', { Recipient = address }))[1].data
end

t.test('Info tells name, ticker, logo, denomination and supply in lower-case tags', function()
  local reply = outbox(t.send(ALICE, 'Info'))[1]
  t.equal(reply.target, ALICE)
  t.equal(reply.data, nil)
  t.equal(reply.tags.name, 'Test Coin')
  t.equal(reply.tags.ticker, 'TST')
  t.equal(reply.tags.denomination, '12')
  t.equal(reply.tags.supply, SUPPLY)
end)

t.test('the process holds the supply, others hold nothing', function()
  t.equal(balance(t.process), SUPPLY)
  t.equal(balance(ALICE), '0')
end)

t.test('only the process and its owner mint', function()
  local refused = outbox(t.send(ALICE, 'Mint', { Quantity = '5' }))[1]
  t.equal(refused.action, 'Mint-Error')
  t.equal(refused.tags.Error, 'Only the Process Id can mint new TST tokens!')
  local minted = outbox(t.pushed(t.process, { Action = 'Mint', Quantity = '5' }))
  t.contains(minted[1].data, 'Successfully minted')
  t.equal(minted[2].tags.balances, { [t.process] = '10000000000000005' })
  t.equal(minted[2].tags['token-info'].supply, '10000000000000005')
  outbox(t.send(t.owner, 'Mint', { Quantity = '100', Recipient = ALICE }))
  t.equal(balance(ALICE), '100')
end)

t.test('a transfer debits, credits, notifies both with X- tags, and publishes the change', function()
  local sent = outbox(t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = '30', ['X-Memo'] = 'm' }))
  t.equal(#sent, 3)
  t.equal(sent[1].target, ALICE)
  t.equal({ sent[1].action, sent[1].tags.Recipient, sent[1].tags.Quantity, sent[1].tags['X-Memo'] }, { 'Debit-Notice', BOB, '30', 'm' })
  t.contains(sent[1].data, 'You transferred')
  t.equal(sent[2].target, BOB)
  t.equal({ sent[2].action, sent[2].tags.Sender, sent[2].tags.Quantity, sent[2].tags['X-Memo'] }, { 'Credit-Notice', ALICE, '30', 'm' })
  t.contains(sent[2].data, 'You received')
  t.equal(sent[3].target, nil)
  t.equal(sent[3].tags.device, 'patch@1.0')
  t.equal(sent[3].tags.balances, { [ALICE] = '70', [BOB] = '30' })
end)

t.test('with Cast nobody is notified', function()
  local sent = outbox(t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = '30', Cast = 'true' }))
  t.equal(#sent, 1)
  t.equal(sent[1].tags.balances, { [ALICE] = '40', [BOB] = '60' })
end)

t.test('too little balance is answered with Transfer-Error', function()
  local response = t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = '41' })
  local sent = outbox(response)
  t.equal(#sent, 1)
  t.equal({ sent[1].action, sent[1].tags.Error }, { 'Transfer-Error', 'Insufficient Balance!' })
  t.equal(#sent[1].tags['Message-Id'], 43)
  t.equal(balance(ALICE), '40')
end)

t.test('a transfer to oneself changes nothing', function()
  local sent = outbox(t.send(ALICE, 'Transfer', { Recipient = ALICE, Quantity = '10' }))
  t.equal(#sent, 3)
  t.equal(sent[3].tags.balances, { [ALICE] = '40' })
end)

t.test('what is missing or malformed is an error', function()
  t.contains(t.send(ALICE, 'Transfer', { Quantity = '1' }).Error, 'Recipient is required!')
  t.contains(t.send(ALICE, 'Transfer', { Recipient = BOB }).Error, 'Quantity is required!')
  for _, quantity in ipairs({ '0', '-5', '000' }) do
    t.contains(t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = quantity }).Error, 'Quantity must be greater than 0')
  end
  for _, quantity in ipairs({ '1.0', 'abc', '', '0x10', '1e3', ' 1' }) do
    t.contains(t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = quantity }).Error, 'Quantity must be a whole number')
  end
  t.contains(t.send(ALICE, 'Transfer', { Recipient = BOB, Quantity = ('9'):rep(300) }).Error, 'Quantity has more than 256 digits')
end)

t.test('quantities of any size stay exact', function()
  local huge = '1' .. ('0'):rep(77) .. '123456789'
  outbox(t.send(t.owner, 'Mint', { Quantity = huge, Recipient = CAROL }))
  outbox(t.send(CAROL, 'Transfer', { Recipient = ALICE, Quantity = '00123456790' }))
  t.equal(balance(CAROL), ('9'):rep(86))
  t.equal(balance(ALICE), '123456830')
  outbox(t.send(CAROL, 'Transfer', { Recipient = ALICE, Quantity = ('9'):rep(86) }))
  t.equal(balance(CAROL), '0')
  t.equal(balance(ALICE), '1' .. ('0'):rep(77) .. '123456829')
end)

t.test('the balances are a JSON map and add up to the supply', function()
  outbox(t.send(ALICE, 'Transfer', { Recipient = CAROL, Quantity = '1' .. ('0'):rep(77) .. '123456789' }))
  local map = json.decode(outbox(t.send(BOB, 'Balances'))[1].data)
  t.equal(map, { [t.process] = '10000000000000005', [ALICE] = '40', [BOB] = '60', [CAROL] = '1' .. ('0'):rep(77) .. '123456789' })
  local supply = outbox(t.send(BOB, 'Total-Supply'))[1]
  t.equal({ supply.action, supply.tags.Ticker }, { 'Total-Supply', 'TST' })
  t.equal(supply.data, '1' .. ('0'):rep(69) .. '10000000123456894')
end)

t.test('Balance looks at Recipient, then at a known Target, then at the sender', function()
  t.equal(outbox(t.send(BOB, 'Balance'))[1].data, '60')
  local unknown = outbox(t.send(BOB, 'Balance', { Target = ('z'):rep(43) }))[1]
  t.equal({ unknown.data, unknown.tags.Account }, { '60', BOB })
  t.equal(outbox(t.send(BOB, 'Balance', { Target = ALICE }))[1].tags.Balance, '40')
end)

t.test('loading the source again keeps the balances', function()
  t.eval(SOURCES.token)
  t.equal(balance(BOB), '60')
end)
