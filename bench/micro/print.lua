--- The neighbour of log.lua: what a program without a log does, `file:write` with `os.date`.
---
---     lua print.lua [COUNT]      1000000

local rate = require("rate")

local count = tonumber(arg[1]) or 1000000
local name = os.tmpname()
local file = assert(io.open(name, "w"))
local begin = os.clock()
for _ = 1, count do
  file:write("[    INFO]", os.date("%Y-%m-%d-%H:%M:%S"), ".000[1]:")
  file:write("a line of a usual length, sixty characters of what happened\n")
end
file:close()
rate.report("text", count, os.clock() - begin)
os.remove(name)
