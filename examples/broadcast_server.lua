--- Sends every packet that a client sends to all clients, itself included.
---
---     lua5.4 examples/broadcast_server.lua [PORT]
---
--- The packet is encoded once and its bytes are shared by all queues; each client gets what
--- gathered in one pass of the loop with one write. A client that does not read is dropped.
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local net, packet, signal = chuck.socket_helper, chuck.packet, chuck.signal

local PACKET_MAX = 65535 -- bytes, header included
local HIGH_WATER = 256 * 1024 -- bytes
local QUEUE_MAX = 1024 * 1024 -- bytes queued for one client

io.stdout:setvbuf("line")

local engine = chuck.engine()
local frames = chuck.decoder.connection.rpacket(PACKET_MAX)
local clients, count = {}, 0
local packets, total = 0, 0

local function forget(conn)
  if clients[conn] then
    clients[conn] = nil
    count = count - 1
  end
end

local function broadcast(p)
  local out = packet.wpacket(p)
  for conn in pairs(clients) do
    if conn:Send(out) ~= 0 then
      forget(conn)
      conn:Close()
    end
  end
end

local function on_packet(conn, p)
  if p then
    packets = packets + 1
    broadcast(p)
  else
    forget(conn)
  end
end

local function on_client(fd, err)
  if err ~= 0 then
    print("accept: " .. chuck.error.strerror(err))
    return
  end
  local conn = chuck.connection(fd, PACKET_MAX, frames)
  conn:SetHighWater(HIGH_WATER, nil, QUEUE_MAX)
  conn:Add2Engine(engine, on_packet)
  clients[conn] = true
  count = count + 1
end

local fd = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
net.addr_reuse(fd, true)
local result = net.listen(fd, "127.0.0.1", tonumber(arg[1]) or 0)
if result ~= 0 then
  print("listen: " .. chuck.error.strerror(result))
  os.exit(1)
end
print("listening on " .. net.getsockname(fd))
chuck.acceptor(fd):Add2Engine(engine, on_client)

chuck.RegTimer(engine, 1000, function()
  print(("%d clients, %d packets/s in"):format(count, packets))
  total, packets = total + packets, 0
end)

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()
print(("%d packets in all"):format(total + packets))
