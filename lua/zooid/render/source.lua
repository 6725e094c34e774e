-- zooid.render.source: the copy of the tree that templates are rendered from, and the subscription that keeps it up to
-- date. Which parts are followed goes by what was read.
local view = require "zooid.view"

local RETRY_MS = 1000
local PREFIXES_MAX = 900 -- beyond it their parents are followed
local FAMILY_MIN = 8     -- of so many, that is, if there are
local SPARE = 32         -- so many that are not needed any more are put up with

local Source = {}
Source.__index = Source

-- `changed` is called whenever `source.view` shows another state.
local function new(zooid, changed)
    return setmetatable({ zooid = zooid, changed = changed, view = view.new {}, prefixes = {}, number = 0 }, Source)
end

-- -- which prefixes

local function has_above(set, path)
    local above = view.parent_of(path)
    while above do
        if set[above] then return true end
        above = view.parent_of(above)
    end
    return false
end

local function count(set)
    local n = 0
    for _ in pairs(set) do n = n + 1 end
    return n
end

local function outermost(set)
    local out = {}
    for path in pairs(set) do
        if not has_above(set, path) then out[path] = true end
    end
    return out
end

local function depth_of(path)
    local _, slashes = path:gsub("/", "")
    return slashes
end

-- The parent that has most of them, and how many.
local function common_parent(set)
    local children, most, parent = {}, 0, nil
    for path in pairs(set) do
        local up = view.parent_of(path) or "/"
        children[up] = (children[up] or 0) + 1
        if children[up] > most then most, parent = children[up], up end
    end
    return parent, most
end

-- The parents of those that lie deepest.
local function one_up(set)
    local deepest = 0
    for path in pairs(set) do deepest = math.max(deepest, depth_of(path)) end
    local out = {}
    for path in pairs(set) do out[depth_of(path) == deepest and view.parent_of(path) or path] = true end
    return out
end

-- So many that they can be followed: parents stand for several.
local function few_enough(set)
    set = outermost(set)
    while count(set) > PREFIXES_MAX do
        local parent, number = common_parent(set)
        if number >= FAMILY_MIN then set[parent] = true else set = one_up(set) end
        set = outermost(set)
    end
    return set
end

local function covers(set, paths)
    for path in pairs(paths) do
        if not set[path] and not has_above(set, path) then return false end
    end
    return true
end

-- -- followed

local function take_all(self, subscription, number, copy)
    while number == self.number do
        local change, err = subscription:next()
        if number ~= self.number then break end
        if not change then return err end
        if copy:apply(change) then
            if self.view ~= copy then self.view, self.decoded = copy, {} end
            self.changed()
        end
    end
    subscription:close()
    return nil
end

-- Until another set of prefixes is wanted; whatever ends it is tried again.
local function follow(self, number, list)
    while number == self.number do
        local subscription, err = self.zooid.subscribe(list, { txns = true })
        self.subscription = subscription
        if subscription then err = take_all(self, subscription, number, view.new(list)) end
        if number ~= self.number then return end
        self.zooid.log.warn("the subscription has ended:", err or "closed")
        self.zooid.sleep(RETRY_MS)
    end
end

-- Follows what is needed now, a set of paths, besides what it follows. What was there stays until all is there.
function Source:need(paths)
    if covers(self.prefixes, paths) then return end
    local set = {}
    for path in pairs(self.prefixes) do set[path] = true end
    for path in pairs(paths) do set[path] = true end
    self:set(set)
end

function Source:set(paths)
    local list = {}
    self.prefixes = few_enough(paths)
    for path in pairs(self.prefixes) do list[#list + 1] = path end
    table.sort(list)
    self.number = self.number + 1
    if self.subscription then self.subscription:close() end -- its reader wakes, and sees that it is not wanted
    self.zooid.spawn(follow, self, self.number, list)
end

-- What was read lately, by all: too much else is let go of.
function Source:trim(paths)
    local needed = few_enough(paths)
    if count(self.prefixes) > 2 * count(needed) + SPARE then self:set(needed) end
end

return { new = new }
