--- A result that comes later, for tasks that wait for what a callback, or another task, finds out.
---
---     local answer = future.new()
---     chuck.RegTimer(engine, 10, function() answer:Set(42) return -1 end)
---     print(answer:Get(1000))                         --> 42

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local pack, unpack = compat.pack, compat.unpack

local future = {}

---@class chuck.co.Future
local Future = {}
Future.__index = Future
Future.__metatable = "future"

function future.new()
  return setmetatable({
    --- What `Get` answers, with their number; false until then.
    results = false,
    --- Who waits; false while nobody has.
    list = false,
    --- A list that it leaves when it is settled.
    calls = false,
  }, Future)
end

--- The list of those who wait.
function future.list_of(self)
  local list = self.list
  if not list then
    list = waiters.new("future")
    self.list = list
  end
  return list
end

local function settle(self, results)
  if self.results then
    return false
  end
  self.results = results
  if self.calls then
    self.calls:Leave(self)
  end
  if self.list then
    self.list:Finish(sched.DONE)
  end
  return true
end

--- Has `Get` return these values, from now on and to everyone. True; false when it was settled
--- before: the first time counts.
function Future:Set(...)
  check.self("Set", self, "future")
  return settle(self, pack(...))
end

--- Has `Get` return `nil, message, code`. As `Set`, the first time counts.
function Future:Fail(message, code)
  check.self("Fail", self, "future")
  check.type("Fail", 1, message, "string")
  check.type("Fail", 2, code, "string")
  return settle(self, { n = 3, nil, message, code })
end

--- The results; parks until there are any. Otherwise `nil, message, code`: those of `Fail`, or
--- `nil, "timeout", "ETIMEDOUT"`.
---@async
function Future:Get(timeout_ms)
  check.self("Get", self, "future")
  check.timeout("Get", 1, timeout_ms)
  if not self.results then
    local done, why, code = future.list_of(self):Wait(sched.parking(), timeout_ms)
    if not done then
      return nil, why, code
    end
  end
  return unpack(self.results, 1, self.results.n)
end

--- Whether it was set, or has failed.
function Future:IsDone()
  check.self("IsDone", self, "future")
  return self.results ~= false
end

return future
