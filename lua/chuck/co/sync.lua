--- Locks and counters for tasks. Who waits longest is served first; who is cancelled holds nothing.
---
---     local lock = sync.mutex()
---     lock:With(function() ... end)

local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local pack, unpack = compat.pack, compat.unpack
local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

local sync = {}

--- Parks in a list: true, or `nil, "timeout", "ETIMEDOUT"`.
local function wait(list, timeout_ms)
  list:Add(sched.parking())
  if sched.park(list, timeout_ms) == TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  end
  return true
end

---@class chuck.co.Semaphore
local Semaphore = {}
Semaphore.__index = Semaphore

--- A number of permits.
function sync.semaphore(permits)
  return setmetatable({ permits = permits, list = waiters.new() }, Semaphore)
end

--- Takes a permit; parks while there is none.
---@async
function Semaphore:Acquire(timeout_ms)
  if self.permits > 0 then
    self.permits = self.permits - 1
    return true
  end
  return wait(self.list, timeout_ms)
end

--- Takes a permit if there is one.
function Semaphore:TryAcquire()
  local has_one = self.permits > 0
  if has_one then
    self.permits = self.permits - 1
  end
  return has_one
end

--- Gives a permit back, to the one who has waited longest.
function Semaphore:Release()
  local entry = self.list:Take()
  if entry then
    -- The permit changes hands without being free in between.
    sched.complete(entry, DONE)
  else
    self.permits = self.permits + 1
  end
end

--- Runs `fn(...)` with a permit, and gives it back however that ends.
---@async
function Semaphore:With(fn, ...)
  self:Acquire()
  return sync.finally(function()
    self:Release()
  end, sched.pcall(fn, ...))
end

--- Runs `last`, then returns or raises what a `pcall` has returned.
function sync.finally(last, fine, ...)
  last()
  if not fine then
    error((...), 0)
  end
  return ...
end

---@class chuck.co.Mutex
local Mutex = {}
Mutex.__index = Mutex

--- One permit, and who has it. It cannot be taken twice by the same task.
function sync.mutex()
  return setmetatable({ owner = false, list = waiters.new() }, Mutex)
end

--- Takes the lock; parks while another task has it.
---@async
function Mutex:Lock(timeout_ms)
  local task = sched.parking()
  if not self.owner then
    self.owner = task
    return true
  elseif self.owner == task then
    error("this task has the lock already", 2)
  end
  return wait(self.list, timeout_ms)
end

--- Gives the lock to the one who has waited longest.
function Mutex:Unlock()
  if self.owner ~= sched.current() then
    error("another task has the lock, or none", 2)
  end
  local entry = self.list:Take()
  self.owner = entry or false
  if entry then
    sched.complete(entry, DONE)
  end
end

--- Runs `fn(...)` with the lock, and gives it back however that ends.
---@async
function Mutex:With(fn, ...)
  self:Lock()
  return sync.finally(function()
    self:Unlock()
  end, sched.pcall(fn, ...))
end

---@class chuck.co.Condition
local Condition = {}
Condition.__index = Condition

--- Something that tasks wait for to become true. Look again after each wait.
function sync.condition()
  return setmetatable({ list = waiters.new() }, Condition)
end

--- Parks until told.
---@async
function Condition:Wait(timeout_ms)
  return wait(self.list, timeout_ms)
end

--- Wakes the one who has waited longest.
function Condition:Signal()
  local entry = self.list:Take()
  if entry then
    sched.complete(entry, DONE)
  end
end

--- Wakes everyone.
function Condition:Broadcast()
  for _ = 1, self.list.count do
    self:Signal()
  end
end

---@class chuck.co.WaitGroup
local WaitGroup = {}
WaitGroup.__index = WaitGroup

--- A count of what is not done yet.
function sync.wait_group()
  return setmetatable({ count = 0, list = waiters.new() }, WaitGroup)
end

--- Adds to the count.
function WaitGroup:Add(n)
  self.count = self.count + (n or 1)
  if self.count < 0 then
    error("more was done than was added", 2)
  end
  while self.count == 0 and self.list.count > 0 do
    sched.complete(self.list:Take(), DONE)
  end
end

--- Takes one off the count.
function WaitGroup:Done()
  self:Add(-1)
end

--- Parks until the count is zero.
---@async
function WaitGroup:Wait(timeout_ms)
  if self.count == 0 then
    return true
  end
  return wait(self.list, timeout_ms)
end

---@class chuck.co.Future
local Future = {}
Future.__index = Future

--- A result that comes later, from a callback.
function sync.future()
  return setmetatable({ results = false, list = waiters.new() }, Future)
end

--- Sets the results, once: the first call counts.
function Future:Set(...)
  if self.results then
    return false
  end
  self.results = pack(...)
  for _ = 1, self.list.count do
    sched.complete(self.list:Take(), DONE)
  end
  return true
end

--- Parks until there are results, and returns them.
---@async
function Future:Get(timeout_ms)
  if not self.results then
    local done, why, code = wait(self.list, timeout_ms)
    if not done then
      return nil, why, code
    end
  end
  return unpack(self.results, 1, self.results.n)
end

return sync
