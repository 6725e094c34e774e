-- A job that runs on one host of many, every so often: on the one that leads. When that one fails, another takes over.
--
-- A plugin (zooid-plugin-host --plugin leader_cron.lua --settings cron.conf); grants = [ "run" ]; settings:
--     path = "/jobs/cleanup";                        where the hosts elect the one that leads
--     every_ms = 60000;
--     command = [ "/usr/local/bin/cleanup", "--all" ];
local settings = zooid.settings()
local runs = zooid.metric("counter", "runs", "how often the job ran here")

local function job()
    local done, err = zooid.run(settings.command, { timeout_ms = settings.every_ms })
    if not done then return zooid.log.error("the job cannot be run:", err) end
    runs:add()
    if done.status ~= 0 then zooid.log.warning("the job ended with", done.status, done.error) end
end

-- The function is cancelled, with the program that it runs, when the lead is lost; lead() waits for the next one then.
zooid.spawn(zooid.lead, settings.path, { identifier = zooid.host_name() }, function()
    zooid.status("leads")
    zooid.log.info("this host leads")
    local given_up <close> = setmetatable({}, { __close = function() zooid.status("waits") end })
    while true do
        job()
        zooid.sleep(settings.every_ms)
    end
end)
zooid.status("waits")
