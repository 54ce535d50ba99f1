--- A number of permits, for what only so many tasks may do at once.
---
---     local seats = semaphore.new(3)
---     seats:With(function() ... end)
---
--- Who waits longest is served first: a permit that is given back changes hands without being free
--- in between.

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local semaphore = {}

---@class chuck.co.Semaphore
local Semaphore = {}
Semaphore.__index = Semaphore
Semaphore.__metatable = "semaphore"

--- So many permits, all free.
function semaphore.new(permits)
  check.type("semaphore", 1, permits, "count")
  return setmetatable({
    --- Free permits: none while somebody waits.
    permits = permits,
    list = waiters.new("semaphore"),
  }, Semaphore)
end

local function try(self)
  local has_one = self.permits > 0
  if has_one then
    self.permits = self.permits - 1
  end
  return has_one
end

local function release(self)
  local entry = self.list:Take()
  if entry then
    sched.complete(entry, sched.DONE)
  else
    self.permits = self.permits + 1
  end
end

--- Takes a permit; parks while there is none. True, or `nil, "timeout", "ETIMEDOUT"`.
---@async
function Semaphore:Acquire(timeout_ms)
  check.self("Acquire", self, "semaphore")
  check.timeout("Acquire", 1, timeout_ms)
  if try(self) then
    return true
  end
  return self.list:Wait(sched.parking(), timeout_ms)
end

--- Takes a permit if there is one: whether it did.
function Semaphore:TryAcquire()
  check.self("TryAcquire", self, "semaphore")
  return try(self)
end

--- Gives a permit back, to the one who has waited longest. Any task, and any callback, may do so.
function Semaphore:Release()
  check.self("Release", self, "semaphore")
  release(self)
end

local function give_back(self, fine, ...)
  release(self)
  if not fine then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)` with a permit, and gives it back however that ends: what `fn` returns.
---@async
function Semaphore:With(fn, ...)
  check.self("With", self, "semaphore")
  check.type("With", 1, fn, "function")
  if not try(self) then
    self.list:Wait(sched.parking())
  end
  return give_back(self, sched.pcall(fn, ...))
end

--- How many permits are free.
function Semaphore:Free()
  check.self("Free", self, "semaphore")
  return self.permits
end

return semaphore
