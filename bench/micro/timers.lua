--- chuck: timers added, cancelled and expired per CPU second, one million live at once.
---
---     lua timers.lua [COUNT]      1000000

local chuck = require("chuck")
local rate = require("rate")

local count = tonumber(arg[1]) or 1000000
local engine = chuck.engine()
local RegTimer = chuck.RegTimer
local timers = {}
for index = 1, count do
  timers[index] = false -- the table has its size before the clock runs
end

local function never() end

local function add_far()
  local begin = os.clock()
  for index = 1, count do
    timers[index] = RegTimer(engine, 60000 + index % 30000, never)
  end
  rate.report("add", count, os.clock() - begin)
end

local function cancel_all()
  local begin = os.clock()
  for index = 1, count do
    timers[index]:UnRegister()
  end
  rate.report("cancel", count, os.clock() - begin)
end

local function expire_all()
  local expired = 0
  local function once()
    expired = expired + 1
    if expired == count then
      engine:Stop()
    end
    return -1
  end
  for index = 1, count do
    timers[index] = RegTimer(engine, 1 + index % 1000, once)
  end
  local begin = os.clock()
  engine:Run(60000) -- bounded: Stop ends it
  rate.report("expire", expired, os.clock() - begin)
  assert(expired == count, "not every timer has expired")
end

add_far()
assert(engine:Stats().timers == count, "not all timers are live")
cancel_all()
collectgarbage()
expire_all()
