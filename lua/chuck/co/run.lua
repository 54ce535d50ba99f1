--- The beginning and the end of a program of tasks: engine, scheduler, signals, shutdown.
---
---     run(function()
---       spawn(serve)
---       sleep(1000)
---     end)                                    -- returns when every task has ended
---
--- SIGINT and SIGTERM cancel every task; what is shielded has a grace to end. A second signal takes
--- its default action.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local frame = require("chuck.co.frame")
local loop = require("chuck.co.loop")
local origin = require("chuck.co.origin")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")

local pack, unpack = compat.pack, compat.unpack

--- Time that tasks have to end once everything was cancelled, in milliseconds.
local GRACE = 10000

local OPTIONS = {
  engine = "engine",
  grace_ms = "milliseconds",
  signals = "boolean",
}

--- Everything is to end: the engine stops when that is done, or the grace has passed.
local function shut_down(self, code, message)
  if self.reason then
    return
  end
  self.reason = sched.stop_reason(code, message)
  self.grace = sched.timer(self.grace_ms, function()
    self.grace = false
    self.is_over = true
    self.engine:Stop()
  end)
  frame.cancel_all(self.reason)
end

--- The run that is under way, or false.
local running = false

local function conclude(self, main)
  if self.failure then
    error(self.failure.error, 0)
  elseif not main then
    return true
  elseif main.results then
    return unpack(main.results, 1, main.results.n)
  elseif self.reason and (main.home or main.failure) then
    return nil, self.reason.message, self.reason.code
  elseif main.failure then
    return nil, main.failure.error.message, main.failure.error.code
  end
end

--- Tells of an error of main, with its stack.
local function tell(problem)
  if not sched.is_stop(problem) then
    local task = sched.current()
    report.tell(task, problem, origin.traceback(task, debug.traceback(), problem))
  end
  return problem
end

--- What the main task does. An error ends everything, and is raised from `run` in the end.
local function main_of(self, fn)
  return function()
    local results = pack(sched.xpcall(fn, tell))
    if results[1] then
      return unpack(results, 2, results.n)
    elseif not sched.is_stop(results[2]) then
      self.failure = { error = results[2] }
      shut_down(self, "ECANCELED", "the main task has failed")
    end
    -- An error was told: as a cancellation it is not told again.
    error(self.reason or results[2], 0)
  end
end

--- Runs the engine until no task is left. Raises when it runs already, in a callback of its own.
local function run_engine(self, root)
  while root.count > 0 and not self.is_over do
    if self.engine:Run() ~= 0 then
      return nil, "the engine is closed", "EENGCLOSE"
    end
  end
  return true
end

--- Begins: tasks have a loop, signals are watched. Returns what undoes that.
local function set_up(self, root, has_signals)
  running = self
  root.on_empty = function()
    self.engine:Stop()
  end
  local unwatch = has_signals
    and loop.on_interrupt(self.engine, function(name)
      shut_down(self, "EINTR", "interrupted by " .. name)
    end)
  return function()
    running = false
    if unwatch then
      unwatch()
    end
    if self.grace then
      self.grace:UnRegister()
    end
    frame.forget_all()
    sched.detach()
    if self.owns_engine then
      self.engine:Close()
    end
  end
end

--- Runs `fn` and every task that is started meanwhile, until all have ended. Returns what `fn`
--- returns and raises what it raises; `nil, message, code` when it was cancelled: `"EINTR"` by a
--- signal, `"ECANCELED"` by `stop`.
local function run(fn, options)
  if fn ~= nil then
    check.type("run", 1, fn, "function")
  end
  check.options("run", 2, options, OPTIONS)
  options = options or {}
  local engine, message, code = options.engine
  if not engine then
    engine, message, code = loop.engine()
  end
  if not engine then
    return nil, message, code
  end
  local self = {
    engine = engine,
    owns_engine = not options.engine,
    grace_ms = options.grace_ms or GRACE,
    --- Why it was told to end, the timer of its grace, and whether that has passed.
    reason = false,
    grace = false,
    is_over = false,
    --- The error of the main task.
    failure = false,
  }
  local root = sched.attach(loop.driver(engine), report.tell)
  local tear_down = set_up(self, root, options.signals ~= false)
  local main = fn and sched.start(root, main_of(self, fn))
  local fine, has_run, why, name = pcall(run_engine, self, root)
  tear_down()
  if not fine then
    error(has_run, 2)
  elseif not has_run then
    return nil, why, name
  end
  return conclude(self, main)
end

local module = { run = run }

--- Lets tasks run in an engine that is run by others, until `detach`: `engine:Run()` does not
--- return when they have ended.
function module.attach(engine)
  check.alive("attach", 1, engine, "engine", "Stats")
  sched.attach(loop.driver(engine), report.tell)
end

--- Ends what `attach` has begun: tasks that have not ended are forgotten.
function module.detach()
  if running then
    error("tasks run in co.run: it ends when they have ended", 2)
  elseif sched.current() then
    error("a task cannot leave the loop that it runs in: use a callback", 2)
  end
  frame.forget_all()
  sched.detach()
end

--- Cancels every task; `run` returns when they have ended. False when nothing runs.
function module.stop(message_text)
  check.message("stop", 1, message_text)
  if not running then
    return false
  end
  shut_down(running, "ECANCELED", message_text or "stopped")
  return true
end

return module
