--- A connection that tasks read and write: a call waits, the loop does not.
---
---     local line, message, code = stream:ReadLine()
---     if line then stream:Write(line, "\n") end
---
--- What arrives while nobody reads is kept up to `read_ahead` bytes; then the connection is paused
--- and the peer comes to wait. What is written while the peer does not read is queued up to
--- `high_water` bytes; then writers park. One task reads at a time; any number may write.
---
--- Outcomes are values, or `nil, message, code`: `"EOF"` once everything before the peer's orderly
--- end was read, `"ESOCKCLOSE"` after `Close`, `"ETIMEDOUT"`, `"ECONNRESET"`, … A call that fails,
--- or is cancelled, takes no byte from the stream.

local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local errors = native.error
local rawpacket = native.packet.rawpacket
local getmetatable, sub, type = getmetatable, string.sub, type
--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable
local parking, park, wake, TIMEOUT = sched.parking, sched.park, sched.wake, sched.TIMEOUT

local stream = {}

--- Received and not read, in bytes, when reading pauses; it goes on at half of it, and of packets
--- when all were read. What one system
--- call brings is taken in whole, so it may be more by that.
local READ_AHEAD = 64 * 1024

--- Queued and not sent, in bytes, when writers park; they go on at half of it.
local HIGH_WATER = 1024 * 1024

--- Most bytes that may be queued: beyond it a packet is refused.
local SEND_LIMIT = 64 * 1024 * 1024

--- What a packet counts for beside its bytes.
local PACKET_COST = 64

--- How long `Close` goes on sending, in milliseconds.
stream.LINGER = 10000

--- The largest piece of a plain stream that is read at a time, in bytes.
stream.RECVBUF = 65536

--- Longest and shortest pause between two looks at what is still to be sent, in milliseconds.
local LOOK_FIRST, LOOK_LAST = 1, 50

--- Told by the connection, which goes on. Calls have time limits of their own.
local GOES_ON = { [errors.ERVTIMEOUT] = true, [errors.ESNTIMEOUT] = true }

---@class chuck.Stream
local Stream = {}

local METATABLE = { __index = Stream, __metatable = "stream" }
stream.Stream, stream.METATABLE = Stream, METATABLE

local WORDS = {
  EOF = "the peer has ended the stream",
  EPIPE = "its write side has ended",
  ESOCKCLOSE = "the stream is closed",
}

--- Why something has failed, for people and for programs.
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

--- Raises at the line that has called into these files.
function stream.blame(message)
  check.blame("io", message)
end

--- Raises for an argument of the wrong kind.
local function bad_argument(name, n, expected, value)
  local got = type(value) == "number" and tostring(value) or type(value)
  stream.blame(("bad argument #%d to '%s' (%s expected, got %s)"):format(n, name, expected, got))
end
stream.bad_argument = bad_argument

--- Raises what a native function had to say about its arguments, as ours.
function stream.pass_on(name, problem)
  local message = tostring(problem):gsub("^.-:%d+: ", "")
  stream.blame((message:gsub("to '[^']*'", "to '" .. name .. "'", 1)))
end

--- Raises for a method that was not called on a stream, or with a time limit that is none.
local function expect(self, name, n, timeout_ms)
  if metatable_of(self) ~= METATABLE then
    bad_argument(name, 1, "stream", self)
  elseif timeout_ms and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    bad_argument(name, n, "milliseconds", timeout_ms)
  end
end
stream.expect = expect

--- The engine that everything here needs.
function stream.engine_for(name)
  local engine = sched.engine()
  if not engine then
    stream.blame(("'%s' needs an engine: call it inside of co.run"):format(name))
  end
  return engine
end

--- What the reader of a stream waits in.
local Reading = {}

function Reading.__index(self, key)
  if key == "what" then
    return "read " .. self.stream.peer
  end
end

--- The reader has given up.
local function leave(self)
  self.stream.reader = false
end

local function resume(self)
  self.is_paused = false
  self.conn:ResumeRead()
end

--- Has the reader, if it waits, go on. It stays the reader until it runs: nobody comes between.
local function wake_reader(self)
  local task = self.reader
  if task then
    wake(task, true)
  end
end

--- Raises for a second reader.
local function refuse_reader(self)
  local message = "another task reads from %s already: a stream has one reader at a time"
  stream.blame(message:format(self.peer))
end
stream.refuse_reader = refuse_reader

--- Waits for input: until `wants` bytes are there, or for `"packet"` the next one, which is
--- returned; or the end. False when the time has passed.
---@async
local function await(self, wants, timeout_ms)
  self.reader, self.wants = parking(), wants
  if self.is_paused then
    resume(self)
  end
  local got = park(self.reading, timeout_ms)
  self.reader = false
  return got ~= TIMEOUT and (got or true)
end
stream.await = await

--- So much more is here, and reading stops when that is too much.
local function note_added(self, size)
  size = self.size + size
  self.size = size
  if size >= self.read_ahead and not self.is_paused then
    self.is_paused = true
    self.conn:PauseRead()
  end
end

--- The connection tells its end. What was received can still be read.
local function finish(self, number)
  if GOES_ON[number] then
    return
  end
  local code = number == 0 and "EOF" or errors.name(number) or "EIO"
  self.ended = self.ended or code
  if number ~= 0 then
    self.broken = code
    self.on_drain()
  end
  wake_reader(self)
end

--- What is told of packets. One goes to the reader that waits for it, others are kept; what comes
--- while there is a reader is not weighed, since it runs in the same pass.
local function packet_receiver(self)
  return function(_, packet, number)
    if not packet then
      finish(self, number)
      return
    end
    local task = self.reader
    if task and self.wants == "packet" then
      self.wants = 0
      if wake(task, packet) then
        return
      end
    end
    local last = self.last + 1
    self.last = last
    self.inbox[last] = packet
    if not task then
      note_added(self, #packet + PACKET_COST)
    end
  end
end

--- What is told of bytes. Reading stops when more is here than the reader wants.
local function byte_receiver(self)
  return function(_, packet, number)
    if not packet then
      finish(self, number)
      return
    end
    local task = self.reader
    if task and self.wants == "packet" then
      self.wants = 0
      if wake(task, packet) then
        return
      end
    end
    local bytes = packet:ReadBin()
    local last = self.last + 1
    self.last = last
    self.inbox[last] = bytes
    if task and self.size + #bytes < self.wants then
      self.size = self.size + #bytes
      return
    elseif task then
      wake(task, true)
    end
    note_added(self, #bytes)
  end
end

--- What is told of packets or bytes: the first one tells of which.
local function any_receiver(self)
  local receive
  return function(conn, packet, number)
    if packet and not receive then
      self.is_framed = getmetatable(packet) == "rpacket"
      receive = (self.is_framed and packet_receiver or byte_receiver)(self)
      if self.is_framed and self.wants ~= "packet" then
        -- Who reads bytes finds out.
        wake_reader(self)
      end
    end
    if packet then
      receive(conn, packet)
    else
      finish(self, number)
    end
  end
end

local RECEIVERS = { bytes = byte_receiver, packets = packet_receiver }

--- Options that every way to make a stream has.
stream.OPTIONS = {
  high_water = "positive integer",
  read_ahead = "positive integer",
  send_limit = "positive integer",
}

local NONE = {}

--- Nobody waits for what is sent.
local function ignore() end

--- A stream around a connection that is in no engine yet.
--- @param kind string? `"bytes"` or `"packets"`; nil: what arrives first will tell
function stream.new(conn, peer, options, kind)
  options = options or NONE
  local self = setmetatable({
    conn = conn,
    --- The other side, for messages.
    peer = peer or conn:GetPeerAddr() or "a peer that has gone",
    --- Whether packets arrive, or bytes; nil while nobody knows.
    is_framed = nil,
    --- What has arrived and was not read: entries `first` to `last`, the bytes of the first entry
    --- that were, and the size of all.
    inbox = {},
    first = 1,
    last = 0,
    offset = 0,
    size = 0,
    read_ahead = options.read_ahead or READ_AHEAD,
    is_paused = false,
    --- The task that waits for input, how much of it, and what it waits in.
    reader = false,
    wants = 0,
    reading = false,
    --- How much may be queued; bytes that are queued at most; who waits for room, or to be sent.
    high_water = options.high_water or HIGH_WATER,
    send_limit = options.send_limit or math.max(SEND_LIMIT, 2 * (options.high_water or 0)),
    owed = 0,
    writers = false,
    flushers = false,
    on_drain = ignore,
    --- Codes: why nothing more will be received, and why nothing can be sent.
    ended = false,
    broken = false,
    --- Ended, and closed, from this side.
    is_shut = false,
    is_closed = false,
  }, METATABLE)
  if kind then
    self.is_framed = kind == "packets"
  end
  self.reading = setmetatable({ stream = self, Leave = leave }, Reading)
  if options.high_water or options.send_limit then
    conn:SetHighWater(self.high_water, nil, self.send_limit)
  end
  conn:SetHalfOpen(true)
  local receiver = (RECEIVERS[kind] or any_receiver)(self)
  local done, message, code = conn:Add2Engine(sched.engine(), receiver)
  if not done then
    conn:Close()
    return nil, self.peer .. ": " .. message, code
  end
  return self
end

--- What a decoder makes of a stream.
function stream.kind_of(decoder)
  return decoder and decoder ~= native.decoder.connection.rawpacket and "packets" or "bytes"
end

--- Raises for options that are wrong together, or a decoder that is none for connections.
function stream.check_options(name, n, options)
  local high, limit = options.high_water or HIGH_WATER, options.send_limit
  if limit and limit < 2 * high then
    local message = "bad argument #%d to '%s' (option send_limit: at least %d expected, got %d)"
    stream.blame(message:format(n, name, 2 * high, limit))
  elseif not pcall(native.connection, -1, 1, options.decoder) then
    -- Its class does not tell what it is for; a connection does, before it looks for its socket.
    local message = "bad argument #%d to '%s' (option decoder: one for connections expected)"
    stream.blame(message:format(n, name))
  end
end

--- Raises when the task was cancelled while what it waited for came: that is undone.
function stream.unless_cancelled(undo, object)
  local is_wanted, reason = pcall(parking)
  if not is_wanted then
    undo(object)
    error(reason, 0)
  end
end

--- Takes the first entry out of the inbox.
local function drop_first(self)
  local first = self.first
  self.inbox[first] = nil
  self.offset = 0
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
end
stream.drop_first = drop_first

--- Notes that so much was taken out of the inbox.
local function note_taken(self, size)
  size = self.size - size
  self.size = size
  if self.is_paused and size <= self.read_ahead / 2 then
    resume(self)
  end
end
stream.note_taken = note_taken

--- The first packet that is there; nil when there is none. Bytes make one as they have arrived.
local function take_packet(self)
  local inbox, first = self.inbox, self.first
  local item = inbox[first]
  if not item then
    return nil
  elseif not self.is_framed then
    if self.reader then
      refuse_reader(self)
    end
    local offset = self.offset
    drop_first(self)
    note_taken(self, #item - offset)
    return rawpacket(offset == 0 and item or sub(item, offset + 1))
  end
  inbox[first] = nil
  if first < self.last then
    self.first = first + 1
    return item
  end
  -- Packets are not weighed again: reading goes on when none is left.
  self.first, self.last, self.size = 1, 0, 0
  if self.is_paused then
    resume(self)
  end
  return item
end

--- The next packet; of a stream of bytes, whatever has arrived as a rawpacket. Parks while there
--- is none.
---@async
function Stream:ReadPacket(timeout_ms)
  if timeout_ms or metatable_of(self) ~= METATABLE then
    expect(self, "ReadPacket", 2, timeout_ms)
  end
  if self.reader then
    refuse_reader(self)
  end
  local packet = take_packet(self)
  if packet then
    return packet
  elseif self.is_closed or self.ended then
    return read_failure(self)
  end
  packet = await(self, "packet", timeout_ms)
  if packet and packet ~= true then
    return packet
  elseif packet then
    return read_failure(self)
  end
  return failure(self, "read from", "ETIMEDOUT", ("no packet in %g ms"):format(timeout_ms))
end

--- The next packet if it is there already; nil otherwise. Never parks.
function Stream:TryReadPacket()
  if metatable_of(self) ~= METATABLE then
    expect(self, "TryReadPacket")
  end
  return take_packet(self)
end

--- Stays until everything is sent, so that the program does too. Nobody is told what becomes of a
--- connection that closes: it has to be looked at.
---@async
local function linger(conn, delay_ms)
  local give_up, pause = sched.now() + delay_ms, LOOK_FIRST
  while conn:QueuedBytes() > 0 and sched.now() < give_up do
    sched.sleep(pause)
    pause = math.min(2 * pause, LOOK_LAST)
  end
end

--- Ends the stream: who waits for it is told `"ESOCKCLOSE"`. What was written is still sent, for
--- up to `delay_ms`; with `0`, only what the kernel takes at once. A second time it does nothing.
function Stream:Close(delay_ms)
  expect(self, "Close", 2, delay_ms)
  if self.is_closed then
    return
  end
  self.is_closed = true
  self.inbox, self.first, self.last, self.offset, self.size = {}, 1, 0, 0, 0
  local conn = self.conn
  delay_ms = delay_ms or stream.LINGER
  conn:Close(delay_ms)
  local root = delay_ms > 0 and conn:QueuedBytes() > 0 and sched.root()
  if root then
    sched.start(root, linger, conn, delay_ms)
  end
  wake_reader(self)
  self.on_drain()
end

--- Whether `Close` was called.
function Stream:IsClosed()
  expect(self, "IsClosed")
  return self.is_closed
end

--- The other side, as text for messages, also when it has gone.
function Stream:Peer()
  expect(self, "Peer")
  return self.peer
end

--- The address of this side.
--- @return string? address
--- @return string? message
--- @return string? code
function Stream:GetSockAddr()
  expect(self, "GetSockAddr")
  return self.conn:GetSockAddr()
end

return stream
