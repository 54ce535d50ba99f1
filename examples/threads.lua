--- Threads: one accepts, and hands each connection to the next of its workers.
---
---     lua5.4 examples/threads.lua [PORT]        nc 127.0.0.1 PORT
---
--- The program is its own worker: `cthread.new` runs this very file with "worker" as its first
--- argument. Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local cthread, net, signal = chuck.cthread, chuck.socket_helper, chuck.signal

local WORKERS = 3

io.stdout:setvbuf("line")

local engine = chuck.engine()

--- Serves the sockets that come by mail, until it is told to stop; returns how many they were.
local function work(number)
  local served = 0
  local function serve(fd)
    served = served + 1
    local conn = chuck.connection(fd, 4096)
    conn:Add2Engine(engine, function(_, packet)
      if packet then
        conn:Send(chuck.packet.rawpacket(("worker %d: %s"):format(number, packet:ReadBin())))
      end
    end)
  end
  cthread.process_mail(engine, function(_, mail)
    if mail.fd then
      serve(mail.fd)
    else
      engine:Stop()
    end
  end)
  engine:Run()
  return served
end

if ... == "worker" then
  return work(select(2, ...))
end

local workers = {}
for n = 1, WORKERS do
  workers[n] = assert(cthread.new(arg[0], "worker", n))
end

local turn = 0

--- A number means the same socket in every thread.
local function on_client(fd, err)
  if err ~= 0 then
    print("accept: " .. chuck.error.strerror(err))
    return
  end
  turn = turn % WORKERS + 1
  local sent, why = cthread.sendmail(workers[turn], { fd = fd })
  if not sent then
    print(("worker %d: %s"):format(turn, why))
    net.close(fd)
  end
end

local fd = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
net.addr_reuse(fd, true)
local result = net.listen(fd, "127.0.0.1", tonumber((...)) or 0)
if result ~= 0 then
  print("listen: " .. chuck.error.strerror(result))
  os.exit(1)
end
local address = net.getsockname(fd)
local ip, port = address:match("^(.*):(%d+)$")
print("listening on " .. address)
chuck.acceptor(fd):Add2Engine(engine, on_client)

--- For those who only look: clients of our own.
local function greet()
  for n = 1, 2 * WORKERS do
    local socket = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
    net.connect(socket, ip, tonumber(port))
    local conn = chuck.connection(socket, 4096)
    conn:Send(chuck.packet.rawpacket("hello " .. n))
    conn:Add2Engine(engine, function(_, packet)
      if packet then
        print(packet:ReadBin())
        conn:Close()
      end
    end)
  end
end

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  greet()
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()

-- Work that is under way is finished: tell each worker, then wait for it.
for n, worker in ipairs(workers) do
  cthread.sendmail(worker, { stop = true }, 1000)
  print(("worker %d has served %s"):format(n, tostring(cthread.join(worker, 1000))))
end
