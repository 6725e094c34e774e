-- zooid.render.service: one group that is kept up to date: when it is rendered, what is done when that fails, and what
-- is told of it.
local commands = require "zooid.render.commands"
local text = require "zooid.template_text"

local RETRY_MS, RETRY_MAX_MS, LOOK_MS, WAIT_MS, BUSY_MS, LINES_MAX = 1000, 60000, 1000, 5, 20, 20

local Service = {}
Service.__index = Service

-- `plugin`: { zooid, source, read_by_all }; `exec`: nil when the group has none.
local function new(group, plugin, exec)
    local self = setmetatable({ group = group, plugin = plugin, exec = exec, zooid = plugin.zooid, dirty = true,
        retry_ms = RETRY_MS, read = {} }, Service)
    commands.look_whether_due(group)
    return self
end

-- -- told

local function tell(self, message)
    if message == self.told then return end
    self.told = message
    local lines = 0
    for line in message:gmatch "[^\n]+" do
        lines = lines + 1
        if lines <= LINES_MAX then self.zooid.log.error(self.group.name .. ": " .. line) end
    end
end

function Service:describe()
    local group = self.group
    return {
        name = group.name, state = group.state, message = group.message, renders = group.renders,
        changes = group.changes, failures = group.failures, zxid = self.zxid, exec = self.exec and self.exec.state,
        render_ms = self.render_ms, guarded = self.guarded,
    }
end

-- -- too old

-- Whether what the agent has may be relied on, as the group wants it.
local function is_too_old(self)
    local settings = self.group.settings
    if settings.age_max_ms == 0 then return false end
    local age, err = self.zooid.age()
    if age and age <= settings.age_max_ms then return false end
    local message = "the agent's data is too old: " .. (age and age .. " ms" or tostring(err))
    self.group.state, self.group.message = settings.on_age == "fail" and "failed" or "kept", message
    if settings.on_age == "fail" then tell(self, message) end
    return true
end

-- What a process before this one was killed in.
function Service:recover()
    local done, what = self.group:recover()
    if not done then
        self.group:refuse(what)
        tell(self, "files that a process before this one was putting in place cannot be put right: " .. what)
    elseif what then
        self.zooid.log.warn(self.group.name .. ": a process before this one was killed while it put files in place; "
            .. (what == "forward" and "the rest is in place now" or "the old ones are back"))
    end
end

-- Without news nothing is rendered, and nobody would hear that the news has stopped.
function Service:watch_age()
    if self.group.settings.age_max_ms == 0 then return end
    self.zooid.every(LOOK_MS, function()
        local is_old = is_too_old(self)
        if self.was_old and not is_old then self:poke() end
        self.was_old = is_old
    end)
end

-- -- rendered and put in place

local function retry(self)
    local pause = self.retry_ms
    self.retry_ms = math.min(2 * pause, RETRY_MAX_MS)
    self:poke(pause)
end

local function good(self, what)
    self.retry_ms = RETRY_MS
    if self.told then self.zooid.log.info(self.group.name .. ": it works again") end
    self.told = nil
    if what == "changed" then self.zooid.log.info(self.group.name .. ": put in place" .. (self.zxid and ", zxid " .. self.zxid or "")) end
    if self.exec and (what == "changed" or not self.exec.task) then self.exec:changed() end
end

-- nil: nothing can be rendered now. Within a txn its end comes at once, and with it another turn; paths that are not
-- followed yet make another state come.
local function render(self)
    local source = self.plugin.source
    if source.view:is_within() then return nil end
    local began = self.plugin.clock()
    collectgarbage "stop"
    local result = self.group:render(source.view)
    collectgarbage "restart"
    self.render_ms = (self.plugin.clock() - began) * 1000
    if next(result.unknown) then
        source:need(result.read)
        return nil
    end
    self.zxid, self.read, self.guarded = source.view.zxid, result.read, text.keys(result.guarded)
    return result
end

-- True when it is as it should be; nil and why not.
function Service:update(force)
    if not force and is_too_old(self) then return nil, self.group.message end
    local result = render(self)
    if not result then return nil, "waits for the tree" end
    if result.err then
        self.group:refuse(result.err)
        if result.err.kind ~= "keep" then tell(self, tostring(result.err)) end
        return nil, tostring(result.err)
    end
    local ok, what, busy = self.group:apply(result.texts, force)
    if busy then
        self:poke(BUSY_MS)
    elseif ok then
        good(self, what)
        self.plugin:rendered(self.guarded)
    else
        tell(self, what)
        if self.group.state ~= "refused" then retry(self) end
    end
    return ok, what
end

-- -- when

-- Changes that come close together are one: nothing is done before it has been quiet for wait_min_ms, unless wait_max_ms
-- have gone by since the first.
local function settle(self)
    local settings, zooid = self.group.settings, self.zooid
    local began, seen = zooid.now_ms(), nil
    while settings.wait_min_ms > 0 and seen ~= self.pokes and zooid.now_ms() - began < settings.wait_max_ms do
        seen = self.pokes
        zooid.sleep(math.min(settings.wait_min_ms, settings.wait_max_ms - (zooid.now_ms() - began)))
    end
    if settings.splay_ms > 0 then zooid.sleep(math.random(0, settings.splay_ms)) end
end

local function work(self)
    if self.busy then return end
    self.busy = true
    while self.dirty do
        settle(self)
        self.dirty = false
        local ok, err = pcall(self.update, self)
        if not ok then
            self.group:refuse(err)
            tell(self, tostring(err))
            retry(self)
        end
        self.plugin:tidy()
    end
    self.busy = false
end

-- f() while nothing else is done with the group.
function Service:alone(f, ...)
    while self.busy do self.zooid.sleep(WAIT_MS) end
    self.busy = true
    local results = table.pack(pcall(f, ...))
    self.busy = false
    if self.dirty then self:poke() end
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

-- The tree has changed, or it is time to try again.
function Service:poke(after_ms)
    if self.busy and (after_ms or 0) == 0 then
        self.dirty = true
        self.pokes = (self.pokes or 0) + 1
        return
    end
    self.pokes = (self.pokes or 0) + 1
    if self.timer and (after_ms or 0) > 0 then return end
    if self.timer then self.timer:cancel() end
    self.timer = self.zooid.timer(after_ms or 0, function()
        self.timer, self.dirty = nil, true
        work(self)
    end)
end

return { new = new }
