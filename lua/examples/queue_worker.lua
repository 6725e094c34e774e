-- Works off a queue: each entry goes to the standard input of a command. An entry is in the hands of one worker at a time,
-- and another one's when this one ends before it has finished it. What the command refuses (exit code 65) is put aside.
--
--     zooid lua queue_worker.lua /queues/mail sendmail -t        until there has been nothing for 10 s
--     zooid.queue("/queues/mail"):put(text)                    puts something in, as do Python, Go and C
local path = table.remove(arg, 1)
if not path or not arg[1] then
    io.stderr:write "usage: queue_worker.lua QUEUE COMMAND [ARGUMENT ...]\n"
    os.exit(2)
end

local queue <close> = zooid.queue(path)
local refused <close> = zooid.queue(path .. "-refused")
local wait_ms = tonumber(os.getenv "WAIT_MS") or 10000

while true do
    local entry, err = queue:take { deadline_ms = wait_ms }
    if not entry then
        if err.code == zooid.DEADLINE_EXCEEDED then break end
        error(err)
    end
    local done = assert(zooid.run(arg, { input = entry, timeout_ms = 60000 }))
    io.write(done.output)
    if done.status == 0 then
        assert(queue:finish())
    elseif done.status == 65 then
        assert(refused:put(entry)) -- first there, then away from here: rather twice than lost
        assert(queue:finish())
    else
        assert(queue:give_back())
        zooid.sleep(1000)
    end
end
