--- When a task fails: who is told, what ends with it, and how it is tried again.
---
---     lua5.4 examples/task_errors.lua
local chuck = require("chuck")

local co = chuck.co

local function fail_after(ms, words)
  co.sleep(ms)
  error(words, 0)
end

--- Sleeps for a long time, and tidies up however that ends.
local function patient()
  local fine, problem = co.pcall(co.sleep, 60000)
  print("patient tidies up: " .. tostring(problem))
  if not fine then
    error(problem, 0) -- a cancelled task goes on ending
  end
end

co.run(function()
  -- Who joins is told.
  local task = co.spawn(fail_after, 5, "the cable is out")
  local _, message, code = task:Join()
  print("joined:", code, message:match("^[^\n]*")) -- a traceback follows

  -- A scope: the first error cancels the others, and is raised from it.
  print(
    "scope:",
    co.pcall(co.scope, function(scope)
      scope:Spawn(patient)
      scope:Spawn(fail_after, 10, "the disk is full")
    end)
  )

  -- A deadline: everything inside is cancelled, and that is no error.
  print("deadline:", co.with_deadline(20, patient))

  -- Again, a little later each time.
  local attempts = 0
  local function flaky()
    attempts = attempts + 1
    if attempts < 3 then
      error("not yet", 0)
    end
    return "done after " .. attempts .. " attempts"
  end
  local wait = 5
  local fine, result = co.pcall(flaky)
  while not fine do
    co.sleep(wait)
    wait = wait * 2
    fine, result = co.pcall(flaky)
  end
  print("retry:", result)
end)
