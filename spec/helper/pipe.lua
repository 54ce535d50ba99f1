--- Streams of packets without a socket, for peers on a clock that is moved by hand.
---
---     local near, far = pipe.pair()
---     local peer = rpc.peer(near)
local chuck = require("chuck")
local sched = require("chuck.co.sched")

local packet = chuck.packet

local pipe = {}

local Stream = {}
Stream.__index = Stream

function Stream:TryReadPacket()
  return table.remove(self.inbox, 1)
end

function Stream:ReadPacket(timeout_ms)
  while not self.inbox[1] do
    if self.is_closed then
      return nil, "closed", "ESOCKCLOSE"
    elseif self.other.is_closed then
      return nil, "the end", "EOF"
    end
    self.reader = sched.parking()
    local got = sched.park(self, timeout_ms)
    self.reader = false
    if got == sched.TIMEOUT then
      return nil, "no packet", "ETIMEDOUT"
    end
  end
  return self:TryReadPacket()
end

function Stream:Leave()
  self.reader = false
end

function Stream:Wake()
  if self.reader then
    sched.wake(self.reader, true)
  end
end

function Stream:Send(item)
  if self.is_closed or self.other.is_closed then
    return nil, "closed", "ESOCKCLOSE"
  end
  table.insert(self.other.inbox, packet.rpacket(item))
  self.other:Wake()
  return true
end

Stream.WritePacket = Stream.Send

function Stream:Close()
  self.is_closed = true
  self:Wake()
  self.other:Wake()
end

function Stream:IsClosed()
  return self.is_closed
end

function Stream:Peer()
  return self.name
end

local function new(name)
  return setmetatable({ name = name, inbox = {}, reader = false, is_closed = false }, Stream)
end

--- Two streams that are connected.
function pipe.pair()
  local near, far = new("far"), new("near")
  near.other, far.other = far, near
  return near, far
end

return pipe
