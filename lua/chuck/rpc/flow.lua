--- Streams of values: a call that goes on, with values in both directions while it does.
---
---     local flow = peer:Open("numbers", 10)
---     for value in flow:Values() do print(value) end
---     print(flow:Result())                    -- what the service has returned
---
--- Each side grants the other credit: so many values it is ready to keep. A sender without credit
--- parks, so that whoever takes values slowly, or not at all, holds no more than its window.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local callee = require("chuck.rpc.callee")
local caller = require("chuck.rpc.caller")
local errors = require("chuck.rpc.errors")
local link = require("chuck.rpc.link")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local unpack = compat.unpack
local KIND = wire.KIND

local flow = {}

---@class chuck.rpc.Flow
local Flow = {}
Flow.__index = Flow
Flow.__metatable = "rpc.flow"

local OPTIONS = { timeout_ms = "milliseconds" }

--- A task that waits is cancelled: the call is given up with it.
local function leave(waiting, task)
  local self = waiting.flow
  local timer = self.waiters[task]
  self.waiters[task] = nil
  if timer then
    timer:UnRegister()
  end
  self:Close()
end

local function new(peer, id, name, is_caller)
  local self = setmetatable({
    peer = peer,
    id = id,
    name = name,
    is_caller = is_caller,
    --- Values that the other side may still send, and this side.
    granted = 0,
    credit = 0,
    --- Values that have arrived: `first` to `last`; how many were taken and not granted again.
    first = 1,
    last = 0,
    taken = 0,
    --- Whether no more values will come, and whether none may be sent.
    has_all = false,
    is_shut = false,
    --- Of the caller: results in a table. Of both: message and code, once it has failed.
    results = false,
    message = false,
    code = false,
    is_over = false,
    --- Tasks that wait for anything to happen here, with the timer of each, or false.
    waiters = {},
    waiting = false,
    --- Of the whole, if it has a time limit.
    timer = false,
    --- Of the caller: a hook that is to be told what has become of it.
    after = false,
  }, Flow)
  self.waiting = { flow = self, Leave = leave, what = "stream " .. name .. " of " .. peer.name }
  return self
end

--- Something has happened: whoever waits looks again.
local function notify(self)
  local waiters = self.waiters
  if next(waiters) then
    self.waiters = {}
    for task, timer in pairs(waiters) do
      if timer then
        timer:UnRegister()
      end
      sched.wake(task, true)
    end
  end
end

--- Waits for something to happen; false when `give_up`, a time, has come.
local function await(self, give_up)
  local left = give_up - sched.now()
  if left <= 0 then
    return false
  end
  local task = sched.parking()
  -- A timer of our own: for a wait that is merely late the stream stays.
  self.waiters[task] = left < math.huge
    and sched.timer(left, function()
      if self.waiters[task] ~= nil then
        self.waiters[task] = nil
        sched.wake(task, false)
      end
    end)
  return sched.park(self.waiting)
end

local function time_of(self, timeout_ms)
  return sched.now() + (timeout_ms or self.peer.config.timeout_ms)
end

local function late(self, verb, timeout_ms)
  local text = "%s: nothing to %s for %g ms"
  local time = timeout_ms or self.peer.config.timeout_ms
  return nil, text:format(self.name, verb, time), "ETIMEDOUT"
end

--- Ends it: with results, or with a message and a code. Values that have arrived stay.
local function finish(self, message, code, results)
  if self.is_over then
    return
  end
  self.is_over, self.has_all, self.is_shut = true, true, true
  self.message, self.code, self.results = message, code, results
  if self.timer then
    self.timer:UnRegister()
    self.timer = false
  end
  notify(self)
  if self.after and results then
    sched.start(self.peer.callbacks, self.after, unpack(results, 1, results.n))
  elseif self.after then
    sched.start(self.peer.callbacks, self.after, nil, message, code)
  end
end

--- Sends a value; parks while the other side is not ready for one. True; or nil, message, code:
--- `"EPIPE"` when the other side wants no more, `"ETIMEDOUT"`, or why it has failed.
---@async
function Flow:Send(value, timeout_ms)
  if timeout_ms ~= nil then
    check.type("Send", 2, timeout_ms, "milliseconds")
  end
  local give_up = self.credit == 0 and time_of(self, timeout_ms)
  sched.parking()
  while self.credit == 0 and not self.is_shut do
    if not await(self, give_up) then
      return late(self, "send it to", timeout_ms)
    end
  end
  if self.is_shut then
    if self.code then
      return nil, self.message, self.code
    end
    return nil, self.name .. ": this side of the stream has ended", "EPIPE"
  end
  local peer = self.peer
  local packet, why = peer.write(self.is_caller and KIND.ITEM_UP or KIND.ITEM_DOWN, self.id, value)
  if not packet then
    errors.raise("Send", 1, why)
  elseif #packet > peer.most_bytes then
    local text = "%s: a value of %d bytes, limit is %d"
    return nil, text:format(self.name, #packet, peer.most_bytes), "EMSGSIZE"
  end
  self.credit = self.credit - 1
  local fine, sent, message, code =
    sched.pcall(peer.stream.WritePacket, peer.stream, packet, peer.config.stall_ms)
  if fine and sent then
    return true
  end
  -- It was not sent.
  self.credit = self.credit + 1
  notify(self)
  if not fine then
    self:Close()
    error(sent, 0)
  end
  return nil, message, code
end

--- Grants credit again once half of the window was taken.
local function refill(self)
  self.taken = self.taken + 1
  if self.taken * 2 >= self.peer.config.window and not self.has_all then
    local n = self.taken
    self.taken = 0
    self.granted = self.granted + n
    link.say(self.peer, self.is_caller and KIND.CREDIT_DOWN or KIND.CREDIT_UP, self.id, n)
  end
end

local function take(self)
  local first = self.first
  local value = self[first]
  self[first] = nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  refill(self)
  return value
end

--- Takes the next value; parks while there is none. The value; or nil, message, code: `"EOF"` when
--- the other side has ended its values in good order, `"ETIMEDOUT"`, or why it has failed.
---@async
function Flow:Recv(timeout_ms)
  if timeout_ms ~= nil then
    check.type("Recv", 1, timeout_ms, "milliseconds")
  end
  local give_up = false
  sched.parking()
  while self.first > self.last do
    if self.has_all then
      if self.code then
        return nil, self.message, self.code
      end
      return nil, self.name .. ": the values have ended", "EOF"
    end
    give_up = give_up or time_of(self, timeout_ms)
    if not await(self, give_up) then
      return late(self, "take", timeout_ms)
    end
  end
  return take(self)
end

--- `for value in flow:Values() do`: until there are no more, for whatever reason; `Result` tells
--- which. A nil ends it as well.
function Flow:Values()
  return function()
    return (self:Recv())
  end
end

--- Of the side that has opened it: no more values will be sent; those that come are still taken.
--- Of a service it is what returning does.
function Flow:CloseSend()
  if not self.is_shut and self.is_caller then
    self.is_shut = true
    link.say(self.peer, KIND.END_UP, self.id)
    notify(self)
  end
end

--- Waits for the end of the service and returns its results, or nil, message, code. Values that
--- were not taken are thrown away.
---@async
function Flow:Result(timeout_ms)
  if timeout_ms ~= nil then
    check.type("Result", 1, timeout_ms, "milliseconds")
  end
  if not self.is_caller then
    return nil, self.name .. ": a service has no result to wait for", "EINVAL"
  end
  local give_up = time_of(self, timeout_ms)
  sched.parking()
  while not self.is_over do
    while self.first <= self.last do
      take(self)
    end
    if not self.is_over and not await(self, give_up) then
      return late(self, "end", timeout_ms)
    end
  end
  if self.code then
    return nil, self.message, self.code
  end
  return unpack(self.results, 1, self.results.n)
end

local function give_up(self, message, code)
  if self.is_over then
    return
  end
  local peer = self.peer
  if self.is_caller and peer.opened[self.id] then
    peer.opened[self.id] = nil
    peer.in_flight = peer.in_flight - 1
    link.say(peer, KIND.CANCEL, self.id)
  end
  finish(self, message or self.name .. ": the stream was closed here", code or "ECANCELED")
end

--- Gives up: the service is cancelled, whoever waits is told `"ECANCELED"`. It may be called any
--- number of times. Of a service: no more values are sent or taken.
function Flow:Close()
  give_up(self)
end

--- Whether the call is over; values may still be left to be taken.
function Flow:IsClosed()
  return self.is_over
end

local Peer = {}

--- What a peer needs for streams.
function flow.set_up(self)
  --- Streams that this side has opened, by id. Those of the other side are in `served`.
  self.opened = {}
end

local function open(self, method, first, timeout_ms, name, ...)
  local window, on_call = self.config.window, self.config.on_call
  local after = on_call and on_call(self, name, { kind = "open", timeout_ms = timeout_ms })
  local id, message, code = caller.begin(self, KIND.OPEN, name, timeout_ms, window, ...)
  if id == false then
    if code then
      errors.raise(method, first + code - 1, message)
    end
    errors.blame(("'%s': %s"):format(method, message))
  elseif not id then
    if type(after) == "function" then
      after(nil, message, code)
    end
    return nil, message, code
  end
  local opened = new(self, id, name, true)
  opened.after = type(after) == "function" and after
  opened.granted = window
  self.opened[id] = opened
  self.in_flight = self.in_flight + 1
  if timeout_ms < math.huge then
    opened.timer = sched.timer(timeout_ms, function()
      opened.timer = false
      give_up(opened, ("%s: it has not ended in %g ms"):format(name, timeout_ms), "ETIMEDOUT")
    end)
  end
  return opened
end

--- Calls a service that takes or gives values while it runs. A stream; or nil, message, code.
function Peer:Open(name, ...)
  if not caller.is_name(name) then
    errors.raise("Open", 1, caller.name_trouble(name))
  end
  local opened, message, code = open(self, "Open", 1, math.huge, name, ...)
  return opened, message, code
end

--- As `Open`, with a timeout for the whole.
function Peer:OpenWith(options, name, ...)
  check.type("OpenWith", 1, options, "table")
  check.options("OpenWith", 1, options, OPTIONS)
  if not caller.is_name(name) then
    errors.raise("OpenWith", 2, caller.name_trouble(name))
  end
  local time = options.timeout_ms or math.huge
  local opened, message, code = open(self, "OpenWith", 2, time, name, ...)
  return opened, message, code
end

--- Whether a peer may grant so many values.
local function is_credit(n)
  return type(n) == "number" and n >= 1 and n <= 2 ^ 31 and n % 1 == 0
end

--- A stream was opened by the other side.
function flow.on_open(self, n, id, name, timeout_ms, trace, window, ...)
  local trouble = n < 5 and "the opening of a stream cut short"
    or callee.head_trouble(self, id, name, timeout_ms, trace)
    or not is_credit(window) and "a stream without a window"
  if trouble then
    return link.fail(self, "EBADMSG", trouble)
  end
  self.seen = id
  local service = self.services[name]
  local code, message = callee.refusal(self, service, name, true)
  if code then
    return callee.refuse(self, id, code, message)
  end
  local served = new(self, id, name, false)
  served.credit = window
  served.granted = self.config.window
  local entry = callee.admit(self, id, name, timeout_ms, trace)
  entry.flow = served
  local run = self.config.on_serve and callee.serve_observed or callee.serve
  if service.is_stream then
    entry.task =
      callee.weigh(self, sched.start(self.home, run, self, entry, service.fn, served, ...))
  else
    entry.task = callee.weigh(self, sched.start(self.home, run, self, entry, service.fn, ...))
  end
  link.say(self, KIND.CREDIT_UP, id, served.granted)
end

--- A value has arrived for a stream.
local function receive(self, served, n, value)
  if n ~= 2 then
    return link.fail(self, "EBADMSG", "a value of a stream that is not one value")
  elseif not served or served.is_over then
    -- It is over here, which the other side does not know yet.
    return
  elseif served.granted == 0 or served.has_all then
    return link.fail(self, "EBADMSG", "a value of a stream that it has no credit for")
  end
  served.granted = served.granted - 1
  served.last = served.last + 1
  served[served.last] = value
  if next(served.waiters) then
    notify(served)
  end
end

local function credit(self, served, n)
  if not is_credit(n) then
    return link.fail(self, "EBADMSG", "credit that is no number of values")
  elseif served and not served.is_over then
    served.credit = served.credit + n
    notify(served)
  end
end

local function served_by(self, id)
  local entry = self.served[id]
  return entry and entry.flow
end

function flow.on_item_up(self, n, id, value)
  receive(self, served_by(self, id), n, value)
end

function flow.on_item_down(self, n, id, value)
  receive(self, self.opened[id], n, value)
end

function flow.on_credit_up(self, _, id, n)
  credit(self, self.opened[id], n)
end

function flow.on_credit_down(self, _, id, n)
  credit(self, served_by(self, id), n)
end

function flow.on_end_up(self, _, id)
  local served = served_by(self, id)
  if served and not served.is_over then
    served.has_all = true
    notify(served)
  end
end

--- An answer has come that no plain call waits for; whether it ends a stream.
function flow.conclude(self, id, results, message, code)
  local opened = self.opened[id]
  if not opened then
    return false
  end
  self.opened[id] = nil
  self.in_flight = self.in_flight - 1
  finish(opened, message, code, results)
  return true
end

--- Fails every stream.
function flow.finish(self, message, code)
  local opened = self.opened
  self.opened = {}
  for _, entry in pairs(opened) do
    finish(entry, message, code)
  end
  for _, entry in pairs(self.served) do
    if entry.flow then
      finish(entry.flow, message, code)
    end
  end
end

callee.end_flow = finish

flow.Flow = Flow

flow.methods = Peer

return flow
