--- Who waits for something, first come first served.
---
---     list:Add(task)  sched.park(list)       -- the one who waits
---     local task = list:Take()               -- the one who has something for the first
---
--- An entry is a task, or a stand-in for one that waits in several lists. Leaving costs the same
--- wherever the entry stands, and what has left takes no room for long.

local sched = require("chuck.co.sched")

local waiters = {}

--- Empty places, beyond one for each entry, that are not worth tidying up.
local SLACK = 32

---@class chuck.co.Waiters
local Waiters = {}
Waiters.__index = Waiters

--- A list; `what` says in a word what its tasks wait for.
function waiters.new(what)
  return setmetatable({
    what = what,
    --- Entries stand from `first` to `last`; false where one has left.
    first = 1,
    last = 0,
    --- How many there are.
    count = 0,
  }, Waiters)
end

--- Moves the entries together, to the front.
local function tidy(self)
  local n = 0
  for i = self.first, self.last do
    local entry = self[i]
    self[i] = nil
    if entry then
      n = n + 1
      self[n] = entry
      entry.place = n
    end
  end
  self.first, self.last = 1, n
end

--- Puts an entry at the end. It stands in one list at a time.
function Waiters:Add(entry)
  local last = self.last + 1
  if last > SLACK and last > 2 * self.count + SLACK then
    tidy(self)
    last = self.last + 1
  end
  self.last = last
  self.count = self.count + 1
  self[last] = entry
  entry.place = last
end

--- Takes the first entry out; nil when there is none.
function Waiters:Take()
  local first, last = self.first, self.last
  while first <= last do
    local entry = self[first]
    self[first] = nil
    first = first + 1
    if entry then
      self.count = self.count - 1
      if first > last then
        first, self.last = 1, 0
      end
      self.first = first
      return entry
    end
  end
  self.first, self.last = 1, 0
  return nil
end

--- Takes an entry out, wherever it stands. It does nothing when it is not there any more.
function Waiters:Leave(entry)
  local place = entry.place
  if self[place] ~= entry then
    return
  end
  self[place] = false
  local count = self.count - 1
  self.count = count
  if count == 0 or self.last - self.first + 1 > 2 * count + SLACK then
    tidy(self)
  end
end

--- Ends the wait of everyone.
function Waiters:Finish(outcome, value)
  -- A selection may stand here more than once, and leaves with all its cases: ask again each time.
  while self.count > 0 do
    sched.complete(self:Take(), outcome, value)
  end
end

--- Parks `task`, which `sched.parking` has answered: true, or `nil, "timeout", "ETIMEDOUT"`.
---@async
function Waiters:Wait(task, timeout_ms)
  self:Add(task)
  if sched.park(self, timeout_ms) == sched.TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  end
  return true
end

return waiters
