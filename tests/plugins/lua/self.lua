-- What a plugin has of its host: settings, commands, timers, programs, files, ephemeral nodes, recipes.
local settings = zooid.settings()
print("settings", settings.text, settings.list[2], zooid.instance(), zooid.host_name() ~= "", zooid.state_dir())

zooid.command("add", { help = "A B: the sum" }, function(args)
    local a, b = tonumber(args[1]), tonumber(args[2])
    if not a or not b then return nil, "two numbers are wanted" end
    return a + b
end)

local runs = zooid.metric("counter", "runs", "how often it ran", { kind = "test" })
runs:add()

local child = zooid.run({ "sh", "-c", "cat; echo wrong >&2; exit 3" }, { input = "given" })
print("child", child.status, child.output, child.error)
print("no child", zooid.run { "/no/such/program" })
print("late child", zooid.run({ "sleep", "60" }, { timeout_ms = 50 }).timed_out)

local file = settings.directory .. "/rendered"
local staged = zooid.files.stage(file, "first", { mode = 384 })
print("swap", zooid.files.swap(staged, file), zooid.files.read(file), zooid.files.stat(file).mode)
print("link", zooid.files.link(file, file .. ".before"), zooid.files.link(file, file .. ".before"))
zooid.files.swap(zooid.files.stage(file, "second"), file)
print("files", zooid.files.read(file), zooid.files.read(file .. ".before"), zooid.files.stat(file).mode)
print("unlink", zooid.files.unlink(file), (zooid.files.read(file)))
local lock = zooid.files.lock(file .. ".lock")
print("lock", lock ~= nil, select(2, zooid.files.lock(file .. ".lock")).retry)
lock:release()
print("lock again", (zooid.files.lock(file .. ".lock")) ~= nil, select(2, zooid.files.lock("/no/such/lock")).retry)
print("no folder", zooid.files.stage("/no/such/folder/x", ""))
print("sha256", zooid.hash("sha256", "abc"):sub(1, 8))

local node <close> = zooid.ephemeral("/self", "here")
print("ephemeral", node:wait { deadline_ms = 10000 }, (zooid.get("/self")))
print("set", node:set("there"))

local ticks = 0
local timer = zooid.every(5, function() ticks = ticks + 1 end)
while ticks < 3 do zooid.sleep(5) end
timer:cancel()
zooid.status("has ticked")
zooid.ready()
print("the end")
zooid.sleep(1e9)
