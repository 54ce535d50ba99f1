--- A watchdog for tasks that hold the loop.
---
---     watch.set(100)          -- logs the stack of a task that has run for 100 ms without waiting
---
--- It looks every few thousand instructions, which costs a few per cent. LuaJIT does not look while
--- it runs compiled code: there, the task is told of when it has come back.

local check = require("chuck.support.check")
local loop = require("chuck.co.loop")
local origin = require("chuck.co.origin")
local sched = require("chuck.co.sched")

local watch = {}

--- Instructions between two looks.
local STEP = 10000

---@class chuck.co.Watchdog
local Watchdog = {}
Watchdog.__index = Watchdog

local function complain(self, traceback)
  local ms = sched.now() - self.began
  if ms >= self.limit and not self.is_told then
    self.is_told = true
    local text = ("a task has held the loop for %d ms, the limit is %d ms"):format(ms, self.limit)
    loop.report("a task", text .. "\n" .. origin.traceback(self.task, traceback()))
  end
end

--- A task is given control.
function Watchdog:Begin(task, thread)
  self.task, self.began, self.is_told = task, sched.now(), false
  if thread then
    debug.sethook(thread, self.look, "", STEP)
  end
end

--- It has given control back.
function Watchdog:End()
  complain(self, function()
    return "it has come back"
  end)
end

local function new(limit)
  local self = setmetatable({
    limit = limit,
    --- What runs, since when, and whether it was complained of.
    task = false,
    began = 0,
    is_told = false,
    is_on = true,
    look = nil,
  }, Watchdog)
  self.look = function()
    if not self.is_on then
      debug.sethook()
      return
    end
    complain(self, function()
      return debug.traceback("it still runs", 3)
    end)
  end
  return self
end

--- The one that looks on, or false.
local active = false

--- Has every stretch of work that takes longer than `limit` milliseconds logged, once; nil or 0
--- turns it off.
function watch.set(limit)
  if limit ~= nil then
    check.type("set_watchdog", 1, limit, "milliseconds")
  end
  if active then
    active.is_on = false
  end
  active = limit and limit > 0 and new(limit)
  sched.watch(active)
end

return watch
