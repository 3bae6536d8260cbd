--[[ ao: who this process is, whom it trusts, and what it sends.

Wire        Outbox entries as hosts of this contract expect them. Message {Target, Data, Anchor, Tags}; Spawn {Data, Anchor, Tags};
            Assignment {Processes, Message, Exclude?, BaseLayer?}. Tags begin with Data-Protocol, Variant, Type, Reference (spawn: also
            From-Process, From-Module, Module), then the other keys of the table in order, then its Tags.
            Anchor is the counter padded to 32 digits; one counter numbers messages and spawns.
Invariants  Numbers and booleans leave as they are, the host turns them into text; tables stay tables (state patches carry them) unless they
            have a text of their own (big integers); functions are left out. What is given to these functions is not changed.
            Authorities of the process's tags are there for every message; what a process added itself stays too.
]]
local json = require('.json')
local order = require('.order')
local Handlers = require('.handlers')

--- Tags and fields that stay in `msg.Tags` and are not copied to the message itself.
local NON_EXTRACTABLE = {
  'Data-Protocol', 'Variant', 'From-Process', 'From-Module', 'Type', 'From', 'Owner', 'Anchor', 'Target', 'Data', 'Tags', 'Read-Only',
}
--- What a forwarded message does not take along.
local NON_FORWARDABLE = {
  'Data-Protocol', 'Variant', 'From-Process', 'From-Module', 'Type', 'From', 'Owner', 'Anchor', 'Target', 'Tags', 'TagArray', 'Hash-Chain',
  'Timestamp', 'Nonce', 'Epoch', 'Signature', 'Forwarded-By', 'Pushed-For', 'Read-Only', 'Cron', 'Block-Height', 'Reference', 'Id',
  'Reply-To',
}

local ao = {
  _version = '0.0.6',
  id = '',
  _module = '',
  authorities = {},
  reference = 0,
  outbox = { Output = {}, Messages = {}, Spawns = {}, Assignments = {} },
  nonExtractableTags = NON_EXTRACTABLE,
  nonForwardableTags = NON_FORWARDABLE,
}

require('.assignment').init(ao)

local format, tostring, type, next = string.format, tostring, type, next

local function setOf(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local SANITIZED = setOf(NON_FORWARDABLE)
local NOT_TAGS = setOf({ 'Target', 'Data', 'Anchor', 'Tags', 'From' })

-- The environment

local function mapOf(tags)
  local map = {}
  for _, tag in ipairs(tags) do
    if map[tag.name] == nil then map[tag.name] = tag.value end
  end
  return map
end

--- The authorities that the tags of a process name; one tag may hold a list.
local function authoritiesOf(tags)
  local found = {}
  for _, tag in ipairs(tags) do
    if tag.name == 'Authority' then
      for part in tag.value:gmatch('[^,]+') do
        local authority = part:match('^%s*(.-)%s*$')
        if authority ~= '' then found[#found + 1] = authority end
      end
    end
  end
  return found
end

local function keepAuthority(authority)
  for _, known in ipairs(ao.authorities) do
    if known == authority then return end
  end
  table.insert(ao.authorities, authority)
end

local lastEnv, granted

--- Takes in the environment of a message: identity, module, authorities.
function ao.init(env)
  if env ~= lastEnv then
    local process = env.Process
    local tags = process.Tags or {}
    local map = mapOf(tags)
    lastEnv, granted = env, authoritiesOf(tags)
    ao.id = process.Id
    ao._module = map['Module'] or ''
    ao.env = { Process = { Id = process.Id, Owner = process.Owner, Tags = map, TagArray = tags }, Module = env.Module }
  end
  if type(ao.authorities) ~= 'table' then ao.authorities = {} end
  for index = 1, #granted do keepAuthority(granted[index]) end
end

--- True when the sender or the signer of a message is one of the authorities.
function ao.isTrusted(msg)
  for _, authority in ipairs(ao.authorities) do
    if msg.From == authority or msg.Owner == authority then return true end
  end
  return false
end

-- Messages in

--- A deep copy.
function ao.clone(value, seen)
  if type(value) ~= 'table' then return value end
  seen = seen or {}
  if seen[value] then return seen[value] end
  local copy = {}
  seen[value] = copy
  for key, item in next, value do copy[ao.clone(key, seen)] = ao.clone(item, seen) end
  return setmetatable(copy, getmetatable(value))
end

local EXTRACTED_NOT = setOf(NON_EXTRACTABLE)

--- Copies the tags of a message to the message itself.
function ao.normalize(msg)
  for _, tag in ipairs(msg.Tags) do
    if not EXTRACTED_NOT[tag.name] then msg[tag.name] = tag.value end
  end
  return msg
end

--- A copy of a message without what belongs to its own delivery.
function ao.sanitize(msg)
  local copy = {}
  for key, value in next, msg do
    if not SANITIZED[key] and type(value) ~= 'function' then copy[key] = value end
  end
  return copy
end

-- Messages out

local function isText(value)
  local meta = getmetatable(value)
  return type(meta) == 'table' and meta.__tostring ~= nil
end

--- A table as it leaves the process: plain data, without functions.
local function plainTable(value, depth)
  if isText(value) then return tostring(value) end
  if depth > 32 then error('a tag value is nested deeper than 32 tables, or contains itself', 0) end
  local copy = {}
  for key, item in next, value do
    local kind = type(item)
    if kind == 'table' then item = plainTable(item, depth + 1) end
    if kind == 'string' or kind == 'number' or kind == 'boolean' or kind == 'table' then
      copy[type(key) == 'number' and key or tostring(key)] = item
    end
  end
  return copy
end

--- A tag value as it leaves the process; nil when it cannot leave.
local function plain(value)
  local kind = type(value)
  if kind == 'string' or kind == 'number' or kind == 'boolean' then return value end
  if kind == 'table' then return plainTable(value, 1) end
end

local function addTag(tags, name, value)
  if type(value) ~= 'string' then value = plain(value) end
  if value ~= nil and name ~= nil then tags[#tags + 1] = { name = tostring(name), value = value } end
end

local JSON_TYPE = 'application/json'

--- Adds the keys of a table, then the table's own Tags, as a list or as a map.
local function addTags(tags, fields, isJson)
  for _, key in ipairs((order.keys(fields))) do
    if not NOT_TAGS[key] and not (isJson and key == 'Content-Type') then addTag(tags, key, fields[key]) end
  end
  if isJson then addTag(tags, 'Content-Type', JSON_TYPE) end
  local own = fields.Tags
  if own == nil then return end
  if type(own) ~= 'table' then error('Tags should be a table', 0) end
  if own[1] ~= nil then
    for _, tag in ipairs(own) do addTag(tags, tag.name, tag.value) end
  else
    for _, key in ipairs((order.keys(own))) do addTag(tags, key, own[key]) end
  end
end

--- Data as bytes, and whether it was a table that became JSON.
local function dataOf(value)
  local kind = type(value)
  if kind == 'string' or kind == 'nil' then return value, false end
  if kind ~= 'table' or isText(value) then return plain(value), false end
  return json.encode(value), true
end

local function nextReference()
  ao.reference = ao.reference + 1
  return tostring(ao.reference), format('%032d', ao.reference)
end

--- receive() and onReply() of something sent: both wait for the message that answers it.
local function addAnswers(result, patternFor)
  function result.receive(from)
    return Handlers.receive(patternFor(from))
  end
  function result.onReply(...)
    local from, handle = ...
    if select('#', ...) == 1 then from, handle = nil, from end
    Handlers.once(patternFor(from), handle)
  end
  return result
end

function ao.send(fields)
  if type(fields) ~= 'table' then error('msg should be a table', 0) end
  local reference, anchor = nextReference()
  local tags = {
    { name = 'Data-Protocol', value = 'ao' },
    { name = 'Variant', value = 'ao.TN.1' },
    { name = 'Type', value = 'Message' },
    { name = 'Reference', value = reference },
  }
  local target = fields.Target
  local data, isJson = dataOf(fields.Data)
  addTags(tags, fields, isJson)
  local outbox = ao.outbox.Messages
  outbox[#outbox + 1] = { Target = target, Data = data, Anchor = anchor, Tags = tags }
  return addAnswers({ Target = target, Data = data, Anchor = anchor, Tags = tags }, function(from)
    return { From = from or target, ['X-Reference'] = reference }
  end)
end

function ao.spawn(module, fields)
  if type(module) ~= 'string' then error('Module source id is required!', 0) end
  if type(fields) ~= 'table' then error('Message must be a table', 0) end
  local reference, anchor = nextReference()
  local tags = {
    { name = 'Data-Protocol', value = 'ao' },
    { name = 'Variant', value = 'ao.TN.1' },
    { name = 'Type', value = 'Process' },
    { name = 'From-Process', value = ao.id },
    { name = 'From-Module', value = ao._module },
    { name = 'Module', value = module },
    { name = 'Reference', value = reference },
  }
  local data, isJson = dataOf(fields.Data)
  addTags(tags, fields, isJson)
  data = data or 'NODATA'
  local outbox = ao.outbox.Spawns
  outbox[#outbox + 1] = { Data = data, Anchor = anchor, Tags = tags }
  return addAnswers({ Data = data, Anchor = anchor, Tags = tags }, function(from)
    return { Action = 'Spawned', From = from or ao.id, Reference = reference }
  end)
end

local function textsOf(list, name)
  if type(list) ~= 'table' then error(name .. ' should be a table', 0) end
  local texts = {}
  for index, text in ipairs(list) do
    if type(text) ~= 'string' then error(name .. ' should hold strings', 0) end
    texts[index] = text
  end
  return texts
end

--- Asks the host to assign a message to other processes.
function ao.assign(assignment)
  if type(assignment) ~= 'table' then error('assignment should be a table', 0) end
  local processes = textsOf(assignment.Processes, 'Processes')
  if type(assignment.Message) ~= 'string' then error('Message should be a string', 0) end
  local outbox = ao.outbox.Assignments
  outbox[#outbox + 1] = {
    Processes = processes,
    Message = assignment.Message,
    Exclude = assignment.Exclude and textsOf(assignment.Exclude, 'Exclude'),
    BaseLayer = assignment.BaseLayer,
  }
end

-- The result

function ao.clearOutbox()
  ao.outbox = { Output = {}, Messages = {}, Spawns = {}, Assignments = {} }
end

function ao.log(text)
  local output = ao.outbox.Output
  if type(output) ~= 'table' then output = { output } end
  table.insert(output, text)
  ao.outbox.Output = output
end

--- What a message did, as the host reads it; an Error alone leaves nothing else of it.
function ao.result(result)
  result = result or {}
  local outbox = type(ao.outbox) == 'table' and ao.outbox or {}
  local problem = result.Error or outbox.Error
  if problem and type(problem) == 'function' then problem = tostring(problem) end
  if problem then return { Error = problem, Output = '', Messages = {}, Spawns = {}, Assignments = {} } end
  return {
    Output = result.Output or outbox.Output,
    Messages = outbox.Messages or {},
    Spawns = outbox.Spawns or {},
    Assignments = outbox.Assignments or {},
  }
end

return ao
