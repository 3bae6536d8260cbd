--[[ A trader: each nudge of the keeper is a look at the price, and maybe a trade with the pool.

The tag Strategy is `trend` (buys what rises, sells what falls) or `value` (sells above the price that it saw first, buys below it).
A trade is a conversation: own balance, a quote, the payment, the answer of the pool. It is written down as such, since a handler may wait.

Wire        In:  Nudge Price, of the keeper · Report
            Out: Register to the keeper when it starts · Done Outcome in answer to a nudge, when the trade is settled
Invariants  One trade at a time. Only the keeper nudges. Each order is settled once: it bought, or its payment came back.
]]
local bint = require('.bint')(256)
local json = require('json')

local tags = ao.env.Process.Tags
local GOLD, POOL, KEEPER = tags.Token, tags.Pool, tags.Keeper
local CASH = POOL -- whose own token it is
local PART = 20 -- of the balance is paid each time
local SLIPPAGE, WHOLE = 100, 10000 -- 1 %
local GIVEN_UP_MS = 60000

if not Book then
  Book = { orders = 0, bought = 0, refused = 0, nudges = 0 }
  Send({ Target = KEEPER, Action = 'Register' })
end

--- Each names the token to pay with, or nothing.
local strategies = {}

function strategies.trend(price)
  local last = Book.lastPrice or price
  Book.lastPrice = price
  if price == last then return Book.lastPaid or CASH end
  return price > last and CASH or GOLD
end

function strategies.value(price)
  Book.fairPrice = Book.fairPrice or price
  if price > Book.fairPrice then return GOLD end
  if price < Book.fairPrice then return CASH end
end

local choose = assert(strategies[tags.Strategy], 'the tag Strategy must be trend or value')

--- The pool pays the other token, or the same one back.
local function settlement(order)
  return function(msg)
    return msg.Action == 'Credit-Notice' and msg['X-Order'] == order and msg.Sender == POOL and (msg.From == GOLD or msg.From == CASH)
  end
end

local function trade(asset)
  local balance = bint(Send({ Target = asset, Action = 'Balance', Recipient = ao.id }).receive(asset).Balance)
  local paid = balance // PART
  if paid == bint.zero() then return 'has nothing to pay with' end
  local quote = Send({ Target = POOL, Action = 'Quote', Asset = asset, Quantity = tostring(paid) }).receive(POOL)
  local minimum = bint(quote.Out) * (WHOLE - SLIPPAGE) // WHOLE
  Book.orders = Book.orders + 1
  local order = ao.id .. '/' .. Book.orders
  local payment = Send({
    Target = asset,
    Action = 'Transfer',
    Recipient = POOL,
    Quantity = tostring(paid),
    ['X-Action'] = 'Swap',
    ['X-Min-Out'] = tostring(minimum),
    ['X-Order'] = order,
  }).receive(asset)
  if payment.Action == 'Transfer-Error' then
    Book.refused = Book.refused + 1
    return 'could not pay: ' .. payment.Error
  end
  local settled = Receive(settlement(order))
  if settled['X-Pool'] == 'Swap' then
    Book.bought, Book.lastPaid = Book.bought + 1, asset
    return asset == CASH and 'bought' or 'sold'
  end
  Book.refused = Book.refused + 1
  return 'was refused: ' .. settled['X-Reason']
end

Handlers.add('Nudge', { Action = 'Nudge', From = function(from) return from == KEEPER end }, function(msg)
  Book.nudges = Book.nudges + 1
  if Book.busySince and msg.Timestamp - Book.busySince < GIVEN_UP_MS then return msg.reply({ Action = 'Done', Outcome = 'is busy' }) end
  local asset = choose(assert(math.tointeger(tonumber(msg.Price)), 'Price must be a whole number'))
  if not asset then return msg.reply({ Action = 'Done', Outcome = 'waits' }) end
  Book.busySince = msg.Timestamp
  local outcome = trade(asset)
  Book.busySince = nil
  msg.reply({ Action = 'Done', Outcome = outcome })
end)

Handlers.add('Report', 'Report', function(msg)
  msg.reply({
    Action = 'Report-Is',
    Data = json.encode({
      strategy = tags.Strategy,
      orders = Book.orders,
      bought = Book.bought,
      refused = Book.refused,
      nudges = Book.nudges,
      isBusy = Book.busySince ~= nil,
    }),
  })
end)
