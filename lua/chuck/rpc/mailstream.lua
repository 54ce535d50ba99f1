--- One end of a stream of packets between two threads, with the methods that `chuck.rpc` asks of a
--- stream.
---
--- Packets share their bytes with those that were sent: nothing is copied. What is written in one
--- pass of the loop leaves in one mail. No more is under way than the other end has room for.

local cthread = require("chuck.native").cthread
local compat = require("chuck.support.compat")
local limits = require("chuck.rpc.limits")
local packet = require("chuck.native").packet
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local mailstream = {}

--- Kinds of mails: `{ TAG, kind, number here, number there, ... }`.
mailstream.TAG = "chuck.rpc"
local HELLO, DATA, ACK, BYE = "hello", "data", "ack", "bye"

--- What a packet counts for beside its bytes, and most packets of one mail.
local PACKET_COST, MOST = 64, 256

--- Pause before an inbox that is full is tried again, in milliseconds.
local RETRY = 1

---@class chuck.rpc.MailStream
local Stream = {}
Stream.__index = Stream
Stream.__metatable = "rpc.stream"

local function failure(self, code, why)
  return nil, ("%s: %s"):format(self.name, why), code
end

local function read_failure(self)
  if self.is_closed then
    return failure(self, "ESOCKCLOSE", "the stream is closed")
  end
  return failure(self, "EOF", self.why)
end

local function cost_of(item)
  return #item + PACKET_COST
end

local function send(self, kind, ...)
  local mail = { mailstream.TAG, kind, self.number, self.theirs or 0, ... }
  return cthread.sendmail(self.thread, mail)
end

local function tell_writers(self)
  for _ = 1, self.writers.count do
    sched.wake(self.writers:Take(), true)
  end
end

local function wake_reader(self)
  if self.reader then
    sched.wake(self.reader, true)
  end
end

--- As many packets as the other end has room for, and their size. The last may be larger than what
--- is left: else a large one would wait for room that is only told of when half of it was used.
local function next_batch(self)
  local queue, batch, size = self.queue, {}, 0
  for i = self.sent + 1, math.min(#queue, self.sent + MOST) do
    if self.under_way + size >= self.room then
      break
    end
    batch[#batch + 1] = queue[i]
    size = size + cost_of(queue[i])
  end
  return batch, size
end

local function note_sent(self, batch, size)
  self.sent = self.sent + #batch
  self.under_way = self.under_way + size
  self.queued = self.queued - size
  if self.sent == #self.queue then
    self.queue, self.sent = {}, 0
  end
  if self.queued < limits.thread_high_water then
    tell_writers(self)
  end
end

--- Sends the next mail that is due: true, or nil, message, code. False when none is.
local function send_next(self)
  local is_sent, message, code
  if not self.has_hello then
    is_sent, message, code = send(self, HELLO, limits.thread_window)
    self.has_hello = is_sent or false
  elseif not self.is_sure then
    return false
  elseif self.taken >= limits.thread_window / 2 and not self.is_closed then
    is_sent, message, code = send(self, ACK, self.taken)
    self.taken = is_sent and 0 or self.taken
  else
    local batch, size = next_batch(self)
    if #batch == 0 then
      return false
    end
    is_sent, message, code = send(self, DATA, compat.unpack(batch, 1, #batch))
    if is_sent then
      note_sent(self, batch, size)
    end
  end
  return is_sent, message, code
end

--- The stream is over on this side.
local function let_go(self)
  if self.retry then
    self.retry:UnRegister()
    self.retry = false
  end
  self.queue, self.sent, self.queued = {}, 0, 0
  self.on_end(self)
end

--- Ends a stream that was closed, once everything is sent. False while the inbox is full.
local function say_farewell(self)
  local _, _, code = send(self, BYE)
  if code == "EAGAIN" then
    return false
  end
  self.is_over = true
  let_go(self)
  return true
end

--- Ends a stream for which there is no more time.
local function give_up_on(self)
  if not self.is_over and not self.why and not say_farewell(self) then
    self.is_over = true
    let_go(self)
  end
end

--- Sends what can be sent.
local function flush(self)
  self.is_posted = false
  if self.why or self.is_over then
    return
  end
  local is_sent, _, code
  repeat
    is_sent, _, code = send_next(self)
  until not is_sent
  if code == "EAGAIN" then
    if not self.retry and not self.is_closed then
      self.retry = sched.timer(RETRY, function()
        self.retry = false
        flush(self)
      end)
    end
  elseif code then
    -- It has ended: what it has sent before is still to be read.
    self.on_cut(self)
  elseif self.is_closed and #self.queue == 0 then
    say_farewell(self)
  end
end

local function post_flush(self)
  if not self.is_posted then
    self.is_posted = true
    sched.engine():Post(self.flush)
  end
end

--- The first packet that is there, or nil.
local function take(self)
  local first = self.first
  local item = self.inbox[first]
  if not item then
    return nil
  end
  self.inbox[first] = nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  self.taken = self.taken + cost_of(item)
  if self.taken >= limits.thread_window / 2 and not self.why then
    post_flush(self)
  end
  return item
end

--- The next packet; parks while there is none.
---@async
function Stream:ReadPacket(timeout_ms)
  local give_up = timeout_ms and sched.now() + timeout_ms
  while true do
    local item = take(self)
    if item then
      return item
    elseif self.is_closed or self.why then
      return read_failure(self)
    end
    self.reader = sched.parking()
    local outcome = sched.park(self.reading, give_up and give_up - sched.now())
    self.reader = false
    if outcome == sched.TIMEOUT then
      return failure(self, "ETIMEDOUT", ("no packet in %g ms"):format(timeout_ms))
    end
  end
end

--- The next packet if it is there already.
function Stream:TryReadPacket()
  return take(self)
end

--- Queues a packet without ever parking.
function Stream:Send(item)
  if self.is_closed then
    return failure(self, "ESOCKCLOSE", "the stream is closed")
  elseif self.why then
    return failure(self, "EPIPE", self.why)
  elseif self.queued >= limits.thread_send_limit then
    local text = "%d bytes are queued, the limit is %d"
    return failure(self, "ENOBUFS", text:format(self.queued, limits.thread_send_limit))
  end
  -- What the sender does with its packet from now on is its own affair.
  local own = getmetatable(item) == "rawpacket" and packet.clone(item) or packet.rpacket(item)
  self.queue[#self.queue + 1] = own
  self.queued = self.queued + cost_of(own)
  post_flush(self)
  return true
end

--- Queues a packet. Parks before while more than the high-water mark is queued.
---@async
function Stream:WritePacket(item, timeout_ms)
  local give_up = timeout_ms and sched.now() + timeout_ms
  while self.queued >= limits.thread_high_water and not self.is_closed and not self.why do
    self.writers:Add(sched.parking())
    if sched.park(self.writers, give_up and give_up - sched.now()) == sched.TIMEOUT then
      local text = "%d bytes are still queued after %g ms"
      return failure(self, "ETIMEDOUT", text:format(self.queued, timeout_ms))
    end
  end
  return self:Send(item)
end

--- Goes on sending what is queued, and the farewell.
---@async
local function go_on(self, give_up)
  while not self.is_over and not self.why and sched.now() < give_up do
    sched.sleep(RETRY)
    flush(self)
  end
end

---@async
local function linger(self, give_up)
  local fine, problem = sched.pcall(go_on, self, give_up)
  give_up_on(self)
  if not fine then
    error(problem, 0)
  end
end

--- Ends the stream. What was written is still sent, for up to `delay_ms`.
function Stream:Close(delay_ms)
  if self.is_closed then
    return
  end
  self.is_closed = true
  self.on_close(self)
  self.inbox, self.first, self.last = {}, 1, 0
  wake_reader(self)
  tell_writers(self)
  if self.why then
    return
  elseif not self.theirs then
    -- There is nobody whom it could be sent to.
    self.queue, self.sent, self.queued = {}, 0, 0
  end
  flush(self)
  local home = sched.root()
  if self.is_over or self.why then
    return
  elseif delay_ms == 0 or home.stop then
    give_up_on(self)
  else
    sched.start(home, linger, self, sched.now() + (delay_ms or limits.linger_ms))
  end
end

--- Whether it was closed from this side.
function Stream:IsClosed()
  return self.is_closed
end

--- The thread at the other end, for messages.
function Stream:Peer()
  return self.name
end

--- An end at the other side, which has answered this one when it is sure. It is told of this one.
function Stream:OnHello(theirs, room, is_sure)
  self.has_hello = self.has_hello and self.theirs == theirs
  self.theirs, self.room, self.is_sure = theirs, room, is_sure
  flush(self)
end

--- The end at the other side has gone before it has answered: the next may come.
function Stream:OnLeave()
  self.theirs = false
end

--- A mail with packets.
function Stream:OnData(mail)
  if self.is_closed then
    return
  end
  for i = 5, #mail do
    local kind = getmetatable(mail[i])
    if kind == "rpacket" or kind == "rawpacket" then
      self.last = self.last + 1
      self.inbox[self.last] = mail[i]
    end
  end
  wake_reader(self)
end

--- The other end has taken so many bytes.
function Stream:OnAck(size)
  self.under_way = math.max(0, self.under_way - size)
  flush(self)
end

--- The other end is no more: what has arrived can still be read.
function Stream:OnBye(why)
  if self.why then
    return
  end
  self.why = why
  let_go(self)
  wake_reader(self)
  tell_writers(self)
end

--- Ends the stream without its tasks, whose loop is no more.
function Stream:Abandon()
  self.reader, self.writers = false, waiters.new()
  self:Close(0)
end

local function say_bye(thread, number, theirs)
  pcall(cthread.sendmail, thread, { mailstream.TAG, BYE, number, theirs })
end

local function stop_reading(reading)
  reading.stream.reader = false
end

--- An end with a number of its own. `hooks.on_close(stream)` is called when it is closed, `on_end`
--- once it is over, `on_cut` when nothing can be sent any more.
function mailstream.new(thread, number, hooks)
  local self = setmetatable({
    thread = thread,
    name = tostring(thread),
    number = number,
    on_close = hooks.on_close,
    on_end = hooks.on_end,
    on_cut = hooks.on_cut,
    --- The number of the other end; whether that is known to have this one for its other end,
    --- which it may not when both threads open and close at the same time; the bytes that it
    --- takes, and that are on their way.
    theirs = false,
    is_sure = false,
    room = 0,
    under_way = 0,
    has_hello = false,
    --- Packets, how many of them were sent, and the bytes of the rest.
    queue = {},
    sent = 0,
    queued = 0,
    is_posted = false,
    retry = false,
    flush = false,
    --- Packets that have arrived, and bytes that were taken and the other end does not know of.
    inbox = {},
    first = 1,
    last = 0,
    taken = 0,
    reader = false,
    reading = false,
    writers = waiters.new(),
    --- Why the other end is no more.
    why = false,
    is_closed = false,
    --- Whether the other end was told so.
    is_over = false,
    --- Whether the mail that comes behind its last was sent.
    is_gone = false,
    --- Says farewell when the thread ends, whatever it ends by.
    sentinel = false,
  }, Stream)
  self.reading = { stream = self, Leave = stop_reading, what = "packet of " .. self.name }
  self.writers.what = "room for packets to " .. self.name
  function self.flush()
    flush(self)
  end
  self.sentinel = compat.finalizer(function()
    if not self.is_closed and not self.why then
      say_bye(thread, number, self.theirs or 0)
    end
  end)
  return self
end

return mailstream
