--- The limit of calls: as many packets of the same size, echoed, in callbacks.
---
---     lua echo.lua PORT DEPTH COUNT BYTES

local chuck = require("chuck")
local meter = require("meter")

local port, depth, total = meter.arguments()
local text = ("x"):rep(tonumber(arg[4]))

local engine = chuck.engine()
local answered = meter.new(chuck.systick)
local sent = 0

local function send(conn)
  local packet = chuck.packet.wpacket(#text + 8, 32)
  packet:WriteStr(text)
  sent = sent + 1
  conn:Send(packet)
end

local function on_packet(conn, packet)
  assert(packet and packet:ReadStr() == text, "another text came back")
  if answered() then
    engine:Stop()
  elseif sent < total then
    send(conn)
  end
end

local options = { decoder = chuck.decoder.connection.rpacket(65535, 32) }
chuck.dial(engine, "127.0.0.1:" .. port, 5000, function(conn, message)
  assert(conn, message)
  conn:SetNoDelay(true)
  conn:Add2Engine(engine, on_packet)
  for _ = 1, depth do
    send(conn)
  end
end, options)
engine:Run()
