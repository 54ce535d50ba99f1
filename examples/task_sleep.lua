--- Tasks that sleep: each at its own pace, all on one thread.
---
---     lua5.4 examples/task_sleep.lua
---
--- Ends when every task has ended, or on Ctrl-C, which wakes the sleepers with an error.
local chuck = require("chuck")

local co = chuck.co

io.stdout:setvbuf("line")

--- Sleeps so many times, and returns how long that took in milliseconds.
local function sleeper(name, ms, times)
  local start = co.now()
  for n = 1, times do
    co.sleep(ms)
    print(("%s: nap %d of %d"):format(name, n, times))
  end
  return co.now() - start
end

co.run(function()
  local tasks = {
    co.spawn(sleeper, "cat", 40, 5),
    co.spawn(sleeper, "dog", 70, 3),
    co.spawn(sleeper, "owl", 100, 2),
    co.spawn(sleeper, "bear", 200, 1),
  }
  local longest = 0
  for _, task in ipairs(tasks) do
    longest = math.max(longest, task:Join())
  end
  print(("four sleepers, %d ms of sleep in about %d ms"):format(810, longest))
end)
