--[[ A market of two tokens with constant product: whoever pays one in is paid the other, and reserve times reserve never falls.

It is loaded after processes/token.lua, in the same process: so this process is itself a token, CASH, and the other one, GOLD, is the process
in the tag Token. Both arrive as Credit-Notice and leave by Transfer, so nothing below asks which of the two it deals with.

Wire        In:  Credit-Notice Sender, Quantity, X-Action=Swap [X-Min-Out] or X-Action=Deposit · Add-Liquidity [Min-Shares] · Take-Back ·
                 Remove-Liquidity Shares · Price · Quote Asset, Quantity · Pool
            Out: what is paid is a Transfer with X-Pool=Swap, Refund or Liquidity, X-Reason with a refund, and the X-Order of what it answers.
            Price is CASH for a million GOLD. Quantities are whole numbers of the smallest unit.
Invariants  Checked after each message, by an error that takes the message back: shares add up, a trade does not lower the product of the
            reserves, liquidity that comes or goes does not lower what a share is worth, the CASH that is owed is here.
            What arrives is traded, kept as a deposit of its sender, or sent back with the reason. Nothing is kept by accident.
]]
local bint = require('.bint')(256)
local json = require('json')

local FEE, WHOLE = 30, 10000 -- 0.3 %
local PRICE_UNIT = 1000000
local DIGITS_MAX = 30 -- a product of two amounts, with the fee, fits into 256 bits
local LOCKED_SHARES = 1000 -- nobody's: a first deposit cannot make a share too dear for others
local CHANGES_KEPT = 1000

local GOLD, CASH = ao.env.Process.Tags.Token, ao.id
assert(type(GOLD) == 'string' and #GOLD == 43, 'the tag Token must be the id of a token process')

local ZERO = bint.zero()

Market = Market or {
  reserves = { [GOLD] = ZERO, [CASH] = ZERO },
  deposits = {},
  shares = {},
  totalShares = ZERO,
  payoutsUnderWay = 0,
  payoutsFailed = 0,
  refunds = 0,
  changes = {},
}

-- Amounts

--- A bint, or nil when the text is no amount that this pool can calculate with.
local function amountOf(text)
  if type(text) == 'string' and #text <= DIGITS_MAX and text:match('^%d+$') then return bint(text) end
end

local function other(asset)
  return asset == GOLD and CASH or GOLD
end

--- What `paid` buys, with the fee left in the pool; rounded in favour of the pool.
local function outputFor(asset, paid)
  local counted = paid * (WHOLE - FEE)
  return Market.reserves[other(asset)] * counted // (Market.reserves[asset] * WHOLE + counted)
end

local function squareRoot(value)
  if value < 2 then return value end
  local guess, next = value, (value >> 1) + 1
  while next < guess do guess, next = next, (next + value // next) >> 1 end
  return guess
end

local function dividedUp(amount, divisor)
  return (amount + divisor - 1) // divisor
end

local function least(a, b)
  return a < b and a or b
end

-- Paying

--- `amount` may be text, to send back what is too large to calculate with.
local function pay(asset, recipient, amount, kind, order, reason)
  if amount == ZERO then return end
  Market.payoutsUnderWay = Market.payoutsUnderWay + 1
  Send({
    Target = asset,
    Action = 'Transfer',
    Recipient = recipient,
    Quantity = tostring(amount),
    ['X-Pool'] = kind,
    ['X-Order'] = order,
    ['X-Reason'] = reason,
  })
end

local function refund(msg, reason)
  Market.refunds = Market.refunds + 1
  pay(msg.From, msg.Sender, msg.Quantity, 'Refund', msg['X-Order'], reason)
end

-- Invariants

local function stateNow()
  return { [GOLD] = Market.reserves[GOLD], [CASH] = Market.reserves[CASH], shares = Market.totalShares }
end

local function check(before)
  local now, sum, owed = stateNow(), ZERO, Market.reserves[CASH]
  for _, share in pairs(Market.shares) do sum = sum + share end
  assert(sum == now.shares, 'the shares do not add up')
  for _, deposit in pairs(Market.deposits) do owed = owed + deposit[CASH] end
  assert(bint(Balances[CASH] or '0') >= owed, 'there is less CASH here than is owed')
  if now.shares == before.shares then
    assert(now[GOLD] * now[CASH] >= before[GOLD] * before[CASH], 'the product of the reserves has fallen')
  else
    for _, asset in ipairs({ GOLD, CASH }) do
      assert(now[asset] * before.shares >= before[asset] * now.shares, 'a share has lost worth')
    end
  end
end

local function on(action, handle)
  Handlers.add(action, action, function(msg)
    local before = stateNow()
    handle(msg)
    check(before)
  end)
end

local function note(msg, kind)
  local changes, reserves = Market.changes, Market.reserves
  changes[#changes + 1] = {
    slot = msg.Nonce,
    kind = kind,
    gold = tostring(reserves[GOLD]),
    cash = tostring(reserves[CASH]),
    shares = tostring(Market.totalShares),
  }
  if #changes > CHANGES_KEPT then table.remove(changes, 1) end
end

-- Tokens that arrive

local arrivals = {}

function arrivals.Swap(msg, asset, paid)
  local minimum = amountOf(msg['X-Min-Out'] or '0')
  if not minimum then return refund(msg, 'X-Min-Out must be a whole number') end
  if Market.totalShares == ZERO then return refund(msg, 'the pool is empty') end
  local out = outputFor(asset, paid)
  if out == ZERO then return refund(msg, 'too little to buy anything') end
  if out < minimum then return refund(msg, 'it would be ' .. tostring(out) .. ', less than ' .. tostring(minimum)) end
  local wanted = other(asset)
  Market.reserves[asset] = Market.reserves[asset] + paid
  Market.reserves[wanted] = Market.reserves[wanted] - out
  note(msg, 'swap')
  pay(wanted, msg.Sender, out, 'Swap', msg['X-Order'])
end

function arrivals.Deposit(msg, asset, paid)
  local deposit = Market.deposits[msg.Sender] or { [GOLD] = ZERO, [CASH] = ZERO }
  deposit[asset] = deposit[asset] + paid
  Market.deposits[msg.Sender] = deposit
end

on('Credit-Notice', function(msg)
  local asset = msg.From
  local reserve = Market.reserves[asset]
  if not reserve then return print('a Credit-Notice of ' .. asset .. ', which is no token of this pool') end
  local arrive, paid = arrivals[msg['X-Action']], amountOf(msg.Quantity)
  if not arrive then return refund(msg, 'X-Action must be Swap or Deposit') end
  if not paid or #tostring(reserve + paid) > DIGITS_MAX then return refund(msg, 'this pool does not calculate with so much') end
  arrive(msg, asset, paid)
end)

--- The token says that a payout is done.
on('Debit-Notice', function(msg)
  if Market.reserves[msg.From] then Market.payoutsUnderWay = Market.payoutsUnderWay - 1 end
end)

on('Transfer-Error', function(msg)
  if not Market.reserves[msg.From] then return end
  Market.payoutsUnderWay, Market.payoutsFailed = Market.payoutsUnderWay - 1, Market.payoutsFailed + 1
end)

-- Liquidity

local function giveBack(holder, deposit)
  Market.deposits[holder] = nil
  for _, asset in ipairs({ GOLD, CASH }) do pay(asset, holder, deposit[asset], 'Refund', nil, 'the rest of a deposit') end
end

--- Shares for a deposit, and what of it they cost.
local function priceOfShares(deposit)
  local total, reserves = Market.totalShares, Market.reserves
  if total == ZERO then return squareRoot(deposit[GOLD] * deposit[CASH]), deposit[GOLD], deposit[CASH] end
  local shares = least(deposit[GOLD] * total // reserves[GOLD], deposit[CASH] * total // reserves[CASH])
  return shares, dividedUp(shares * reserves[GOLD], total), dividedUp(shares * reserves[CASH], total)
end

local function addShares(holder, count)
  Market.shares[holder] = (Market.shares[holder] or ZERO) + count
  Market.totalShares = Market.totalShares + count
end

on('Add-Liquidity', function(msg)
  local deposit = assert(Market.deposits[msg.From], 'deposit both tokens first: a Transfer to this pool with X-Action=Deposit')
  local isFirst = Market.totalShares == ZERO
  local shares, gold, cash = priceOfShares(deposit)
  local own = isFirst and shares - LOCKED_SHARES or shares
  assert(own > 0, 'that is too little for a share')
  assert(own >= assert(amountOf(msg['Min-Shares'] or '0'), 'Min-Shares must be a whole number'), 'fewer shares than Min-Shares')
  Market.reserves[GOLD], Market.reserves[CASH] = Market.reserves[GOLD] + gold, Market.reserves[CASH] + cash
  addShares(msg.From, own)
  if isFirst then addShares(ao.id, bint(LOCKED_SHARES)) end
  note(msg, 'add')
  giveBack(msg.From, { [GOLD] = deposit[GOLD] - gold, [CASH] = deposit[CASH] - cash })
  msg.reply({ Action = 'Liquidity-Added', Shares = tostring(own) })
end)

on('Take-Back', function(msg)
  giveBack(msg.From, assert(Market.deposits[msg.From], 'nothing of yours waits here'))
end)

on('Remove-Liquidity', function(msg)
  local shares, held = amountOf(msg.Shares), Market.shares[msg.From] or ZERO
  assert(shares and shares > 0, 'Shares must be a whole number above zero')
  assert(shares <= held, 'you hold ' .. tostring(held) .. ' shares')
  local total = Market.totalShares
  addShares(msg.From, -shares)
  for _, asset in ipairs({ GOLD, CASH }) do
    local part = Market.reserves[asset] * shares // total
    Market.reserves[asset] = Market.reserves[asset] - part
    pay(asset, msg.From, part, 'Liquidity')
  end
  note(msg, 'remove')
end)

-- Reading

on('Price', function(msg)
  local gold = Market.reserves[GOLD]
  msg.reply({ Action = 'Price-Is', Price = gold == ZERO and 'none' or tostring(Market.reserves[CASH] * PRICE_UNIT // gold) })
end)

on('Quote', function(msg)
  local paid = assert(amountOf(msg.Quantity), 'Quantity must be a whole number')
  assert(Market.reserves[msg.Asset], 'Asset must be ' .. GOLD .. ' or ' .. CASH)
  msg.reply({ Action = 'Quote-Is', Out = tostring(Market.totalShares == ZERO and ZERO or outputFor(msg.Asset, paid)) })
end)

local function texts(map)
  local copy = {}
  for key, value in pairs(map) do copy[key] = tostring(value) end
  return copy
end

on('Pool', function(msg)
  local waiting = { [GOLD] = ZERO, [CASH] = ZERO }
  for _, deposit in pairs(Market.deposits) do
    for asset, amount in pairs(deposit) do waiting[asset] = waiting[asset] + amount end
  end
  msg.reply({
    Action = 'Pool-Is',
    Data = json.encode({
      reserves = texts(Market.reserves),
      deposits = texts(waiting),
      shares = texts(Market.shares),
      totalShares = tostring(Market.totalShares),
      payoutsUnderWay = Market.payoutsUnderWay,
      payoutsFailed = Market.payoutsFailed,
      refunds = Market.refunds,
      changes = Market.changes,
    }),
  })
end)
