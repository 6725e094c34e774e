-- zooid.render.program: `zooid render`: the plugin render in the foreground, once, or only shown.
--
--     program.lua run|once|diff WAIT_MS FROM [GROUP ...]
--
-- FROM: a file of JSON, { "path": "data", ... }, instead of an agent; "-": none. once and diff end when WAIT_MS have passed
-- in vain.
local zooid = require "zooid"
local plugin = require "zooid.render.plugin"
local view = require "zooid.view"

local LOOK_MS = 5

local function complain(message)
    io.stderr:write("zooid: ", tostring(message), "\n")
    os.exit(1)
end

local function read_view(path)
    local text, err = zooid.files.read(path)
    local ok, nodes = pcall(zooid.json.decode, text or "")
    if not text then complain(err) end
    if not ok or type(nodes) ~= "table" then complain(path .. ": " .. tostring(not ok and nodes or "an object is expected")) end
    return view.of(nodes)
end

-- What f returns as soon as the tree is there.
local function when_there(wait_ms, f)
    local deadline = zooid.now_ms() + wait_ms
    while true do
        local result, err = f()
        if result ~= nil or err ~= "waits for the tree" then return result, err end
        if zooid.now_ms() > deadline then return nil, "the tree was not there within " .. wait_ms .. " ms" end
        zooid.sleep(LOOK_MS)
    end
end

local jobs = {}

function jobs.once(render, service)
    local ok, what = service:update(true)
    if ok then print(service.group.name .. ": " .. what) end
    return ok, what
end

function jobs.diff(render, service)
    local text, err = render:diff_of(service)
    if text then io.write(text) end
    return text, err
end

local function do_each(render, job, wait_ms, names)
    local failed = false
    local services, err = render:chosen(names)
    if not services then complain(err) end
    for _, service in ipairs(services) do
        service.exec = nil
        local done, why = when_there(wait_ms, function() return job(render, service) end)
        if done == nil then
            failed = true
            io.stderr:write("zooid: ", service.group.name, ": ", tostring(why), "\n")
        end
    end
    os.exit(not failed)
end

local mode, wait_ms, from = arg[1], tonumber(arg[2]), arg[3]
local render, wrong = plugin.new(zooid, zooid.settings())
if not render then
    zooid.config_error(wrong.key, wrong.message)
    os.exit(1)
end
if from ~= "-" then render.source.view = read_view(from) end
if mode == "run" then
    render:start()
    zooid.sleep(0xffffffff)
end
function render:changed() end -- nothing is done by itself
do_each(render, jobs[mode], wait_ms, { table.unpack(arg, 4) })
