--- What tasks there are, for people.

local frame = require("chuck.co.frame")
local origin = require("chuck.co.origin")
local sched = require("chuck.co.sched")

local function describe(task, now)
  local worker = task.worker
  local waiter = worker and worker.waiter
  return {
    state = sched.state(task),
    --- Milliseconds since the pass in which it began.
    age = worker and now - worker.born or 0,
    --- What a parked task waits for.
    waits_for = waiter and (waiter.what or "wakeup") or nil,
    --- `file:line` of its start.
    site = origin.site(task),
    task = task,
  }
end

--- Every task that has not ended, oldest first.
local function tasks()
  local list = {}
  local now = sched.now()
  frame.each(function(task)
    list[#list + 1] = describe(task, now)
  end)
  table.sort(list, function(a, b)
    return a.age > b.age
  end)
  return list
end

return tasks
