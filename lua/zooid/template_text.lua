-- zooid.template_text: what templates have for text and lists, besides Lua's own string, table, math and utf8.
local text = {}

function text.split(s, separator)
    local parts, at = {}, 1
    separator = separator or ","
    if separator == "" then error("split: an empty separator", 2) end
    while true do
        local first, last = s:find(separator, at, true)
        parts[#parts + 1] = s:sub(at, (first or 0) - 1)
        if not first then return parts end
        at = last + 1
    end
end

function text.lines(s)
    local parts = text.split((s:gsub("\r\n", "\n")), "\n")
    if parts[#parts] == "" then parts[#parts] = nil end
    return parts
end

function text.join(list, separator)
    local parts = {}
    for i, value in ipairs(list) do parts[i] = tostring(value) end
    return table.concat(parts, separator or ",")
end

function text.trim(s)
    return (s:gsub("^%s+", ""):gsub("%s+$", ""))
end

-- Every line that is not empty begins with so many blanks, or with that text.
function text.indent(s, by)
    local lead = type(by) == "number" and (" "):rep(by) or by or "    "
    return ((("\n" .. s):gsub("\n([^\n])", function(c) return "\n" .. lead .. c end)):sub(2))
end

-- Plain text, no pattern.
function text.replace(s, old, new)
    return text.join(text.split(s, old), new)
end

function text.starts_with(s, start)
    return s:sub(1, #start) == start
end

function text.ends_with(s, finish)
    return finish == "" or s:sub(-#finish) == finish
end

-- In a text: that part; in a list: that value; in another table: that key.
function text.contains(where, what)
    if type(where) == "string" then return where:find(what, 1, true) ~= nil end
    for _, value in ipairs(where) do
        if value == what then return true end
    end
    return #where == 0 and where[what] ~= nil
end

-- As a word for a shell.
function text.quote(s)
    return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

function text.url_encode(s)
    return (s:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- -- lists

-- A new list, in order: of the values, or of what `by` (a field's name, or a function) gives for each.
function text.sort(list, by)
    local sorted = { table.unpack(list) }
    if by == nil then
        table.sort(sorted)
        return sorted
    end
    local key = type(by) == "function" and by or function(value) return value[by] end
    local place = {}
    for i, value in ipairs(sorted) do place[value] = place[value] or i end
    table.sort(sorted, function(a, b)
        local x, y = key(a), key(b)
        if x == y then return place[a] < place[b] end
        return x < y
    end)
    return sorted
end

-- What has the same key (a field's name, or a function) together: a list of { key = , list = }, by key.
function text.by(list, key)
    local of = type(key) == "function" and key or function(value) return value[key] end
    local groups, found = {}, {}
    for _, value in ipairs(list) do
        local k = of(value)
        if k ~= nil then
            if not found[k] then
                found[k] = { key = k, list = {} }
                groups[#groups + 1] = found[k]
            end
            table.insert(found[k].list, value)
        end
    end
    table.sort(groups, function(a, b) return tostring(a.key) < tostring(b.key) end)
    return groups
end

function text.keys(map)
    local list = {}
    for key in pairs(map) do list[#list + 1] = key end
    table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
    return list
end

function text.map(list, f)
    local out = {}
    for i, value in ipairs(list) do out[i] = f(value) end
    return out
end

function text.filter(list, f)
    local out = {}
    for _, value in ipairs(list) do
        if f(value) then out[#out + 1] = value end
    end
    return out
end

function text.unique(list)
    local out, seen = {}, {}
    for _, value in ipairs(list) do
        if not seen[value] then
            seen[value] = true
            out[#out + 1] = value
        end
    end
    return out
end

-- Pairs in the order of their keys.
function text.sorted_pairs(map)
    local list, i = text.keys(map), 0
    return function()
        i = i + 1
        if list[i] ~= nil then return list[i], map[list[i]] end
    end
end

-- -- base64

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local digit_of = {}
for i = 1, 64 do digit_of[alphabet:byte(i)] = i - 1 end

local function digit(number)
    return alphabet:sub(number + 1, number + 1)
end

local function encode_block(block)
    local a, b, c = block:byte(1, 3)
    local number = a << 16 | (b or 0) << 8 | (c or 0)
    return digit(number >> 18) .. digit(number >> 12 & 63) .. (b and digit(number >> 6 & 63) or "=")
        .. (c and digit(number & 63) or "=")
end

local function decode_block(block)
    local number, bytes = 0, #block * 6 // 8
    for i = 1, 4 do number = number << 6 | (digit_of[block:byte(i)] or 0) end
    return string.char(number >> 16, number >> 8 & 255, number & 255):sub(1, bytes)
end

text.base64 = {}

function text.base64.encode(bytes)
    return (bytes:gsub("..?.?", encode_block))
end

-- Blanks between the digits are passed over.
function text.base64.decode(s)
    local digits = s:gsub("%s", ""):gsub("=?=$", "")
    if digits:find "[^%w+/]" or #digits % 4 == 1 then error("base64.decode: this is no base64", 2) end
    return (digits:gsub("..?.?.?", decode_block))
end

return text
