--- luv: the work of timers.lua.
---
---     lua luv_timers.lua [COUNT]      1000000
---
--- To add is `new_timer` and `start`, to cancel is `stop` and `close`: what it takes to get rid
--- of a timer, as `UnRegister` does. Expired timers are not closed within the measured time.

local rate = require("rate")
local uv = require("luv")

local count = tonumber(arg[1]) or 1000000
local timers = {}
for index = 1, count do
  timers[index] = false -- the table has its size before the clock runs
end

local function never() end

local function add_far()
  local begin = os.clock()
  for index = 1, count do
    local timer = uv.new_timer()
    timer:start(60000 + index % 30000, 0, never)
    timers[index] = timer
  end
  rate.report("add", count, os.clock() - begin)
end

local function cancel_all()
  local begin = os.clock()
  for index = 1, count do
    timers[index]:stop()
    timers[index]:close()
  end
  uv.run("nowait") -- closes them
  rate.report("cancel", count, os.clock() - begin)
end

local function expire_all()
  local expired = 0
  local function once()
    expired = expired + 1
  end
  for index = 1, count do
    timers[index] = uv.new_timer()
    timers[index]:start(1 + index % 1000, 0, once)
  end
  local begin = os.clock()
  uv.run() -- ends when no timer is active
  rate.report("expire", expired, os.clock() - begin)
  assert(expired == count, "not every timer has expired")
end

add_far()
cancel_all()
collectgarbage()
expire_all()
os.exit(0) -- the million expired timers are not closed one by one
