-- Every function of the tree, each result a line of the log.
local function show(name, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        local part = parts[i]
        if type(part) == "table" and getmetatable(part) == nil then part = zooid.json.encode(part) end
        parts[i] = tostring(part)
    end
    print(name .. ": " .. table.concat(parts, " "))
end

local function version(stat, err)
    return stat and "version " .. stat.version, err
end

show("create", zooid.create("/tree/a", "one", { parents = true }))
show("create again", zooid.create("/tree/a"))
show("sequential", zooid.create("/tree/s-", "", { sequential = true, ephemeral = true }))
show("get", (zooid.get("/tree/a", { latest = true })))
show("get none", zooid.get("/tree/none"))
show("exists", version(zooid.exists("/tree/a")))
show("exists none", zooid.exists("/tree/none"))
show("list", zooid.list("/tree"))
show("set", version(zooid.set("/tree/a", "two", 0)))
show("set old", version(zooid.set("/tree/a", "two", 0)))
show("delete not empty", zooid.delete("/tree"))
show("sync", zooid.sync())
local parts, zxid = zooid.multi():create("/tree/b", "b"):set("/tree/a", "three"):check("/tree/a", 2):commit()
show("multi", #parts, parts[1].path, parts[2].stat.version, zxid > 0)
local none, err = zooid.multi():create("/tree/c"):delete("/tree/none"):commit()
show("multi fails", none, err.name, err.results[2].code)
show("multi of a list", #zooid.multi { { "create", "/tree/d", "\0\255" }, { "delete", "/tree/d" } })
for _, node in ipairs(zooid.subtree("/tree")) do show("subtree", node.path, node.data, node.stat.num_children, node.stat.kind) end
show("read many", zooid.read_many({ "/tree", "/ttl" })[1].stat.kind, zooid.exists("/ttl").kind, select(2, zooid.get("/tree/a")).kind)
show("kind in a multi", parts[2].stat.kind)

zooid.spawn(function()
    zooid.set("/tree/b", "new")
    zooid.multi():create("/tree/b/below", "x"):delete("/tree/b/below"):commit()
end)
for change in zooid.subscribe("/tree/b", { txns = true }) do
    show("change", change.kind, change.path, change.data, change.stat and change.stat.kind)
    if change.kind == "txn_end" and change.zxid > zxid + 3 then break end
end
show("the end")
