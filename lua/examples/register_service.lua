-- Has a process in the registry for as long as it lives, in the layout of Curator's x-discovery.
--
--     zooid lua register_service.lua web 10.0.0.7 8080 $(cat /run/web.pid)
--
-- The node is ephemeral: when this host dies, it goes with the session. When it was lost it is made again. (The plugin
-- `discovery` does this for services with checks and settings; this is the least that is needed.)
local name, address, port, pid = arg[1], arg[2], math.tointeger(tonumber(arg[3])), math.tointeger(tonumber(arg[4]))
if not port or not pid then
    io.stderr:write "usage: register_service.lua NAME ADDRESS PORT PID\n"
    os.exit(2)
end

-- When it was started tells a process from a later one with the same number. nil: it is not there, or has ended.
local function started()
    local stat = zooid.files.read("/proc/" .. pid .. "/stat")
    local state, rest = (stat or ""):match "%) (%u) (.*)$"
    if not state or state == "Z" then return nil end
    local fields = {}
    for field in rest:gmatch "%S+" do fields[#fields + 1] = field end
    return fields[19]
end

local since = started()
if not since then
    io.stderr:write("there is no process ", pid, "\n")
    os.exit(1)
end
local id = ("%s-%s-%d"):format(zooid.host_name(), address, port)
local instance = {
    name = name, id = id, address = address, port = port, sslPort = zooid.json.null, uriSpec = zooid.json.null,
    registrationTimeUTC = os.time() * 1000, serviceType = "DYNAMIC", enabled = true,
    payload = { zooid = 1, health = "passing", host = zooid.host_name(), weight = 1 },
}
local base = "/services/" .. name
local made, err = zooid.create(base, "", { parents = true })
if not made and err.code ~= zooid.NODE_EXISTS then error(err) end

local node <close> = zooid.ephemeral(base .. "/" .. id, zooid.json.encode(instance))
assert(node:wait())
print("registered as " .. base .. "/" .. id)
io.flush()
while started() == since do zooid.sleep(200) end
print "the process has ended"
