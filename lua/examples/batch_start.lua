-- A batch job of several parts on several hosts: none begins before all are there, and none goes on before all are done.
--
--     zooid lua batch_start.lua /batches/2024-11-05 3 /usr/bin/part --of 3        on three hosts
local path, parts = table.remove(arg, 1), math.tointeger(tonumber(table.remove(arg, 1)))
if not parts or not arg[1] then
    io.stderr:write "usage: batch_start.lua PATH PARTS COMMAND [ARGUMENT ...]\n"
    os.exit(2)
end

local barrier <close> = zooid.double_barrier(path, parts, { identifier = zooid.host_name() })
assert(barrier:enter { deadline_ms = 3600000 }) -- after an hour this part does not wait for the others any more
print "all are there"
local done = assert(zooid.run(arg, { timeout_ms = 86400000 }))
io.write(done.output)
assert(barrier:leave())
print "all are done"
os.exit(done.status)
