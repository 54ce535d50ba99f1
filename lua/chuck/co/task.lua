--- What can be done with a task from outside.
---
---     local task = sched.spawn(work, 1, 2)
---     local result, why, code = task:Join(1000)
---     task:Cancel()

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local frame = require("chuck.co.frame")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local unpack = compat.unpack

local task = {}

local Task = sched.Task

--- The list of those who wait for the end of a task.
function task.joiners_of(self)
  return sched.joiners(self, waiters.new)
end

--- What a task that has ended has come to.
local function outcome(self)
  local failure = self.failure
  if not failure then
    local results = self.results
    if results then
      return unpack(results, 1, results.n)
    end
    return
  elseif sched.is_stop(failure.error) then
    return nil, failure.error.message, failure.error.code, failure.error
  end
  local text = report.text(failure.error) .. "\n" .. failure.traceback
  return nil, text, "EFAULT", failure.error
end

--- Waits for the end: the results of its function. Otherwise `nil, message, code, error`: code
--- `"EFAULT"` when it has raised, with the traceback in the message and the error itself behind;
--- `"ECANCELED"` when it was cancelled; `"ETIMEDOUT"` when it still runs.
---@async
function Task:Join(timeout_ms)
  check.self("Join", self, "task")
  check.timeout("Join", 1, timeout_ms)
  if self.home then
    local joiner = sched.parking()
    if joiner == self then
      error("a task cannot wait for its own end", 2)
    end
    local list = task.joiners_of(self)
    list:Add(joiner)
    if sched.park(list, timeout_ms) == sched.TIMEOUT then
      return nil, ("the task still runs after %g ms"):format(timeout_ms), "ETIMEDOUT"
    end
  end
  return outcome(self)
end

--- Has it end: whatever it waits for, now or next, raises. False when it has ended already.
function Task:Cancel(message)
  check.self("Cancel", self, "task")
  check.message("Cancel", 1, message)
  if not self.home then
    return false
  end
  frame.cancel(self, sched.stop_reason("ECANCELED", message or "cancelled"))
  return true
end

--- Whether it has ended.
function Task:IsDone()
  check.self("IsDone", self, "task")
  return not self.home
end

--- `"ready"`, `"running"`, `"parked"` or `"done"`.
function Task:Status()
  check.self("Status", self, "task")
  return sched.state(self)
end

return task
