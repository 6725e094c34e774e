-- zooid.recipes: locks, elections, semaphores, groups, barriers, queues, counters and caches, with nodes laid out as
-- kazoo and libzooid do it. init.lua makes all of them functions of zooid, too.
--
-- Objects that hold something are let go of when they are closed: by close(), by the end of a `local x <close>`, or by
-- the garbage collector.
local core = require "zooid.core"

local recipes = {}

local function check_options(options, known, level)
    for key in pairs(options or {}) do
        if not known[key] then error("there is no option " .. tostring(key), (level or 1) + 2) end
    end
    return options or {}
end

-- -- locks, elections, semaphores

local lock_options = { identifier = true, kind = true, wait_ms = true }

-- Held, or nil and an error: NOT_HELD when wait_ms is 0 and another has it, DEADLINE_EXCEEDED.
local function acquired(lock, wait_ms)
    local token, err
    if wait_ms == 0 then
        token, err = lock:try()
    else
        token, err = lock:acquire { deadline_ms = wait_ms }
    end
    if token then return lock end
    lock:close()
    return nil, err
end

-- zooid.lock(path [, { identifier, kind = "exclusive" | "read" | "write", wait_ms }])
function recipes.lock(path, options)
    options = check_options(options, lock_options)
    return acquired(core.new_lock(path, options.kind, options.identifier), options.wait_ms)
end

-- A lead is a lock: it returns when this one leads.
recipes.election = recipes.lock

-- zooid.semaphore(path, leases [, { identifier, wait_ms }])
function recipes.semaphore(path, leases, options)
    options = check_options(options, lock_options)
    return acquired(core.new_semaphore(path, leases, options.identifier), options.wait_ms)
end

-- What f(lock, ...) returns, which runs in a task of its own: it is cancelled when the lock is lost.
local function holding(path, lock, f, ...)
    local held <close> = lock
    local work <close> = core.spawn(f, held, ...)
    local why
    local watch <close> = core.spawn(function()
        why = held:wait_lost()
        work:cancel()
    end)
    local results = table.pack(work:wait())
    if why then return core.failure(core.NOT_HELD, why, path) end
    if work:status() == "failed" then error(results[2], 0) end
    watch:cancel()
    held:release()
    return table.unpack(results, 1, results.n)
end

-- zooid.with_lock(path, options, f, ...): while f runs the lock is held.
function recipes.with_lock(path, options, f, ...)
    local lock, err = recipes.lock(path, options)
    if not lock then return nil, err end
    return holding(path, lock, f, ...)
end

-- zooid.with_semaphore(path, leases, options, f, ...)
function recipes.with_semaphore(path, leases, options, f, ...)
    local lock, err = recipes.semaphore(path, leases, options)
    if not lock then return nil, err end
    return holding(path, lock, f, ...)
end

-- zooid.lead(path, options, f, ...): f runs while this one leads, and again when the lead was lost meanwhile; until it
-- returns by itself.
function recipes.lead(path, options, f, ...)
    while true do
        local results = table.pack(recipes.with_lock(path, options, f, ...))
        local err = results[2]
        local lost = results[1] == nil and type(err) == "table" and err.code == core.NOT_HELD
        if not lost then return table.unpack(results, 1, results.n) end
        core.log.warning(path .. ": the lead was lost: " .. err.message)
    end
end

-- Nodes below a path as { name, identifier }, those that `place` gives a number for, in its order.
local function named(path, place)
    local nodes, err = core.subtree(path)
    if not nodes then
        if err.code == core.NO_NODE then return {} end
        return nil, err
    end
    local found = {}
    for _, node in ipairs(nodes) do
        local name = node.path:sub(#path + 2)
        local number = place(name, node.stat)
        if number then found[#found + 1] = { name = name, identifier = node.data, place = number } end
    end
    table.sort(found, function(a, b) return a.place < b.place end)
    return found
end

-- zooid.contenders(path): who holds the lock and who waits, in this order.
function recipes.contenders(path)
    return named(path, function(name)
        return tonumber(name:match "__r?lock__(%d+)$")
    end)
end

-- -- groups

-- zooid.join(path [, identifier]): a member of the group, from now on. kazoo's Party.
function recipes.join(path, identifier)
    local member = core.new_member(path, identifier)
    local joined, err = member:wait()
    if joined then return member end
    member:close()
    return nil, err
end

-- zooid.members(path): in the order in which they came
function recipes.members(path)
    return named(path, function(name, stat) return name:find "__party__" and stat.czxid end)
end

-- -- counters

local Counter = {}
Counter.__index = Counter

-- zooid.counter(path): a whole number of 64 bits in a node; without a node it is 0.
function recipes.counter(path)
    return setmetatable({ path = path }, Counter)
end

local function number_of(data, path)
    if data == "" then return 0 end
    local number = data:match "^[+-]?%d+$" and math.tointeger(tonumber(data))
    if number then return number end
    return core.failure(core.BAD_ARGUMENTS, "the node holds no number of 64 bits", path)
end

function Counter:get(options)
    local data, stat = core.get(self.path, options)
    if data then return number_of(data, self.path) end
    if stat.code == core.NO_NODE then return 0 end
    return nil, stat
end

-- Another was faster: on top of its value, then, which the leader's replica has in any case.
function Counter:add(delta)
    local options
    while true do
        local data, stat = core.get(self.path, options)
        if data then
            local value, why = number_of(data, self.path)
            if not value then return nil, why end
            local sum = value + delta
            if (sum < value) ~= (delta < 0) then
                return core.failure(core.BAD_ARGUMENTS, "the sum does not fit", self.path)
            end
            local done, err = core.set(self.path, tostring(sum), stat.version)
            if done then return sum end
            if err.code ~= core.BAD_VERSION then return nil, err end
        elseif stat.code == core.NO_NODE then
            local made, err = core.create(self.path, "", { parents = true })
            if not made and err.code ~= core.NODE_EXISTS then return nil, err end
        else
            return nil, stat
        end
        options = { latest = true }
    end
end

-- -- barriers

local Barrier = {}
Barrier.__index = Barrier

-- zooid.barrier(path): while it is set, all wait.
function recipes.barrier(path)
    return setmetatable({ path = path, core = core.new_barrier(path) }, Barrier)
end

function Barrier:set()
    local made, err = core.create(self.path, "", { parents = true })
    if made or err.code == core.NODE_EXISTS then return true end
    return nil, err
end

function Barrier:lift()
    return core.delete(self.path)
end

function Barrier:wait(options)
    return self.core:wait(options)
end

-- zooid.double_barrier(path, count [, { identifier }]): enter() returns when `count` are there, leave() when all want to.
function recipes.double_barrier(path, count, options)
    options = check_options(options, { identifier = true })
    return core.new_double_barrier(path, count, options.identifier)
end

-- -- queues

local Queue = {}
Queue.__index = Queue

-- zooid.queue(path): each entry is in the hands of one at a time, until that one says that it is finished.
function recipes.queue(path)
    return setmetatable({ path = path, core = core.new_queue(path) }, Queue)
end

function Queue.__close(self)
    self.core:close()
end
Queue.close = Queue.__close

-- queue:put(data [, { priority }]): 0 comes first, 999 last
function Queue:put(data, options)
    local priority = check_options(options, { priority = true }).priority or 100
    if math.type(priority) ~= "integer" or priority < 0 or priority > 999 then
        error("a priority is a number from 0 to 999", 2)
    end
    local entries = self.path .. "/entries"
    local entry = ("%s/entry-%03d-"):format(entries, priority)
    local made, err = core.create(entry, data, { sequential = true })
    if made or err.code ~= core.NO_NODE then return made, err end
    made, err = core.create(entries, "", { parents = true })
    if not made and err.code ~= core.NODE_EXISTS then return nil, err end
    return core.create(entry, data, { sequential = true })
end

-- queue:take([{ deadline_ms }]): data and path of the next entry
function Queue:take(options)
    return self.core:take(options)
end

function Queue:finish(options)
    return self.core:finish(options)
end

function Queue:give_back(options)
    return self.core:give_back(options)
end

-- Until what was taken may be in other hands.
function Queue:wait_lost()
    return self.core:wait_lost()
end

-- -- caches

-- zooid.cache(path [, { wait_ms }]): a copy of the node and all below it, kept up to date: get(path), list(path)
function recipes.cache(path, options)
    options = check_options(options, { wait_ms = true })
    local cache = core.new_cache(path)
    local complete, err = cache:wait { deadline_ms = options.wait_ms }
    if complete then return cache end
    cache:close()
    return nil, err
end

return recipes
