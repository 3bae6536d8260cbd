/** How the cases of vectors/lua53.json are run, the same in the system's Lua, which records the results, and in our guest. */

/** Lua: a function from the text of a chunk to one text that tells all it returns, or how it fails. Floats are exact, tables sorted, addresses left out. */
export const REPORT = String.raw`
local mathtype, type, pcall, load, pairs, select, tostring = math.type, type, pcall, load, pairs, select, tostring
local format, gsub, byte, concat, sort = string.format, string.gsub, string.byte, table.concat, table.sort
local function show(value)
  local kind = mathtype(value) or type(value)
  if kind == "integer" then return format("%d", value) end
  if kind == "float" then return value ~= value and "f:nan" or format("f:%.17g", value) end
  if kind == "string" then
    return '"' .. gsub(gsub(value, '[%c"\\\128-\255]', function(c) return format("\\%03d", byte(c)) end), "0x%x%x%x%x%x+", "0x?") .. '"'
  end
  if kind == "boolean" or kind == "nil" then return tostring(value) end
  if kind ~= "table" then return kind end
  local entries = {}
  for key, entry in pairs(value) do entries[#entries + 1] = show(key) .. "=" .. show(entry) end
  sort(entries)
  return "{" .. concat(entries, " ") .. "}"
end
local function showall(...)
  local shown = {}
  for i = 1, select("#", ...) do shown[i] = show((select(i, ...))) end
  return concat(shown, " ")
end
function report(code)
  local chunk, problem = load(code, "=case", "t")
  if chunk == nil then return "refused " .. show(problem) end
  return showall(pcall(chunk))
end
`

export interface LuaCase {
  readonly name: string
  readonly code: string
  readonly result: string
}

export interface LuaVectors {
  readonly source: string
  readonly cases: readonly LuaCase[]
}
