-- The scenario of tests/bindings through Lua: reads commands, writes the trace.
--
--     zooid -S SOCKET lua scenario.lua <scenario.txt

local names = {} -- of codes
for name, code in pairs(zooid) do
    if math.type(code) == "integer" then names[code] = name end
end

local function stat_text(s)
    return ("version %d cversion %d length %d children %d ephemeral %s"):format(
        s.version, s.cversion, s.data_length, s.num_children, s.ephemeral_owner ~= 0 and "yes" or "no")
end

local function node_text(node)
    return ("node %s %s %s"):format(node.path, node.data, stat_text(node.stat))
end

-- The value, or the error, which is raised as what the trace has for it.
local function check(value, err, ...)
    if value == nil then error("error " .. err.name .. (err.path and " " .. err.path or ""), 0) end
    return value, err, ...
end

local commands, lock, changes, watched = {}, nil, nil, nil

function commands.create(path, data, kind)
    print("path " .. check(zooid.create(path, data, { ephemeral = kind == "ephemeral", sequential = kind == "sequential" })))
end

function commands.get(path)
    local data, stat = check(zooid.get(path))
    print("data " .. data .. " " .. stat_text(stat))
end

function commands.exists(path)
    local stat = check(zooid.exists(path))
    print(stat and stat_text(stat) or "no")
end

function commands.set(path, data, version)
    print(stat_text(check(zooid.set(path, data, tonumber(version)))))
end

function commands.delete(path, version)
    check(zooid.delete(path, tonumber(version)))
    print "deleted"
end

function commands.rmr(path)
    check(zooid.delete_recursive(path))
    print "deleted"
end

function commands.list(path)
    print(table.concat({ "names", table.unpack(check(zooid.list(path))) }, " "))
end

function commands.subtree(path)
    for _, node in ipairs(check(zooid.subtree(path))) do print(node_text(node)) end
end

function commands.readmany(...)
    for i, node in ipairs(check(zooid.read_many { ... })) do
        print(node and node_text(node) or "none " .. select(i, ...))
    end
end

function commands.count(path)
    print("number " .. check(zooid.count_descendants(path)))
end

function commands.acl(path)
    for _, acl in ipairs(check(zooid.get_acl(path))) do print("acl " .. acl.perms .. " " .. acl.scheme .. " " .. acl.id) end
end

function commands.multi(...)
    local multi = zooid.multi()
    for _, word in ipairs { ... } do
        local kind, path, rest = word:match "^(%w+):([^:]*):?(.*)$"
        multi[kind](multi, path, kind == "check" and tonumber(rest) or kind ~= "delete" and rest or nil)
    end
    local results, err = multi:commit()
    if not results then print("error " .. err.name) end
    for _, result in ipairs(results or err.results) do print("part " .. names[result.code]) end
end

-- A subscription tells of all below the path; a watch of the node tells that its children have changed.
function commands.watch(path)
    watched, changes = path, zooid.subscribe(path)
    repeat until changes().kind == "caught_up"
    print "watching"
end

function commands.event()
    local change = changes()
    print("event " .. (change.path == watched and change.kind:upper() or "CHILDREN_CHANGED") .. " " .. watched)
end

local function hold(method)
    local done, err = lock[method](lock)
    if not done then print("error " .. err.name) end
    print("held " .. (lock:held() and "yes" or "no"))
end

function commands.lock(path)
    lock = lock or zooid.new_lock(path)
    hold "acquire"
end

function commands.unlock()
    hold "release"
end

function commands.counter(path, delta)
    print("number " .. check(zooid.counter(path):add(math.tointeger(tonumber(delta)))))
end

function commands.put(path, data, priority)
    check(zooid.queue(path):put(data, { priority = math.tointeger(tonumber(priority)) }))
    print "put"
end

function commands.take(path)
    local queue = zooid.queue(path)
    local data = check(queue:take())
    check(queue:finish())
    print("taken " .. data)
end

function commands.barrier(path)
    check(zooid.barrier(path):set())
    print "set"
end

function commands.lift(path)
    check(zooid.barrier(path):lift())
    print "lifted"
end

local updates

function commands.subscribe(path)
    updates = zooid.subscribe(path)
    repeat until updates().kind == "caught_up"
    print "following"
end

function commands.update()
    local update = updates()
    print("update " .. update.kind:upper() .. " " .. update.path .. " " .. (update.data or ""))
end

for line in io.lines() do
    if line:sub(1, 1) ~= "#" then
        print("> " .. line)
        local words = {}
        for word in line:gmatch "%S+" do words[#words + 1] = word end
        local done, err = pcall(commands[words[1]], table.unpack(words, 2))
        if not done then print(err) end
    end
end
