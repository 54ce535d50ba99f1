--- chuck: lines logged per CPU second, and per second of the wall clock until they are written.
---
---     lua log.lua [COUNT]      1000000
---
--- CPU time is that of all threads of the process, so the writer's is in it. The file is in the
--- folder for temporary files and is removed.

local chuck = require("chuck")
local rate = require("rate")

local count = tonumber(arg[1]) or 1000000
local log = chuck.log
local name = os.tmpname()

--- Logs `count` lines by `line(n)` and reports both rates.
local function measure(title, options, line)
  options.path, options.console, options.max_bytes = name, false, 0
  local file = log.LogFile(name, options)
  collectgarbage()
  local cpu, wall = os.clock(), chuck.systick()
  for n = 1, count do
    line(file, n)
  end
  assert(log.flush(60000))
  rate.report(title, count, os.clock() - cpu)
  rate.report(title .. "_wall", count, math.max(chuck.systick() - wall, 1) / 1000)
  local stats = file:Stats()
  assert(stats.dropped == 0, stats.dropped .. " lines were dropped")
  os.remove(name)
end

measure("text", { format = "text" }, function(file)
  file:Log(0, "a line of a usual length, sixty characters of what happened")
end)
measure("fields", { format = "text" }, function(file, n)
  file:Log(0, "request", { id = n, path = "/players", ms = 1.5 })
end)
measure("json", { format = "json" }, function(file, n)
  file:Log(0, "request", { id = n, path = "/players", ms = 1.5 })
end)
