--- Links that nobody uses, for as long as they may be kept.
---
--- The one used last is taken first, so that those that are not needed get old. One timer looks
--- after all of them.

local sched = require("chuck.co.sched")

local idle = {}

--- The shortest time between two looks, in milliseconds.
local LOOK = 10

--- When a link is too old.
local function end_of(self, link)
  return link.idle_since + math.min(self.options.idle_ms, link.kept_ms or math.huge)
end

local sweep

--- Has links looked at by the time `due`, if that is not so already.
local function watch(self, due)
  if self.timer and self.due <= due or due == math.huge then
    return
  elseif self.timer then
    self.timer:UnRegister()
  end
  self.due = due
  self.timer = sched.timer(math.max(due - sched.now(), LOOK), function()
    self.timer = false
    sweep(self)
  end)
end

--- Closes what is too old.
function sweep(self)
  local now, first, old = sched.now(), math.huge, {}
  for _, place in pairs(self.places) do
    for _, link in ipairs(place.idle) do
      local due = end_of(self, link)
      if due <= now then
        old[#old + 1] = link
      else
        first = math.min(first, due)
      end
    end
  end
  for _, link in ipairs(old) do
    link:Close("ESOCKCLOSE")
  end
  watch(self, first)
end

--- Keeps a link, if it may be kept at all: whether it is.
function idle.add(self, place, link)
  if self.options.idle_ms <= 0 or link.kept_ms == 0 then
    link:Close("ESOCKCLOSE")
    return false
  end
  self.rank = self.rank + 1
  link.idle_since, link.rank = sched.now(), self.rank
  table.insert(place.idle, link)
  self.idle = self.idle + 1
  watch(self, end_of(self, link))
  return true
end

--- The link of a place that was used last; nil when there is none that is not too old.
function idle.take(self, place)
  while #place.idle > 0 do
    local link = table.remove(place.idle)
    self.idle = self.idle - 1
    if end_of(self, link) > sched.now() then
      return link
    end
    link:Close("ESOCKCLOSE")
  end
end

--- Takes out a link that has ended, if it is there.
function idle.remove(self, place, link)
  for i = #place.idle, 1, -1 do
    if place.idle[i] == link then
      table.remove(place.idle, i)
      self.idle = self.idle - 1
      return
    end
  end
end

--- Closes the link that has been idle for longest, to make room.
function idle.evict(self)
  local oldest
  for _, place in pairs(self.places) do
    local link = place.idle[1]
    if link and (not oldest or link.rank < oldest.rank) then
      oldest = link
    end
  end
  if oldest then
    oldest:Close("ESOCKCLOSE")
  end
end

--- Looks no more.
function idle.stop(self)
  if self.timer then
    self.timer:UnRegister()
    self.timer = false
  end
end

return idle
