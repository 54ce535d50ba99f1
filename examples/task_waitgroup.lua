--- A wait group: count what is under way, and wait until nothing is.
---
---     lua5.4 examples/task_waitgroup.lua
---
--- For tasks of your own a scope does the same without counting. A wait group also counts what is
--- no task: callbacks, as here, or requests to somebody else.
local chuck = require("chuck")

local co = chuck.co

local engine = chuck.engine()

co.run(function()
  local group = co.wait_group()
  local answers = {}

  -- Callbacks of the engine.
  for n = 1, 3 do
    group:Add()
    chuck.RegTimer(engine, n * 10, function()
      answers[#answers + 1] = "timer " .. n
      group:Done()
      return -1
    end)
  end
  -- Tasks beside them.
  for n = 1, 3 do
    group:Add()
    co.spawn(function()
      co.sleep(n * 10 + 5)
      answers[#answers + 1] = "task " .. n
      group:Done()
    end)
  end

  local done, why = group:Wait(1000)
  print(done and table.concat(answers, ", ") or why)
end, { engine = engine })
