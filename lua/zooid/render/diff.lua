-- zooid.render.diff: two texts as a unified diff.
local text = require "zooid.template_text"

local CONTEXT = 3
local STEPS_MAX = 2000 -- edits that are looked for; beyond it, all of what differs is shown as one change

-- The path of the shortest edit (Myers): for each number of edits how far each diagonal got. nil: too many.
local function search(a, b)
    local reach, trace = { [1] = 0 }, {}
    for d = 0, math.min(#a + #b, STEPS_MAX) do
        local step = {}
        for k = -d, d, 2 do
            local x
            if k == -d or (k ~= d and (reach[k - 1] or -1) < (reach[k + 1] or -1)) then
                x = reach[k + 1]
            else
                x = reach[k - 1] + 1
            end
            local y = x - k
            while x < #a and y < #b and a[x + 1] == b[y + 1] do x, y = x + 1, y + 1 end
            reach[k], step[k] = x, x
            if x >= #a and y >= #b then
                trace[d] = step
                return trace, d
            end
        end
        trace[d] = step
    end
    return nil
end

-- From the end of the path back to its beginning: { sign, line } in order.
local function edits_of(a, b)
    local trace, d = search(a, b)
    local out = {}
    if not trace then
        for _, line in ipairs(a) do out[#out + 1] = { "-", line } end
        for _, line in ipairs(b) do out[#out + 1] = { "+", line } end
        return out
    end
    local x, y = #a, #b
    local function back(sign, line) out[#out + 1] = { sign, line } end
    while d > 0 do
        local before, k = trace[d - 1], x - y
        local down = k == -d or (k ~= d and (before[k - 1] or -1) < (before[k + 1] or -1))
        local from = down and before[k + 1] or before[k - 1]
        local from_k = down and k + 1 or k - 1
        local start_x = down and from or from + 1
        while x > start_x do
            back(" ", a[x])
            x, y = x - 1, y - 1
        end
        if down then back("+", b[y]) else back("-", a[x]) end
        x, y, d = from, from - from_k, d - 1
    end
    while x > 0 do
        back(" ", a[x])
        x = x - 1
    end
    local ordered = {}
    for i = #out, 1, -1 do ordered[#ordered + 1] = out[i] end
    return ordered
end

-- Which lines are shown: those that differ, and some around them.
local function shown(edits)
    local show = {}
    for i, edit in ipairs(edits) do
        if edit[1] ~= " " then
            for j = math.max(1, i - CONTEXT), math.min(#edits, i + CONTEXT) do show[j] = true end
        end
    end
    return show
end

local function header(old_at, old_count, new_at, new_count)
    local function range(at, count)
        if count == 0 then at = at - 1 end
        return count == 1 and tostring(at) or at .. "," .. count
    end
    return ("@@ -%s +%s @@"):format(range(old_at, old_count), range(new_at, new_count))
end

-- "" when they are equal. `old` nil: there was no such file.
local function diff(name, old, new)
    local out = { "--- " .. (old and name or "/dev/null"), "+++ " .. name }
    if old == new then return "" end
    local edits = edits_of(text.lines(old or ""), text.lines(new))
    local show, i, old_at, new_at = shown(edits), 1, 1, 1
    local function passed(sign)
        if sign ~= "+" then old_at = old_at + 1 end
        if sign ~= "-" then new_at = new_at + 1 end
    end
    while i <= #edits do
        if not show[i] then
            passed(edits[i][1])
            i = i + 1
        else
            local hunk, old_from, new_from = {}, old_at, new_at
            while show[i] do
                hunk[#hunk + 1] = edits[i][1] .. edits[i][2]
                passed(edits[i][1])
                i = i + 1
            end
            out[#out + 1] = header(old_from, old_at - old_from, new_from, new_at - new_from)
            out[#out + 1] = table.concat(hunk, "\n")
        end
    end
    return table.concat(out, "\n") .. "\n"
end

return diff
