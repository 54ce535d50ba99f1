--- A connection that is read and written by tasks: a call waits, the loop does not.
---
---     local line, message, code = stream:ReadLine()
---     if line then stream:Write(line, "\n") end
---
--- What arrives while nobody reads is kept up to `read_ahead` bytes; then the connection is paused
--- and the peer comes to wait. What is written while the peer does not read is kept up to
--- `high_water` bytes; then the writer parks. Reading and writing are the business of one task
--- each at a time for reading, of any number for writing.
---
--- Outcomes are values, or `nil, message, code`: `"EOF"` once everything before the peer's orderly
--- end was read, `"ESOCKCLOSE"` after `Close`, `"ETIMEDOUT"`, `"ECONNRESET"`, …

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local errors = native.error
local rawpacket = native.packet.rawpacket
local parking, park, wake, TIMEOUT = sched.parking, sched.park, sched.wake, sched.TIMEOUT

local stream = {}

--- Received and not read, in bytes, when reading pauses. It goes on at half of it.
stream.READ_AHEAD = 64 * 1024

--- What one packet counts for beside its bytes.
local PACKET_COST = 64

--- How long `Close` goes on sending, in milliseconds.
stream.LINGER = 10000

--- Told by the connection, which goes on.
local GOES_ON = { [errors.ERVTIMEOUT] = true, [errors.ESNTIMEOUT] = true }

---@class chuck.io.Stream
local Stream = {}
Stream.__index = Stream
Stream.__metatable = "stream"
stream.Stream = Stream

local WORDS = {
  EOF = "the peer has ended the stream",
  ESOCKCLOSE = "the stream is closed",
}

--- Why an operation has failed, for people and for programs.
local function failure(self, verb, code, why)
  why = why or WORDS[code] or (errors[code] and errors.strerror(errors[code])) or code
  return nil, verb .. " " .. self.peer .. ": " .. why, code
end
stream.failure = failure

--- Why nothing more can be read.
local function read_failure(self)
  return failure(self, "read from", self.is_closed and "ESOCKCLOSE" or self.ended)
end
stream.read_failure = read_failure

local function late(self, verb, timeout_ms)
  return failure(self, verb, "ETIMEDOUT", ("nothing in %g ms"):format(timeout_ms))
end

local Reading = {}
Reading.__index = function(self, key)
  return key == "what" and "read " .. self.stream.peer or nil
end

--- The reader has given up.
local function leave(self)
  self.stream.reader = false
end

local function wake_reader(self)
  local task = self.reader
  if task then
    self.reader = false
    wake(task)
  end
end

local function pause(self)
  if self.size >= self.read_ahead and not self.is_paused and not self.reader then
    self.is_paused = true
    self.conn:PauseRead()
  end
end

local function resume(self)
  self.is_paused = false
  self.conn:ResumeRead()
end
stream.resume = resume

local function keep(self, item, size)
  local last = self.last + 1
  self.last = last
  self.inbox[last] = item
  self.size = self.size + size
end

local function receive(self, packet)
  if self.is_closed then
    return
  end
  local task = self.reader
  if task and self.wants == "packet" then
    self.reader = false
    wake(task, packet)
    return
  end
  keep(self, packet, #packet + PACKET_COST)
  if not task then
    pause(self)
  end
end

--- The connection tells its end. What was received can still be read.
local function finish(self, code)
  if GOES_ON[code] then
    return
  end
  self.ended = code == 0 and "EOF" or errors.name(code) or "EIO"
  wake_reader(self)
end

--- A stream around a connection that is in no engine yet.
function stream.new(conn, peer, options)
  local self = setmetatable({
    conn = conn,
    --- The other side, for messages.
    peer = peer or conn:GetPeerAddr() or "a peer that has gone",
    --- What has arrived and was not read: entries `first` to `last`, and their size.
    inbox = {},
    first = 1,
    last = 0,
    size = 0,
    read_ahead = options and options.read_ahead or stream.READ_AHEAD,
    is_paused = false,
    --- The task that waits for input, what for, and what it waits in.
    reader = false,
    wants = false,
    reading = false,
    --- A code, once nothing more will be received.
    ended = false,
    --- Closed from this side.
    is_closed = false,
  }, Stream)
  self.reading = setmetatable({ stream = self, Leave = leave }, Reading)
  local done, message, code = conn:Add2Engine(sched.engine(), function(_, packet, err)
    if packet then
      receive(self, packet)
    else
      finish(self, err)
    end
  end)
  if not done then
    conn:Close()
    return nil, message, code
  end
  return self
end

--- Takes the first packet that is there; nil when there is none.
local function take(self)
  local first = self.first
  local packet = self.inbox[first]
  if not packet then
    return nil
  end
  self.inbox[first] = nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  self.size = self.size - #packet - PACKET_COST
  if self.is_paused and self.size <= self.read_ahead / 2 then
    resume(self)
  end
  return packet
end

--- The next packet. Parks while there is none.
---@async
function Stream:ReadPacket(timeout_ms)
  local packet = take(self)
  if packet then
    return packet
  elseif self.is_closed or self.ended then
    return read_failure(self)
  end
  local task = parking()
  if self.reader then
    error("another task reads from " .. self.peer .. " already", 2)
  end
  self.reader, self.wants = task, "packet"
  if self.is_paused then
    resume(self)
  end
  packet = park(self.reading, timeout_ms)
  if packet == TIMEOUT then
    return late(self, "read from", timeout_ms)
  elseif packet then
    return packet
  end
  return read_failure(self)
end

--- The next packet if it is there already; nil otherwise. Never parks.
function Stream:TryReadPacket()
  return take(self)
end

--- Queues a packet without ever parking.
function Stream:Send(packet)
  local result = self.conn:Send(packet)
  if result == 0 then
    return true
  end
  local code = errors.name(result)
  if code == "ESOCKCLOSE" and not self.is_closed and self.ended then
    code = self.ended == "EOF" and "EPIPE" or self.ended
  end
  return failure(self, "write to", code)
end

--- Queues a packet. Parks while more than the high-water mark is queued.
---@async
function Stream:WritePacket(packet, timeout_ms)
  return self:Send(packet)
end

--- Ends the stream: whoever waits for it is told `"ESOCKCLOSE"`. What was written is still sent for
--- up to `delay_ms`; `0`: what the kernel does not take at once is lost.
function Stream:Close(delay_ms)
  if self.is_closed then
    return
  end
  self.is_closed = true
  self.inbox, self.first, self.last, self.size = {}, 1, 0, 0
  self.conn:Close(delay_ms or stream.LINGER)
  wake_reader(self)
end

--- Whether `Close` was called.
function Stream:IsClosed()
  return self.is_closed
end

--- The other side, as text for messages.
function Stream:Peer()
  return self.peer
end

stream.rawpacket = rawpacket

return stream
