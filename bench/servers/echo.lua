--- chuck: send back what arrives, as it arrives.
---
---     lua echo.lua [RECVBUF]      the largest raw packet in bytes, 65536

local chuck = require("chuck")
local host = require("host")

local recvbuf = tonumber(arg[1]) or 65536

local function on_packet(conn, packet)
  if packet then
    conn:Send(packet)
  end
end

host.serve(function(engine, fd)
  local conn = chuck.connection(fd, recvbuf)
  conn:SetNoDelay(true)
  conn:Add2Engine(engine, on_packet)
end)
