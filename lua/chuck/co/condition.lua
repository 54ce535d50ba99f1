--- Tasks wait for something to become true; who makes it true tells them.
---
---     lock:Lock()
---     while #queue == 0 do filled:Wait(lock) end      -- look again after each wait
---     local item = table.remove(queue, 1)
---     lock:Unlock()
---
--- Tasks change places only where they park, so that many programs need no lock here:
--- `while #queue == 0 do filled:Wait() end`.

local check = require("chuck.support.check")
local mutex = require("chuck.co.mutex")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local condition = {}

---@class chuck.co.Condition
local Condition = {}
Condition.__index = Condition
Condition.__metatable = "condition"

function condition.new()
  return setmetatable({ list = waiters.new("condition") }, Condition)
end

--- Takes the lock back, however the wait has ended.
local function retake(lock, task, fine, ...)
  mutex.retake(lock, task)
  if not fine then
    error((...), 0)
  end
  return ...
end

--- Parks until told: true, or `nil, "timeout", "ETIMEDOUT"`. With a lock, which this task has,
--- gives it up meanwhile and has it again afterwards, also when the time has passed or the task
--- was cancelled. `cond:Wait(timeout_ms)` waits without a lock.
---@async
function Condition:Wait(lock, timeout_ms)
  check.self("Wait", self, "condition")
  if type(lock) == "number" and timeout_ms == nil then
    check.timeout("Wait", 1, lock)
    lock, timeout_ms = nil, lock
  end
  check.timeout("Wait", 2, timeout_ms)
  local list = self.list
  if lock == nil then
    return list:Wait(sched.parking(), timeout_ms)
  end
  check.type("Wait", 1, lock, "mutex")
  local task = sched.parking()
  if lock.owner ~= task then
    error("bad argument #1 to 'Wait' (this task does not have the lock)", 2)
  end
  mutex.pass_on(lock)
  return retake(lock, task, sched.pcall(list.Wait, list, task, timeout_ms))
end

--- Wakes the one who has waited longest: whether there was one.
function Condition:Signal()
  check.self("Signal", self, "condition")
  local entry = self.list:Take()
  if entry then
    sched.complete(entry, sched.DONE)
  end
  return entry ~= nil
end

--- Wakes everyone who waits now: how many there were.
function Condition:Broadcast()
  check.self("Broadcast", self, "condition")
  local count = self.list.count
  self.list:Finish(sched.DONE)
  return count
end

return condition
