--- A lock: what one task does with it, no other does meanwhile.
---
---     local lock = mutex.new()
---     lock:With(function() ... end)
---
--- Who waits longest is served first. A task that ends with the lock keeps it for ever: use `With`.

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local mutex = {}

---@class chuck.co.Mutex
local Mutex = {}
Mutex.__index = Mutex
Mutex.__metatable = "mutex"

--- A lock that nobody has. It cannot be taken twice by the same task.
function mutex.new()
  return setmetatable({
    --- The task that has it; false while nobody waits either.
    owner = false,
    list = waiters.new("mutex"),
  }, Mutex)
end

--- Gives the lock to the one who has waited longest.
function mutex.pass_on(self)
  local entry = self.list:Take()
  self.owner = entry or false
  if entry then
    sched.complete(entry, sched.DONE)
  end
end

--- A wait for a lock that cancelling does not end.
local Retaking = { is_deaf = true, what = "mutex" }
Retaking.__index = Retaking

function Retaking:Leave(task)
  self.list:Leave(task)
end

--- Takes the lock, whatever happens meanwhile: the caller has had it, and is to give it back.
---@async
function mutex.retake(self, task)
  if not self.owner then
    self.owner = task
    return
  end
  local waiter = setmetatable({ list = self.list }, Retaking)
  self.list:Add(task)
  sched.park(waiter)
end

--- Takes the lock; parks while another task has it. True, or `nil, "timeout", "ETIMEDOUT"`. Raises
--- when this task has it already.
---@async
function Mutex:Lock(timeout_ms)
  check.self("Lock", self, "mutex")
  check.timeout("Lock", 1, timeout_ms)
  local task = sched.parking()
  if not self.owner then
    self.owner = task
    return true
  elseif self.owner == task then
    error("this task has the lock already", 2)
  end
  return self.list:Wait(task, timeout_ms)
end

--- Takes the lock if nobody has it: whether it did.
function Mutex:TryLock()
  check.self("TryLock", self, "mutex")
  local task = sched.current()
  if not task then
    error("only a task can have a lock: use it inside of co.run or co.spawn", 2)
  end
  local is_free = not self.owner
  if is_free then
    self.owner = task
  end
  return is_free
end

--- Gives the lock to the one who has waited longest. Raises when this task does not have it.
function Mutex:Unlock()
  check.self("Unlock", self, "mutex")
  if not self.owner or self.owner ~= sched.current() then
    error(self.owner and "another task has the lock" or "nobody has the lock", 2)
  end
  mutex.pass_on(self)
end

local function give_back(self, task, fine, ...)
  if self.owner == task then
    mutex.pass_on(self)
  end
  if not fine then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)` with the lock, and gives it back however that ends: what `fn` returns.
---@async
function Mutex:With(fn, ...)
  check.self("With", self, "mutex")
  check.type("With", 1, fn, "function")
  local task = sched.parking()
  if not self.owner then
    self.owner = task
  elseif self.owner == task then
    error("this task has the lock already", 2)
  else
    self.list:Wait(task)
  end
  return give_back(self, task, sched.pcall(fn, ...))
end

--- Whether a task has it.
function Mutex:IsLocked()
  check.self("IsLocked", self, "mutex")
  return self.owner ~= false
end

return mutex
