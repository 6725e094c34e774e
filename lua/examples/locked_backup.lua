-- A backup of which only one runs at a time in the whole cluster; the others of that night do nothing.
--
--     zooid lua locked_backup.lua /locks/backup pg_dump -f /backup/db.sql db
--
-- Exit code: that of the command; 75 when another has the lock; 1 when it was lost meanwhile, and the command killed.
local path = table.remove(arg, 1)
if not path or not arg[1] then
    io.stderr:write "usage: locked_backup.lua LOCK COMMAND [ARGUMENT ...]\n"
    os.exit(2)
end

local lock, err = zooid.lock(path, { identifier = zooid.host_name(), wait_ms = 0 })
if not lock then
    io.stderr:write("no backup: ", tostring(err), "\n")
    os.exit(err.code == zooid.NOT_HELD and 75 or 1)
end

-- What runs under a lock must not outlive it.
local backup = zooid.spawn(zooid.run, arg, { timeout_ms = 6 * 3600 * 1000 })
zooid.spawn(function()
    zooid.log.error("the lock was lost:", lock:wait_lost())
    backup:cancel()
end)
local done, why = backup:wait()
if not done then
    io.stderr:write("no backup: ", tostring(why), "\n")
    os.exit(1)
end
io.write(done.output)
io.stderr:write(done.error)
zooid.set(path, ("%s %s %d"):format(os.date "!%FT%TZ", zooid.host_name(), done.status)) -- for people
lock:release()
os.exit(done.status)
