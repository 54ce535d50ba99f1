--- Alarms: the times at which waits end that take too long.
---
---     worker.alarm = alarms:Set(worker, 5000)     -- `on_time(worker)` is called in 5 s
---     worker.alarm:Clear(worker)                  -- not any more
---
--- Thousands of tasks wait with the same limit: alarms that are due in the same millisecond share a
--- timer of the loop. Setting and clearing one costs a place in a list.

local alarm = {}

--- Shorter waits, in milliseconds, have a timer of their own: sharing rounds up to the next
--- millisecond but one.
local SHARED = 16

---@class chuck.co.Alarm
local Alarm = {}
Alarm.__index = Alarm

--- Has the wait of a worker's task go on without an end.
function Alarm:Clear(worker)
  self[worker.slot] = false
  self.count = self.count - 1
  if self.count == 0 then
    self.timer:UnRegister()
    self.alarms[self.due] = nil
  end
end

local function add(self, worker)
  local last = self.last + 1
  self.last = last
  self.count = self.count + 1
  self[last] = worker
  worker.slot = last
end

--- The time has come.
local function ring(self)
  local alarms = self.alarms
  alarms[self.due] = nil
  for i = 1, self.last do
    local worker = self[i]
    if worker then
      -- Whoever is told may clear others.
      self[i] = false
      alarms.on_time(worker)
    end
  end
end

local function new(alarms, due, ms)
  local self = setmetatable({
    alarms = alarms,
    --- When it rings; false when no other wait shares it.
    due = due,
    --- Workers stand from 1 to `last`, false where one was cleared; `count` of them wait.
    last = 0,
    count = 0,
    timer = false,
  }, Alarm)
  self.timer = alarms.timer(ms, function()
    ring(self)
    return -1
  end)
  return self
end

---@class chuck.co.Alarms
local Alarms = {}
Alarms.__index = Alarms

--- Calls `on_time(worker)` in so many milliseconds. A worker has one alarm at a time.
function Alarms:Set(worker, ms)
  local one
  if ms < SHARED then
    one = new(self, false, ms)
  else
    local now = self.now()
    local due = now + ms + self.grain
    due = due + -due % 1
    one = self[due]
    if not one then
      one = new(self, due, due - now)
      self[due] = one
    end
  end
  add(one, worker)
  return one
end

--- The alarms of a loop: it has `timer(ms, fn)`, `now()`, and `grain`, the milliseconds by which
--- `now` may be late.
function alarm.new(loop, on_time)
  return setmetatable({
    timer = loop.timer,
    now = loop.now,
    grain = loop.grain or 0,
    on_time = on_time,
  }, Alarms)
end

return alarm
