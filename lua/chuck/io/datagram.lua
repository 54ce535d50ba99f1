--- Datagrams for tasks.
---
---     local socket = assert(io.datagram("127.0.0.1:0"))
---     socket:SendTo("ping", "127.0.0.1:5353")
---     local text, from = socket:RecvFrom(1000)
---
--- What arrives while nobody receives is kept up to `read_ahead` bytes; then the kernel keeps what
--- its buffer holds, and drops the rest.

local address = require("chuck.support.address")
local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")

local errors, sockets = native.error, native.socket_helper
local rawpacket = native.packet.rawpacket

--- Received and not taken, in bytes, when receiving pauses; it goes on at half of it.
local READ_AHEAD = 64 * 1024

--- The largest datagram that is received: every one that IPv4 and IPv6 know.
local RECVBUF = 65536

--- What a datagram counts for beside its bytes.
local COST = 128

local OPTIONS = {
  decoder = "decoder",
  family = "string",
  on_error = "function",
  read_ahead = "positive integer",
  recvbuf = "positive integer",
  reuse_port = "boolean",
}

local FAMILIES = { inet = sockets.AF_INET, inet6 = sockets.AF_INET6, unix = sockets.AF_UNIX }

local PACKETS = { wpacket = true, rawpacket = true, rpacket = true }

local NONE = {}

---@class chuck.Socket
local Datagram = {}

local METATABLE = { __index = Datagram, __metatable = "socket" }

local function failure(self, verb, code, why)
  local words = errors[code] and errors.strerror(errors[code]) or code
  return nil, verb .. " " .. self.name .. ": " .. (why or words), code
end

local function expect(self, name, n, timeout_ms)
  if getmetatable(self) ~= "socket" then
    stream.bad_argument(name, 1, "socket", self)
  elseif timeout_ms and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    stream.bad_argument(name, n, "milliseconds", timeout_ms)
  end
end

local function keep(self, packet, from, code)
  local last = self.last + 1
  self.last = last
  self.packets[last], self.froms[last], self.codes[last] = packet, from or false, code
  self.size = self.size + COST + (packet and #packet or 0)
  if self.size >= self.read_ahead and not self.is_paused then
    self.is_paused = true
    self.dgram:PauseRead()
  end
end

local function hand_over(self, packet, from, code)
  local task = self.reader
  if not (task and sched.wake(task, packet, from, code)) then
    keep(self, packet, from, code)
  end
end

local function receive(self, packet, from, number)
  if self.is_closed then
    return
  elseif packet then
    hand_over(self, packet, from)
    return
  end
  local code = errors.name(number) or "EIO"
  if number == errors.EENGCLOSE then
    self.ended = code
    hand_over(self, false, nil, code)
  elseif not from then
    hand_over(self, false, nil, code)
  elseif self.on_error then
    self.on_error(from, errors.strerror(number), code)
  end
end

--- The socket that an address asks for.
local function open(addr, options)
  local family, protocol = FAMILIES[options.family or "inet"], sockets.IPPROTO_UDP
  local host, port
  if addr and address.is_unix(addr) then
    family, protocol = sockets.AF_UNIX, 0
  elseif addr then
    host, port = address.split(addr)
    if not host then
      return nil, "no address to receive at", "EINVAL"
    elseif host == "" or host == "*" then
      host = family == sockets.AF_INET6 and "::" or "0.0.0.0"
    elseif host == "localhost" then
      host = family == sockets.AF_INET6 and "::1" or "127.0.0.1"
    end
    family = host:find(":", 1, true) and sockets.AF_INET6 or sockets.AF_INET
    addr = address.join(host, port)
  elseif family == sockets.AF_UNIX then
    protocol = 0
  end
  local fd = sockets.socket(family, sockets.SOCK_DGRAM, protocol)
  if fd < 0 then
    return nil, errors.strerror(fd), errors.name(fd)
  end
  local result = options.reuse_port and sockets.reuseport(fd, true) or 0
  if addr and result == 0 then
    local is_address, bound = pcall(sockets.bind, fd, addr)
    result = is_address and bound or -errors.EINVAL
  end
  if result ~= 0 then
    sockets.close(fd)
    return nil, errors.strerror(result), errors.name(result)
  end
  return fd
end

local function leave(self)
  self.socket.reader = false
end

local function new(dgram, name, options)
  local self = setmetatable({
    dgram = dgram,
    --- For messages.
    name = name,
    on_error = options.on_error,
    --- Whether what is received are bytes, and no packets.
    is_raw = not options.decoder or options.decoder == native.decoder.datagram.rawpacket,
    --- What has arrived and was not taken, `first` to `last`: packets or false, senders, codes.
    packets = {},
    froms = {},
    codes = {},
    first = 1,
    last = 0,
    size = 0,
    read_ahead = options.read_ahead or READ_AHEAD,
    is_paused = false,
    --- The task that receives, and what it waits in.
    reader = false,
    reading = false,
    ended = false,
    is_closed = false,
  }, METATABLE)
  self.reading = { socket = self, Leave = leave, what = "receive at " .. name }
  return self
end

--- A datagram socket, bound to `addr`; without one it only answers to who was sent to.
--- @return chuck.Socket? socket
--- @return string? message
--- @return string? code
local function datagram(addr, options)
  if addr ~= nil then
    check.type("datagram", 1, addr, "string")
  end
  check.options("datagram", 2, options, OPTIONS)
  options = options or NONE
  if options.family and not FAMILIES[options.family] then
    local message = "bad argument #2 to 'datagram' (option family: %s expected)"
    stream.blame(message:format('"inet", "inet6" or "unix"'))
  elseif not pcall(native.datagram, -1, 1, options.decoder) then
    stream.blame("bad argument #2 to 'datagram' (option decoder: one for datagrams expected)")
  end
  local engine = stream.engine_for("datagram")
  local name = addr or "a free port"
  local dgram
  local fd, message, code = open(addr, options)
  if fd then
    dgram, message, code = native.datagram(fd, options.recvbuf or RECVBUF, options.decoder)
    if not dgram then
      sockets.close(fd)
    end
  end
  if not dgram then
    return nil, "datagrams at " .. name .. ": " .. message, code
  end
  local self = new(dgram, addr and dgram:GetSockAddr() or name, options)
  local done
  done, message, code = dgram:Add2Engine(engine, function(_, packet, from, number)
    receive(self, packet, from, number)
  end)
  if not done then
    dgram:Close()
    return nil, "datagrams at " .. name .. ": " .. message, code
  end
  return self
end

--- What a send has come to.
local function outcome(self, name, is_fine, result)
  if not is_fine then
    stream.pass_on(name, result)
  elseif result == 0 then
    return true
  end
  return failure(self, "send from", errors.name(result))
end

local function packet_of(name, data)
  if type(data) == "string" then
    return rawpacket(data)
  elseif not PACKETS[getmetatable(data)] then
    stream.bad_argument(name, 2, "string or packet", data)
  end
  return data
end

--- Sends a string or a packet as one datagram to an address. Never parks.
--- @return true? sent
--- @return string? message
--- @return string? code
function Datagram:SendTo(data, to)
  expect(self, "SendTo")
  local dgram = self.dgram
  return outcome(self, "SendTo", pcall(dgram.SendTo, dgram, packet_of("SendTo", data), to))
end

--- Sends a string or a packet as one datagram to the peer of `Connect`. Never parks.
--- @return true? sent
--- @return string? message
--- @return string? code
function Datagram:Send(data)
  expect(self, "Send")
  local dgram = self.dgram
  return outcome(self, "Send", pcall(dgram.Send, dgram, packet_of("Send", data)))
end

--- Takes the first entry; false when there is none.
local function take(self)
  local first = self.first
  if first > self.last then
    return false
  end
  local packet, from, code = self.packets[first], self.froms[first], self.codes[first]
  self.packets[first], self.froms[first], self.codes[first] = nil, nil, nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  self.size = self.size - COST - (packet and #packet or 0)
  if self.is_paused and self.size <= self.read_ahead / 2 then
    self.is_paused = false
    self.dgram:ResumeRead()
  end
  return true, packet, from or nil, code
end

--- The next datagram, and who has sent it: a string, or a packet when there is a decoder for them.
--- Parks while there is none.
--- @async
--- @return any datagram
--- @return string? from, or message
--- @return string? code
function Datagram:RecvFrom(timeout_ms)
  expect(self, "RecvFrom", 2, timeout_ms)
  local is_there, packet, from, code = take(self)
  if not is_there then
    if self.is_closed or self.ended then
      return failure(self, "receive at", self.is_closed and "ESOCKCLOSE" or self.ended)
    end
    local task = sched.parking()
    if self.reader then
      stream.blame(("another task receives at %s already"):format(self.name))
    end
    self.reader = task
    packet, from, code = sched.park(self.reading, timeout_ms)
    self.reader = false
    if packet == sched.TIMEOUT then
      local why = ("nothing in %g ms"):format(timeout_ms)
      return failure(self, "receive at", "ETIMEDOUT", why)
    end
  end
  if packet then
    return self.is_raw and packet:ReadBin() or packet, from
  end
  return failure(self, "receive at", self.is_closed and "ESOCKCLOSE" or code)
end

--- An iterator over datagrams and their senders. It ends when `RecvFrom` fails.
function Datagram:Datagrams(timeout_ms)
  expect(self, "Datagrams", 2, timeout_ms)
  return function()
    local data, from, code = self:RecvFrom(timeout_ms)
    if data or not code then
      return data, from
    end
  end
end

--- Closes the socket: who receives is told `"ESOCKCLOSE"`. A second time it does nothing.
function Datagram:Close()
  expect(self, "Close")
  if self.is_closed then
    return
  end
  self.is_closed = true
  self.packets, self.froms, self.codes = {}, {}, {}
  self.first, self.last, self.size = 1, 0, 0
  self.dgram:Close()
  if self.reader then
    sched.wake(self.reader, false)
  end
end

--- Whether `Close` was called.
function Datagram:IsClosed()
  expect(self, "IsClosed")
  return self.is_closed
end

--- Calls a method of the native object that answers 0 or a negative number.
local function forwarded(name)
  return function(self, ...)
    expect(self, name)
    return outcome(self, name, pcall(self.dgram[name], self.dgram, ...))
  end
end

for _, name in ipairs({
  "Connect",
  "JoinGroup",
  "LeaveGroup",
  "SetBroadcast",
  "SetMulticastInterface",
  "SetMulticastLoop",
  "SetMulticastTtl",
  "SetTtl",
}) do
  Datagram[name] = forwarded(name)
end

--- The address of this side.
function Datagram:GetSockAddr()
  expect(self, "GetSockAddr")
  return self.dgram:GetSockAddr()
end

--- The address of the peer of `Connect`.
function Datagram:GetPeerAddr()
  expect(self, "GetPeerAddr")
  return self.dgram:GetPeerAddr()
end

--- Counts since the socket was made.
function Datagram:Stats()
  expect(self, "Stats")
  return self.dgram:Stats()
end

return datagram
