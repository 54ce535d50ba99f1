--- What a connection of a server still has to send, and who waits for it.
---
--- Its methods are those of an exchange. What is queued is counted here from above, so that the
--- connection is asked only when it may be too much.

local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local outflow = {}

--- Bytes in the send queue with which a writer waits, and no further request is begun.
local HIGH_WATER = 65536
outflow.HIGH_WATER = HIGH_WATER

--- So many bytes more are queued at most.
function outflow:Sent(size)
  self.owed = self.owed + size
  self.since = self.server.tick
end

--- Something has happened between handler and client.
function outflow:Touch(req)
  if self.req == req then
    self.since = self.server.tick
  end
end

--- Whether there is room in the send queue.
function outflow:HasRoom()
  if self.owed < HIGH_WATER then
    return true
  end
  self.owed = self.conn:QueuedBytes()
  return self.owed < HIGH_WATER
end

--- Has everybody go on who waits for room.
function outflow:WakeWriters()
  local list = self.writers
  for _ = 1, list and list.count or 0 do
    sched.wake(list:Take(), true)
  end
end

--- Has everybody told who waits when the queue has drained to half of the mark.
local function watch_drain(self, mark)
  if not self.on_drain then
    self.on_drain = function()
      self:WakeWriters()
      if self.is_stalled then
        self.is_stalled = false
        self.owed = self.conn:QueuedBytes()
        self:Proceed()
      end
    end
  end
  self.conn:SetHighWater(mark, self.on_drain)
end

--- No request begins before there is room.
function outflow:Stall()
  self.is_stalled = true
  watch_drain(self, HIGH_WATER)
end

--- Waits until there is room in the send queue; with a mark of 0, until it is empty.
---@async
function outflow:AwaitRoom(mark)
  while true do
    if self.broken then
      return nil, "the client has gone", "ESOCKCLOSE"
    end
    local queued = self.conn:QueuedBytes()
    self.owed = queued
    if queued == 0 or not mark and queued < HIGH_WATER then
      self.since = self.server.tick
      return true
    end
    local task = sched.parking()
    self.writers = self.writers or waiters.new("write to " .. self.remote)
    self.writers:Add(task)
    watch_drain(self, mark and 1 or HIGH_WATER)
    sched.park(self.writers)
  end
end

return outflow
