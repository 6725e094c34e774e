-- render: files made of templates, kept up to date with the tree. Its settings are described in zooid-render(7), the
-- code is in lua/zooid/render.
local zooid = require "zooid"
local plugin = require "zooid.render.plugin"

local render, wrong = plugin.new(zooid, zooid.settings())
if not render then
    zooid.config_error(wrong.key, wrong.message)
    error("the settings are not right", 0)
end
render:start()
