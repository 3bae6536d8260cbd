-- Stakes that are bound for some blocks, a vote that ends at a height, and a handler that sees every message.
local bint = require('.bint')(256)

Stakes = Stakes or {}
Votes = Votes or {}
Decided = Decided or {}
Delay = 3
Heard = Heard or 0

local function height(msg) return tonumber(msg['Block-Height']) end

Handlers.prepend('stake.tick', function() return 'continue' end, function(msg)
  Heard = Heard + 1
  for name, vote in pairs(Votes) do
    if height(msg) >= vote.deadline then
      Decided[name] = bint(vote.yay) > bint(vote.nay) and 'yay' or 'nay'
      Votes[name] = nil
      ao.send({ Target = Owner, Action = 'Decided', Vote = name, Side = Decided[name] })
    end
  end
end)

Handlers.add('stake.stake', 'Stake', function(msg)
  local stake = Stakes[msg.From] or { amount = '0', since = 0 }
  stake.amount = tostring(bint(stake.amount) + bint(msg.Tags.Quantity))
  stake.since = height(msg)
  Stakes[msg.From] = stake
  msg.reply({ Action = 'Staked', Amount = stake.amount, Until = tostring(stake.since + Delay) })
end)

Handlers.add('stake.unstake', 'Unstake', function(msg)
  local stake = Stakes[msg.From]
  assert(stake, 'nothing is staked')
  if height(msg) < stake.since + Delay then
    msg.reply({ Action = 'Unstake-Error', Error = 'bound until ' .. stake.since + Delay })
    return
  end
  assert(bint(msg.Tags.Quantity) <= bint(stake.amount), 'more than is staked')
  stake.amount = tostring(bint(stake.amount) - bint(msg.Tags.Quantity))
  msg.reply({ Action = 'Unstaked', Amount = stake.amount })
end)

Handlers.add('stake.vote', { Action = 'Vote', Side = { 'yay', 'nay' }, Target = '_' }, function(msg)
  local stake = Stakes[msg.From]
  assert(stake and bint(stake.amount) > bint(0), 'stake before you vote')
  local name = msg.Tags.Subject
  local vote = Votes[name] or { yay = '0', nay = '0', deadline = height(msg) + 4 }
  vote[msg.Tags.Side] = tostring(bint(vote[msg.Tags.Side]) + bint(stake.amount))
  Votes[name] = vote
  print('vote on ' .. name .. ': ' .. vote.yay .. ' to ' .. vote.nay)
end)

Handlers.add('stake.status', 'Status', function(msg)
  local names = {}
  for name, side in pairs(Decided) do names[#names + 1] = name .. '=' .. side end
  table.sort(names)
  msg.reply({ Data = { decided = names, heard = Heard } })
end)

return 'staking'
