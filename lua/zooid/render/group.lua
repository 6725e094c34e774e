-- zooid.render.group: files that belong together. All are rendered from one state of the tree, staged, checked together
-- by a command, put in place, and then one reload is run. When anything fails before that, what was there stays.
--
-- With `directory` the files are the content of a folder that is a link, which turns from one set to the next at once.
local template = require "zooid.template"
local template_data = require "zooid.template_data"
local commands = require "zooid.render.commands"
local diff = require "zooid.render.diff"
local swap = require "zooid.render.swap"

local Group = {}
Group.__index = Group

-- `host`: what the zooid module has of files, run, log, hash, json; `shared`: what groups have together, { last }.
local function new(settings, host, shared)
    return setmetatable({
        settings = settings, host = host, shared = shared, name = settings.name, templates = {}, sections = {}, known = {},
        state = "waiting", message = "", renders = 0, changes = 0, failures = 0,
    }, Group)
end

-- -- templates

local function folder_of(path)
    return path:match "^(.*)/[^/]*$" or "."
end

function Group:compile_file(path, file)
    local text, err = self.host.files.read(path)
    if not text then return nil, tostring(err) end
    return template.compile(text, { name = path, open = file.open, close = file.close, trim = file.trim })
end

-- nil and what is wrong, with file and line.
function Group:compile()
    for i, file in ipairs(self.settings.files) do
        local compiled, err = self:compile_file(file.template, file)
        if not compiled then return nil, tostring(err) end
        self.templates[i] = compiled
    end
    return true
end

local function host_functions(self, file)
    local host = self.host
    return {
        json = host.json, hash = host.hash, env = os.getenv, host_name = host.host_name and host.host_name(),
        read = function(path) return host.files.read(path) end,
        include = function(name)
            local path = name:sub(1, 1) == "/" and name or folder_of(file.template) .. "/" .. name
            return self:compile_file(path, file)
        end,
    }
end

-- -- rendered

local function render_file(self, view, i, result)
    local settings = self.settings
    local environment, reading = template_data.environment {
        view = view, missing = settings.missing, empty = settings.empty, services = self.shared.services,
        last = self.shared.last, decoded = self.shared.decoded, sections = self.sections[i],
        host = host_functions(self, settings.files[i]),
    }
    local text, err = self.templates[i]:render(environment, { nothing = reading.nothing })
    for path in pairs(reading.read) do result.read[path] = true end
    for path in pairs(reading.unknown) do result.unknown[path] = true end
    for name in pairs(reading.guarded) do result.guarded[name] = true end
    for name, list in pairs(reading.seen) do result.seen[name] = list end
    if next(reading.unknown) then return nil end
    if text then self.sections[i] = reading.kept end
    return text, err
end

-- All files from one state of the view, without a wait: { texts, read, unknown, guarded, seen, err }. With `unknown`
-- paths it means nothing until they are followed, too.
function Group:render(view)
    local result = { texts = {}, read = {}, unknown = {}, guarded = {}, seen = {}, err = nil }
    for i in ipairs(self.settings.files) do
        local text, err = render_file(self, view, i, result)
        if err and not next(result.unknown) then
            result.err = err
            return result
        end
        result.texts[i] = text
    end
    if not next(result.unknown) then
        self.renders = self.renders + 1
        for name, list in pairs(result.seen) do self.shared.last[name] = list end
    end
    return result
end

-- -- where the files are

-- The folder that a link leads to has one of two names in turn.
local function next_folder(self)
    local link = self.settings.directory
    local now, first = self.host.files.stat(link .. "/."), self.host.files.stat(link .. ".1/.")
    local is_first = now and first and now.inode == first.inode
    return link .. (is_first and ".2" or ".1")
end

function Group:path_of(i)
    local path = self.settings.files[i].path
    return self.settings.directory and self.settings.directory .. "/" .. path or path
end

-- What was put in place is remembered, so that it need not be read as long as nobody else has touched it.
local function is_untouched(known, found)
    return known and known.inode == found.inode and known.mtime_ms == found.mtime_ms and known.size == found.size
end

local function is_in_place(self, i, text)
    local path = self:path_of(i)
    local found = self.host.files.stat(path)
    if not found or found.size ~= #text or found.mode ~= self.settings.files[i].mode then return false end
    local known = self.known[i]
    local there = is_untouched(known, found) and known.text or self.host.files.read(path)
    if there ~= text then return false end
    self.known[i] = found
    found.text = text
    return true
end

local function remember(self, texts)
    for i, text in ipairs(texts) do
        self.known[i] = self.host.files.stat(self:path_of(i))
        if self.known[i] then self.known[i].text = text end
    end
end

-- What a rendering would change: "" when nothing.
function Group:diff(texts)
    local parts = {}
    for i, text in ipairs(texts) do
        local path = self:path_of(i)
        parts[#parts + 1] = diff(path, (self.host.files.read(path)), text)
    end
    return table.concat(parts)
end

-- -- staged, checked, swapped

local function discard(self, staged)
    for _, name in pairs(staged) do self.host.files.unlink(name) end
end

local function stage(self, texts, changed, folder)
    local staged, files = {}, self.host.files
    for i, file in ipairs(self.settings.files) do
        if changed[i] then
            local name = folder and folder .. "/" .. file.path or swap.staged_name(file.path)
            local err
            name, err = files.stage(name, texts[i], {
                mode = file.mode, owner = file.owner, group = file.group, name = name })
            if not name then
                discard(self, staged)
                return nil, tostring(err)
            end
            staged[i] = name
        end
    end
    return staged
end

local function journal_of(self)
    local folder = self.host.state_dir and self.host.state_dir()
    return folder and folder .. "/" .. self.name or self:path_of(1) .. ".zooid"
end

local function swap_files(self, staged, texts)
    local list = {}
    for i in ipairs(self.settings.files) do
        if staged[i] then list[#list + 1] = { path = self:path_of(i), new = staged[i], text = texts[i] } end
    end
    local done, err = swap.all(self.host, journal_of(self), list, self.settings.backup)
    return done, err and tostring(err)
end

-- The link leads to the new folder, whose files have their names already. A file in the place of itself: the folder is
-- synced.
local function swap_folder(self, staged, folder)
    local files, link = self.host.files, self.settings.directory
    local made, err = files.swap(staged[1], staged[1])
    files.unlink(link .. ".zooid-new")
    if made then made, err = files.symlink(folder:match "[^/]*$", link .. ".zooid-new") end
    if made then made, err = files.swap(link .. ".zooid-new", link) end
    return made and true or nil, err and tostring(err)
end

-- -- together

local function changed_files(self, texts)
    local changed, any = {}, false
    for i, text in ipairs(texts) do
        changed[i] = not is_in_place(self, i, text)
        any = any or changed[i]
    end
    if any and self.settings.directory then
        for i in ipairs(texts) do changed[i] = true end
    end
    return changed, any
end

-- It goes as a whole: who still reads the set before the last one misses a file, and does not find another set's.
local function empty_folder(self, folder)
    for _, file in ipairs(self.settings.files) do self.host.files.unlink(folder .. "/" .. file.path) end
    os.remove(folder)
end

local function prepare_folder(self)
    if not self.settings.directory then return true end
    local folder = next_folder(self)
    empty_folder(self, folder)
    local made, err = self.host.files.mkdir(folder, 0x1ed)
    return made and folder or nil, err and tostring(err)
end

-- nil, what went wrong, and whether the texts themselves were refused.
local function install(self, texts, changed)
    local folder, err = prepare_folder(self)
    if not folder then return nil, err end
    folder = self.settings.directory and folder or nil
    local staged
    staged, err = stage(self, texts, changed, folder)
    if not staged then return nil, err end
    if self.settings.validate then
        local ok
        ok, err = commands.check(self, staged, folder)
        if not ok then
            discard(self, staged)
            return nil, "the check has failed: " .. err, true
        end
    end
    commands.set_due(self, true)
    if folder then return swap_folder(self, staged, folder) end
    return swap_files(self, staged, texts)
end

-- -- alone

local no_lock <const> = setmetatable({}, { __close = function() end })

-- Around a reload of the plugin two processes have the group; one of them at a time may put its files in place. Nil and
-- an error, which says `retry` when it is the other one.
local function lock(self)
    local folder = self.host.state_dir and self.host.state_dir()
    if not folder then return no_lock end
    return self.host.files.lock(folder .. "/" .. self.name .. ".lock")
end

-- What a process before this one was killed in is ended. True and what was done, if anything; nil and what went wrong.
local function recover(self)
    if self.settings.directory then return true end
    local went, err = swap.recover(self.host, journal_of(self))
    if went == false then return nil, tostring(err) end
    return true, went
end

-- At the start, before anything else.
function Group:recover()
    local alone <close>, why = lock(self)
    if not alone then return why.retry, not why.retry and tostring(why) or nil end -- who has it is not dead
    local done, went = recover(self)
    if not done or alone == no_lock or self.settings.directory then return done, went end
    local paths = {}
    for i in ipairs(self.settings.files) do paths[i] = self:path_of(i) end
    swap.tidy(self.host, journal_of(self), paths)
    return done, went
end

-- As install.
local function install_alone(self, texts)
    local alone <close>, why = lock(self)
    if not alone then return nil, tostring(why), false, why.retry and "busy" end
    local done, err = recover(self)
    if not done then return nil, err end
    return install(self, texts, (changed_files(self, texts)))
end

local function fail(self, state, message)
    self.failures = self.failures + 1
    self.state, self.message = state, message
    return nil, message
end

-- A rendering that came to nothing: an error of the template's, or of ours.
function Group:refuse(err)
    local kept = type(err) == "table" and err.kind == "keep"
    return fail(self, kept and "kept" or "failed", tostring(err))
end

-- The same texts that were refused once are not tried again, unless `force`.
local function was_refused(self, texts)
    if not self.refused then return false end
    for i, text in ipairs(texts) do
        if self.refused[i] ~= text then return false end
    end
    return true
end

-- True, and "changed" or "unchanged"; nil and what went wrong: then the old files are in place (state "refused" by the
-- check, or "failed"), or the new ones are, and their reader does not know of it yet (state "not reloaded"); nil, a
-- message and "busy" when it has to be rendered again soon.
function Group:apply(texts, force)
    local _, any = changed_files(self, texts)
    if any and was_refused(self, texts) and not force then return nil, self.message end
    self.refused = nil
    if any then
        local ok, err, refused, busy = install_alone(self, texts)
        if busy then return nil, err, busy end
        if not ok then
            self.refused = refused and texts or nil
            return fail(self, refused and "refused" or "failed", err)
        end
        self.changes = self.changes + 1
        remember(self, texts)
    end
    if any or self.reload_due then
        local ok, err = commands.reload(self)
        if not ok then return fail(self, "not reloaded", err) end
    end
    self.state, self.message = "good", ""
    return true, any and "changed" or "unchanged"
end

return { new = new }
