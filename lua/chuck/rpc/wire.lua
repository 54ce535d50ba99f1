--- The messages between two peers, and how they become packets.
---
--- ```text
--- message := kind: u8 | values               as `WriteValues` writes them; docs/rpc-wire.md
--- ```
---
--- A codec has two functions: `write(kind, ...)` returns a packet, or `nil, message, at` when a
--- value cannot be sent, `at` being its place; `read(packet)` returns the kind, the number of
--- values and the values, or nil when the packet is none of ours.

local native = require("chuck.native")

local packet = native.packet
local new = packet.wpacket
local rpacket = packet.rpacket

local wire = {}

wire.NAME = "chuck-rpc"
wire.VERSION = 1

--- Kinds of messages. Packets that begin with another byte belong to the program.
local KIND = {
  HELLO = 0xC0, -- name, version, message, calls
  CALL = 0xC1, -- id, service, timeout, trace, arguments ...
  NOTIFY = 0xC2, -- 0, service, 0, trace, arguments ...
  OPEN = 0xC3, -- id, service, timeout, trace, window, arguments ...
  CANCEL = 0xC4, -- id
  RESULT = 0xC5, -- id, results ...
  ERROR = 0xC6, -- id, code, message, traceback
  ITEM_UP = 0xC7, -- id, value                    from who has opened a stream
  END_UP = 0xC8, -- id
  CREDIT_UP = 0xC9, -- id, number                 how many values the opener may send
  ITEM_DOWN = 0xCA, -- id, value                  from the service of a stream
  CREDIT_DOWN = 0xCB, -- id, number               how many values the service may send
  PING = 0xCC, -- number
  PONG = 0xCD, -- number
  BYE = 0xCE, -- code, message
}
wire.KIND = KIND

--- First bytes that are ours, of this version or of a later one.
wire.FIRST, wire.LAST = 0xC0, 0xDF

--- Width of lengths, in bits.
wire.BITS = 32

local sample = new(0, wire.BITS)
local write_u8, write_str, write_values = sample.WriteU8, sample.WriteStr, sample.WriteValues
local read_u8, read_values = rpacket(sample).ReadU8, rpacket(sample).ReadValues

--- Why a message could not be written, and the place of the value that is to blame.
local function refuse(problem)
  local at, why = problem:match("bad argument #(%d+) to '[^']*' %((.*)%)$")
  return nil, why or problem, at and tonumber(at) - 1
end

function wire.write(kind, ...)
  local message = new(64, 32)
  write_u8(message, kind)
  local fine, problem = pcall(write_values, message, ...)
  if fine then
    return message
  end
  return refuse(problem)
end

function wire.read(message)
  local kind = read_u8(message)
  if kind and kind >= 0xC0 and kind <= 0xDF then
    return kind, read_values(message)
  end
end

--- Decodes what arrives into the messages of this wire, of at most `limit` bytes.
function wire.framing(limit)
  return native.decoder.connection.rpacket(limit + wire.BITS / 8, wire.BITS)
end

--- A packet as it arrived: `read` has taken its first byte off.
function wire.untouched(message)
  return rpacket(new(message))
end

--- Whether a packet goes into a frame of this wire: only its strings tell how wide lengths are.
function wire.is_framed(message)
  if getmetatable(message) ~= "wpacket" then
    return false
  end
  local copy = new(message)
  write_str(copy, "")
  return #copy - #message == wire.BITS / 8
end

--- Whether a packet of the program would be taken for one of ours.
function wire.is_ours(message)
  local kind = getmetatable(message) == "wpacket" and read_u8(rpacket(message))
  return kind and kind >= wire.FIRST and kind <= wire.LAST or false
end

return wire
