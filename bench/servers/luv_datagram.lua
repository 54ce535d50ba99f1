--- luv: send each datagram back to where it came from.
---
---     lua luv_datagram.lua

local uv = require("luv")

local socket = uv.new_udp()
assert(socket:bind("127.0.0.1", 0))
socket:recv_start(function(err, data, from)
  assert(not err, err)
  if data and from then
    socket:send(data, from.ip, from.port)
  end
end)
print("listening " .. socket:getsockname().port)
io.stdout:flush()
uv.run()
