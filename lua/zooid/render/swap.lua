-- zooid.render.swap: staged files take the places of others, all of them or none, also when we are killed meanwhile.
--
-- One rename is whole by itself. Of several a journal tells, a file that is there from before the first rename until
-- behind the last: what is to take whose place, and whether there was an old file. Whoever comes next reads it and goes
-- on: forward, or back when one could not be put in place. A file is told by the hash of its content, for after a power
-- cut a journal may be back whose files have long been others. Only one process at a time may do this to a group.
local swap = {}

-- For a file that takes another's place, and for its backup.
local function old_name(path)
    return path .. ".zooid-old"
end

local function is(host, path, hash)
    local text = host.files.read(path)
    return text ~= nil and host.hash("sha256", text) == hash
end

-- -- the journal: it stands under one of two names, the second one when it goes back

local function names_of(journal)
    return journal .. ".swap", journal .. ".unswap"
end

local function staged_plan(name)
    return name .. ".new"
end

local function write_plan(host, name, plan)
    local staged, err = host.files.stage(name, host.json.encode(plan), { mode = 0x180, name = staged_plan(name) })
    if staged then staged, err = host.files.swap(staged, name) end
    return staged and true or nil, err
end

-- Nil: there is none; false and what is wrong with it.
local function read_plan(host, name)
    local text = host.files.read(name)
    if not text then return nil end
    local ok, plan = pcall(host.json.decode, text)
    if ok and type(plan) == "table" and type(plan.files) == "table" then return plan end
    return false, name .. ": it cannot be read"
end

-- -- both ways. Each step may have been done before.

local function forward(host, plan, is_staged)
    for _, item in ipairs(plan.files) do
        if is_staged(host, item.new, item.hash) then
            local done, err = host.files.swap(item.new, item.path)
            if not done then return nil, err end
        end
    end
    return true
end

local function back(host, plan)
    local files = host.files
    for i = #plan.files, 1, -1 do
        local item = plan.files[i]
        local old, done, err = old_name(item.path), true, nil
        if is(host, item.new, item.hash) then
            files.unlink(old) -- a second name: it goes first, so that who comes next does not take it for one that was replaced
            done, err = files.unlink(item.new)
        elseif item.had_old and files.stat(old) then
            done, err = files.swap(old, item.path)
        elseif not item.had_old and is(host, item.path, item.hash) then
            done, err = files.unlink(item.path)
        end
        if not done then return nil, err end
    end
    return true
end

local function forget_old(host, plan)
    for _, item in ipairs(plan.files) do
        local old = old_name(item.path)
        if plan.backup and host.files.stat(old) then host.files.link(old, item.path .. ".bak") end
        host.files.unlink(old)
    end
end

-- -- together

-- Each old file gets a second name, and all names are on the disk before the journal is.
local function keep_old(host, plan)
    local files, synced = host.files, {}
    for _, item in ipairs(plan.files) do
        local old, folder = old_name(item.path), item.path:match "^.*/" or ""
        files.unlink(old)
        item.had_old = files.stat(item.path) ~= nil
        local done, err = true, nil
        if item.had_old then done, err = files.link(item.path, old) end
        if done and not synced[folder] then done, err = files.swap(item.new, item.new) end -- in its own place: the folder
        if not done then return nil, err end
        synced[folder] = true
    end
    return true
end

local function discard(host, plan)
    for _, item in ipairs(plan.files) do
        host.files.unlink(item.new)
        host.files.unlink(old_name(item.path))
    end
end

-- When that cannot be done, either, the journal stays for whoever comes next.
local function turn_back(host, plan, journal)
    local there, away = names_of(journal)
    if #plan.files > 1 then host.files.swap(there, away) end
    local done, err = back(host, plan)
    if not done then return nil, err end
    host.files.unlink(away)
    return true
end

local function is_fresh()
    return true
end

-- `list`: { path, new, text }: what is to stand at a path, and where it is staged. Nil and what went wrong: then all is as
-- it was.
function swap.all(host, journal, list, backup)
    local there = names_of(journal)
    local plan = { backup = backup, files = {} }
    for i, item in ipairs(list) do
        plan.files[i] = { path = item.path, new = item.new, hash = host.hash("sha256", item.text) }
    end
    local done, err = keep_old(host, plan)
    if done and #list > 1 then done, err = write_plan(host, there, plan) end
    if not done then
        host.files.unlink(there)
        discard(host, plan)
        return nil, err
    end
    done, err = forward(host, plan, is_fresh)
    if not done then
        turn_back(host, plan, journal)
        return nil, err
    end
    forget_old(host, plan)
    if #list > 1 then host.files.unlink(there) end
    return true
end

local function recover_back(host, journal)
    local _, away = names_of(journal)
    local plan, err = read_plan(host, away)
    if not plan then return plan, err end
    local done
    done, err = back(host, plan)
    if not done then return false, err end
    host.files.unlink(away)
    return "back"
end

local function recover_forward(host, journal)
    local there = names_of(journal)
    local plan, err = read_plan(host, there)
    if not plan then return plan, err end
    if not forward(host, plan, is) then
        local done
        done, err = turn_back(host, plan, journal)
        return done and "back", err
    end
    forget_old(host, plan)
    host.files.unlink(there)
    return "forward"
end

-- Ends what one before us has begun: "forward", "back", or nil when there was nothing; false and why it cannot be ended.
function swap.recover(host, journal)
    local went, err = recover_back(host, journal)
    if went == false then return false, err end
    local second
    second, err = recover_forward(host, journal)
    if second == nil then return went end
    return second, err
end

-- What one before us has left that had no journal yet, or needed none.
function swap.tidy(host, journal, paths)
    host.files.unlink(staged_plan(names_of(journal)))
    for _, path in ipairs(paths) do
        host.files.unlink(old_name(path))
        host.files.unlink(swap.staged_name(path))
    end
end

function swap.staged_name(path)
    return path .. ".zooid-new"
end

return swap
