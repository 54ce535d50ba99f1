--- What `make demo` runs: an echo server, clients that talk to it and check every byte, and a page
--- that shows the numbers of all this as they are.
---
---     lua5.4 examples/demo.lua [PORT]
---
--- On a terminal it runs until Ctrl-C; elsewhere, or with DEMO_SECONDS=n, it ends by itself. The
--- status is 0 when every packet came back whole and in order.
local chuck = require("chuck")

local co, http, json = chuck.co, chuck.http, chuck.json
local errors, net, packet = chuck.error, chuck.socket_helper, chuck.packet
local signal = chuck.signal

local HOST = "127.0.0.1"
local CLIENTS = 20
local IN_FLIGHT = 16 -- packets that each client has under way
local TEXT = ("0123456789abcdef"):rep(4) -- bytes in each packet, beside its number
local PACKET_MAX = 4096 -- bytes, header included
local SECONDS = 3 -- for a run without a terminal
local LAST_WORDS = 1000 -- ms to wait for what is under way at the end

--- Whether people watch: Lua 5.1 answers with a status, later ones with true.
local function is_terminal()
  local result = os.execute("test -t 1")
  return result == 0 or result == true
end

local live = is_terminal()
local seconds = tonumber(os.getenv("DEMO_SECONDS")) or (not live and SECONDS) or nil
local engine = chuck.engine()
local done = { packets = 0, bytes = 0, errors = 0 }
local under_way, ending = 0, false

io.stdout:setvbuf("no")

local function fail(why)
  done.errors = done.errors + 1
  io.write(live and "\r\27[K" or "", "error: ", why, "\n")
end

--- The server: what arrives goes back, whatever it is.
local function serve(port)
  local fd = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
  net.addr_reuse(fd, true)
  local result = net.listen(fd, HOST, port)
  if result ~= 0 then
    io.stderr:write(("cannot listen on port %d: %s\n"):format(port, errors.strerror(result)))
    os.exit(1)
  end
  local taken = tonumber(net.getsockname(fd):match("%d+$"))
  chuck.acceptor(fd):Add2Engine(engine, function(client, err)
    if err ~= 0 then
      return fail("accept: " .. errors.strerror(err))
    end
    chuck.connection(client, 65536):Add2Engine(engine, function(conn, p)
      if p and conn:Send(p) ~= 0 then
        conn:Close()
      end
    end)
  end)
  return taken
end

--- A client: keeps packets under way, each with the next number, and checks what comes back.
local function talk(fd)
  local conn = chuck.connection(fd, PACKET_MAX, chuck.decoder.connection.rpacket(PACKET_MAX))
  local sent, received = 0, 0

  local function send()
    sent = sent + 1
    local w = packet.wpacket()
    w:WriteU32(sent)
    w:WriteStr(TEXT)
    if conn:Send(w) == 0 then
      under_way = under_way + 1
    end
  end

  conn:Add2Engine(engine, function(_, p, err)
    if not p then
      return fail("client: " .. (err == 0 and "the server closed it" or errors.strerror(err)))
    end
    received = received + 1
    under_way = under_way - 1
    if p:ReadU32() ~= received or p:ReadStr() ~= TEXT or p:Remaining() ~= 0 then
      fail("packet " .. received .. " came back changed")
    end
    done.packets = done.packets + 1
    done.bytes = done.bytes + #p
    if not ending then
      send()
    elseif under_way == 0 then
      engine:Stop()
    end
  end)
  for _ = 1, IN_FLIGHT do
    send()
  end
end

local function connect(port)
  local fd = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
  net.noblock(fd, true)
  local result = net.connect(fd, HOST, port)
  if result ~= 0 and result ~= -errors.EINPROGRESS then
    net.close(fd)
    return fail("connect: " .. errors.strerror(result))
  end
  chuck.connector(fd, 5000):Add2Engine(engine, function(connected, err)
    if err ~= 0 then
      return fail("connect: " .. errors.strerror(err))
    end
    talk(connected)
  end)
end

--- What the page shows: names and values.
local function rows(server)
  local loop, web = engine:Stats(), server:Stats()
  return {
    { "packets that came back whole", done.packets },
    { "bytes verified", done.bytes },
    { "errors", done.errors },
    { "turns of the loop", loop.turns },
    { "bytes in", loop.bytes_in },
    { "bytes out", loop.bytes_out },
    { "connections and listeners", loop.open },
    { "longest callback", ("%.1f ms"):format(loop.longest_callback_us / 1000) },
    { "requests of HTTP", web.requests },
    { "memory of Lua", ("%.0f KB"):format(collectgarbage("count")) },
  }
end

--- Sends the numbers to a browser until it has gone.
local function send_numbers(server, events)
  local before, at = done.packets, chuck.systick()
  repeat
    co.sleep(500)
    local now = chuck.systick()
    local rate = (done.packets - before) * 1000 / math.max(now - at, 1)
    before, at = done.packets, now
  until not events:Send(json.encode({ rate = rate, rows = rows(server) }))
end

--- The page, which asks for itself once to see that it is there.
local function serve_page()
  local file = assert(io.open((arg[0]:gsub("demo%.lua$", "demo.html")), "rb"))
  local page = file:read("*a")
  file:close()
  local server, message = http.serve(HOST .. ":0", function(req, res)
    if req.path == "/numbers" then
      return send_numbers(req.server, res:EventStream())
    elseif req.path == "/" then
      return res:Html(page)
    end
    error(http.error(404, "there is nothing at " .. req.path))
  end)
  if not server then
    return fail("page: " .. message)
  end
  local url = "http://" .. server:GetSockAddr() .. "/"
  local answer, why = http.get(url)
  if not answer or answer.status ~= 200 or answer:Body() ~= page then
    return fail("page: " .. (why or "it came back changed"))
  end
  io.write(live and "\r\27[K" or "", "the numbers, live, in a browser:  ", url, "\n")
end

--- 1234567 as "1,234,567".
local function grouped(n)
  local digits = ("%.0f"):format(n)
  local text = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local shown, shown_at

local function show()
  local now = chuck.systick()
  local rate = (done.packets - shown) * 1000 / math.max(now - shown_at, 1)
  shown, shown_at = done.packets, now
  local line = ("%s packets/s   %s packets, %d errors"):format(
    grouped(rate),
    grouped(done.packets),
    done.errors
  )
  io.write(live and "\r\27[K" or "", line, live and "" or "\n")
end

--- No new packets; those under way may still come back.
local function finish()
  if ending or under_way == 0 then
    return engine:Stop()
  end
  ending = true
  chuck.RegTimer(engine, LAST_WORDS, function()
    engine:Stop()
  end)
end

local port = serve(tonumber(arg[1]) or 0)
print(
  ("%s: an echo server on %s:%d, and %d clients with %d packets under way each"):format(
    rawget(_G, "jit") and rawget(_G, "jit").version or _VERSION,
    HOST,
    port,
    CLIENTS,
    IN_FLIGHT
  )
)
print(("try it yourself:  nc %s %d   or   telnet %s %d"):format(HOST, port, HOST, port))
if seconds then
  print(("ends by itself after %g s"):format(seconds))
else
  print("Ctrl-C ends it")
end

for _ = 1, CLIENTS do
  connect(port)
end
co.attach(engine)
co.spawn(serve_page)

local start = chuck.systick()
shown, shown_at = 0, start
chuck.RegTimer(engine, live and 200 or 1000, show)
signal.signaler(signal.SIGINT):Register(engine, finish)
signal.signaler(signal.SIGTERM):Register(engine, finish)
if seconds then
  chuck.RegTimer(engine, seconds * 1000, finish)
end
engine:Run()

local took = math.max(chuck.systick() - start, 1) / 1000
if under_way > 0 then
  fail(("%d packets did not come back"):format(under_way))
end
io.write(live and "\r\27[K" or "")
print(
  ("%s packets in %.1f s: %s packets/s, %s bytes verified, %d errors"):format(
    grouped(done.packets),
    took,
    grouped(done.packets / took),
    grouped(done.bytes),
    done.errors
  )
)
os.exit(done.errors == 0 and done.packets > 0 and 0 or 1)
