-- zooid.render.settings: the settings of the plugin render, checked and completed. What is wrong is named by its place,
-- as "groups.[0].files.[1].mode".
local settings = {}

local checks = {}

function checks.text(value)
    return type(value) == "string" and value ~= "" and value or nil, "a text"
end

function checks.path(value)
    return type(value) == "string" and value:sub(1, 1) == "/" and value or nil, "an absolute path"
end

function checks.boolean(value)
    if type(value) == "boolean" then return value end
    return nil, "true or false"
end

function checks.number(value)
    return math.type(value) == "integer" and value >= 0 and value or nil, "a whole number"
end

function checks.owner(value)
    return (checks.text(value) or checks.number(value)), "a name or a number"
end

-- Octal digits, in quotes.
function checks.mode(value)
    local digits = type(value) == "string" and value:match "^0?[0-7][0-7][0-7][0-7]?$"
    return digits and tonumber(digits, 8), 'octal digits in quotes, as "0640"'
end

local signals = {}
for name in ("HUP INT QUIT ABRT KILL USR1 USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU WINCH"):gmatch "%u+%d?" do
    signals[name] = true
end

-- A name, with or without SIG.
function checks.signal(value)
    local name = type(value) == "string" and value:gsub("^SIG", "")
    return signals[name] and name or nil, 'the name of a signal, as "HUP"'
end

-- A program and its arguments.
function checks.words(value)
    if type(value) ~= "table" or #value == 0 then return nil, "a list of words, the first of them a program" end
    for _, word in ipairs(value) do
        if type(word) ~= "string" then return nil, "a list of words" end
    end
    return value
end

function checks.paths(value)
    if type(value) ~= "table" then return nil, "a list of paths" end
    for _, path in ipairs(value) do
        if not checks.path(path) then return nil, "a list of absolute paths" end
    end
    return value
end

local function one_of(...)
    local words = {}
    for _, word in ipairs { ... } do words[word] = true end
    local list = table.concat({ ... }, ", ")
    return function(value) return words[value] and value or nil, "one of " .. list end
end

-- name = { check, default, required = true }
local file_rows = {
    template = { checks.path, required = true }, path = { checks.text, required = true }, owner = { checks.owner },
    group = { checks.owner }, mode = { checks.mode, 0x1a4 }, open = { checks.text, "<%" }, close = { checks.text, "%>" },
    trim = { checks.boolean, true },
}

local exec_rows = {
    command = { checks.words, required = true }, on_change = { one_of("restart", "signal"), "restart" },
    signal = { checks.signal, "HUP" }, kill_signal = { checks.signal, "TERM" }, kill_timeout_ms = { checks.number, 10000 },
    splay_ms = { checks.number, 0 },
}

local group_rows = {
    name = { checks.text }, files = { function(v) return type(v) == "table" and #v > 0 and v or nil, "a list of files" end,
        required = true },
    directory = { checks.path }, validate = { checks.words }, validate_timeout_ms = { checks.number, 10000 },
    reload = { checks.words }, reload_timeout_ms = { checks.number, 30000 }, signal = { checks.signal },
    pid_file = { checks.path }, wait_min_ms = { checks.number, 0 }, wait_max_ms = { checks.number },
    splay_ms = { checks.number, 0 }, missing = { one_of("error", "empty", "keep"), "error" },
    empty = { one_of("last", "keep", "allow", "error"), "last" }, backup = { checks.boolean, false },
    age_max_ms = { checks.number, 0 }, on_age = { one_of("keep", "fail"), "keep" },
    exec = { function(v) return type(v) == "table" and v or nil, "a group of settings" end },
}

local top_rows = {
    services = { checks.path, "/services" }, prefixes = { checks.paths, {} },
    groups = { function(v) return type(v) == "table" and #v > 0 and v or nil, "a list of groups" end, required = true },
}

local function fail(place, message)
    error({ key = place, message = message }, 0)
end

local function take(raw, rows, place)
    local taken, lead = {}, place == "" and "" or place .. "."
    if type(raw) ~= "table" then fail(place, "a group of settings is expected") end
    for name in pairs(raw) do
        if not rows[name] then fail(lead .. tostring(name), "there is no such setting") end
    end
    for name, row in pairs(rows) do
        local value = raw[name]
        if value == nil then
            if row.required then fail(lead .. name, "is missing") end
            taken[name] = row[2]
        else
            local good, expected = row[1](value)
            if good == nil or good == false and type(value) ~= "boolean" then fail(lead .. name, expected .. " is expected") end
            taken[name] = good
        end
    end
    return taken
end

local function check_paths(group, place, taken)
    for i, file in ipairs(group.files) do
        local key = ("%s.files.[%d].path"):format(place, i - 1)
        if group.directory then
            if file.path:find "/" or file.path:sub(1, 1) == "." then fail(key, "a name within the directory is expected") end
        elseif not checks.path(file.path) then
            fail(key, "an absolute path is expected")
        end
        local path = (group.directory and group.directory .. "/" or "") .. file.path
        if taken[path] then fail(key, "the same path stands in group " .. taken[path]) end
        taken[path] = group.name
    end
end

local function read_group(raw, index, taken)
    local place = ("groups.[%d]"):format(index - 1)
    local group = take(raw, group_rows, place)
    group.name = group.name or ("group-%d"):format(index)
    if not group.name:match "^[%w._-]+$" then fail(place .. ".name", "letters, digits, '-', '_' and '.' are expected") end
    for i, file in ipairs(group.files) do
        group.files[i] = take(file, file_rows, ("%s.files.[%d]"):format(place, i - 1))
    end
    check_paths(group, place, taken)
    if group.exec then group.exec = take(group.exec, exec_rows, place .. ".exec") end
    if group.signal and not group.pid_file then fail(place .. ".signal", "needs a pid_file") end
    group.wait_max_ms = group.wait_max_ms or 4 * group.wait_min_ms
    return group
end

-- nil and { key, message } when something is wrong.
function settings.read(raw)
    local ok, result = pcall(function()
        local taken = take(raw, top_rows, "")
        local paths, names = {}, {}
        for i, group in ipairs(taken.groups) do
            taken.groups[i] = read_group(group, i, paths)
            local name = taken.groups[i].name
            if names[name] then fail(("groups.[%d].name"):format(i - 1), "another group has this name") end
            names[name] = true
        end
        return taken
    end)
    if ok then return result end
    if type(result) == "table" then return nil, result end
    error(result, 0)
end

return settings
