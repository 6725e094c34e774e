-- Restarts a service everywhere, but on no more than so many hosts at a time. Started on all hosts at once; each waits
-- for one of the leases, restarts, and gives its lease back when the service is well again.
--
--     zooid lua rolling_restart.lua /restarts/web 2 systemctl restart web
--
-- When the command fails, the lease is not given back before somebody has looked (or for an hour): the others must not follow.
local path, at_once = table.remove(arg, 1), math.tointeger(tonumber(table.remove(arg, 1)))
if not at_once or not arg[1] then
    io.stderr:write "usage: rolling_restart.lua PATH AT_ONCE COMMAND [ARGUMENT ...]\n"
    os.exit(2)
end

local lease = assert(zooid.semaphore(path, at_once, { identifier = zooid.host_name() }))
print("it is the turn of " .. zooid.host_name())
local done = assert(zooid.run(arg, { timeout_ms = 600000 }))
io.write(done.output)
io.stderr:write(done.error)
if done.status ~= 0 then
    print("the command ended with " .. done.status .. "; the lease is kept until " .. path .. "-go is made")
    for change in zooid.subscribe(path .. "-go") do
        if change.kind == "created" or change.kind == "present" then break end
    end
end
assert(lease:release())
os.exit(done.status)
