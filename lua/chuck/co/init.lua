--- Tasks: code that waits without blocking the loop.
---
---     local co = require("chuck").co
---     co.run(function()
---       local task = co.spawn(function() co.sleep(10) return "slept" end)
---       print(task:Join())                    --> slept
---     end)

local channel = require("chuck.co.channel")
local run = require("chuck.co.run")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local sync = require("chuck.co.sync")
require("chuck.co.task")

return {
  run = run,
  spawn = sched.spawn,
  sleep = sched.sleep,
  yield = sched.yield,
  current = sched.current,
  pcall = sched.pcall,
  xpcall = sched.xpcall,
  is_cancelled = sched.is_stop,
  scope = scope.open,
  channel = channel.new,
  select = require("chuck.co.select"),
  mutex = sync.mutex,
  semaphore = sync.semaphore,
  condition = sync.condition,
  wait_group = sync.wait_group,
  future = sync.future,
}
