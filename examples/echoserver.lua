--- An echo server: what arrives goes back.
---
---     lua5.4 examples/echoserver.lua [PORT]        nc 127.0.0.1 PORT
---
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local net, signal = chuck.socket_helper, chuck.signal

local HIGH_WATER = 256 * 1024 -- bytes queued from which a client is not read any more

io.stdout:setvbuf("line")

local engine = chuck.engine()

local function on_packet(conn, p)
  if not p then
    return -- the end: the connection closes itself
  end
  if conn:Send(p) == 0 and conn:QueuedBytes() >= HIGH_WATER then
    conn:PauseRead()
  end
end

local function on_client(fd, err)
  if err ~= 0 then
    print("accept: " .. chuck.error.strerror(err))
    return
  end
  local conn = chuck.connection(fd, 4096)
  conn:SetHighWater(HIGH_WATER, conn.ResumeRead)
  conn:Add2Engine(engine, on_packet)
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

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()
print("bye")
