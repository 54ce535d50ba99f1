--- A timer that is a task: it repeats itself, keeps its state in locals, and is cancelled.
---
---     lua5.4 examples/task_timer.lua
local chuck = require("chuck")

local co = chuck.co

io.stdout:setvbuf("line")

--- Calls `fn(n)` every `ms` milliseconds until it returns false. It does not drift: what one round
--- takes is not slept in the next.
local function every(ms, fn)
  return co.spawn(function()
    local start, n = co.now(), 0
    repeat
      n = n + 1
      co.sleep(start + n * ms - co.now())
    until fn(n) == false
    return n
  end)
end

co.run(function()
  -- One that ends itself, a thousand times faster than anyone looks.
  local fast = every(1, function(n)
    return n < 100
  end)
  -- One that goes on until it is told.
  local slow = every(30, function(n)
    print(("tick %d"):format(n))
  end)
  print(("the fast one has run %d times"):format(fast:Join()))
  co.sleep(50)
  slow:Cancel()
  local _, why = slow:Join()
  print("the slow one: " .. why)
end)
