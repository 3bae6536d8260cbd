--[[ process: one message through the process, from the host's tables to the result.

Wire        handle(msg, env) -> {Output, Messages, Spawns, Assignments} or {Error, …}. `msg.Tags` comes as a list of {name, value}; handlers
            see a map there (first of a name wins), the list as `TagArray`, and tags as fields of the message.
Invariants  Names of tags and fields are brought to one spelling (`some_tag` is `Some-Tag`).
            A tag never replaces a field that the host set: who sent a message, when and where cannot be claimed by a tag.
            A message whose sender is not its signer is heard only if one of the two is an authority.
            An error leaves no messages behind; the host takes back the memory.
]]
local ao = require('ao')
local chance = require('.chance')
local colors = require('.colors')
local console = require('.console')
local dump = require('.dump')
local json = require('.json')
local stringify = require('.stringify')
local system = require('.system')
local utils = require('.utils')
local Handlers = require('.handlers')

local process = { _version = '2.0.4' }

local INBOX_MAX = 10000
local INBOX_DROPPED = 100 -- so many of the oldest go at once: shifting the whole list for each message would cost more than the message
local NAMES_MAX = 1000

-- Spelling of names

local spelled, spelledCount = {}, 0

local function spell(name)
  local known = spelled[name]
  if known then return known end
  if spelledCount >= NAMES_MAX then spelled, spelledCount = {}, 0 end
  local text = type(name) == 'string' and utils.normalize(name) or name
  spelled[name] = text
  spelledCount = spelledCount + 1
  return text
end

local function spellFields(msg)
  local wrong
  for key in next, msg do
    if spell(key) ~= key then
      wrong = wrong or {}
      wrong[#wrong + 1] = key
    end
  end
  if not wrong then return end
  table.sort(wrong)
  for _, key in ipairs(wrong) do
    local name, value = spell(key), msg[key]
    msg[key] = nil
    if msg[name] == nil then msg[name] = value end
  end
end

--- Tags of these names do not become fields: they are about the delivery, or the field is the host's.
local KEPT_APART = {}
for _, name in ipairs(ao.nonExtractableTags) do KEPT_APART[name] = true end
for _, name in ipairs({ 'Id', 'Signature', 'Forwarded-By', 'Epoch', 'Nonce', 'Timestamp', 'Block-Height', 'Hash-Chain', 'Cron' }) do
  KEPT_APART[name] = true
end

--- Turns the list of tags into TagArray, Tags and fields. Of a name that is there twice, Tags has the first, the field is the last.
local function spreadTags(msg)
  local list, map = msg.Tags or {}, {}
  for index = 1, #list do
    local tag = list[index]
    local name, value = spell(tag.name), tag.value
    tag.name = name
    if map[name] == nil then map[name] = value end
    if not KEPT_APART[name] then msg[name] = value end
  end
  msg.TagArray, msg.Tags = list, map
end

local function readJson(msg)
  if msg.Tags['Content-Type'] ~= 'application/json' or type(msg.Data) ~= 'string' then return end
  local ok, value = pcall(json.decode, msg.Data)
  if not ok then error('Data is not the JSON that its Content-Type promises: ' .. tostring(value), 0) end
  msg.Data = value
end

-- State of a new process

local function sumOfBytes(text)
  local sum = 0
  for index = 1, #text do sum = sum + text:byte(index) end
  return sum
end

local function seed(msg)
  local words = tostring(msg.Owner) .. tostring(msg.Module or ao._module) .. tostring(msg.Id)
  chance.seed(tonumber(tostring(msg['Block-Height'] or 0) .. sumOfBytes(words)))
  Seeded = true
  collectgarbage() -- What loading the module left behind would double the memory that each process settles at.
end

local function prepareState(msg)
  if not Seeded then seed(msg) end
  if Owner == nil then Owner = ao.env.Process.Tags['From-Process'] or ao.env.Process.Owner or msg.From end
  if Name == nil then Name = ao.env.Process.Tags['Name'] or 'aos' end
  if type(Inbox) ~= 'table' then Inbox = {} end
  if type(Errors) ~= 'table' then Errors = {} end
end

-- Answering

--- A copy, since the program may use its table again.
local function copyOf(fields)
  if type(fields) ~= 'table' then error('the answer should be a table, got ' .. type(fields), 0) end
  local copy = {}
  for key, value in next, fields do copy[key] = value end
  return copy
end

local function addAnswering(msg)
  function msg.reply(fields)
    local answer = copyOf(fields)
    answer.Target = msg['Reply-To'] or answer.Target or msg.From
    answer['X-Reference'] = msg['X-Reference'] or msg.Reference
    answer['X-Origin'] = msg['X-Origin']
    return ao.send(answer)
  end
  --- Gives nothing back, as everywhere in this contract: the answer is for whoever asked first.
  function msg.forward(target, fields)
    local onward = ao.sanitize(msg)
    for key, value in next, fields and copyOf(fields) or {} do onward[key] = value end
    onward.Target = target
    onward['Reply-To'] = msg['Reply-To'] or msg.From
    onward['X-Reference'] = msg['X-Reference'] or msg.Reference
    onward['X-Origin'] = msg['X-Origin'] or msg.From
    ao.send(onward)
  end
end

-- The three handlers that are always there

local function isEval(msg)
  return msg.Action == 'Eval' and msg.From == Owner
end

local function isFirst(msg)
  return msg.Tags.Type == 'Process' and msg.From == Owner
end

local eval = require('.eval')(ao)
local boot = require('.boot')(ao)

local function keep(msg)
  local inbox = Inbox
  local count = #inbox + 1
  inbox[count] = msg
  if count <= INBOX_MAX then return end
  table.move(inbox, INBOX_DROPPED + 1, count, 1)
  for index = count - INBOX_DROPPED + 1, count do inbox[index] = nil end
end

local default = require('.default')(keep)

local function always()
  return true
end

local function ensure(name, pattern, handle)
  if type(Handlers.list) ~= 'table' then Handlers.list = {} end
  for _, entry in ipairs(Handlers.list) do
    if entry.name == name then
      entry.pattern, entry.handle, entry.maxRuns = pattern, handle, nil
      return
    end
  end
  Handlers.append(name, pattern, handle)
end

-- Running

local function describe(problem)
  local kind = type(problem)
  if kind == 'string' then return problem end
  if kind ~= 'table' then return tostring(problem) end
  local meta = getmetatable(problem)
  if type(meta) == 'table' and meta.__tostring then return tostring(problem) end
  return stringify.format(problem)
end

local function walk(msg)
  return Handlers.evaluate(msg, ao.env)
end

--- Whoever waits in the middle of a message is kept, whoever came to an end is let go.
local function rememberSleepers(thread)
  local sleepers = type(Handlers.coroutines) == 'table' and Handlers.coroutines or {}
  local isAsleep = coroutine.status(thread) == 'suspended'
  if not isAsleep and #sleepers == 0 then return end
  local awake = {}
  for _, other in ipairs(sleepers) do
    if coroutine.status(other) ~= 'dead' then awake[#awake + 1] = other end
  end
  if isAsleep then awake[#awake + 1] = thread end
  Handlers.coroutines = awake
end

local function printed()
  return table.concat(HANDLER_PRINT_LOGS, '\n')
end

local function failure(msg, problem, thread)
  if msg.Action ~= 'Eval' then
    local what = msg.Action and ' handling message with Action = ' .. tostring(msg.Action) or ' handling message '
    console.say(colors.red .. 'Error' .. colors.gray .. what .. colors.reset)
    console.say(colors.green .. problem .. colors.reset)
    console.say('\n' .. colors.gray .. (console.trace or debug.traceback(thread)) .. colors.reset)
  end
  table.insert(Errors, problem)
  return ao.result({ Error = printed() .. '\n\n' .. colors.red .. 'error:\n' .. colors.reset .. problem })
end

local function prompt()
  local ok, text = pcall(Prompt)
  return ok and type(text) == 'string' and text or console.prompt(process._version)
end

local function shown()
  return { data = printed(), prompt = prompt(), print = true }
end

local function output(msg)
  if msg.Action == 'Eval' then return { data = printed(), prompt = prompt(), test = dump(HANDLER_PRINT_LOGS) } end
  return shown()
end

local function whoSent(msg)
  return 'From: ' .. tostring(msg.From) .. ' - Owner: ' .. tostring(msg.Owner)
end

--- Why a message is not heard, or nil.
local function refusal(msg)
  if msg.From ~= msg.Owner and not ao.isTrusted(msg) then return 'Message is not trusted! ' .. whoSent(msg) end
  if msg.Target ~= ao.id and not ao.isAssignable(msg) then
    if msg.From ~= ao.id then ao.send({ Target = msg.From, Data = 'Assignment is not trusted by this process!' }) end
    return 'Assignment is not trusted! ' .. whoSent(msg)
  end
end

function process.handle(msg, env)
  ao.init(env)
  spellFields(msg)
  system.now = math.tointeger(tonumber(msg.Timestamp)) or system.now
  spreadTags(msg)
  prepareState(msg)
  HANDLER_PRINT_LOGS, console.trace = {}, nil
  ao.clearOutbox()
  local reason = refusal(msg)
  if reason then
    console.say(reason)
    return ao.result({ Output = shown() })
  end
  ensure('_eval', isEval, eval)
  if msg.Id == ao.id then Handlers.once('_boot', isFirst, boot) end
  ensure('_default', always, default)
  readJson(msg)
  addAnswering(msg)
  local thread = coroutine.create(walk)
  local ok, problem = coroutine.resume(thread, msg)
  if not ok then return failure(msg, describe(problem), thread) end
  rememberSleepers(thread)
  ao.Nonce = msg.Nonce
  return ao.result({ Output = output(msg) })
end

return process
