-- zooid.render.commands: what a group runs: the check of what is staged, and the reload, which tells whoever reads the files
-- that they have changed.
local commands = {}

-- A command's words with {} for the first file, {2} for the second, {dir} for the new folder.
local function fill_in(group, words, staged, folder)
    local filled = {}
    for i, word in ipairs(words) do
        filled[i] = word:gsub("{(%w*)}", function(what)
            if what == "dir" then return folder end
            local number = what == "" and 1 or tonumber(what)
            local file = number and group.settings.files[number]
            if file then return staged[number] or group:path_of(number) end
        end)
    end
    return filled
end

-- nil and what it said, when it did not end with 0.
local function run(group, words, timeout_ms)
    local ended, err = group.host.run(words, { timeout_ms = timeout_ms })
    if not ended then return nil, words[1] .. ": " .. tostring(err) end
    if ended.status == 0 then return true end
    local how = ended.timed_out and "did not end within " .. timeout_ms .. " ms"
        or ended.signal ~= 0 and "was ended by signal " .. ended.signal or "ended with " .. ended.status
    local said = ((ended.output or "") .. (ended.error or "")):gsub("%s+$", "")
    return nil, words[1] .. " " .. how .. (said ~= "" and ":\n" .. said or "")
end

-- nil and what it said, when it does not like them.
function commands.check(group, staged, folder)
    local settings = group.settings
    return run(group, fill_in(group, settings.validate, staged, folder), settings.validate_timeout_ms)
end

-- -- the reload

-- Whether one is still due is kept in a file, so that it is made up for after a crash. No sync: a host that has lost
-- its power starts what reads the files anew.
local function mark_of(group)
    local folder = group.host.state_dir and group.host.state_dir()
    return folder and folder .. "/" .. group.name .. ".reload"
end

function commands.set_due(group, is_due)
    group.reload_due = is_due
    local path = mark_of(group)
    if not path then return end
    if not is_due then
        group.host.files.unlink(path)
        return
    end
    local file = io.open(path, "w")
    if file then file:close() end
end

function commands.look_whether_due(group)
    local path = mark_of(group)
    group.reload_due = path ~= nil and group.host.files.stat(path) ~= nil
end

local function signal_of(group)
    local pid, err = group.host.files.read(group.settings.pid_file)
    pid = pid and pid:match "%d+"
    if not pid then return nil, group.settings.pid_file .. ": " .. (err and tostring(err) or "there is no number") end
    return { "/bin/sh", "-c", 'kill -"$0" "$1"', group.settings.signal, pid }
end

-- Nil and what went wrong: then it is still due.
function commands.reload(group)
    local settings, ok, err = group.settings, true, nil
    if settings.reload then
        ok, err = run(group, fill_in(group, settings.reload, {}, settings.directory), settings.reload_timeout_ms)
    end
    if ok and settings.signal then
        local words
        words, err = signal_of(group)
        ok = words and true or nil
        if words then ok, err = run(group, words, settings.reload_timeout_ms) end
    end
    if not ok then return nil, err end
    commands.set_due(group, false)
    return true
end

return commands
