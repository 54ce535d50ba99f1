--- A count of what is not done yet, for who waits until everything is.
---
---     local left = wait_group.new()
---     left:Add(2)                            -- and left:Done() at the end of each
---     left:Wait(1000)

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local wait_group = {}

---@class chuck.co.WaitGroup
local WaitGroup = {}
WaitGroup.__index = WaitGroup
WaitGroup.__metatable = "wait_group"

--- A count of zero.
function wait_group.new()
  return setmetatable({ count = 0, list = waiters.new("wait_group") }, WaitGroup)
end

--- Who waits goes on at zero.
local function change(self, n)
  self.count = self.count + n
  if self.count == 0 then
    self.list:Finish(sched.DONE)
  end
end

--- Adds `n` to the count, 1 without a number. It may be negative; the count may not.
function WaitGroup:Add(n)
  check.self("Add", self, "wait_group")
  if n == nil then
    n = 1
  end
  check.type("Add", 1, n, "whole number")
  if self.count + n < 0 then
    error(("bad argument #1 to 'Add' (%d are not done, %d cannot be)"):format(self.count, -n), 2)
  end
  change(self, n)
end

--- Takes one off the count.
function WaitGroup:Done()
  check.self("Done", self, "wait_group")
  if self.count == 0 then
    error("more was done than was added", 2)
  end
  change(self, -1)
end

--- Parks until the count is zero: true, or `nil, "timeout", "ETIMEDOUT"`.
---@async
function WaitGroup:Wait(timeout_ms)
  check.self("Wait", self, "wait_group")
  check.timeout("Wait", 1, timeout_ms)
  if self.count == 0 then
    return true
  end
  return self.list:Wait(sched.parking(), timeout_ms)
end

--- How much is not done yet.
function WaitGroup:Count()
  check.self("Count", self, "wait_group")
  return self.count
end

return wait_group
