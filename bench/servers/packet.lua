--- chuck: each length-prefixed packet is one callback and one or many sends.
---
---     lua packet.lua 16|32 echo          back to its sender
---     lua packet.lua 16|32 broadcast     to every client, encoded once
---
--- One callback function and one decoder serve all connections.

local chuck = require("chuck")
local host = require("host")

local bits = tonumber(arg[1]) or 32
local max = bits == 16 and 65535 or 1048576
local decoder = chuck.decoder.connection.rpacket(max, bits)
local wpacket = chuck.packet.wpacket
local clients = {}

local function echo(conn, packet)
  if packet then
    conn:Send(wpacket(packet))
  end
end

local function broadcast(conn, packet)
  if not packet then
    clients[conn] = nil
    return
  end
  local out = wpacket(packet)
  for client in pairs(clients) do
    client:Send(out)
  end
end

local on_packet = arg[2] == "broadcast" and broadcast or echo

host.serve(function(engine, fd)
  local conn = chuck.connection(fd, 65536, decoder)
  conn:SetNoDelay(true)
  if on_packet == broadcast then
    clients[conn] = true
  end
  conn:Add2Engine(engine, on_packet)
end)
