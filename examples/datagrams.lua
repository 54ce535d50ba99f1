--- Datagrams: a time server over UDP, a log over a Unix socket, and a neighbour that is not there.
---
---     lua5.4 examples/datagrams.lua
---
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local net, packet, signal = chuck.socket_helper, chuck.packet, chuck.signal

io.stdout:setvbuf("line")

local engine = chuck.engine()

local function bound(family, address, options)
  local fd = net.socket(family, net.SOCK_DGRAM, 0)
  assert(net.bind(fd, address, options) == 0, address)
  return fd
end

-- Each datagram is one frame: what is cut short, or has a byte too many, is dropped and counted.
local frames = chuck.decoder.datagram.rpacket(512)

-- A time server: whoever asks is answered.
local server = chuck.datagram(bound(net.AF_INET, "127.0.0.1:0"), 2048, frames)
server:Add2Engine(engine, function(dgram, question, from, err)
  if not question then
    print("server: " .. chuck.error.strerror(err), from)
    return
  end
  local answer = packet.wpacket()
  answer:WriteStr(question:ReadStr() or "?")
  answer:WriteNum(chuck.systick())
  dgram:SendTo(answer, from)
end)
local address = server:GetSockAddr()
print("time at " .. address)

-- A log: a Unix socket in the file system that only this user may write to.
local path = os.tmpname()
os.remove(path)
local log = chuck.datagram(bound(net.AF_UNIX, "unix:" .. path, { mode = "0600" }), 4096)
log:Add2Engine(engine, function(_, line)
  if line then
    print("log: " .. line:ReadBin())
  end
end)
local pen = chuck.datagram(net.socket(net.AF_UNIX, net.SOCK_DGRAM, 0), 64)
assert(pen:Connect("unix:" .. path) == 0)
pen:Add2Engine(engine, function() end)

-- A client: it asks four times a second, and now and then it sends rubbish.
local client = chuck.datagram(bound(net.AF_INET, "127.0.0.1:0"), 2048, frames)
client:Add2Engine(engine, function(_, answer, from)
  if answer then
    local text = ("%s answers %s at %d ms"):format(from, answer:ReadStr(), answer:ReadNum())
    pen:Send(packet.rawpacket(text))
  end
end)
local asked = 0
chuck.RegTimer(engine, 250, function()
  asked = asked + 1
  local question = packet.wpacket()
  question:WriteStr("question " .. asked)
  client:SendTo(question, address)
  client:SendTo(packet.rawpacket("rubbish"), address)
end)

-- A neighbour that is not there: the kernel says so on a connected socket, and nothing ends.
local lonely = chuck.datagram(net.socket(net.AF_INET, net.SOCK_DGRAM, 0), 64)
assert(lonely:Connect("127.0.0.1:9") == 0)
lonely:Add2Engine(engine, function(_, _, _, err)
  print("nobody at port 9: " .. chuck.error.strerror(err))
end)
lonely:Send(packet.rawpacket("hello?"))

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()

local stats = server:Stats()
print(("%d questions, %d pieces of rubbish"):format(stats.received, stats.dropped))
for _, socket in ipairs({ server, client, log, pen, lonely }) do
  socket:Close()
end
