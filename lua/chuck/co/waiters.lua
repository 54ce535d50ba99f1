--- Who waits for something, first come first served.
---
---     list:Add(task)  sched.park(list)       -- the one who waits
---     local task = list:Take()               -- the one who has something for the first
---
--- An entry is a task, or a stand-in for one that waits in several lists. Leaving costs the same
--- wherever the entry stands.

local waiters = {}

---@class chuck.co.Waiters
local Waiters = {}
Waiters.__index = Waiters

function waiters.new()
  return setmetatable({
    --- Entries from `first` to `last`; false where one has left.
    first = 1,
    last = 0,
    count = 0,
  }, Waiters)
end

function Waiters:Add(entry)
  local last = self.last + 1
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
end

--- Takes an entry out, wherever it stands.
function Waiters:Leave(entry)
  self.count = self.count - 1
  if entry.place == self.last then
    self[entry.place] = nil
    self.last = self.last - 1
  else
    self[entry.place] = false
  end
end

return waiters
