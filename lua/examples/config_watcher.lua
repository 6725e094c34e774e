-- A file that is kept as the data of a node, and a process that is told of each change by a signal.
--
-- A plugin; grants = [ "files", "run" ]; settings:
--     path = "/config/app";  file = "/etc/app/app.conf";  pid_file = "/run/app.pid";  signal = "HUP";
local settings = zooid.settings()

local function tell()
    local pid = zooid.files.read(settings.pid_file)
    if not pid then return zooid.log.info("nobody to tell: there is no", settings.pid_file) end
    local done = zooid.run { "sh", "-c", 'kill -s "$0" "$1"', settings.signal or "HUP", (pid:match "%d+") }
    if not done or done.status ~= 0 then zooid.log.warning("process", pid, "could not be told") end
end

-- An empty node is taken for a mistake: the file stays as it was.
local function write(data)
    if data == "" then return zooid.log.warning("the node is empty, the file is left as it is") end
    if zooid.files.read(settings.file) == data then return end
    local staged, err = zooid.files.stage(settings.file, data, { mode = 420 }) -- 0644
    if staged then staged, err = zooid.files.swap(staged, settings.file) end
    if not staged then return zooid.log.error(err) end
    zooid.log.info("written:", settings.file)
    tell()
end

for change in zooid.subscribe(settings.path) do
    if change.path == settings.path and change.data then write(change.data) end
    if change.kind == "caught_up" then zooid.ready() end
    if change.kind == "deleted" and change.path == settings.path then
        zooid.log.warning("the node is gone, the file is left as it is")
    end
end
