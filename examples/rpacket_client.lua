--- A hundred clients, each with one table under way to the server and back.
---
---     lua5.4 examples/rpacket_client.lua [PORT [CLIENTS]]
---
--- Without a port it starts a small server of its own. Ends on Ctrl-C, when every connection is
--- gone, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local errors, net, packet = chuck.error, chuck.socket_helper, chuck.packet
local signal = chuck.signal

local HOST = "127.0.0.1"
local PACKET_MAX = 4096 -- bytes, header included
local CONNECT_TIMEOUT = 5000 -- ms

io.stdout:setvbuf("line")

local engine = chuck.engine()
local frames = chuck.decoder.connection.rpacket(PACKET_MAX)
local port, wanted = tonumber(arg[1]) or 0, tonumber(arg[2]) or 100
local open, packets, total = wanted, 0, 0

local function new_socket()
  return net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
end

--- Starts a server that sends everything back, and returns its port.
local function serve()
  local fd = new_socket()
  assert(net.listen(fd, HOST, 0) == 0)
  local at = tonumber(net.getsockname(fd):match("%d+$"))
  chuck.acceptor(fd):Add2Engine(engine, function(client, err)
    if err == 0 then
      chuck.connection(client, PACKET_MAX, frames):Add2Engine(engine, function(conn, p)
        if p then
          conn:Send(packet.wpacket(p))
        end
      end)
    end
  end)
  return at
end

local function lose(why)
  open = open - 1
  print("lost a connection: " .. why)
  if open == 0 then
    engine:Stop()
  end
end

local function on_packet(conn, p, err)
  if p then
    packets = packets + 1
    conn:Send(packet.wpacket(p))
  else
    lose(err == 0 and "the server closed it" or errors.strerror(err))
  end
end

local function on_connected(fd, err)
  if err ~= 0 then
    return lose(errors.strerror(err))
  end
  local conn = chuck.connection(fd, PACKET_MAX, frames)
  conn:Add2Engine(engine, on_packet)
  local first = packet.wpacket()
  first:WriteTab({ i = 1, j = 2, k = 3, l = 4, z = 5 })
  conn:Send(first)
end

local function connect()
  local fd = new_socket()
  if fd < 0 then
    return lose(errors.strerror(fd))
  end
  net.noblock(fd, true)
  local result = net.connect(fd, HOST, port)
  if result == 0 then
    on_connected(fd, 0)
  elseif result == -errors.EINPROGRESS then
    chuck.connector(fd, CONNECT_TIMEOUT):Add2Engine(engine, on_connected)
  else
    net.close(fd)
    lose(errors.strerror(result))
  end
end

if port == 0 then
  port = serve()
end
print(("%d clients of %s:%d"):format(wanted, HOST, port))
for _ = 1, wanted do
  connect()
end

chuck.RegTimer(engine, 1000, function()
  print(("%d connections, %d packets/s"):format(open, packets))
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
if open > 0 then
  engine:Run()
end
print(("%d packets in all"):format(total + packets))
