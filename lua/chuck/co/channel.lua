--- Hand values from one task to another, in order.
---
---     local ch = channel.new(8)                       -- room for 8 values
---     sched.spawn(function() ch:Send("hello") end)
---     print(ch:Recv())                                --> hello
---
--- `Send` parks while the channel is full, `Recv` while it is empty. Closing wakes everyone: values
--- already sent can still be received, then `Recv` answers `nil, "closed", "EPIPE"`. `nil` is a
--- value like others: what tells it from the end is the second result.

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local complete, park = sched.complete, sched.park
local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

-- Half the price of `getmetatable`, which looks for `__metatable`.
local metatable_of = debug.getmetatable

local channel = {}

--- Room of a channel that was made without a number.
local ROOM = 1024

--- Places that were used and are not worth tidying up.
local SLACK = 64

--- What a task is woken with when its channel was closed.
local CLOSED = {}
channel.CLOSED = CLOSED

---@class chuck.co.Channel
local Channel = {}
Channel.__index = Channel
Channel.__metatable = "channel"

--- A channel with room for so many values, 1024 without a number. 0 hands over directly;
--- `math.huge` is no limit.
function channel.new(room)
  if room ~= nil and room ~= math.huge then
    check.type("channel", 1, room, "count")
  end
  return setmetatable({
    room = room or ROOM,
    --- Values stand from `first` to `last`.
    first = 1,
    last = 0,
    --- Who waits to receive; who waits to send, each with its `offer`. One of them is empty, unless
    --- a selection stands in both.
    receivers = waiters.new("channel"),
    senders = waiters.new("channel"),
    is_closed = false,
  }, Channel)
end

--- Moves the values to the front, so that they stay in the table's array.
local function tidy(self)
  local first, n = self.first, 0
  for i = first, self.last do
    n = n + 1
    self[n] = self[i]
    self[i] = nil
  end
  self.first, self.last = 1, n
  return n
end

local function put(self, value)
  local last = self.last
  if last >= SLACK and self.first > last / 2 then
    last = tidy(self)
  end
  self[last + 1] = value
  self.last = last + 1
end

--- Takes what the sender that has waited longest offers, and lets it go on.
local function accept(senders)
  local sender = senders:Take()
  local value = sender.offer
  sender.offer = nil
  complete(sender, DONE)
  return value
end

--- Sends if that needs no wait: whether it did, or nil when the channel is closed.
function channel.try_send(self, value)
  if self.is_closed then
    return nil
  end
  local receivers = self.receivers
  if receivers.count > 0 then
    complete(receivers:Take(), DONE, value)
    return true
  elseif self.last - self.first + 1 < self.room then
    put(self, value)
    return true
  end
  return false
end

--- Receives if that needs no wait: DONE and the value, CLOSED, or nil.
function channel.try_recv(self)
  local first, last, senders = self.first, self.last, self.senders
  if first <= last then
    local value = self[first]
    self[first] = nil
    if first == last then
      self.first, self.last = 1, 0
    else
      self.first = first + 1
    end
    if senders.count > 0 then
      put(self, accept(senders))
    end
    return DONE, value
  elseif senders.count > 0 then
    return DONE, accept(senders)
  elseif self.is_closed then
    return CLOSED
  end
end

local try_send, try_recv = channel.try_send, channel.try_recv

--- What a receiver is told.
function channel.received(outcome, value)
  if outcome == DONE then
    return value
  elseif outcome == TIMEOUT then
    return nil, "timeout", "ETIMEDOUT"
  end
  return nil, "closed", "EPIPE"
end

local received = channel.received

--- Hands a value over; parks while there is no room. True, or `nil, why, code`.
---@async
---@return true? sent
---@return string? why `"closed"`, `"timeout"`
---@return string? code
function Channel:Send(value, timeout_ms)
  if metatable_of(self) ~= Channel then
    check.self("Send", self, "channel")
  elseif timeout_ms then
    check.timeout("Send", 2, timeout_ms)
  end
  local last = self.last
  if last < SLACK and last - self.first + 1 < self.room and self.receivers.count == 0 then
    -- What happens most often, without a call: `try_send` does the same.
    if not self.is_closed then
      self[last + 1] = value
      self.last = last + 1
      return true
    end
  end
  local sent = try_send(self, value)
  if sent then
    return true
  elseif sent == nil then
    return nil, "closed", "EPIPE"
  end
  local task, senders = sched.parking(), self.senders
  task.offer = value
  senders:Add(task)
  local outcome = park(senders, timeout_ms)
  if outcome == DONE then
    return true
  end
  task.offer = nil
  return received(outcome)
end

--- Takes the oldest value; parks while there is none. The value, or `nil, why, code`.
---@async
---@return any value
---@return string? why `"closed"` once nothing is left to take, `"timeout"`
---@return string? code
function Channel:Recv(timeout_ms)
  if metatable_of(self) ~= Channel then
    check.self("Recv", self, "channel")
  elseif timeout_ms then
    check.timeout("Recv", 1, timeout_ms)
  end
  local first, last = self.first, self.last
  if first < last and self.senders.count == 0 then
    -- What happens most often, without a call: `try_recv` does the same.
    local value = self[first]
    self[first] = nil
    self.first = first + 1
    return value
  end
  local outcome, value = try_recv(self)
  if not outcome then
    local task, receivers = sched.parking(), self.receivers
    receivers:Add(task)
    outcome, value = park(receivers, timeout_ms)
  end
  if outcome == DONE then
    return value
  end
  return received(outcome)
end

--- As `Send`, without waiting: also `nil, "full", "EAGAIN"`.
function Channel:TrySend(value)
  check.self("TrySend", self, "channel")
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
  check.self("TryRecv", self, "channel")
  local outcome, value = try_recv(self)
  if not outcome then
    return nil, "empty", "EAGAIN"
  end
  return received(outcome, value)
end

--- Ends the channel: what was sent can still be received, nothing more can be sent. Who waits to
--- send is refused. A second time it does nothing.
function Channel:Close()
  check.self("Close", self, "channel")
  self.is_closed = true
  self.receivers:Finish(CLOSED)
  self.senders:Finish(CLOSED)
end

--- Whether it was closed.
function Channel:IsClosed()
  check.self("IsClosed", self, "channel")
  return self.is_closed
end

--- How many values can be received without waiting.
function Channel:Len()
  check.self("Len", self, "channel")
  local offered = self.room == 0 and self.senders.count or 0
  return self.last - self.first + 1 + offered
end

local function next_value(self, n)
  local outcome, value = try_recv(self)
  if not outcome then
    local task, receivers = sched.parking(), self.receivers
    receivers:Add(task)
    outcome, value = park(receivers)
  end
  if outcome == DONE then
    return n + 1, value
  end
end

--- `for n, value in ch:Values() do`: each value with its number, until the channel is closed and
--- empty. Not for Lua 5.1, where an iterator cannot park.
function Channel:Values()
  check.self("Values", self, "channel")
  return next_value, self, 0
end

return channel
