-- zooid.template: text with Lua in it, compiled to a function whose errors name the template's file and line.
--
--     <% code %>    <%= expression %>    <%# remark %>
--
-- A line that holds nothing but code and remarks leaves no line behind (`trim = false`: it does). Anywhere else `<%-`
-- takes away the blanks before it, and `-%>` what is left of its line when that is blank. Other delimiters may be given.
-- To print a delimiter: <%= "<%" %>; within code a string that holds the closing one is written as "%" .. ">".
--
--     local t, err = template.compile(text, { name = "web.tmpl", open = "<%", close = "%>" })
--     local text, err = t:render(environment)     -- err: { kind, message, path }, as text its message
local template = {}

local Template = {}
Template.__index = Template

-- An error that says more than its text: raised by what a template calls, handed out by render().
local Failure = {}
Failure.__index = Failure
Failure.__tostring = function(self) return self.message end

-- `level`: as error's, seen from the caller.
function template.raise(kind, message, path, level)
    local _, where = pcall(error, "", (level or 1) + 2)
    error(setmetatable({ kind = kind, message = where .. message, path = path }, Failure), 0)
end

-- -- taken apart

local function count_lines(text)
    local _, count = text:gsub("\n", "")
    return count
end

local function fail(name, line, message)
    return nil, setmetatable({ kind = "syntax", message = name .. ":" .. line .. ": " .. message }, Failure)
end

local kinds = { ["="] = "expression", ["#"] = "remark" }

-- What stands between the delimiters: { kind, text, line, trims before, trims behind }.
local function read_tag(body, line)
    local tag = { kind = "code", line = line }
    if body:sub(1, 1) == "-" then
        tag.trims_before = true
        body = body:sub(2)
    end
    local kind = kinds[body:sub(1, 1)]
    if kind then
        tag.kind = kind
        body = body:sub(2)
    end
    if body:sub(-1) == "-" then
        tag.trims_behind = true
        body = body:sub(1, -2)
    end
    tag.text = body
    return tag
end

-- A list of tags and of texts, which have kind "text".
local function scan(text, name, open, close)
    local parts, at, line = {}, 1, 1
    while true do
        local first, last = text:find(open, at, true)
        local plain = text:sub(at, (first or 0) - 1)
        parts[#parts + 1] = { kind = "text", text = plain, line = line, lines = count_lines(plain) }
        if not first then return parts end
        line = line + count_lines(plain)
        local close_first, close_last = text:find(close, last + 1, true)
        if not close_first then return fail(name, line, "'" .. open .. "' without '" .. close .. "'") end
        local body = text:sub(last + 1, close_first - 1)
        parts[#parts + 1] = read_tag(body, line)
        line = line + count_lines(body)
        at = close_last + 1
    end
end

-- -- trimmed

local function is_silent(part)
    return part.kind == "code" or part.kind == "remark"
end

local function is_blank(text)
    return not text:find "[^ \t]"
end

-- The last part of the run of tags that begins at `first` with nothing but blanks between them.
local function run_end(parts, first)
    local last = first
    while parts[last + 2] and is_silent(parts[last + 2]) and is_blank(parts[last + 1].text) do last = last + 2 end
    return last
end

-- Texts and tags alternate, beginning and ending with a text. A run of silent tags that has its lines for itself goes
-- with them.
local function trim_lines(parts)
    local at = 2
    while parts[at] do
        if is_silent(parts[at]) then
            local last = run_end(parts, at)
            local before, behind = parts[at - 1], parts[last + 1]
            local begins = before.text:match "\n([ \t]*)$" or (at == 2 and before.text:match "^([ \t]*)$")
                or (before.ends_line and before.text:match "^([ \t]*)$")
            local rest = behind.text:match "^[ \t]*\r?\n" or (parts[last + 2] == nil and behind.text:match "^[ \t]*$")
            if begins and rest then
                for i = at - 1, last - 1, 2 do
                    if i > at - 1 then parts[i].text = "" end
                end
                before.text = before.text:sub(1, #before.text - #begins)
                behind.text = behind.text:sub(#rest + 1)
                behind.ends_line = true
            end
            at = last
        end
        at = at + 2
    end
end

local function trim_tags(parts)
    for i = 2, #parts, 2 do
        local tag, before, behind = parts[i], parts[i - 1], parts[i + 1]
        if tag.trims_before then before.text = before.text:gsub("[ \t]+$", "") end
        if tag.trims_behind then behind.text = behind.text:gsub("^[ \t]*\r?\n", "", 1) end
    end
end

-- -- made into Lua, each piece on its own line of the template

-- What ends with a remark would swallow what follows on its line.
local function closed(text)
    return text:match "[^\n]*$":find("--", 1, true) and text .. "\n" or text
end

local function check_expression(part, name)
    local lead = ("\n"):rep(part.line - 1)
    local ok, message = load(lead .. "return (" .. closed(part.text) .. ")", "@" .. name, "t", {})
    if not part.text:find "%S" then ok, message = nil, name .. ":" .. part.line .. ": an expression is missing" end
    if ok then return true end
    return nil, setmetatable({ kind = "syntax", message = message }, Failure)
end

local writers = {}

function writers.text(part, texts)
    texts[#texts + 1] = part.text
    return "__texts[" .. #texts .. "]"
end

-- Lua puts texts and numbers together by itself. Where something else is printed all is done again the careful way.
local fast, careful = '"" .. ((', "__text(("

function writers.expression(part, _, way)
    return way .. closed(part.text) .. "))"
end

-- The first line of what is made. Names that begin with two underscores are its own.
local prelude = "local __add, __texts, __type, __other, _ENV = ... "
    .. "local function __text(v) if __type(v) == 'string' then return v end v = __other(v) return v end "

local RUN_MAX = 40 -- of values that are put together at once; Lua has a register for each

-- Pieces of Lua, each on the line that its part has in the template.
local Pieces = {}
Pieces.__index = Pieces

function Pieces:put(piece, line)
    if line and line > self.line then
        self[#self + 1] = ("\n"):rep(line - self.line)
        self.line = line
    end
    self[#self + 1] = piece
    self.line = self.line + count_lines(piece)
end

-- Texts and expressions that follow each other are put together in one go.
function Pieces:print(value, line)
    if self.run == RUN_MAX then self:end_run() end
    self:put(self.run == 0 and " __add(" or " .. ", line)
    self:put(value)
    self.run = self.run + 1
end

function Pieces:end_run()
    if self.run > 0 then self:put "); " end
    self.run = 0
end

local function generate(parts, name, lines, way)
    local pieces, texts = setmetatable({ line = 1, run = 0 }, Pieces), {}
    for _, part in ipairs(parts) do
        if part.kind == "expression" then
            local ok, err = check_expression(part, name)
            if not ok then return nil, err end
        end
        if part.kind == "code" then
            pieces:end_run()
            pieces:put(" " .. closed(part.text) .. " ", part.line)
        elseif writers[part.kind] and part.text ~= "" then
            pieces:print(writers[part.kind](part, texts, way), part.line)
        end
    end
    pieces:end_run()
    pieces:put(("\n"):rep(lines - pieces.line))
    return prelude .. table.concat(pieces), texts
end

-- nil and an error that names file and line when it is not right.
function template.compile(text, options)
    options = options or {}
    local name = options.name or "template"
    local parts, err = scan(text, name, options.open or "<%", options.close or "%>")
    if not parts then return nil, err end
    if options.trim ~= false then trim_lines(parts) end
    trim_tags(parts)
    local made = { name = name }
    for _, way in ipairs { fast, careful } do
        local code, texts = generate(parts, name, count_lines(text) + 1, way)
        if not code then return nil, texts end
        local chunk, message = load(code, "@" .. name, "t", {})
        if not chunk then return nil, setmetatable({ kind = "syntax", message = message }, Failure) end
        made[way], made.texts = chunk, texts
    end
    made.chunk = made[fast]
    return setmetatable(made, Template)
end

-- -- rendered

local function as_text(value, nothing)
    if value == nil then value = nothing end
    if type(value) == "string" then return value end
    if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
    if value == nil then template.raise("missing", "there is nothing to print: the expression is nil", nil, 4) end
    template.raise("type", "a " .. type(value) .. " cannot be printed", nil, 4)
end

-- What is printed; capture(f) is what f prints, which goes nowhere else.
local function writer()
    local out, n = {}, 0
    local function add(value)
        n = n + 1
        out[n] = value
    end
    local function capture(f, ...)
        local first = n + 1
        f(...)
        local text = table.concat(out, "", first, n)
        for i = first, n do out[i] = nil end
        n = first - 1
        return text
    end
    return out, add, capture
end

-- What the template assigns to goes into a table that ends with the rendering.
local function own_names(environment)
    return setmetatable({}, {
        __index = function(_, name)
            local value = environment[name]
            if value == nil then template.raise("name", "there is no '" .. tostring(name) .. "'", nil, 2) end
            return value
        end,
    })
end

local function run(self, environment, nothing)
    local out, add, capture = writer()
    local outer = { rawget(environment, "print"), rawget(environment, "capture") }
    local function convert(value)
        local as = as_text(value, nothing)
        return as
    end
    environment.print, environment.capture = function(value) add(convert(value)) end, capture
    local ok, err = pcall(self.chunk, add, self.texts, type, convert, own_names(environment))
    environment.print, environment.capture = outer[1], outer[2]
    if ok then return table.concat(out) end
    return nil, err
end

-- What a template sees is `environment`; a name that is not there is an error. `options.nothing`: text that stands for
-- nil. `print` and `capture` are put into the environment.
function Template:render(environment, options)
    local nothing = options and options.nothing
    local text, err = run(self, environment, nothing)
    if not text and getmetatable(err) ~= Failure and self.chunk ~= self[careful] then
        self.chunk = self[careful]
        text, err = run(self, environment, nothing)
    end
    if text or getmetatable(err) == Failure then return text, err end
    return nil, setmetatable({ kind = "error", message = tostring(err) }, Failure)
end

return template
