-- render_units_test.lua - parts of the plugin render in Lua alone: lua5.4 render_units_test.lua
local root = arg[0]:match "^(.*)/tests/plugins/" or "."
package.path = root .. "/lua/?.lua"

local diff = require "zooid.render.diff"
local settings = require "zooid.render.settings"
local source = require "zooid.render.source"

local function same(got, wanted, what)
    if got ~= wanted then error(("%s: %s instead of %s"):format(what, tostring(got), tostring(wanted)), 2) end
end

-- -- differences

local function differences()
    same(diff("f", "a\nb\n", "a\nb\n"), "", "nothing")
    same(diff("f", nil, "a\n"), "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+a\n", "a new file")
    same(diff("f", "a\n", ""), "--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n", "an empty one")
    same(diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\nx\n7\n8\n9\n"),
        "--- f\n+++ f\n@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+x\n 7\n 8\n 9\n", "in the middle")
end

-- What a diff says, done to the old text, gives the new one.
local function apply(old, text)
    local lines, out, at = {}, {}, 1
    for line in old:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
    for line in text:gmatch "([^\n]*)\n" do
        local first, count = line:match "^@@ %-(%d+),?(%d*)"
        local sign, rest = line:sub(1, 1), line:sub(2)
        if first then
            local from = tonumber(first) + (count == "0" and 1 or 0)
            while at < from do
                out[#out + 1] = lines[at]
                at = at + 1
            end
        elseif sign == "+" and not line:find "^%+%+%+ " then
            out[#out + 1] = rest
        elseif (sign == "-" and not line:find "^%-%-%- ") or sign == " " then
            same(lines[at], rest, "line " .. at)
            if sign == " " then out[#out + 1] = rest end
            at = at + 1
        end
    end
    for i = at, #lines do out[#out + 1] = lines[i] end
    return table.concat(out, "\n") .. (#out > 0 and "\n" or "")
end

local function random_text()
    local lines = {}
    for i = 1, math.random(0, 30) do lines[i] = ("abcd"):sub(math.random(4)):sub(1, 1) .. "\n" end
    return table.concat(lines)
end

local function random_differences()
    for _ = 1, 500 do
        local old, new = random_text(), random_text()
        same(apply(old, diff("f", old, new)), new, "a diff that was applied")
    end
end

-- -- settings

local function file(more)
    local made = { template = "/t", path = "/p" }
    for key, value in pairs(more or {}) do made[key] = value end
    return made
end

local function what_is_right()
    local read = assert(settings.read { groups = { { files = { file { mode = "0640", owner = 7 } }, wait_min_ms = 100 } } })
    local group = read.groups[1]
    same(group.name, "group-1", "name")
    same(group.files[1].mode, 416, "mode")
    same(group.wait_max_ms, 400, "wait_max_ms")
    same(read.services, "/services", "services")
    same(group.files[1].trim, true, "trim")
end

local function what_is_wrong()
    for key, raw in pairs {
        ["groups"] = {},
        ["groups.[0].files"] = { groups = { {} } },
        ["groups.[0].files.[0].template"] = { groups = { { files = { { path = "/p" } } } } },
        ["groups.[0].files.[0].mode"] = { groups = { { files = { file { mode = "888" } } } } },
        ["groups.[0].files.[0].trim"] = { groups = { { files = { file { trim = 1 } } } } },
        ["groups.[0].validate"] = { groups = { { files = { file() }, validate = "haproxy" } } },
        ["groups.[0].signal"] = { groups = { { files = { file() }, signal = "HUP" } } },
        ["groups.[0].name"] = { groups = { { files = { file() }, name = "a/b" } } },
        ["groups.[1].name"] = { groups = { { files = { file() }, name = "a" }, { files = { file { path = "/q" } }, name = "a" } } },
        ["groups.[0].exec.command"] = { groups = { { files = { file() }, exec = {} } } },
        ["groups.[0].files.[0].path"] = { groups = { { files = { file() }, directory = "/d" } } },
        ["other"] = { groups = { { files = { file() } } }, other = 1 },
    } do
        local read, wrong = settings.read(raw)
        same(read, nil, key)
        same(wrong.key, key, "the place")
    end
end

-- -- what is followed

local function followed(s)
    local list = {}
    for path in pairs(s.prefixes) do list[#list + 1] = path end
    table.sort(list)
    return table.concat(list, " ")
end

local function a_set(...)
    local set = {}
    for _, path in ipairs { ... } do set[path] = true end
    return set
end

local function prefixes_grow_and_shrink()
    local s = source.new({ spawn = function() end }, function() end)
    s:need(a_set("/a/x", "/b"))
    same(followed(s), "/a/x /b", "at first")
    local number = s.number
    s:need(a_set("/a/x/y", "/b"))
    same(s.number, number, "nothing is missing")
    s:need(a_set("/a"))
    same(followed(s), "/a /b", "one above another")
    local many = {}
    for i = 1, 2000 do many["/services/s" .. i .. "/key"] = true end
    s:need(many)
    same(s.prefixes["/b"], true, "what was followed stays")
    local count = 0
    for _ in pairs(s.prefixes) do count = count + 1 end
    same(count <= 900, true, "there is a limit: " .. count)
    s:trim(a_set("/b"))
    same(s.prefixes["/a"], true, "a few that are not read any more")
    many = {}
    for i = 1, 100 do many["/k/" .. i] = true end
    s:need(many)
    s:trim(a_set("/b"))
    same(followed(s), "/b", "many that are not read any more")
end

math.randomseed(tonumber(arg[1]) or os.time())
differences()
random_differences()
what_is_right()
what_is_wrong()
prefixes_grow_and_shrink()
print "ok"
