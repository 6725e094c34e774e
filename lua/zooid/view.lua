-- zooid.view: a copy of parts of the tree that is kept up to date by a subscription, or made of a table.
--
--     local v = view.new { "/services", "/config" }
--     v:apply(change)             -- for each thing that the subscription tells; true: a state to be shown
--     v:get("/config/a")          -- data, or nil; "" where a node has none
--     v:names("/config")          -- of the children, in order; nil: there is no such node
--
-- While a snapshot comes in, what was there before it stays; half a txn is never a state to be shown.
local view = {}

local View = {}
View.__index = View

local function new_tree()
    return { nodes = {}, count = 0 }
end

-- Prefixes lie at or above whatever can be read; without any everything is known.
function view.new(prefixes)
    local self = setmetatable({ tree = new_tree(), stamp = 0, whole = false, prefixes = nil, listed = {} }, View)
    if prefixes then
        self.prefixes = {}
        for _, prefix in ipairs(prefixes) do self.prefixes[prefix] = true end
    end
    return self
end

local function parent_of(path)
    if path == "/" then return nil, nil end
    local parent, name = path:match "^(.*)/([^/]*)$"
    return parent == "" and "/" or parent, name
end
view.parent_of = parent_of

-- The path's place in the tree, and those above it; a place without `data` is no node.
local function place(tree, path)
    local node = tree.nodes[path]
    if node then return node end
    local parent, name = parent_of(path)
    node = {}
    tree.nodes[path] = node
    if parent then
        local up = place(tree, parent)
        node.up = up
        up.children = up.children or {}
        up.children[name] = node
        up.names = nil
    end
    return node
end

local function mark(self, node)
    self.stamp = self.stamp + 1
    while node do
        node.stamp = self.stamp
        node = node.up
    end
end

local function put(self, tree, path, data)
    local node = place(tree, path)
    if not node.data then
        tree.count = tree.count + 1
        if node.up then node.up.names = nil end
    end
    node.data, node.decoded = data or "", nil
    mark(self, node)
end

-- Places that hold nothing go, up to the first one that does.
local function prune(tree, path, node)
    while node and not node.data and not (node.children and next(node.children)) do
        local parent, name = parent_of(path)
        tree.nodes[path] = nil
        local up = node.up
        if up then
            up.children[name] = nil
            up.names = nil
        end
        path, node = parent, up
    end
end

local function remove(self, tree, path)
    local node = tree.nodes[path]
    if not node or not node.data then return end
    tree.count = tree.count - 1
    node.data, node.decoded = nil, nil
    if node.up then node.up.names = nil end
    mark(self, node)
    prune(tree, path, node)
end

local takes = {}

function takes.reset(self)
    self.next = new_tree()
end

function takes.present(self, change)
    put(self, self.next or self.tree, change.path, change.data)
end

function takes.deleted(self, change)
    remove(self, self.next or self.tree, change.path)
end

takes.created, takes.changed, takes.acl_changed = takes.present, takes.present, takes.present

-- A table { kind, path, data, zxid } with the kinds of zooid.subscribe: reset, present, caught_up, created, changed,
-- deleted, acl_changed, txn_end. True: what is here now is the tree as it was at `zxid`.
function View:apply(change)
    local take = takes[change.kind]
    if take then
        take(self, change)
        self.within = self.next == nil
        return false
    end
    if change.kind ~= "caught_up" and change.kind ~= "txn_end" then return false end
    if change.kind == "caught_up" and self.next then self.tree, self.next = self.next, nil end
    if self.next then return false end
    self.zxid, self.whole, self.within = change.zxid, true, false
    return true
end

-- Does it show a state of the tree? Not before the first snapshot, and not within a txn.
function View:is_whole()
    return self.whole and not self.within
end

-- Is it in the middle of a txn? Then it shows nothing that ever was.
function View:is_within()
    return self.within == true
end

function View:knows(path)
    if not self.prefixes then return true end
    while path do
        if self.prefixes[path] then return true end
        path = parent_of(path)
    end
    return false
end

local function node_at(self, path)
    local node = self.tree.nodes[path]
    return node and node.data and node or nil
end

function View:get(path)
    local node = node_at(self, path)
    return node and node.data
end

-- The node itself, for what belongs to its data: { data, decoded, stamp }.
function View:node(path)
    return node_at(self, path)
end

function View:names(path)
    local place_of = self.tree.nodes[path]
    if not place_of or not place_of.data then return nil end
    if place_of.names then return place_of.names end
    local names = {}
    for name, child in pairs(place_of.children or {}) do
        if child.data then names[#names + 1] = name end
    end
    table.sort(names)
    place_of.names = names
    return names
end

-- A number that is another one when anything at or below the path has changed.
function View:stamp_of(path)
    local node = self.tree.nodes[path]
    return node and node.stamp or 0
end

-- Each node at or below the path, parents first, children in order: f(path, data).
function View:walk(path, f)
    local data = self:get(path)
    if data then f(path, data) end
    local names = self:names(path) or {}
    for _, name in ipairs(names) do
        self:walk((path == "/" and "" or path) .. "/" .. name, f)
    end
end

-- Of a table path -> data, of which all is known. What lies above a path need not be in it.
function view.of(nodes)
    local self = view.new()
    local paths = {}
    for path in pairs(nodes) do paths[#paths + 1] = path end
    table.sort(paths)
    for _, path in ipairs(paths) do
        local above = parent_of(path)
        while above and not self:get(above) do
            put(self, self.tree, above, "")
            above = parent_of(above)
        end
        put(self, self.tree, path, nodes[path])
    end
    self.whole = true
    return self
end

return view
