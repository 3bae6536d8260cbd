---- a state of a few megabytes
Big = {}
for i = 1, 200 do Big[i] = ('block ' .. i .. ' '):rep(2000) end
return #Big
---- it can be read
local sum = 0
for i = 1, #Big do sum = sum + #Big[i] end
return show(sum, Big[7]:sub(1, 20), Big[200]:sub(-12))
---- an error rolls growth back
More = {}
for i = 1, 300 do More[i] = ('more ' .. i):rep(5000) end
error('too much')
---- nothing of it is left
return show(More, #Big)
---- a hundred mebibytes
Huge = {}
for i = 1, 100 do Huge[i] = string.char(65 + i % 26):rep(1024 * 1024) end
return show(#Huge, #Huge[100])
---- they can be read
return show(Huge[1]:sub(1, 5), Huge[50]:byte(-1), Huge[100]:find('Z', 1, true))
---- an error with much memory in use
Huge[1] = 'changed'
error('no')
---- nothing was changed
return Huge[1]:sub(1, 5)
---- they are dropped
Huge = nil
collectgarbage()
return 'dropped'
---- the room is used again
Again = {}
for i = 1, 60 do Again[i] = ('again'):rep(200000) end
local size = #table.concat(Again)
Again = nil
return size
---- many small tables
Points = {}
for i = 1, 60000 do Points[i] = { x = i, y = -i } end
local sum = 0
for _, p in ipairs(Points) do sum = sum + p.x * 2 + p.y end
return sum
---- many keys
Keys = {}
for i = 1, 40000 do Keys['key-' .. i] = i end
local count, sum = 0, 0
for _, v in pairs(Keys) do count, sum = count + 1, sum + v end
return show(count, sum)
---- first keys in the order of pairs
local out = {}
for k in pairs(Keys) do
  out[#out + 1] = k
  if #out == 40 then break end
end
return table.concat(out, ' ')
---- deletes of half
for i = 1, 40000, 2 do Keys['key-' .. i] = nil end
local out = {}
for k in pairs(Keys) do
  out[#out + 1] = k
  if #out == 40 then break end
end
return table.concat(out, ' ')
---- much more than there is
local t = {}
for i = 1, 1e9 do t[i] = ('x'):rep(16 * 1024 * 1024) .. i end
---- after that it goes on
return show(#Big, Points[60000].y, Keys['key-40000'])
---- a long text comes back
return ('0123456789abcdef'):rep(40000)
---- a long message goes out
Send({ Target = 't', Data = ('payload '):rep(50000) })
return 'sent'
---- cleaned
Big, Points, Keys = nil, nil, nil
collectgarbage()
return 'clean'
---- memory that cannot be had
return #('x'):rep(700 * 1024 * 1024)
---- after that all goes on
return show(Owner ~= nil, 1 + 1)
