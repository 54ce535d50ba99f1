--- Functions that call back, as functions that wait.
---
---     local resolve = co.wrap(chuck.resolver.resolve, { callback_at = 3 })
---     local addresses, message, code = resolve(engine, "example.org")
---
--- The task parks until the callback is called, and goes on with what the callback was given. When
--- the function itself answers `nil, message, …`, that is the outcome, and nobody waits.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")

local pack, unpack = compat.pack, compat.unpack

local OPTIONS = { callback_at = "positive integer", timeout_ms = "milliseconds" }

--- A field of what may have none.
local function field(value, name)
  return value[name]
end

--- The function goes on without anybody waiting: what can be cancelled is.
local function leave(self, task)
  self.is_left = true
  local operation = self.operation
  local kind = type(operation)
  local has_fields, cancel
  if kind == "table" or kind == "userdata" then
    has_fields, cancel = pcall(field, operation, "Cancel")
  end
  if has_fields and cancel then
    local fine, problem = pcall(cancel, operation)
    if not fine then
      report.tell(task, problem, debug.traceback())
    end
  end
end

--- Arguments with the callback among them.
local function with_callback(callback, at, ...)
  local args = pack(...)
  at = at or args.n + 1
  for i = math.max(args.n, at - 1), at, -1 do
    args[i + 1] = args[i]
  end
  args[at] = callback
  return args, math.max(args.n, at - 1) + 1
end

--- Waits for the callback, unless it has come, or never will.
---@async
local function await(call, timeout_ms, ...)
  if not call.results then
    if select("#", ...) >= 2 and (...) == nil then
      call.is_left = true
      return ...
    end
    call.operation, call.is_parked = ..., true
    if sched.park(call, timeout_ms) == sched.TIMEOUT then
      return nil, ("no answer in %g ms"):format(timeout_ms), "ETIMEDOUT"
    end
  end
  return unpack(call.results, 1, call.results.n)
end

--- Makes a function that waits of `fn(…, callback)`.
--- @param fn function
--- @param options table? `callback_at`: which argument the callback is; `timeout_ms`
--- @return function
local function wrap(fn, options)
  check.type("wrap", 1, fn, "function")
  check.options("wrap", 2, options, OPTIONS)
  local at = options and options.callback_at
  local timeout_ms = options and options.timeout_ms
  return function(...)
    local task = sched.parking()
    local call = {
      what = "a callback",
      Leave = leave,
      --- What the callback was given; what the function has answered.
      results = false,
      operation = nil,
      --- Whether the task waits for the callback, and whether it has ceased to. Until the function
      --- has returned it may wait for something else.
      is_parked = false,
      is_left = false,
    }
    local args, count = with_callback(function(...)
      if not call.results and not call.is_left then
        call.results = pack(...)
        if call.is_parked then
          sched.wake(task, true)
        end
      end
    end, at, ...)
    return await(call, timeout_ms, fn(unpack(args, 1, count)))
  end
end

return wrap
