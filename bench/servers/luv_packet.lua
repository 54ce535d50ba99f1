--- luv: the work of packet.lua. luv has no framing, so this is the loop its users write.
---
---     lua luv_packet.lua 16|32 echo|broadcast

local host = require("luv_host")

local byte, sub = string.byte, string.sub
local header = (tonumber(arg[1]) or 32) / 8
local clients = {}

local function echo(stream, frame)
  stream:write(frame)
end

local function broadcast(_, frame)
  for client in pairs(clients) do
    client:write(frame)
  end
end

local on_frame = arg[2] == "broadcast" and broadcast or echo

--- Bytes of the frame at `pos`, or nil when its header is not there yet.
local function length(text, pos)
  local a, b, c, d = byte(text, pos, pos + header - 1)
  if header == 2 then
    return b and a * 256 + b + 2
  end
  return d and ((a * 256 + b) * 256 + c) * 256 + d + 4
end

--- Delivers the whole frames of `text` and returns the rest.
local function deliver(stream, text)
  local pos = 1
  local frame = length(text, pos)
  while frame and pos + frame - 1 <= #text do
    on_frame(stream, sub(text, pos, pos + frame - 1))
    pos = pos + frame
    frame = length(text, pos)
  end
  return sub(text, pos)
end

host.serve(function(stream)
  local rest = ""
  clients[stream] = true
  stream:read_start(function(_, chunk)
    if chunk then
      rest = deliver(stream, rest .. chunk)
      return
    end
    clients[stream] = nil
    if not stream:is_closing() then
      stream:close()
    end
  end)
end)
