--- busted's command line on whichever Lua runs this file.
---
---     scripts/lua luajit scripts/busted.lua spec/packet_spec.lua
---
--- The program `busted` is tied to one Lua on most systems; its library is not.
require("busted.runner")({ standalone = false })
