--- Hand values from one task to another, in order.
---
---     local ch = channel.new(8)                       -- room for 8 values
---     sched.spawn(function() ch:Send("hello") end)
---     print(ch:Recv())                                --> hello
---
--- `Send` parks while the channel is full, `Recv` while it is empty. Closing wakes everyone: values
--- already sent can still be received, then `Recv` answers `nil, "closed"`. `nil` is a value like
--- others: what tells it from the end is the second result.

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local park, finish = sched.park, sched.complete
local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

local channel = {}

---@class chuck.co.Channel
local Channel = {}
Channel.__index = Channel
Channel.__metatable = "channel"

--- What a task is woken with when its channel was closed.
local CLOSED = {}

--- A channel with room for so many values. 0 hands over directly; without a number there is no
--- limit.
function channel.new(room)
  if room ~= nil then
    check.type("channel", 1, room, "number")
  end
  return setmetatable({
    room = room or math.huge,
    --- Values from `first` to `last`.
    first = 1,
    last = 0,
    --- Who waits to receive; who waits to send, each with its `offer`.
    receivers = waiters.new(),
    senders = waiters.new(),
    is_closed = false,
  }, Channel)
end

--- Sends if that needs no wait: whether it did, or nil when the channel is closed.
local function try_send(self, value)
  if self.is_closed then
    return nil
  end
  local receiver = self.receivers.count > 0 and self.receivers:Take()
  if receiver then
    finish(receiver, DONE, value)
    return true
  end
  local last = self.last
  if last - self.first + 1 < self.room then
    self[last + 1] = value
    self.last = last + 1
    return true
  end
  return false
end

--- Receives if that needs no wait: DONE and the value, CLOSED, or nil.
local function try_recv(self)
  local first = self.first
  local senders = self.senders
  if first <= self.last then
    local value = self[first]
    self[first] = nil
    if first == self.last and senders.count == 0 then
      self.first, self.last = 1, 0
    else
      self.first = first + 1
    end
    if senders.count > 0 then
      -- There is room for the one who has waited longest.
      local sender = senders:Take()
      self.last = self.last + 1
      self[self.last] = sender.offer
      sender.offer = nil
      finish(sender, DONE)
    end
    return DONE, value
  elseif senders.count > 0 then
    local sender = senders:Take()
    local value = sender.offer
    sender.offer = nil
    finish(sender, DONE)
    return DONE, value
  elseif self.is_closed then
    return CLOSED
  end
end

--- Hands a value over; parks while there is no room. True, or `nil, why, code`: closed, or late.
---@async
---@return true? sent
---@return string? why `"closed"`, `"timeout"`
---@return string? code
function Channel:Send(value, timeout_ms)
  local sent = try_send(self, value)
  if sent then
    return true
  elseif sent == nil then
    return nil, "closed", "EPIPE"
  end
  local task = sched.parking()
  task.offer = value
  self.senders:Add(task)
  local outcome = park(self.senders, timeout_ms)
  if outcome == DONE then
    return true
  elseif outcome == TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  end
  return nil, "closed", "EPIPE"
end

--- Takes the oldest value; parks while there is none. The value, or `nil, why, code`.
---@async
---@return any value
---@return string? why `"closed"` once nothing is left to take, `"timeout"`
---@return string? code
function Channel:Recv(timeout_ms)
  local outcome, value = try_recv(self)
  if not outcome then
    self.receivers:Add(sched.parking())
    outcome, value = park(self.receivers, timeout_ms)
  end
  if outcome == DONE then
    return value
  elseif outcome == TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  end
  return nil, "closed", "EPIPE"
end

--- As `Send`, without waiting: also `nil, "full", "EAGAIN"`.
function Channel:TrySend(value)
  local sent = try_send(self, value)
  if sent then
    return true
  elseif sent == nil then
    return nil, "closed", "EPIPE"
  end
  return nil, "full", "EAGAIN"
end

--- As `Recv`, without waiting: also `nil, "empty", "EAGAIN"`.
function Channel:TryRecv()
  local outcome, value = try_recv(self)
  if outcome == DONE then
    return value
  elseif outcome == CLOSED then
    return nil, "closed", "EPIPE"
  end
  return nil, "empty", "EAGAIN"
end

--- Ends the channel: what was sent can still be received, nothing more can be sent. Who waits to
--- send is refused. A second time it does nothing.
function Channel:Close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  for _, list in ipairs({ self.receivers, self.senders }) do
    for _ = 1, list.count do
      local entry = list:Take()
      entry.offer = nil
      finish(entry, CLOSED)
    end
  end
end

--- Whether it was closed.
function Channel:IsClosed()
  return self.is_closed
end

--- Number of values that can be received without waiting.
function Channel:Len()
  return self.last - self.first + 1
end

--- `for value in ch:Values() do`: until the channel is closed and empty. A nil ends it as well.
function Channel:Values()
  return function()
    return (self:Recv())
  end
end

channel.CLOSED = CLOSED
channel.try_send, channel.try_recv = try_send, try_recv
channel.Channel = Channel

return channel
