--- Scopes: tasks that end together.
---
---     scope.open(function(children)
---       children:Spawn(feed)
---       children:Spawn(drink)
---     end, { deadline_ms = 1000 })            -- returns when both have ended
---
--- A task cannot outlive the scope that it was started in. The first error in a scope cancels
--- everything else in it and is raised from it. A scope that was cancelled, or whose deadline has
--- passed, answers `nil, message, code` once everything in it has ended. Scopes nest.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")

local unpack, pack = compat.unpack, compat.pack

local scope = {}

---@class chuck.co.Scope
local Scope = {}
Scope.__index = Scope
Scope.__metatable = "scope"

--- A child has raised: the first error ends everything.
local function on_failure(self, task, problem)
  if not self.failure then
    self.failure = { error = problem, task = task }
    sched.cancel_frames(self.owner, self, sched.stop_reason("ECANCELED", "a task beside has failed"))
  end
end

local function new()
  return setmetatable({
    --- The tasks in it: a list, and their number.
    first = false,
    count = 0,
    --- The task that has opened it, and the frame around it.
    owner = false,
    outer = false,
    outer_nursery = false,
    --- Why everything in it is to end.
    cancelled = false,
    --- The reason, if it was this scope's own.
    reason = false,
    failure = false,
    timer = false,
    on_empty = false,
    on_failure = on_failure,
  }, Scope)
end

local function stop(self, code, message)
  if not self.reason and not self.cancelled then
    self.reason = sched.stop_reason(code, message)
    sched.cancel_frames(self.owner, self, self.reason)
  end
end

--- What the scope has come to: the body's results, an error to raise, or why it was ended.
local function conclude(self, results)
  local failure = self.failure
  if failure then
    self.owner.cause = failure.task
    error(failure.error, 0)
  elseif results[1] then
    if self.reason and self.is_late then
      return nil, self.reason.message, self.reason.code
    end
    return unpack(results, 2, results.n)
  elseif self.reason and results[2] == self.reason then
    return nil, self.reason.message, self.reason.code
  end
  error(results[2], 0)
end

--- Runs `fn(scope)` and waits for every task that was started in it.
---@async
function scope.open(fn, options)
  check.type("scope", 1, fn, "function")
  check.options("scope", 2, options, { deadline_ms = "milliseconds" })
  local self = new()
  sched.enter(self)
  local deadline = options and options.deadline_ms
  if deadline then
    self.timer = sched.timer(deadline, function()
      self.timer = false
      stop(self, "ETIMEDOUT", ("deadline of %g ms has passed"):format(deadline))
    end)
  end
  local results = pack(sched.pcall(fn, self))
  if not results[1] and not self.failure and results[2] ~= self.cancelled then
    on_failure(self, false, results[2])
  end
  sched.drain(self)
  if self.timer then
    self.timer:UnRegister()
  end
  sched.leave(self)
  return conclude(self, results)
end

--- Starts a task in the scope. It may be called from anywhere while the scope is open.
function Scope:Spawn(fn, ...)
  check.type("Spawn", 2, fn, "function")
  return sched.start(self, fn, ...)
end

--- Ends everything in the scope; `scope` then answers `nil, message, "ECANCELED"`.
function Scope:Cancel(message)
  stop(self, "ECANCELED", message or "cancelled")
end

return scope
