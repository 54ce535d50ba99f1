--- Sends every packet back to the client it came from, and counts them.
---
---     lua5.4 examples/rpacket_server.lua [PORT]
---     lua5.4 examples/rpacket_client.lua PORT
---
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local net, packet, signal = chuck.socket_helper, chuck.packet, chuck.signal

local PACKET_MAX = 65535 -- bytes, header included

io.stdout:setvbuf("line")

local engine = chuck.engine()
local frames = chuck.decoder.connection.rpacket(PACKET_MAX) -- one value serves all connections
local clients, packets, total = 0, 0, 0

local function on_packet(conn, p, err)
  if p then
    packets = packets + 1
    conn:Send(packet.wpacket(p))
    return
  end
  clients = clients - 1
  if err ~= 0 then
    print("client: " .. chuck.error.strerror(err))
  end
end

local function on_client(fd, err)
  if err ~= 0 then
    print("accept: " .. chuck.error.strerror(err))
    return
  end
  clients = clients + 1
  chuck.connection(fd, PACKET_MAX, frames):Add2Engine(engine, on_packet)
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
  print(("%d clients, %d packets/s"):format(clients, packets))
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
