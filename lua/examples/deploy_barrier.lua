-- A deployment that begins everywhere at the same moment: all hosts fetch the new version and report, and when as many as are wanted
-- have done so, the barrier is lifted, by hand or by `lift`.
--
--     zooid lua deploy_barrier.lua set  /deploy/v42
--     zooid lua deploy_barrier.lua wait /deploy/v42 switch-to-version 42      on every host
--     zooid lua deploy_barrier.lua lift /deploy/v42 20                        when 20 hosts wait
local what, path = table.remove(arg, 1), table.remove(arg, 1)
local barrier = path and zooid.barrier(path .. "/closed")
local waiting = path and path .. "/waiting"

local deeds = {}

function deeds.set()
    assert(barrier:set())
end

function deeds.wait(...)
    local command = { ... }
    local here <close> = assert(zooid.join(waiting, zooid.host_name())) -- seen by those that count
    assert(barrier:wait())
    if not command[1] then return end
    local done = assert(zooid.run(command))
    io.write(done.output)
    os.exit(done.status)
end

function deeds.lift(wanted)
    wanted = tonumber(wanted) or 0
    for change in zooid.subscribe(waiting) do
        if change.kind == "caught_up" or change.kind == "created" then
            local there = #assert(zooid.members(waiting))
            print(there .. " of " .. wanted .. " hosts wait")
            if there >= wanted then break end
        end
    end
    assert(barrier:lift())
end

if not barrier or not deeds[what] then
    io.stderr:write "usage: deploy_barrier.lua set|wait|lift PATH [COMMAND ...|HOSTS]\n"
    os.exit(2)
end
deeds[what](table.unpack(arg))
