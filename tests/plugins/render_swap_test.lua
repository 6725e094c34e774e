-- render_swap_test.lua - files that take the places of others (zooid.render.swap), killed before every single step, and
-- again while that is put right: all are the old ones or all the new ones: lua5.4 render_swap_test.lua
local root = arg[0]:match "^(.*)/tests/plugins/" or "."
package.path = root .. "/lua/?.lua;" .. root .. "/tests/plugins/?.lua"

local json = require "small_json"
local swap = require "zooid.render.swap"

local JOURNAL, COUNT = "/state/group", 3
local KILLED = setmetatable({}, { __tostring = function() return "killed" end })

-- -- a disk: names lead to files, and two names may lead to one

local function disk_of(names)
    local disk = { names = {}, steps = 0, killed_at = math.huge, refused = {} }
    for name, text in pairs(names) do disk.names[name] = { text = text } end
    return disk
end

local function step(disk)
    disk.steps = disk.steps + 1
    if disk.steps == disk.killed_at then error(KILLED, 0) end
end

local function host_of(disk)
    local names, files = disk.names, {}
    function files.read(path) return names[path] and names[path].text end
    function files.stat(path) return names[path] end
    function files.stage(_, text, options)
        step(disk)
        names[options.name] = { text = text }
        return options.name
    end
    function files.unlink(path)
        step(disk)
        if not names[path] then return nil, path .. " is missing" end
        names[path] = nil
        return true
    end
    function files.link(path, name)
        step(disk)
        names[name] = names[path]
        return names[path] ~= nil
    end
    function files.swap(staged, path)
        step(disk)
        if disk.refused[path] and staged ~= path then return nil, path .. " cannot be replaced" end
        if not names[staged] then return nil, staged .. " is missing" end
        if names[staged] == names[path] then return true end -- as rename does
        names[path], names[staged] = names[staged], nil
        return true
    end
    return { files = files, json = json, hash = function(_, text) return "hash of " .. text end }
end

local function path_of(i)
    return "/etc/file" .. i
end

-- Which of the files are there before, as bits; a file that is not is made.
local function before(bits)
    local names = {}
    for i = 1, COUNT do
        if bits & 1 << (i - 1) ~= 0 then names[path_of(i)] = "old " .. i end
    end
    return names
end

local function stage_all(disk, generation)
    local list = {}
    for i = 1, COUNT do
        local name = swap.staged_name(path_of(i))
        disk.names[name] = { text = generation .. " " .. i }
        list[i] = { path = path_of(i), new = name, text = generation .. " " .. i }
    end
    return list
end

-- The rest of f when it is killed is not done. "killed", or what it returns.
local function run(disk, killed_at, f, ...)
    disk.steps, disk.killed_at = 0, killed_at
    local results = table.pack(pcall(f, ...))
    disk.killed_at = math.huge
    if not results[1] and results[2] == KILLED then return "killed" end
    assert(results[1], results[2])
    return table.unpack(results, 2, results.n)
end

-- -- what must hold

local function state_of(disk, bits)
    local is_old, is_new = true, true
    for i = 1, COUNT do
        local file = disk.names[path_of(i)]
        local text = file and file.text
        local old = bits & 1 << (i - 1) ~= 0 and "old " .. i or nil
        is_old, is_new = is_old and text == old, is_new and text == "new " .. i
    end
    return is_old and "old" or is_new and "new" or "mixed"
end

local function check_no_leftovers(disk, what)
    swap.tidy(host_of(disk), JOURNAL, { path_of(1), path_of(2), path_of(3) })
    for name in pairs(disk.names) do
        if not name:find "^/etc/file%d$" and not name:find "%.bak$" then error(what .. " leaves " .. name, 0) end
    end
end

local function describe(case)
    return ("files %d, refused %s, for ever %s, killed before step %s, then %s"):format(case.bits, tostring(case.refused),
        tostring(case.for_ever), tostring(case.first), tostring(case.second))
end

-- One death, then another one while the first is put right, then none. Whether both came.
local function try(case)
    local disk = disk_of(before(case.bits))
    local list, what = stage_all(disk, "new"), describe(case)
    if case.refused then disk.refused[path_of(case.refused)] = true end
    local first = run(disk, case.first, swap.all, host_of(disk), JOURNAL, list, true)
    if not case.for_ever then disk.refused = {} end
    local second = run(disk, case.second, swap.recover, host_of(disk), JOURNAL)
    if second ~= "killed" then assert(state_of(disk, case.bits) ~= "mixed", what) end
    local third = run(disk, math.huge, swap.recover, host_of(disk), JOURNAL)
    local state = state_of(disk, case.bits)
    assert(third ~= false, what .. ": it cannot be put right")
    assert(state ~= "mixed", what .. ": the sets are mixed")
    assert(not case.refused or not case.for_ever or state == "old", what .. ": what was refused is there")
    assert(first ~= true or state == "new", what .. ": what was done is not there")
    assert(first ~= nil or state == "old", what .. ": what failed is there")
    check_no_leftovers(disk, what)
    return first == "killed", second == "killed"
end

local function try_all_second_deaths(case)
    case.second = math.huge
    local any = try(case)
    local number, killed = 0, true
    while killed do
        number = number + 1
        case.second = number
        local _
        _, killed = try(case)
    end
    return any
end

local cases = 0

local function each_step_may_be_the_last()
    for bits = 0, 7 do
        for refused = 0, COUNT do
            for _, for_ever in ipairs(refused == 0 and { false } or { false, true }) do
                local first, killed = 0, true
                while killed do
                    first = first + 1
                    killed = try_all_second_deaths { bits = bits, refused = refused > 0 and refused, for_ever = for_ever,
                        first = first }
                    cases = cases + 1
                end
            end
        end
    end
    assert(cases > 500, cases)
end

-- After a power cut a journal may be there again whose removal had not reached the disk: what was staged since, and not
-- checked yet, must not get into place by it.
local function an_old_journal_does_nothing()
    for _, way in ipairs { ".swap", ".unswap" } do
        local disk = disk_of(before(7))
        local journal
        local host = host_of(disk)
        local unlink = host.files.unlink
        function host.files.unlink(path)
            if path == JOURNAL .. ".swap" then journal = disk.names[path] end
            return unlink(path)
        end
        assert(swap.all(host, JOURNAL, stage_all(disk, "new")))
        stage_all(disk, "unchecked")
        disk.names[JOURNAL .. way] = assert(journal)
        assert(swap.recover(host_of(disk), JOURNAL))
        assert(state_of(disk, 7) == "new", way)
        check_no_leftovers(disk, way)
    end
end

local function a_journal_that_cannot_be_read_is_told()
    local disk = disk_of { [JOURNAL .. ".swap"] = "{" }
    local went, err = swap.recover(host_of(disk), JOURNAL)
    assert(went == false and err:find "/state/group.swap", err)
end

local function one_file_needs_no_journal()
    local disk = disk_of(before(7))
    local list = { stage_all(disk, "new")[2] }
    local host = host_of(disk)
    function host.files.stage() error "a journal" end
    assert(swap.all(host, JOURNAL, list, true))
    assert(disk.names[path_of(2)].text == "new 2" and disk.names[path_of(2) .. ".bak"].text == "old 2")
    disk.names[list[1].new] = { text = "newer" }
    list[1].text, disk.refused[path_of(2)] = "newer", true
    local done, err = swap.all(host, JOURNAL, list, true)
    assert(not done and err:find "cannot be replaced")
    assert(disk.names[path_of(2)].text == "new 2" and not disk.names[list[1].new])
end

each_step_may_be_the_last()
an_old_journal_does_nothing()
a_journal_that_cannot_be_read_is_told()
one_file_needs_no_journal()
print("ok, " .. cases .. " deaths")
