-- small_json.lua - enough JSON for tests that run in Lua alone: what zooid.json is in the host of plugins.
local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local escapes = { n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }
local words = { ["true"] = true, ["false"] = false, null = json.null }
local value

local function string_at(s, at)
    local last = at
    repeat last = s:find('"', last + 1, true) or error "an open string" until s:sub(last - 1, last - 1) ~= "\\"
    return s:sub(at + 1, last - 1):gsub("\\(.)", function(c) return escapes[c] or c end), last + 1
end

local function skip(s, at)
    return s:find("%S", at) or #s + 1
end

local function list_at(s, at)
    local list = {}
    at = skip(s, at + 1)
    if s:sub(at, at) == "]" then return list, at + 1 end
    while true do
        list[#list + 1], at = value(s, at)
        at = skip(s, at)
        if s:sub(at, at) == "]" then return list, at + 1 end
        if s:sub(at, at) ~= "," then error "a comma is missing" end
        at = skip(s, at + 1)
    end
end

local function object_at(s, at)
    local map = {}
    at = skip(s, at + 1)
    if s:sub(at, at) == "}" then return map, at + 1 end
    while true do
        local key
        key, at = string_at(s, at)
        at = skip(s, at)
        if s:sub(at, at) ~= ":" then error "a colon is missing" end
        map[key], at = value(s, skip(s, at + 1))
        at = skip(s, at)
        if s:sub(at, at) == "}" then return map, at + 1 end
        if s:sub(at, at) ~= "," then error "a comma is missing" end
        at = skip(s, at + 1)
    end
end

function value(s, at)
    local c = s:sub(at, at)
    if c == '"' then return string_at(s, at) end
    if c == "{" then return object_at(s, at) end
    if c == "[" then return list_at(s, at) end
    local word = s:match("^%a+", at)
    if word and words[word] ~= nil then return words[word], at + #word end
    local number = s:match("^-?[%d.eE+-]+", at)
    if not number or not tonumber(number) then error "no JSON" end
    return math.tointeger(number) or tonumber(number), at + #number
end

function json.decode(s)
    local result, at = value(s, skip(s, 1))
    if skip(s, at) <= #s then error "something follows" end
    return result
end

function json.encode(v)
    if type(v) == "string" then return '"' .. v:gsub('["\\]', "\\%0") .. '"' end
    if type(v) ~= "table" or v == json.null then return tostring(v) end
    local parts = {}
    for _, item in ipairs(v) do parts[#parts + 1] = json.encode(item) end
    if #parts > 0 then return "[" .. table.concat(parts, ",") .. "]" end
    for key, item in pairs(v) do parts[#parts + 1] = json.encode(key) .. ":" .. json.encode(item) end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
end

return json
