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
local frame = require("chuck.co.frame")
local origin = require("chuck.co.origin")
local sched = require("chuck.co.sched")

local unpack, pack = compat.unpack, compat.pack

local scope = {}

---@class chuck.co.Scope
local Scope = {}
Scope.__index = Scope
Scope.__metatable = "scope"

--- A task in the scope has raised, or its own body: the first error ends everything, and is raised
--- from the scope. False for a further one.
local function on_failure(self, task, problem)
  if self.failure or not self.is_open then
    return false
  end
  self.failure = { error = problem, task = task }
  frame.cancel_scope(self, sched.stop_reason("ECANCELED", "a task beside has failed"))
  return true
end

local function new()
  return setmetatable({
    --- How many tasks are in it. Those that have parked stand in the array part, up to `last`, with
    --- numbers at the places that are free.
    count = 0,
    last = 0,
    free = false,
    --- Set by the scheduler: the task that has opened it, and what it was in before.
    owner = false,
    outer = false,
    outer_nursery = false,
    deadline = false,
    --- Why everything in it is to end, and that reason if it was the scope's own.
    stop = false,
    reason = false,
    --- The first error, with its task.
    failure = false,
    is_open = true,
    on_empty = false,
    on_failure = on_failure,
  }, Scope)
end

local function stop(self, code, message)
  if self.is_open and not self.reason and not self.stop then
    self.reason = sched.stop_reason(code, message)
    frame.cancel_scope(self, self.reason)
  end
end

--- What the scope has come to: an error to raise, why it was ended, or the body's results.
local function conclude(self, results)
  local failure = self.failure
  if failure then
    if failure.task then
      self.owner.cause = { error = failure.error, traceback = failure.task.failure.traceback }
    end
    error(failure.error, 0)
  elseif self.reason then
    return nil, self.reason.message, self.reason.code
  elseif results[1] then
    return unpack(results, 2, results.n)
  end
  error(results[2], 0)
end

--- Ends the scope at its deadline: a timer, or nil when there is none, or an earlier one outside.
local function watch(self, deadline_ms)
  if deadline_ms and deadline_ms < math.huge then
    return sched.timer(deadline_ms, function()
      stop(self, "ETIMEDOUT", ("the deadline of %g ms has passed"):format(deadline_ms))
    end)
  end
end

local function run(self, deadline_ms, fn, ...)
  frame.enter(self, deadline_ms and sched.now() + deadline_ms)
  local timer = watch(self, deadline_ms)
  local results = pack(sched.pcall(fn, ...))
  local problem = results[2]
  if not results[1] and not (self.stop and sched.is_stop(problem)) then
    if not on_failure(self, false, problem) then
      local place = origin.traceback(self.owner, "in a scope that had failed already", problem)
      sched.report(self.owner, problem, place)
    end
  end
  local is_drained, why = sched.pcall(frame.drain, self)
  if not is_drained then
    frame.cancel_scope(self, sched.stop_reason("ECANCELED", "the scope cannot wait for its tasks"))
  end
  self.is_open = false
  if timer then
    timer:UnRegister()
  end
  frame.leave(self)
  if not is_drained then
    -- It cannot wait here: inside of Lua 5.1's own pcall, or of a function in C.
    error(why, 0)
  end
  return conclude(self, results)
end

local function current_task(name)
  if not sched.current() then
    error(("'%s' is for tasks: use it inside of co.run or co.spawn"):format(name), 3)
  end
end

--- Runs `fn(scope)` and waits for every task that was started in it.
---@async
function scope.open(fn, options)
  check.type("scope", 1, fn, "function")
  check.options("scope", 2, options, { deadline_ms = "milliseconds" })
  current_task("scope")
  local self = new()
  return run(self, options and options.deadline_ms, fn, self)
end

--- Runs `fn(...)` in a scope with a deadline.
---@async
function scope.with_deadline(deadline_ms, fn, ...)
  check.type("with_deadline", 1, deadline_ms, "milliseconds")
  check.type("with_deadline", 2, fn, "function")
  current_task("with_deadline")
  return run(new(), deadline_ms, fn, ...)
end

local function unshield(shield, fine, ...)
  frame.leave(shield)
  if not fine then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)` so that no cancellation and no deadline from outside reaches its waits: what has
--- come meanwhile is raised at the next wait behind it.
---@async
function scope.shield(fn, ...)
  check.type("shield", 1, fn, "function")
  current_task("shield")
  local shield = { is_shield = true, owner = false, outer = false, outer_nursery = false }
  frame.enter(shield)
  return unshield(shield, sched.pcall(fn, ...))
end

--- Starts a task in the scope. It may be called from anywhere while the scope is open.
function Scope:Spawn(fn, ...)
  check.self("Spawn", self, "scope")
  check.type("Spawn", 1, fn, "function")
  if not self.is_open then
    error("the scope has ended: nothing can be started in it", 2)
  end
  local task = sched.start(self, fn, ...)
  return task
end

--- Ends everything in the scope; `scope` then answers `nil, message, "ECANCELED"`.
function Scope:Cancel(message)
  check.self("Cancel", self, "scope")
  check.message("Cancel", 1, message)
  stop(self, "ECANCELED", message or "cancelled")
end

--- How many tasks are in it.
function Scope:Count()
  check.self("Count", self, "scope")
  return self.count
end

return scope
