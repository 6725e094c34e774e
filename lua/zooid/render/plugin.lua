-- zooid.render.plugin: the plugin render as a whole: its groups, what they share, its commands and metrics.
local text = require "zooid.template_text"
local template_data = require "zooid.template_data"
local settings_of = require "zooid.render.settings"
local group_of = require "zooid.render.group"
local service_of = require "zooid.render.service"
local source_of = require "zooid.render.source"
local exec_of = require "zooid.render.exec"

local SAVE_MS = 30000
local GARBAGE = 1.35 -- so many times what is kept may be used before garbage is collected

local Plugin = {}
Plugin.__index = Plugin

-- -- what there was of services that have nothing now, also after a restart

local function last_path(self)
    local folder = self.zooid.state_dir()
    return folder and folder .. "/last.json"
end

local function load_last(self)
    local path = last_path(self)
    local content = path and self.zooid.files.read(path)
    if not content then return {} end
    local ok, last = pcall(self.zooid.json.decode, content)
    return ok and type(last) == "table" and template_data.restore(last) or {}
end

local function save_last(self)
    local path, files = last_path(self), self.zooid.files
    if not path or not self.unsaved then return end
    local staged, err = files.stage(path, self.zooid.json.encode(self.shared.last), { mode = 0x180, name = path .. ".new" })
    if staged then staged, err = files.swap(staged, path) end
    self.unsaved = not staged
    if not staged then self.zooid.log.warn(err) end
end

-- -- made

-- nil and { key, message } when the settings are wrong, or a template is.
local function new(zooid, raw)
    local settings, wrong = settings_of.read(raw)
    if not settings then return nil, wrong end
    local self = setmetatable({ zooid = zooid, settings = settings, services = {}, clock = os.clock }, Plugin)
    self.shared = { services = settings.services, decoded = {}, last = {} }
    self.shared.last = load_last(self)
    self.source = source_of.new(zooid, function() self:changed() end)
    for i, group_settings in ipairs(settings.groups) do
        local group = group_of.new(group_settings, zooid, self.shared)
        local ok, err = group:compile()
        if not ok then return nil, { key = ("groups.[%d].files"):format(i - 1), message = err } end
        if group_settings.exec and not zooid.state_dir() then
            return nil, { key = ("groups.[%d].exec"):format(i - 1), message = "needs a state directory" }
        end
        local exec = group_settings.exec and exec_of.new(group_settings.exec, zooid, group.name, zooid.state_dir())
        self.services[i] = service_of.new(group, self, exec or nil)
    end
    return self
end

-- -- at work

function Plugin:changed()
    self.shared.decoded = self.source.decoded or self.shared.decoded
    for _, service in ipairs(self.services) do service:poke() end
end

local function all_read(self)
    local read = {}
    for _, path in ipairs(self.settings.prefixes) do read[path] = true end
    for _, service in ipairs(self.services) do
        for path in pairs(service.read) do read[path] = true end
    end
    return read
end

-- What stands for a service without instances is kept at once; otherwise now and then.
function Plugin:rendered(guarded)
    if #guarded > 0 and self.unsaved then save_last(self) end
    self.unsaved = self.unsaved or #guarded == 0
    self.source:trim(all_read(self))
    self:tell()
end

function Plugin:tell()
    local states = {}
    for _, service in ipairs(self.services) do
        local group = service.group
        states[group.state] = (states[group.state] or 0) + 1
        for name, metric in pairs(self.metrics and self.metrics[group.name] or {}) do metric:set(group[name]) end
    end
    local words = {}
    for state, number in text.sorted_pairs(states) do words[#words + 1] = number .. " " .. state end
    self.zooid.status(table.concat(words, ", "))
end

local function make_metrics(self)
    self.metrics = {}
    for _, service in ipairs(self.services) do
        local name = service.group.name
        local function counter(what, help) return self.zooid.metric("counter", what, help, { group = name }) end
        self.metrics[name] = {
            renders = counter("render_renders_total", "renderings of a group of files"),
            changes = counter("render_changes_total", "sets of files that were put in place"),
            failures = counter("render_failures_total", "renderings, checks and reloads that have failed"),
        }
    end
end

-- -- commands

-- The services of those names; all without any. nil and what is wrong.
local function chosen(self, names)
    if #names == 0 then return self.services end
    local list = {}
    for _, name in ipairs(names) do
        local found
        for _, service in ipairs(self.services) do found = service.group.name == name and service or found end
        if not found then return nil, "there is no group " .. name end
        list[#list + 1] = found
    end
    return list
end
Plugin.chosen = chosen

-- Returns at the end of a txn; no wait may stand between it and the rendering.
local function settle(self)
    while self.source.view:is_within() do self.zooid.sleep(1) end
end

-- What a rendering would change; nil and why there is none.
function Plugin:diff_of(service)
    settle(self)
    local result = service.group:render(self.source.view)
    if next(result.unknown) then
        self.source:need(result.read)
        return nil, "waits for the tree"
    end
    if result.err then return nil, tostring(result.err) end
    return service.group:diff(result.texts)
end

local function offer_commands(self)
    local zooid = self.zooid
    zooid.command("status", { help = ": the groups and their state" }, function()
        local groups, followed = {}, {}
        for i, service in ipairs(self.services) do groups[i] = service:describe() end
        for path in text.sorted_pairs(self.source.prefixes) do followed[#followed + 1] = path end
        return { groups = zooid.json.array(groups), followed = zooid.json.array(followed), zxid = self.source.view.zxid }
    end)
    zooid.command("render", { help = "[GROUP ...]: renders now", admin = true }, function(args)
        local services, err = chosen(self, args)
        if not services then return nil, err end
        local lines = {}
        for i, service in ipairs(services) do
            local ok, what = service:alone(function()
                settle(self)
                return service:update(true)
            end)
            lines[i] = service.group.name .. ": " .. (ok and "" or "failed: ") .. tostring(what)
        end
        self:tell()
        return table.concat(lines, "\n")
    end)
    zooid.command("diff", { help = "[GROUP ...]: what a rendering would change", admin = true }, function(args)
        local services, err = chosen(self, args)
        local parts = {}
        for i, service in ipairs(services or {}) do
            parts[i], err = self:diff_of(service)
            if err then return nil, service.group.name .. ": " .. err end
        end
        if not services then return nil, err end
        return table.concat(parts)
    end)
end

-- Much is kept for long, and every rendering leaves garbage behind: it is collected behind renderings, not within them.
function Plugin:tidy()
    local used = collectgarbage "count"
    if used < (self.kept_kb or 0) * GARBAGE then return end
    collectgarbage()
    self.kept_kb = collectgarbage "count"
end

function Plugin:start()
    for _, service in ipairs(self.services) do service:recover() end
    make_metrics(self)
    offer_commands(self)
    if next(self.settings.prefixes) then self.source:need(all_read(self)) end
    for _, service in ipairs(self.services) do
        service:poke()
        service:watch_age()
    end
    self.zooid.every(SAVE_MS, function() save_last(self) end)
    self:tell()
end

return { new = new }
