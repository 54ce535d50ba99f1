--- Packets of the program's own, beside the messages of one connection.
---
--- They go to `on_packet`, one after the other, in a task of their own: it may wait, and call. When
--- too many wait for it, the connection is not read on.

local errors = require("chuck.rpc.errors")
local link = require("chuck.rpc.link")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local packets = {}

--- Nothing has to be undone.
local function stay() end

--- The reader waits no longer for room.
local function leave(full)
  full.queue.reader = false
end

--- What a peer needs for packets.
function packets.set_up(self)
  --- Those that wait, `first` to `last`; the task that delivers them, and whether it has nothing to
  --- do; the reader, while there are too many.
  self.packets = {
    first = 1,
    last = 0,
    task = false,
    is_idle = false,
    reader = false,
    what = "packets of " .. self.name,
    Leave = stay,
    full = { what = "on_packet of " .. self.name, Leave = leave, queue = false },
  }
  self.packets.full.queue = self.packets
end

local Peer = {}

--- Sends a packet of the program's own, which the other side gives to `on_packet`. True; or nil,
--- message, code. It may be called outside of tasks.
function Peer:SendPacket(packet)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  elseif getmetatable(packet) ~= "wpacket" and getmetatable(packet) ~= "rawpacket" then
    errors.raise("SendPacket", 1, "wpacket or rawpacket expected, got " .. type(packet))
  elseif self.config.is_default and not wire.is_framed(packet) then
    errors.raise("SendPacket", 1, "a wpacket of 32 bits expected: wpacket(64, 32)")
  elseif self.config.is_default and wire.is_ours(packet) then
    local text = "packet begins with a byte from 0x%X to 0x%X, which are for messages"
    errors.raise("SendPacket", 1, text:format(wire.FIRST, wire.LAST))
  end
  local sent, message, code = self.stream:Send(packet)
  if not sent then
    return nil, message, code
  end
  return true
end

--- The task that gives plain packets to `on_packet`, one after the other.
local function deliver(self)
  local queue, on_packet = self.packets, self.config.on_packet
  while not self.ended do
    while queue.first <= queue.last do
      local packet = queue[queue.first]
      queue[queue.first] = nil
      queue.first = queue.first + 1
      if queue.reader and queue.last - queue.first < self.config.packets / 2 then
        sched.wake(queue.reader, true)
      end
      on_packet(self, packet)
    end
    queue.first, queue.last = 1, 0
    if not self.ended then
      sched.parking()
      queue.is_idle = true
      sched.park(queue)
      queue.is_idle = false
    end
  end
end

--- Gives the packets that are left to a new task, after one has failed.
function packets.go_on(self)
  if not self.ended then
    self.packets.is_idle = false
    self.packets.task = sched.start(self.loose, deliver, self)
  end
end

--- A packet has arrived that is no message.
function packets.keep(self, packet)
  if not self.config.on_packet then
    return link.fail(self, "EBADMSG", "a packet that is no message")
  end
  local queue = self.packets
  if getmetatable(packet) == "rpacket" then
    packet = wire.untouched(packet)
  end
  queue.last = queue.last + 1
  queue[queue.last] = packet
  if not queue.task then
    packets.go_on(self)
  elseif queue.is_idle then
    queue.is_idle = false
    sched.wake(queue.task, true)
  end
  if queue.last - queue.first >= self.config.packets then
    queue.reader = sched.parking()
    sched.park(queue.full)
    queue.reader = false
  end
end

--- The task that delivers, and the reader, are to notice the end.
function packets.finish(self)
  local queue = self.packets
  if queue.is_idle then
    sched.wake(queue.task, true)
  end
  if queue.reader then
    sched.wake(queue.reader, true)
  end
end

packets.methods = Peer

return packets
