-- Feature flags in the tree: /flags/NAME holds JSON, {"on": true}, {"percent": 20} or {"users": ["ann"]}. They are read from a
-- copy in memory, which follows every change; so asking costs nothing.
--
--     zooid lua feature_flags.lua /flags          reads "FLAG USER" line by line, answers "on" or "off"
local path = arg[1] or "/flags"
local flags = assert(zooid.cache(path, { wait_ms = 10000 }))

-- The same user is always in the same hundredth, though in another one for each flag.
local function hundredth(flag, user)
    return tonumber(zooid.hash("sha256", flag .. "/" .. user):sub(1, 7), 16) % 100
end

local function is_on(name, user)
    local data = flags:get(path .. "/" .. name)
    local flag = data and zooid.json.decode(data)
    if type(flag) ~= "table" then return false end -- none, or a broken one
    for _, name_of_user in ipairs(flag.users or {}) do
        if name_of_user == user then return true end
    end
    return flag.on == true or hundredth(name, user) < (tonumber(flag.percent) or 0)
end

for line in io.lines() do
    local name, user = line:match "^(%S+)%s+(%S+)$"
    print(name and is_on(name, user) and "on" or "off")
    io.flush()
end
