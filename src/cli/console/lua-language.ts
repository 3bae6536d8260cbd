/** Lua processes: the runtime that ships and published aos modules alike. */
import { CONSOLE_NAMES_MAX } from '../../base/limits.ts'
import { isLuaIncomplete } from './incomplete.ts'
import type { Language } from './language.ts'
import { LUA_KEYWORDS, luaTokens } from './lua-tokens.ts'

const PREVIEW_BYTES = 60
const DATA_BYTES = 300
const TAGS_MAX = 20
const COUNTED_MAX = 100_000

/** What is there before a program adds anything, in all runtimes. */
const STANDARD = `_G _VERSION assert bit bit32 collectgarbage coroutine debug dofile error getmetatable handle io ipairs load loadfile loadstring
math module next os package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type unpack utf8
xpcall ao Assign Bell Colors Dump Errors HANDLER_PRINT_LOGS Handlers HandlersAdded Inbox Name Nonce Owner Prompt Receive Seeded Send Spawn Tab Utils Version
initialState crypto base64 json Initialized`

/** JSON of text, byte by byte: what is no UTF-8 arrives as well. */
const PRELUDE = `local function text(s) return '"' .. s:gsub('[%c"\\\\\\128-\\255]', function(c) return ('\\\\u%04x'):format(c:byte()) end) .. '"' end
local function short(s, max) if #s > max then return s:sub(1, max) .. '...' end return s end
local function count(t) local n = 0 for _ in next, t do n = n + 1 if n >= ${COUNTED_MAX} then break end end return n end
local function sorted(keys) table.sort(keys, function(a, b)
  if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then return a < b end
  if type(a) ~= type(b) then return type(a) < type(b) end
  return tostring(a) < tostring(b) end) return keys end
`

function probe(body: string): string {
  return `(function()\n${PRELUDE}${body}\nend)()`
}

export const luaLanguage: Language = {
  name: 'Lua',
  decode: decodeBytes,
  keywords: LUA_KEYWORDS,
  isIncomplete: isLuaIncomplete,
  wordBefore: /((?:[A-Za-z_]\w*(?:\[\d+\]|\["[^"\n]*"\])*[.:])*)([A-Za-z_]\w*)?$/,
  // aos calls what it runs "aos". The places in its own files that an error came through say nothing to who wrote the line.
  places: /(?:\[string "\.[^"\n]*"\]:\d+: )*\[string "aos"\]:(\d+):\s?/g,
  placeOf: (match) => ({ line: Number(match[1]), column: null }),
  names: (path) =>
    probe(`local v = ${path ?? '_G'}
if type(v) == 'string' then v = string end
local seen, rows = {}, {}
local function add(t) for k, w in next, t do
  if type(k) == 'string' and not seen[k] and k:find('^[%a_][%w_]*$') and #rows < ${CONSOLE_NAMES_MAX} then
    seen[k] = true rows[#rows + 1] = '{"name":' .. text(k) .. ',"type":"' .. type(w) .. '"}' end end end
if type(v) == 'table' then add(v) local m = getmetatable(v) if type(m) == 'table' and type(m.__index) == 'table' then add(m.__index) end end
return '[' .. table.concat(rows, ',') .. ']'`),
  list: (path) =>
    probe(`local v = ${path === null ? '_G' : `(${path}\n)`}
if type(v) ~= 'table' then return '{"count":0,"entries":[],"value":' .. text(type(v) == 'string' and v or tostring(v)) .. '}' end
local skip, keys, all = {}, {}, 0
${path === null ? `for word in ([[${STANDARD}]]):gmatch('%S+') do skip[word] = true end` : ''}
for k in next, v do if not skip[k] then all = all + 1 if #keys < ${CONSOLE_NAMES_MAX} then keys[#keys + 1] = k end if all >= ${COUNTED_MAX} then break end end end
local rows = {}
for i, k in ipairs(sorted(keys)) do
  local w, size, shown = v[k], 'null', ''
  local kind = type(w)
  if kind == 'string' then size, shown = #w, '"' .. short(w, ${PREVIEW_BYTES}) .. '"'
  elseif kind == 'table' then size = count(w)
  elseif kind == 'number' or kind == 'boolean' then shown = tostring(w) end
  rows[i] = '{"name":' .. text(type(k) == 'string' and k or '[' .. tostring(k) .. ']') .. ',"type":"' .. kind .. '","size":' .. size .. ',"preview":' .. text(shown) .. '}'
end
return '{"count":' .. all .. ',"entries":[' .. table.concat(rows, ',') .. ']}'`),
  inbox: (wanted) =>
    probe(`local rows = {}
local function shown(v) if type(v) == 'table' then local ok, j = pcall(function() return require('json').encode(v) end) v = ok and j or 'a table' end
  return text(short(tostring(v == nil and '' or v), ${DATA_BYTES})) end
for i = #Inbox, math.max(1, #Inbox - ${wanted} + 1), -1 do
  local m, tags, names = Inbox[i], {}, {}
  for k in next, m.Tags or {} do if #names < ${TAGS_MAX} then names[#names + 1] = k end end
  for j, k in ipairs(sorted(names)) do tags[j] = '[' .. shown(k) .. ',' .. shown(m.Tags[k]) .. ']' end
  rows[#rows + 1] = '{"index":' .. i .. ',"from":' .. shown(m.From) .. ',"action":' .. (m.Action and shown(m.Action) or 'null') .. ',"timestamp":' .. shown(m.Timestamp)
    .. ',"id":' .. shown(m.Id) .. ',"data":' .. shown(m.Data) .. ',"tags":[' .. table.concat(tags, ',') .. ']}'
end
return '[' .. table.concat(rows, ',') .. ']'`),
  handlers: () =>
    probe(`local rows = {}
local function shown(p)
  if type(p) ~= 'table' then return type(p) == 'function' and 'a function' or tostring(p) end
  local keys, parts = {}, {}
  for k in next, p do keys[#keys + 1] = k end
  for i, k in ipairs(sorted(keys)) do local w = p[k] parts[i] = tostring(k) .. '=' .. ((type(w) == 'string' or type(w) == 'number' or type(w) == 'boolean') and tostring(w) or type(w)) end
  return table.concat(parts, ' ')
end
for i, h in ipairs(Handlers.list) do
  if i > ${CONSOLE_NAMES_MAX} then break end
  rows[i] = '{"name":' .. text(tostring(h.name)) .. ',"pattern":' .. text(short(shown(h.pattern), 200)) .. ',"runs":' .. text(tostring(h.maxRuns or '')) .. '}'
end
return '[' .. table.concat(rows, ',') .. ']'`),
  emptyValue: (source) => (isPlainExpression(source) ? `tostring((${source}\n))` : null),
}

/** No call and no statement: to run it twice is to run it once. */
function isPlainExpression(source: string): boolean {
  const tokens = luaTokens(source)
  return (
    tokens.length > 0 &&
    tokens.every(({ kind, text }, i) => {
      if (kind === 'other' || kind === 'comment') return false
      if (kind === 'keyword') return ['and', 'or', 'not', 'nil', 'true', 'false'].includes(text)
      if (text === '=' || text === ';' || text === ':' || text === '{' || text === ',') return false
      return !(isCallable(tokens[i - 1]) && (kind === 'string' || text === '('))
    })
  )
}

function isCallable(before: { readonly kind: string; readonly text: string } | undefined): boolean {
  return before !== undefined && (before.kind === 'name' || before.text === ')' || before.text === ']' || before.kind === 'string')
}

/** What `text` in the prelude wrote. */
function decodeBytes(json: string): string {
  return json.replace(/(?:\\u00[0-9a-f]{2})+/g, (bytes) => {
    const text = Buffer.from(bytes.replaceAll('\\u00', ''), 'hex').toString('utf8')
    return JSON.stringify(text).slice(1, -1)
  })
}
