-- zooid: the znode tree, sessions, children and time for scripts and plugins in Lua. zooid-lua(7) has every function.
--
-- What is not here is C's (zooid.core): a call that takes time suspends its task and returns when the answer has come.
-- Failure is nil and an error: a table with code, name, message, path, retry and outcome_unknown.
local zooid = require "zooid.core"
local write_all, call = zooid.multi, zooid.call

for name, recipe in pairs(require "zooid.recipes") do zooid[name] = recipe end

-- The node and all below it; not atomic. True also when nothing was there.
function zooid.delete_recursive(path)
    local nodes, err = zooid.subtree(path, { latest = true })
    if not nodes then
        if err.code == zooid.NO_NODE then return true end
        return nil, err
    end
    for i = #nodes, 1, -1 do
        local done
        done, err = zooid.delete(nodes[i].path)
        if not done and err.code ~= zooid.NO_NODE then return nil, err end
    end
    return true
end

-- several writes, all or none: zooid.multi():set("/a", "1"):delete("/b"):commit()
local Multi = {}
Multi.__index = Multi

for _, kind in ipairs { "create", "set", "delete", "check" } do
    Multi[kind] = function(self, ...)
        self[#self + 1] = { kind, ... }
        return self
    end
end

function Multi:commit(options)
    return write_all(self, options)
end

-- Without parts: a builder. With a list of parts, as { "set", "/a", "1" }: they are done.
function zooid.multi(parts, options)
    if parts then return write_all(parts, options) end
    return setmetatable({}, Multi)
end

-- Like zooid.call, for a command whose request and answer are JSON: plugin("health", "status", "web").
function zooid.plugin(provider, command, ...)
    local answer, err = call(provider, command, zooid.json.encode { args = zooid.json.array { ... } })
    if not answer then return nil, err end
    return zooid.json.decode(answer)
end

return zooid
