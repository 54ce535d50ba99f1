--- A network toolkit for Lua.
---
---     local chuck = require("chuck")
---     local engine = chuck.engine()
---     chuck.RegTimer(engine, 1000, function() print("a second has passed") end)
---     engine:Run()
---
--- Everything native is here as it is; what is written in Lua is loaded when it is first used.

local native = require("chuck.native")

local chuck = {}
for name, value in pairs(native) do
  chuck[name] = value
end

return chuck
