-- view_test.lua - copies of the tree (zooid.view) against a plain table: lua5.4 view_test.lua [SEED]
local root = arg[0]:match "^(.*)/tests/plugins/" or "."
package.path = root .. "/lua/?.lua"

local view = require "zooid.view"

local function same(a, b, what)
    if a ~= b then error(("%s: %s instead of %s"):format(what, tostring(a), tostring(b)), 2) end
end

local function join(list)
    return list and table.concat(list, " ")
end

local function snapshot(v, zxid, ...)
    v:apply { kind = "reset" }
    for _, path in ipairs { ... } do v:apply { kind = "present", path = path, data = path } end
    return v:apply { kind = "caught_up", zxid = zxid }
end

local function it_shows_whole_states_only()
    local v = view.new { "/a" }
    same(v:is_whole() or v:is_within(), false, "before the first snapshot")
    v:apply { kind = "reset" }
    same(v:apply { kind = "txn_end", zxid = 1 }, false, "within a snapshot")
    same(v:apply { kind = "caught_up", zxid = 5 }, true, "behind it")
    same(v.zxid, 5, "zxid")
    same(v:apply { kind = "created", path = "/a", data = "1" }, false, "within a txn")
    same(v:is_whole(), false, "within a txn")
    same(v:is_within(), true, "within a txn")
    same(v:apply { kind = "txn_end", zxid = 6 }, true, "behind it")
    same(v:is_whole() and v:get "/a", "1", "the state")
end

local function another_snapshot_comes_in_beside_the_first()
    local v = view.new { "/a" }
    snapshot(v, 1, "/a", "/a/x")
    v:apply { kind = "reset" }
    v:apply { kind = "present", path = "/a", data = "new" }
    same(v:get "/a", "/a", "meanwhile")
    same(v:is_whole(), true, "meanwhile")
    same(v:apply { kind = "caught_up", zxid = 2 }, true, "the end")
    same(v:get "/a", "new", "then")
    same(v:get "/a/x", nil, "what is gone")
end

local function it_knows_what_it_follows()
    local v = view.new { "/a/b", "/c" }
    for path, known in pairs { ["/a/b"] = true, ["/a/b/x"] = true, ["/a"] = false, ["/a/bc"] = false, ["/c/d/e"] = true,
        ["/"] = false } do
        same(v:knows(path), known, path)
    end
    same(view.new({ "/" }):knows "/x/y", true, "below the root")
    same(view.of({}):knows "/x", true, "of a table")
end

local function stamps_tell_of_changes_below()
    local v = view.new { "/" }
    snapshot(v, 1, "/", "/a", "/a/x", "/b")
    local a, b = v:stamp_of "/a", v:stamp_of "/b"
    v:apply { kind = "changed", path = "/a/x", data = "2" }
    same(v:stamp_of "/a" ~= a, true, "/a")
    same(v:stamp_of "/b", b, "/b")
    a = v:stamp_of "/a"
    v:apply { kind = "deleted", path = "/a/x" }
    same(v:stamp_of "/a" ~= a, true, "/a")
    same(v:stamp_of "/none", 0, "/none")
end

local function of_a_table_with_what_lies_above()
    local v = view.of { ["/a/b/c"] = "x" }
    same(join(v:names "/"), "a", "/")
    same(join(v:names "/a/b"), "c", "/a/b")
    same(v:get "/a", "", "/a")
end

-- -- random changes

local function random_path()
    local path = ""
    for _ = 1, math.random(1, 3) do path = path .. "/" .. ("abc"):sub(math.random(3)):sub(1, 1) end
    return path
end

local function children_of(model, path)
    local names = {}
    for other in pairs(model) do
        local parent, name = view.parent_of(other)
        if parent == path then names[#names + 1] = name end
    end
    table.sort(names)
    return join(names)
end

local function compare(v, model)
    for _ = 1, 5 do
        local path = random_path()
        same(v:get(path), model[path], path)
        same(join(v:names(path)), model[path] and children_of(model, path), "children of " .. path)
    end
    local walked, count = 0, 0
    for _ in pairs(model) do count = count + 1 end
    for _, top in ipairs { "/a", "/b", "/c" } do
        v:walk(top, function(path, data)
            same(data, model[path], path)
            walked = walked + 1
        end)
    end
    same(v.tree.count, count, "nodes")
    return walked, count
end

-- Nodes may come before their parents, and go before their children: parents that may not be read are not told.
local function random_changes()
    local v, model = view.new { "/" }, {}
    snapshot(v, 1)
    for step = 1, 20000 do
        local path = random_path()
        if math.random(2) == 1 then
            model[path] = tostring(step)
            v:apply { kind = "created", path = path, data = model[path] }
        else
            model[path] = nil
            v:apply { kind = "deleted", path = path }
        end
        if step % 50 == 0 then compare(v, model) end
    end
    for path in pairs(model) do v:apply { kind = "deleted", path = path } end
    same(next(v.tree.nodes), nil, "what is left")
end

local seed = tonumber(arg[1]) or os.time()
math.randomseed(seed)
print("seed " .. seed)
it_shows_whole_states_only()
another_snapshot_comes_in_beside_the_first()
it_knows_what_it_follows()
stamps_tell_of_changes_below()
of_a_table_with_what_lies_above()
random_changes()
print "ok"
