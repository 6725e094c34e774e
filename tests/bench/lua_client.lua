-- A plugin that reads one node in a loop, alone or in several tasks at a time, and tells how fast that was.
--
--     settings = { node = "/bench"; seconds = 2; tasks = 1; };
local settings = zooid.settings()
assert(zooid.exists(settings.node) or zooid.create(settings.node, ("x"):rep(100)))
for _ = 1, 100 do assert(zooid.get(settings.node)) end

local count, started = 0, zooid.now_ms()
local last = started + settings.seconds * 1000
local function read()
    while zooid.now_ms() < last do
        assert(zooid.get(settings.node))
        count = count + 1
    end
end

local tasks = {}
for i = 1, settings.tasks do tasks[i] = zooid.spawn(read) end
for _, task in ipairs(tasks) do task:wait() end
print("result " .. zooid.json.encode { ops_per_s = count * 1000 / (zooid.now_ms() - started) })
zooid.fail("done")
