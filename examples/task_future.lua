--- Callbacks and tasks meet: what reports by a callback is waited for, and a callback starts tasks.
---
---     lua5.4 examples/task_future.lua
local chuck = require("chuck")

local co = chuck.co

local engine = chuck.engine()

--- As many libraries have it: the answer comes later, by a callback.
local function slow_sum(a, b, callback)
  chuck.RegTimer(engine, 20, function()
    callback(a + b)
    return -1
  end)
end

--- The same for tasks. The callback is the last argument of the function that is wrapped.
local sum = co.wrap(slow_sum)

co.run(function()
  print("one after another: " .. sum(1, 2) + sum(3, 4))

  -- Several at once: a future for each, looked at when they are needed.
  local futures = {}
  for n = 1, 5 do
    futures[n] = co.future()
    slow_sum(n, n, function(result)
      futures[n]:Set(result)
    end)
  end
  local all = 0
  for _, future in ipairs(futures) do
    all = all + assert(future:Get(1000))
  end
  print("five at once: " .. all)

  -- The other way: a callback may not wait, but what it starts may.
  local told = co.future()
  chuck.RegTimer(engine, 10, function()
    co.spawn(function()
      co.sleep(10)
      told:Set("a callback has started a task that has slept")
    end)
    return -1
  end)
  print((told:Get()))
end, { engine = engine })
