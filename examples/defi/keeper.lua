--[[ The keeper: each tick of its clock it asks the pool for the price, writes it down, and nudges the traders.

The clock is two tags of the process: Cron-Interval=1-second and Cron-Tag-Action=Tick. A tick comes as a message of the owner.

Wire        In:  Tick, of the owner · Register, of a trader · Series
            Out: Price to the pool · Nudge Price to each trader
Invariants  Prices are in the order of the ticks. A trader that does not answer does not hold up the others.
]]
local json = require('json')

local POOL = ao.env.Process.Tags.Pool
local TRADERS_MAX = 16
local PRICES_KEPT = 1000

Clock = Clock or { ticks = 0, nudged = 0, answered = 0, prices = {}, traders = {}, outcomes = {} }

Handlers.add('Register', 'Register', function(msg)
  for _, trader in ipairs(Clock.traders) do
    if trader == msg.From then return end
  end
  assert(#Clock.traders < TRADERS_MAX, 'this keeper has traders enough')
  table.insert(Clock.traders, msg.From)
end)

local function writeDown(tick, price)
  local prices = Clock.prices
  prices[#prices + 1] = { time = tick.Timestamp, price = price }
  if #prices > PRICES_KEPT then table.remove(prices, 1) end
end

local function nudge(trader, price)
  Clock.nudged = Clock.nudged + 1
  Send({ Target = trader, Action = 'Nudge', Price = price }).onReply(function(answer)
    Clock.answered = Clock.answered + 1
    Clock.outcomes[trader] = answer.Outcome
  end)
end

Handlers.add('Tick', { Action = 'Tick', From = function(from) return from == Owner end }, function(tick)
  Clock.ticks = Clock.ticks + 1
  local price = Send({ Target = POOL, Action = 'Price' }).receive(POOL).Price
  if price == 'none' then return end
  writeDown(tick, price)
  for _, trader in ipairs(Clock.traders) do nudge(trader, price) end
end)

Handlers.add('Series', 'Series', function(msg)
  msg.reply({
    Action = 'Series-Is',
    Data = json.encode({
      ticks = Clock.ticks,
      nudged = Clock.nudged,
      answered = Clock.answered,
      prices = Clock.prices,
      traders = Clock.traders,
      outcomes = Clock.outcomes,
    }),
  })
end)
