--- busted's command line on whichever Lua runs this file.
---
---     scripts/lua luajit scripts/busted.lua spec/packet_spec.lua
---
--- The program `busted` is tied to one Lua on most systems; its library is not.
--- CHUCK_GC=generational (Lua 5.4) or CHUCK_GC=eager runs everything under that collector.
local mode = os.getenv("CHUCK_GC")
if mode == "generational" then
  collectgarbage("generational")
elseif mode == "eager" then
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 400)
end

require("busted.runner")({ standalone = false })
