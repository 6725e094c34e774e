-- Runs a command no more than so often in a while, counted for the whole cluster: for what must not be asked too much of.
--
--     zooid lua rate_limiter.lua /limits/api 100 60000 curl -s https://api.example/        100 times a minute
--
-- Exit code: that of the command; 75 when the limit is reached.
local path, limit, window_ms = table.remove(arg, 1), tonumber(table.remove(arg, 1)), tonumber(table.remove(arg, 1))
if not limit or not window_ms or not arg[1] then
    io.stderr:write "usage: rate_limiter.lua PATH LIMIT MS COMMAND [ARGUMENT ...]\n"
    os.exit(2)
end

-- One counter for each stretch of time, by the clock of the hosts.
local window = os.time() * 1000 // window_ms
local used, err = zooid.counter(path .. "/" .. window):add(1)
if not used then error(err) end

-- Those of before are of no use any more. Another may be at it, too.
for _, name in ipairs(zooid.list(path) or {}) do
    if tonumber(name) and tonumber(name) < window then zooid.delete(path .. "/" .. name) end
end

if used > limit then
    io.stderr:write("the limit of ", limit, " is reached\n")
    os.exit(75)
end
local done = assert(zooid.run(arg))
io.write(done.output)
io.stderr:write(done.error)
os.exit(done.status)
