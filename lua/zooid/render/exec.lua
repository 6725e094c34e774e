-- zooid.render.exec: a program that a group of files is for: started when the files are there for the first time,
-- restarted or signalled when they change, and started again when it ends.
local Exec = {}
Exec.__index = Exec

local NO_TIMEOUT = 0xffffffff
local PAUSE_MS, PAUSE_MAX_MS, STEADY_MS, LOOK_MS = 1000, 60000, 60000, 10

-- `folder`: where the program's number is kept, so that one left by a crash of ours is found.
local function new(settings, zooid, name, folder)
    return setmetatable({ settings = settings, zooid = zooid, name = name, pid_file = folder .. "/" .. name .. ".pid",
        state = "not started", starts = 0, pause_ms = PAUSE_MS }, Exec)
end

local function pid_of(self)
    local text = self.zooid.files.read(self.pid_file)
    return text and text:match "^%d+"
end

local function send(self, signal)
    local pid = pid_of(self)
    if pid then self.zooid.run({ "/bin/sh", "-c", 'kill -"$0" "$1"', signal, pid }, { timeout_ms = 5000 }) end
end

-- -- one that another process of ours has left

local function is_ours(self, pid)
    local line = self.zooid.files.read("/proc/" .. pid .. "/cmdline")
    return line and line == table.concat(self.settings.command, "\0") .. "\0"
end

function Exec:end_stray()
    local pid = pid_of(self)
    local deadline = self.zooid.now_ms() + self.settings.kill_timeout_ms
    if not pid or not is_ours(self, pid) then return end
    self.zooid.log.warn("exec " .. self.name .. ": process " .. pid .. " is left over and is ended")
    send(self, self.settings.kill_signal)
    while is_ours(self, pid) and self.zooid.now_ms() < deadline do self.zooid.sleep(LOOK_MS) end
    if is_ours(self, pid) then send(self, "KILL") end
end

-- -- started

local function describe(ended, err)
    if not ended then return tostring(err) end
    local how = ended.signal ~= 0 and "was ended by signal " .. ended.signal or "ended with " .. ended.status
    local said = ((ended.output or "") .. (ended.error or "")):gsub("%s+$", ""):match "[^\n]*$"
    return how .. (said ~= "" and ": " .. said or "")
end

-- The shell leaves its number, and becomes the program.
local function words_of(self)
    local words = { "/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', self.pid_file }
    for _, word in ipairs(self.settings.command) do words[#words + 1] = word end
    return words
end

local function run_once(self)
    local began = self.zooid.now_ms()
    self.state, self.starts = "running", self.starts + 1
    local ended, err = self.zooid.run(words_of(self), { timeout_ms = NO_TIMEOUT,
        stop_signal = self.settings.kill_signal, stop_ms = self.settings.kill_timeout_ms })
    self.state = "ended"
    if not self.restarting then
        self.zooid.log.warn("exec " .. self.name .. ": " .. self.settings.command[1] .. " " .. describe(ended, err))
    end
    if self.zooid.now_ms() - began > STEADY_MS then self.pause_ms = PAUSE_MS end
end

function Exec:start()
    self:end_stray()
    self.task = self.zooid.spawn(function()
        while true do
            run_once(self)
            if not self.restarting then
                self.zooid.sleep(self.pause_ms)
                self.pause_ms = math.min(2 * self.pause_ms, PAUSE_MAX_MS)
            end
            self.restarting = false
        end
    end)
end

-- -- changed

local function restart(self)
    if self.state ~= "running" then return end
    local starts, deadline = self.starts, self.zooid.now_ms() + self.settings.kill_timeout_ms
    self.restarting, self.pause_ms = true, PAUSE_MS
    send(self, self.settings.kill_signal)
    while self.starts == starts and self.zooid.now_ms() < deadline do self.zooid.sleep(LOOK_MS) end
    if self.starts == starts then
        self.zooid.log.warn("exec " .. self.name .. ": does not end, and is killed")
        send(self, "KILL")
    end
end

-- The files have changed.
function Exec:changed()
    if not self.task then return self:start() end
    if self.settings.splay_ms > 0 then self.zooid.sleep(math.random(0, self.settings.splay_ms)) end
    if self.settings.on_change == "signal" then return send(self, self.settings.signal) end
    restart(self)
end

return { new = new }
