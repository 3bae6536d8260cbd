---- ao.send of tags, data and a table
ao.send({ Target = 'target-1', Action = 'Greet', Data = 'hello', Quantity = '5' })
ao.send({ Target = 'target-2', Data = { a = 1, list = { 1, 2 } } })
ao.send({ Target = 'target-3', Tags = { Kind = 'map', Other = 'value' } })
ao.send({ Target = 'target-4', Tags = { { name = 'Kind', value = 'list' } } })
return 'sent'
---- Send
Send({ Target = 'target-1', Action = 'One' })
local sent = Send({ Target = 'target-2', Action = 'Two', Data = '2' })
return type(sent)
---- Send without a target
Send({ Action = 'Lost' })
return 'x'
---- Send of values that are no text
Send({ Target = 't', Number = 5, Float = 2.5, Flag = true, Nested = { deep = { 1 } }, Data = 'd' })
return 'x'
---- Send of a number as data
Send({ Target = 't', Data = 12 })
---- Send of true as data
Send({ Target = 't', Data = true })
---- Send of binary data
Send({ Target = 't', Data = '\0\1\255\254', Name = 'ä' })
---- Send of text that is not ASCII
Send({ Target = 't', Data = 'grüße 😀', Subject = '日本' })
---- Send with an anchor
Send({ Target = 't', Anchor = 'my-anchor', Data = 'x' })
---- Send of nothing
Send()
---- Send of a text
Send('hello')
---- many messages
for i = 1, 60 do Send({ Target = 't' .. i, Index = tostring(i) }) end
return #ao.outbox.Messages
---- references go on
Send({ Target = 't', Action = 'Counted' })
return ao.reference
---- messages of a failing evaluation are not sent
Send({ Target = 't', Action = 'Never' })
error('after sending')
---- references after a failing evaluation
Send({ Target = 't', Action = 'Counted' })
return ao.reference
---- spawn
ao.spawn('module-id-1', { Name = 'child', Data = 'code', Tags = { Kind = 'x' } })
Spawn('module-id-2', { Name = 'other' })
return #ao.outbox.Spawns
---- spawn with tags as a list
Spawn('module-id-3', { Tags = { { name = 'On-Boot', value = 'Data' } }, Data = 'return 1' })
---- spawn without tags
Spawn('module-id')
---- spawn without a module
Spawn(nil, {})
---- assign
ao.assign({ Processes = { 'p1', 'p2' }, Message = 'm1' })
Assign({ Processes = { 'p3' }, Message = 'm2', Exclude = { 'Data' } })
return #ao.outbox.Assignments
---- assign without a message
Assign({ Processes = { 'p' } })
---- results by hand
return ao.result({ Output = 'by hand', Messages = {} })
---- the outbox by hand
table.insert(ao.outbox.Messages, { Target = 'x', Data = 'raw', Tags = {} })
return 'x'
---- clear the outbox
Send({ Target = 't' })
ao.clearOutbox()
return 'cleared'
---- sanitize, clone, normalize
local m = { Tags = { { name = 'A', value = '1' }, { name = 'B', value = '2' } }, From = 'f' }
local n = ao.normalize(ao.clone(m))
return show(n.A, n.B, n.From, m.A)
---- log
ao.log('logged 1')
ao.log({ logged = 2 })
return 'x'
---- trust
return show(ao.isTrusted({ From = 'x', Owner = 'x' }), ao.isTrusted({ From = 'x', Owner = ao.authorities and ao.authorities[1] }), ao.isTrusted({ From = 'x', Owner = 'y' }))
---- assignables
ao.addAssignable('news', { Action = 'News' })
ao.addAssignable({ Kind = 'tx' })
return show(ao.isAssignment({ Target = 'x' }), ao.isAssignment({ Target = ao.id }), ao.isAssignable({ Action = 'News', Target = 'x' }), ao.isAssignable({ Action = 'Olds', Target = 'x' }))
---- assignables removed
ao.removeAssignable('news')
ao.removeAssignable(1)
return ao.isAssignable({ Action = 'News', Target = 'x' })
---- Inbox
return show(#Inbox, Inbox[1] and Inbox[1].Id == ao.id, Inbox[#Inbox] and Inbox[#Inbox].Action)
---- the first message in the Inbox
local out = {}
for k, v in pairs(Inbox[1]) do out[#out + 1] = k .. '=' .. type(v) end
table.sort(out)
return table.concat(out, ' ')
---- Receive waits, and the evaluation ends
Got = nil
local m = Receive({ Action = 'Never-Comes' })
Got = m
return 'received'
---- nothing came
return show(Got)
---- Send and wait for the reply
Send({ Target = ao.id, Action = 'Self' })
local reply = Send({ Target = 'somebody', Action = 'Ask' }).receive()
return reply.Data
---- onReply
Send({ Target = 'somebody', Action = 'Ask-2' }).onReply(function(m) Answer = m.Data end)
return 'asked'
---- Handlers after all that
local out = {}
for i, h in ipairs(Handlers.list) do out[i] = tostring(h.name) end
return table.concat(out, ' ')
---- Tab
return show(type(Tab), Tab and Tab({ Tags = { { name = 'A', value = '1' } } }).A)
---- Errors
return show(type(Errors), Errors and #Errors)
