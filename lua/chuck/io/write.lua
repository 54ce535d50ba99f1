--- Writing to a stream.
---
---     stream:Write("HTTP/1.1 200 OK\r\n", "\r\n")
---     stream:Flush()                                  -- the kernel has it
---     stream:Shutdown()                               -- the peer reads the end
---
--- What is written in one pass of the loop leaves in one system call. While more than the
--- high-water mark is queued, a writer parks before it queues anything: a call that fails has
--- written nothing.

local native = require("chuck.native")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")
local waiters = require("chuck.co.waiters")

local errors = native.error
local rawpacket = native.packet.rawpacket
local Stream, failure = stream.Stream, stream.failure
local METATABLE, metatable_of = stream.METATABLE, debug.getmetatable
local concat, getmetatable, select, sub, type = table.concat, getmetatable, select, string.sub, type

local CLASSES = { wpacket = true, rawpacket = true, rpacket = true }

--- Metatables of packets that were seen: a class may have several.
local known = {}

--- More may be queued than was counted: it has to be asked for.
local UNKNOWN = math.huge

--- Why nothing can be written; nil when something can.
local function write_error(self)
  return self.is_closed and "ESOCKCLOSE" or self.is_shut and "EPIPE" or self.broken or nil
end

local function write_failure(self, result)
  local code = write_error(self)
  if not code and result == -errors.ESOCKCLOSE then
    -- The connection has failed, and tells how later in this pass.
    return failure(self, "write to", "EPIPE", "the connection has failed")
  end
  code = code or errors.name(result)
  if code == "ENOBUFS" then
    local why = ("%d bytes are queued, the limit is %d"):format(
      self.conn:QueuedBytes(),
      self.send_limit
    )
    return failure(self, "write to", code, why)
  end
  return failure(self, "write to", code)
end

local function wake_all(list)
  if list then
    for _ = 1, list.count do
      sched.wake(list:Take())
    end
  end
end

--- The connection tells when the queue has fallen to half of the mark: to 0 for a mark of 1.
local function set_mark(self, mark)
  self.conn:SetHighWater(mark, self.on_drain, self.send_limit)
end

--- Waits in one of the lists of the stream until something was sent; false when the time has
--- passed.
---@async
local function await_drain(self, name, mark, timeout_ms)
  local list = self[name]
  if not list then
    list = waiters.new()
    list.what = "write " .. self.peer
    self[name] = list
    self.on_drain = function()
      if self.is_closed or self.broken or self.conn:QueuedBytes() == 0 then
        wake_all(self.flushers)
      end
      wake_all(self.writers)
    end
  end
  list:Add(sched.parking())
  set_mark(self, mark)
  return sched.park(list, timeout_ms) ~= sched.TIMEOUT
end

local function late(self, timeout_ms)
  local why = ("%d bytes are still queued after %g ms"):format(self.conn:QueuedBytes(), timeout_ms)
  return failure(self, "write to", "ETIMEDOUT", why)
end

--- Waits until less than the high-water mark is queued.
---@async
local function await_room(self, timeout_ms)
  local deadline
  while true do
    local code = write_error(self)
    if code then
      return failure(self, "write to", code)
    end
    self.owed = self.conn:QueuedBytes()
    if self.owed < self.high_water then
      return true
    end
    deadline = deadline or timeout_ms and sched.now() + timeout_ms
    -- Who flushes has set a lower mark.
    local mark = self.flushers and self.flushers.count > 0 and 1 or self.high_water
    if not await_drain(self, "writers", mark, deadline and deadline - sched.now()) then
      return late(self, timeout_ms)
    end
  end
end

--- Raises for what is no packet.
local function expect_packet(name, packet)
  if not CLASSES[getmetatable(packet)] then
    stream.bad_argument(name, 2, "packet", packet)
  end
  known[metatable_of(packet)] = true
end

--- Queues a packet without ever parking.
function Stream:Send(packet)
  if metatable_of(self) ~= METATABLE then
    stream.expect(self, "Send")
  end
  if not known[metatable_of(packet)] then
    expect_packet("Send", packet)
  end
  local result = self.conn:Send(packet)
  if result == 0 then
    self.owed = UNKNOWN
    return true
  end
  return write_failure(self, result)
end

--- Queues a packet. Parks before while more than the high-water mark is queued.
---@async
function Stream:WritePacket(packet, timeout_ms)
  if timeout_ms or metatable_of(self) ~= METATABLE then
    stream.expect(self, "WritePacket", 3, timeout_ms)
  end
  if not known[metatable_of(packet)] then
    expect_packet("WritePacket", packet)
  end
  if self.owed >= self.high_water then
    local done, message, code = await_room(self, timeout_ms)
    if not done then
      return nil, message, code
    end
  end
  local result = self.conn:Send(packet)
  if result == 0 then
    self.owed = self.owed + #packet
    return true
  end
  return write_failure(self, result)
end

--- Strings as one, and the time limit that may follow them.
local function joined(...)
  local count = select("#", ...)
  local timeout_ms = select(count, ...)
  if type(timeout_ms) == "number" then
    if timeout_ms < 0 or timeout_ms ~= timeout_ms then
      stream.bad_argument("Write", count + 1, "milliseconds", timeout_ms)
    end
    count = count - 1
  else
    timeout_ms = nil
  end
  local parts = { ... }
  for i = 1, count do
    if type(parts[i]) ~= "string" then
      stream.bad_argument("Write", i + 1, "string", parts[i])
    end
  end
  return concat(parts, "", 1, count), timeout_ms
end

--- Queues what is too much for one packet, piece by piece; also returns what was queued of it.
---@async
local function write_pieces(self, text, timeout_ms)
  local deadline = timeout_ms and sched.now() + timeout_ms
  local written = 0
  while written < #text do
    local left = deadline and math.max(deadline - sched.now(), 0)
    local done, message, code = await_room(self, left)
    if not done then
      return nil, message, code, written
    end
    local piece = sub(text, written + 1, written + self.high_water)
    local result = self.conn:Send(rawpacket(piece))
    if result ~= 0 then
      message, code = select(2, write_failure(self, result))
      return nil, message, code, written
    end
    written = written + #piece
  end
  return true
end

--- Queues strings: `Write(text, …[, timeout_ms])`. Parks before while more than the high-water mark
--- is queued.
---@async
function Stream:Write(text, more, ...)
  if metatable_of(self) ~= METATABLE then
    stream.expect(self, "Write")
  end
  local timeout_ms
  if type(text) ~= "string" then
    stream.bad_argument("Write", 2, "string", text)
  elseif select("#", ...) > 0 then
    text, timeout_ms = joined(text, more, ...)
  elseif type(more) == "string" then
    text = text .. more
  elseif more ~= nil then
    text, timeout_ms = joined(text, more)
  end
  if self.is_framed then
    stream.blame(("'Write' sends bytes, and %s expects packets: WritePacket"):format(self.peer))
  end
  local size = #text
  if size > self.send_limit - self.high_water then
    return write_pieces(self, text, timeout_ms)
  elseif self.owed >= self.high_water then
    local done, message, code = await_room(self, timeout_ms)
    if not done then
      return nil, message, code
    end
  end
  local result = self.conn:Send(rawpacket(text))
  if result == 0 then
    self.owed = self.owed + size
    return true
  end
  return write_failure(self, result)
end

--- Waits until the kernel has everything that was written.
---@async
function Stream:Flush(timeout_ms)
  stream.expect(self, "Flush", 2, timeout_ms)
  local deadline = timeout_ms and sched.now() + timeout_ms
  while true do
    if self.is_closed then
      return failure(self, "flush", "ESOCKCLOSE")
    elseif self.broken then
      return failure(self, "flush", self.broken)
    elseif self.conn:QueuedBytes() == 0 then
      if self.flushers and self.flushers.count == 0 then
        set_mark(self, self.high_water)
      end
      self.owed = 0
      return true
    elseif not await_drain(self, "flushers", 1, deadline and deadline - sched.now()) then
      return late(self, timeout_ms)
    end
  end
end

--- Ends the write side: the peer reads the end after what was written. Reading goes on.
function Stream:Shutdown()
  stream.expect(self, "Shutdown")
  local code = write_error(self)
  if code == "EPIPE" and self.is_shut then
    return true
  elseif code then
    return failure(self, "shut down", code)
  end
  self.is_shut = true
  self.conn:ShutdownWrite()
  self.on_drain()
  return true
end
