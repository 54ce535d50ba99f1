--- The beginning and the end of a program of tasks: engine, scheduler, signals.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

--- What the scheduler needs of an engine.
local function driver_of(engine)
  return {
    engine = engine,
    post = function(fn)
      engine:Post(fn)
    end,
    timer = function(ms, fn)
      return native.RegTimer(engine, ms, fn)
    end,
    now = native.systick,
  }
end

local function run(fn, ...)
  local engine = native.engine()
  local root = sched.attach(driver_of(engine), function(task, problem, traceback)
    io.stderr:write("task failed: ", tostring(problem), "\n", traceback, "\n")
  end)
  root.on_empty = function()
    engine:Stop()
  end
  local main = sched.start(root, fn, ...)
  engine:Run()
  sched.detach()
  return main:Join()
end

return run
