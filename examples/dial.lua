--- Listen and dial: a server and its clients in one program.
---
---     lua5.4 examples/dial.lua [HOST:PORT]      -- default: localhost, on a port that is free
---
--- Ends by itself when every client has its answer; on Ctrl-C before.
local chuck = require("chuck")

local signal = chuck.signal

local CLIENTS = 5
local TIMEOUT_MS = 3000

io.stdout:setvbuf("line")

local engine = chuck.engine()
local decoder = chuck.decoder.connection.rpacket(1024)

--- The server: no more than two clients at a time, the others wait their turn.
local function on_client(conn, peer)
  print("server: " .. tostring(peer) .. " is here")
  conn:Add2Engine(engine, function(_, packet)
    if packet then
      local answer = chuck.packet.wpacket(64)
      answer:WriteStr(packet:ReadStr():upper())
      conn:Send(answer)
      conn:Close(100)
    end
  end)
end

local options = { decoder = decoder, max_connections = 2 }
local listener, why = chuck.listen(engine, arg[1] or "localhost:0", on_client, options)
if not listener then
  print(why)
  os.exit(1)
end
print("server: listening at " .. listener:GetSockAddr())

--- The clients: each says a word, and leaves with the answer.
local port = listener:GetSockAddr():match("%d+$")
local left = CLIENTS

local function leave(n, words)
  print(("client %d: %s"):format(n, words))
  left = left - 1
  if left == 0 then
    engine:Stop()
  end
end

for n = 1, CLIENTS do
  chuck.dial(engine, "localhost:" .. port, TIMEOUT_MS, function(conn, message)
    if not conn then
      return leave(n, message)
    end
    local word = chuck.packet.wpacket(64)
    word:WriteStr("hello from client " .. n)
    conn:Send(word)
    conn:Add2Engine(engine, function(_, packet)
      if packet then
        conn:Close()
        leave(n, packet:ReadStr())
      end
    end)
  end, { decoder = decoder })
end

signal.signaler(signal.SIGINT):Register(engine, function()
  engine:Stop()
end)
engine:Run()
listener:Close()
print("bye")
