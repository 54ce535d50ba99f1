--- Tasks: code that waits without blocking the loop.
---
---     local co = require("chuck").co
---     co.run(function()
---       local task = co.spawn(function() co.sleep(10) return "slept" end)
---       print(task:Join())                    --> slept
---     end)

local actor = require("chuck.co.actor")
local channel = require("chuck.co.channel")
local check = require("chuck.support.check")
local frame = require("chuck.co.frame")
local locals = require("chuck.co.locals")
local report = require("chuck.co.report")
local run = require("chuck.co.run")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local sync = require("chuck.co.sync")
require("chuck.co.task")

local co = {
  run = run.run,
  stop = run.stop,
  attach = run.attach,
  detach = run.detach,
  spawn = sched.spawn,
  sleep = sched.sleep,
  yield = sched.yield,
  wait = sched.wait,
  wakeup = sched.wakeup,
  current = sched.current,
  now = sched.now,
  deadline = frame.deadline,
  pcall = sched.pcall,
  xpcall = sched.xpcall,
  is_cancelled = sched.is_stop,
  on_error = report.on_error,
  set_watchdog = require("chuck.co.watch").set,
  stats = sched.stats,
  tasks = require("chuck.co.list"),
  set_local = locals.set,
  get_local = locals.get,
  scope = scope.open,
  with_deadline = scope.with_deadline,
  shield = scope.shield,
  channel = channel.new,
  select = require("chuck.co.select"),
  mutex = sync.mutex,
  semaphore = sync.semaphore,
  condition = sync.condition,
  wait_group = sync.wait_group,
  future = sync.future,
  pool = require("chuck.co.pool").new,
  actor = actor.spawn,
  find_actor = actor.find,
  broadcast = actor.broadcast,
  wrap = require("chuck.co.wrap"),
}

--- As `task:Join`.
---@async
function co.join(task, timeout_ms)
  check.type("join", 1, task, "task")
  check.timeout("join", 2, timeout_ms)
  return task:Join(timeout_ms)
end

--- As `task:Cancel`.
function co.cancel(task, message)
  check.type("cancel", 1, task, "task")
  check.message("cancel", 2, message)
  return task:Cancel(message)
end

return co
