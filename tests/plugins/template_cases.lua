-- template_cases.lua - runs text cases of the template engine with Lua alone: lua5.4 template_cases.lua FILE...
--
-- A case begins with "==== title". Its sections: "---- data" (path = value; \n stands for a new line), "---- before" (the
-- same, rendered first: what the guard of empty services has seen), "---- options" (name = value, for compile and for the
-- environment), "---- file NAME" (for include), "---- template", and "---- output" or "---- error".
local root = arg[0]:match "^(.*)/tests/plugins/" or "."
package.path = root .. "/lua/?.lua;" .. root .. "/tests/plugins/?.lua"

local json = require "small_json"
local template = require "zooid.template"
local template_data = require "zooid.template_data"
local view = require "zooid.view"

local function unescape(s)
    return (s:gsub("\\n", "\n"))
end

local function read_pairs(text)
    local map = {}
    for name, value in (text or ""):gmatch "([^\n]-) = ([^\n]*)\n" do map[name] = unescape(value) end
    return map
end

local function read_cases(path)
    local cases, case, section = {}, nil, nil
    for line in io.lines(path) do
        local title, name = line:match "^==== (.*)$", line:match "^%-%-%-%- (.*)$"
        if title then
            case, section = { title = title, files = {} }, nil
            cases[#cases + 1] = case
        elseif name then
            section = name
            case[section] = ""
        elseif section then
            case[section] = case[section] .. line .. "\n"
        end
    end
    return cases
end

-- Stands for a digest, so that what is built on it can be told from the text: not a real one.
local function fake_hash(algorithm, bytes)
    return (algorithm .. ":" .. bytes):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
end

local function host_of(case)
    local host = { json = json, hash = fake_hash, host_name = "this-host" }
    function host.env(name) return name == "HOME" and "/home/x" or nil end
    function host.read(path)
        if path == "/etc/motd" then return "hello\n" end
        return nil, "No such file or directory"
    end
    function host.include(name)
        local text = case["file " .. name]
        if not text then return nil, name .. " is not there" end
        return template.compile(text:sub(1, -2), { name = name })
    end
    return host
end

local function render(compiled, case, options, nodes, last)
    local environment, reading = template_data.environment {
        view = view.of(nodes), missing = options.missing, empty = options.empty, services = options.services, last = last,
        host = host_of(case), variables = { colour = "green" },
    }
    local result, err = compiled:render(environment, { nothing = reading.nothing })
    for name, list in pairs(reading.seen) do last[name] = list end
    return result, err, reading
end

local function run(case)
    local options, last = read_pairs(case.options), {}
    local compiled, err = template.compile(case.template:sub(1, -2), {
        name = "t", open = options.open, close = options.close, trim = options.trim ~= "false" })
    if not compiled then return nil, err end
    if case.before then render(compiled, case, options, read_pairs(case.before), last) end
    local result, failure, reading = render(compiled, case, options, read_pairs(case.data), last)
    if options.show == "read" then
        local paths = {}
        for path in pairs(reading.read) do paths[#paths + 1] = path end
        table.sort(paths)
        return table.concat(paths, "\n")
    end
    return result, failure
end

local failed, count = 0, 0
for _, path in ipairs(arg) do
    for _, case in ipairs(read_cases(path)) do
        local result, err = run(case)
        local said = result or (err.kind .. ": " .. err.message)
        local wanted = (result and case.output or not result and case.error or ""):sub(1, -2)
        count = count + 1
        if said:gsub("\n+$", "") ~= wanted:gsub("\n+$", "") or (result and not case.output) then
            failed = failed + 1
            print(path .. ": " .. case.title .. "\nexpected\n" .. (case.output or case.error) .. "but got\n" .. said .. "\n")
        end
    end
end
print(("%d passed, %d failed, 0 skipped"):format(count - failed, failed))
os.exit(failed == 0 and count > 0)
