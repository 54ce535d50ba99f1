--- Ping and pong: packets to a server and back, in code that reads from top to bottom.
---
---     lua5.4 examples/task_pingpong.lua
---
--- Ends by itself: the clients play ten rounds each, then the server is closed.
local chuck = require("chuck")

local co, socket, packet = chuck.co, chuck.io, chuck.packet

local CLIENTS, ROUNDS = 20, 10

local options = { decoder = chuck.decoder.connection.rpacket(65535) }

--- A task for each client: answers until the client leaves.
local function serve(stream)
  local ping = stream:ReadPacket()
  while ping do
    local pong = packet.wpacket()
    pong:WriteStr("pong " .. ping:ReadU32())
    stream:WritePacket(pong)
    ping = stream:ReadPacket()
  end
end

local function play(addr)
  local stream = assert(socket.connect(addr, options))
  for round = 1, ROUNDS do
    local ping = packet.wpacket()
    ping:WriteU32(round)
    stream:WritePacket(ping)
    local pong = assert(stream:ReadPacket(1000))
    assert(pong:ReadStr() == "pong " .. round)
  end
  stream:Close()
end

co.run(function()
  local listener = assert(socket.listen("127.0.0.1:0", serve, options))
  local addr = listener:GetSockAddr()
  co.scope(function(players)
    for _ = 1, CLIENTS do
      players:Spawn(play, addr)
    end
  end)
  listener:Close(1000)
  print(("%d clients have played %d rounds"):format(CLIENTS, ROUNDS))
end)
