--- chuck: echo, and collect all garbage once every expected connection has had its message.
---
---     lua idle.lua COUNT
---
--- Counting instead of a timer: nothing wakes the server once the load is silent.

local chuck = require("chuck")
local host = require("host")

local expected = tonumber(arg[1]) or 10000
local echoed = 0

local function on_packet(conn, packet)
  if not packet then
    return
  end
  conn:Send(packet)
  echoed = echoed + 1
  if echoed == expected then
    collectgarbage()
    collectgarbage()
  end
end

host.serve(function(engine, fd)
  chuck.connection(fd, 4096):Add2Engine(engine, on_packet)
end)
