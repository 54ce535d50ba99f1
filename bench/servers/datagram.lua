--- chuck: send each datagram back to where it came from.
---
---     lua datagram.lua

local chuck = require("chuck")

local helper = chuck.socket_helper

local engine = chuck.engine()
local fd = helper.socket(helper.AF_INET, helper.SOCK_DGRAM, helper.IPPROTO_UDP)
assert(helper.bind(fd, "127.0.0.1:0") == 0, "cannot bind")
local dgram = chuck.datagram(fd, 65536)
dgram:Add2Engine(engine, function(socket, packet, from)
  if packet then
    socket:SendTo(packet, from)
  end
end)
print("listening " .. dgram:GetSockAddr():match("%d+$"))
io.stdout:flush()
engine:Run()
