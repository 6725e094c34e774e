-- zooid.template_data: what templates read: the tree as a view has it (zooid.view), services in it, and what the host
-- gives. What was read is recorded, so that a plugin knows what to follow.
local template = require "zooid.template"
local text = require "zooid.template_text"

local data = {}

local raise = template.raise

-- -- what can be read, and what is missing

-- Options: view; missing = "error" (the default), "empty" or "keep"; services = the path that has them; empty = "last"
-- (what there was before stands for a service without instances), "keep", "allow" or "error"; last = a table that keeps
-- that; host = { json, hash, env, read } of what the host offers; include = f(name): a template that is compiled.
local Reading = {}
Reading.__index = Reading

-- The data at the path; nil: it is not there, or it is not known yet.
function Reading:look(path, level)
    if type(path) ~= "string" or path:sub(1, 1) ~= "/" or (#path > 1 and path:sub(-1) == "/") then
        raise("path", "'" .. tostring(path) .. "' is no path", nil, level + 1)
    end
    self.read[path] = true
    if self.view:knows(path) then return self.view:get(path) end
    self.unknown[path] = true
    return nil
end

-- What stands for something that is not there. Not to be called at the end of a function: errors would lose their line.
function Reading:miss(what, path, level)
    if next(self.unknown) then return "" end
    if self.missing == "empty" then return "" end
    raise(self.missing == "keep" and "keep" or "missing", what, path, level + 1)
end

local functions = {}

function functions.key(self)
    return function(path)
        local value = self:look(path, 2)
        if value then return value end
        local instead = self:miss(path .. " does not exist", path, 2)
        return instead
    end
end

function functions.key_or(self)
    return function(path, default)
        return self:look(path, 2) or default
    end
end

function functions.exists(self)
    return function(path)
        return self:look(path, 2) ~= nil
    end
end

-- The names of the children, in order; none when there is no such node.
function functions.ls(self)
    return function(path)
        self:look(path, 2)
        return { table.unpack(self.view:names(path) or {}) }
    end
end

-- Everything below the path: a list of { path = relative, name, value }, parents first.
function functions.tree(self)
    return function(path)
        local list, lead = {}, path == "/" and 1 or #path + 1
        self:look(path, 2)
        self.view:walk(path, function(at, value)
            if at == path then return end
            list[#list + 1] = { path = at:sub(lead + 1), name = at:match "[^/]*$", value = value }
        end)
        return list
    end
end

-- -- services, as the plugin discovery and Curator's x-discovery write them

-- What most instances have is kept once.
local usual = { enabled = true, weight = 1, health = "passing", tags = {}, meta = {} }
local fields = { "tags", "meta", "weight", "health", "host", "maintenance" }
local of_instances = { __index = usual }

-- nil for what is no instance: nodes of others may stand there, too.
local function read_instance(json, value)
    local ok, raw = pcall(json.decode, value)
    if not ok or type(raw) ~= "table" or type(raw.id) ~= "string" then return nil end
    local function real(v) return v ~= json.null and v or nil end
    local payload = type(raw.payload) == "table" and raw.payload or nil
    local is_ours = payload ~= nil and payload.zooid ~= nil
    local ours = is_ours and payload or usual
    local instance = { id = raw.id, name = real(raw.name), address = real(raw.address), port = real(raw.port) }
    if raw.enabled == false then instance.enabled = false end
    instance.ssl_port, instance.payload = real(raw.sslPort), not is_ours and payload or nil
    for _, field in ipairs(fields) do
        local value = real(ours[field])
        if value ~= usual[field] then instance[field] = value end
    end
    return setmetatable(instance, of_instances)
end

-- Lists of instances by service that were written as JSON and read again.
function data.restore(lists)
    for _, list in pairs(lists) do
        for _, instance in ipairs(list) do setmetatable(instance, of_instances) end
    end
    return lists
end

-- All instances, decoded once as long as nothing changes.
function Reading:instances(name, level)
    local path = self.services .. "/" .. name
    self:look(path, level + 1)
    local stamp, known = self.view:stamp_of(path), self.decoded[name]
    if known and known.stamp == stamp then return known.list end
    local list = {}
    for _, id in ipairs(self.view:names(path) or {}) do
        local node = self.view:node(path .. "/" .. id)
        if node.decoded == nil then node.decoded = read_instance(self.host.json, node.data) or false end
        if node.decoded then list[#list + 1] = node.decoded end
    end
    self.decoded[name] = { stamp = stamp, list = list }
    return list
end

local function enabled(list)
    local chosen = {}
    for _, instance in ipairs(list) do
        if instance.enabled then chosen[#chosen + 1] = instance end
    end
    return chosen
end

-- Those without a condition are asked for most often.
function Reading:usual(name, list)
    local known = self.decoded[name]
    if not known or known.list ~= list then return enabled(list) end
    known.usual = known.usual or enabled(list)
    return known.usual
end

local function has_meta(instance, wanted)
    for key, value in pairs(wanted) do
        if instance.meta[key] ~= value then return false end
    end
    return true
end

local function matches(instance, wanted)
    if not wanted.all and not instance.enabled then return false end
    if wanted.health and instance.health ~= wanted.health then return false end
    if wanted.host and instance.host ~= wanted.host then return false end
    if wanted.tag and not text.contains(instance.tags, wanted.tag) then return false end
    return not wanted.meta or has_meta(instance, wanted.meta)
end

-- Without an instance: what there was when there was one, or what else is wanted.
function Reading:guard(name, list, policy, level)
    if #list > 0 then
        self.seen[name] = list
        return list
    end
    if policy == "allow" or next(self.unknown) then return list end
    if policy == "error" then raise("empty", "service '" .. name .. "' has no instance", nil, level + 1) end
    local last = self.last[name]
    if not last then return list end
    if policy == "keep" then raise("keep", "service '" .. name .. "' has lost all instances", nil, level + 1) end
    self.guarded[name] = true
    return last
end

local policies = { last = true, keep = true, allow = true, error = true }

-- Instances that are neither critical nor in maintenance, by id. Options: tag, health, host, meta = { name = value },
-- all = true (the others, too), empty = "last", "keep", "allow" or "error". The list is not to be changed: sort() makes
-- another.
function functions.services(self)
    return function(name, options)
        local policy = options and options.empty or self.empty
        if not policies[policy] then raise("options", "empty = '" .. tostring(policy) .. "' is not known", nil, 2) end
        local all = self:guard(name, self:instances(name, 2), policy, 2)
        if not options then return self:usual(name, all) end
        local list = {}
        for _, instance in ipairs(all) do
            if matches(instance, options) then list[#list + 1] = instance end
        end
        return list
    end
end

-- The first of them.
function functions.service(self)
    local services = functions.services(self)
    return function(name, options)
        local first = services(name, options)[1]
        if first then return first end
        self:miss("service '" .. tostring(name) .. "' has no such instance", nil, 2)
        return { id = "", address = "", port = "", tags = {}, meta = {}, weight = 0, health = "critical" }
    end
end

function functions.service_names(self)
    return function()
        self:look(self.services, 2)
        return { table.unpack(self.view:names(self.services) or {}) }
    end
end

-- -- what comes from the host

local function wants(self, name, level)
    local f = self.host[name]
    if not f then raise("host", "'" .. name .. "' is not offered here", nil, level + 1) end
    return f
end

function functions.env(self)
    return function(name, default)
        local value = wants(self, "env", 2)(name)
        if value ~= nil then return value end
        if default ~= nil then return default end
        local instead = self:miss("the environment has no " .. tostring(name), nil, 2)
        return instead
    end
end

-- The content of a file of this host.
function functions.file(self)
    return function(path)
        self.volatile = true
        local content, err = wants(self, "read", 2)(path)
        if content then return content end
        local instead = self:miss("file " .. tostring(path) .. ": " .. tostring(err), path, 2)
        return instead
    end
end

function functions.include(self, environment)
    return function(name)
        local part, err = wants(self, "include", 2)(name)
        if not part then raise("include", tostring(err), nil, 2) end
        local result, failure = part:render(environment, { nothing = self.nothing })
        if not result then error(failure, 0) end
        return result
    end
end

local function from_hex(hex)
    return (hex:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

local BLOCK = { sha1 = 64, sha256 = 64, sha512 = 128, md5 = 64 }

local function pad_key(hash, algorithm, key, byte)
    if #key > BLOCK[algorithm] then key = from_hex(hash(algorithm, key)) end
    key = key .. ("\0"):rep(BLOCK[algorithm] - #key)
    return (key:gsub(".", function(c) return string.char(c:byte() ~ byte) end))
end

function functions.hash(self)
    return function(algorithm, bytes)
        return wants(self, "hash", 2)(algorithm, bytes)
    end
end

function functions.sha256(self)
    return function(bytes)
        return wants(self, "hash", 2)("sha256", bytes)
    end
end

function functions.hmac(self)
    return function(algorithm, key, bytes)
        local hash = wants(self, "hash", 2)
        if not BLOCK[algorithm] then raise("options", "hmac: '" .. tostring(algorithm) .. "' is not known", nil, 2) end
        local inner = from_hex(hash(algorithm, pad_key(hash, algorithm, key, 0x36) .. bytes))
        return hash(algorithm, pad_key(hash, algorithm, key, 0x5c) .. inner)
    end
end

-- -- parts that are made anew only when what they show has changed

local function is_valid(self, entry)
    for path, stamp in pairs(entry.stamps) do
        if self.view:stamp_of(path) ~= stamp then return false end
    end
    return true
end

local function merge(into, from)
    for key in pairs(from) do into[key] = true end
end

-- What f prints, with what it has read; nothing that will be another one without a change of the tree is kept.
function Reading:make_section(capture, f, ...)
    local read, volatile = self.read, self.volatile
    self.read, self.volatile = {}, false
    local made, entry = capture(f, ...), { stamps = {} }
    for path in pairs(self.read) do entry.stamps[path] = self.view:stamp_of(path) end
    entry.text = made
    local keeps = not self.volatile and not next(self.unknown) and not next(self.guarded)
    self.read, self.volatile = read, volatile or self.volatile
    merge(self.read, entry.stamps)
    return entry, keeps
end

-- section(f, ...): prints what f(...) prints. That is kept for the next rendering, for the same place in the template
-- and the same arguments, as long as nothing has changed of what was read. f has to go by its arguments and the tree.
function functions.section(self, environment)
    return function(f, ...)
        local _, where = pcall(error, "", 3)
        local id = table.concat({ where, ... }, "\0")
        local entry, keeps = self.sections[id], true
        if entry and is_valid(self, entry) then
            merge(self.read, entry.stamps)
        else
            entry, keeps = self:make_section(environment.capture, f, ...)
        end
        if keeps then self.kept[id] = entry end
        environment.print(entry.text)
    end
end

-- -- together

-- A library that a template may read and not change.
local function read_only(library)
    return setmetatable({}, { __index = library, __newindex = function() error("this is not to be changed", 2) end })
end

local base = {
    string = read_only(string), table = read_only(table), math = read_only(math), utf8 = read_only(utf8),
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, select = select, tonumber = tonumber,
    tostring = tostring, type = type,
}
for name, f in pairs(text) do base[name] = type(f) == "table" and read_only(f) or f end

-- The names that a template sees, and the reading: after a rendering `reading.read` has the paths it looked at,
-- `unknown` those of them that the view does not know (then what was rendered means nothing), `guarded` the services
-- that were taken from `last`, `seen` what is to be kept as `last`, and `kept` the `sections` of the next rendering;
-- `decoded` is a table that is kept, too, as long as the view is.
function data.environment(options)
    local self = setmetatable({
        view = options.view, missing = options.missing or "error", services = options.services or "/services",
        empty = options.empty or "last", last = options.last or {}, host = options.host or {},
        decoded = options.decoded or {}, sections = options.sections or {}, kept = {}, read = {}, unknown = {},
        guarded = {}, seen = {}, volatile = false,
    }, Reading)
    self.nothing = self.missing == "empty" and "" or nil
    local environment = setmetatable({}, { __index = base })
    for name, make in pairs(functions) do environment[name] = make(self, environment) end
    environment.json = self.host.json and read_only(self.host.json)
    environment.host_name = self.host.host_name
    for name, value in pairs(options.variables or {}) do environment[name] = value end
    return environment, self
end

return data
