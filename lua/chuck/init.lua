--- A network toolkit for Lua.
---
---     local chuck = require("chuck")
---     local engine = chuck.engine()
---     chuck.RegTimer(engine, 1000, function() print("a second has passed") end)
---     engine:Run()
---
--- Everything native is here as it is; what is written in Lua is loaded when it is first used.

local native = require("chuck.native")

--- What is internal: what users see of it is written in Lua.
local INTERNAL = { http = true, redis = true, web = true }

local chuck = {}

for name, value in pairs(native) do
  if not INTERNAL[name] then
    chuck[name] = value
  end
end

--- Written in Lua: name, and the module that is its value.
local LAZY = {
  co = "chuck.co",
  dial = "chuck.dial",
  http = "chuck.http",
  io = "chuck.io",
  listen = "chuck.listen",
  redis = "chuck.redis",
  rpc = "chuck.rpc",
}

return setmetatable(chuck, {
  __index = function(_, name)
    local module = LAZY[name]
    if module or name == "run" then
      local value = module and require(module) or require("chuck.co").run
      rawset(chuck, name, value)
      return value
    end
  end,
})
