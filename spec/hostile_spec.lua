--- Peers that misbehave: each harms only itself.
---
--- Every spec has a server with a few misbehaving peers and, on the same engine, a healthy one
--- that must still get its echo.
local chuck = require("chuck")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local decoder = chuck.decoder
local errno = chuck.error
local packet = chuck.packet
local socket_helper = chuck.socket_helper

--- A process that gathers many packets into writes to a peer which is gone. SIGPIPE would end it.
local DEAD_PEER = [[
local chuck = require("chuck")
local helper = chuck.socket_helper
local engine = chuck.engine()
local function socket()
  return helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
end
local listener = socket()
assert(helper.listen(listener, "127.0.0.1", 0) == 0)
local client = socket()
local port = tonumber(helper.getsockname(listener):match("%d+$"))
assert(helper.connect(client, "127.0.0.1", port) == 0)
local conn
chuck.acceptor(listener):Add2Engine(engine, function(fd)
  conn = chuck.connection(fd, 4096)
  engine:Stop()
end)
engine:Run(10000)
local piece = chuck.packet.rawpacket(("x"):rep(3000))
conn:Send(piece)
local ended
conn:Add2Engine(engine, function(_, got, code)
  ended = not got and code
end)
engine:Run(5)
-- With bytes unread: the kernel resets, and the next write is answered by EPIPE.
conn:PauseRead()
helper.close(client)
local deadline = chuck.systick() + 10000
while not ended and chuck.systick() < deadline do
  for _ = 1, 20 do
    conn:Send(piece)
  end
  engine:Run(1)
end
print("ended by " .. chuck.error.strerror(ended))
print(conn:Send(piece))
]]

describe("a hostile peer", function()
  local world, port

  --- What the server heard from everyone but the healthy peer.
  local heard

  before_each(function()
    world = net.open()
    heard = net.recorder()
  end)

  after_each(function()
    world:close()
  end)

  --- A server of frames of at most `max` bytes; `on_packet` is told of each, else they are echoed.
  local function serve(max, on_packet)
    port = world:serve(function(conn, got, code)
      heard.on_packet(conn, got, code)
      if on_packet then
        on_packet(conn, got, code)
      elseif got then
        conn:Send(packet.wpacket(got))
      end
    end, decoder.connection.rpacket(max))
  end

  --- A peer that sends bytes of its own making.
  local function connect(framing)
    local conn, seen = world:connection(world:connect(port), framing), net.recorder()
    conn:Add2Engine(world.engine, seen.on_packet)
    return conn, seen
  end

  local function assert_echoes(conn, seen)
    local before = #seen.packets
    conn:Send(net.frame("healthy"))
    world:wait("the healthy echo", function()
      return #seen.packets > before
    end)
    assert.are.equal("healthy", seen.packets[before + 1]:ReadStr())
  end

  it("that sends one byte at a time is served like anyone else", function()
    serve(1000)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    local slow, slow_seen = connect()
    local bytes = "\0\5\0\3abc\0\0\0\4\0\2de"
    for i = 1, #bytes do
      slow:Send(net.raw(bytes:sub(i, i)))
      world:run(1)
      assert_echoes(healthy, seen)
    end
    world:wait("the slow echo", function()
      return slow_seen.size == #bytes
    end)
    assert.are.equal(bytes, slow_seen.text())
  end)

  it("that ends in the middle of a frame is told as the end, without a packet", function()
    serve(1000)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    for _, half in ipairs({ "\0", "\0\5", "\0\5abcd" }) do
      local rude = connect()
      local before = #heard.codes
      rude:Send(net.raw(half))
      rude:Close(1000)
      world:wait("the end", function()
        return #heard.codes > before
      end)
    end
    assert.are.same({ 0, 0, 0 }, heard.codes)
    assert.are.equal(0, #heard.packets)
    assert_echoes(healthy, seen)
  end)

  it("that announces too much is told as 152 before it has sent it, and dropped", function()
    serve(1000)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    local rude, rude_seen = connect()
    rude:Send(net.raw("\255\255"))
    world:wait("the peer to be dropped", function()
      return rude_seen.code
    end)
    assert.are.same({ errno.EPKTOOLARGE }, heard.codes)
    assert_echoes(healthy, seen)
  end)

  it("that announces 4 GB with a 32-bit header costs no memory", function()
    local fd, accepted = world:fd_pair()
    local rude = world:connection(fd)
    local server = world:connection(accepted, decoder.connection.rpacket(2147483647, 32))
    rude:Add2Engine(world.engine, net.ignore)
    server:Add2Engine(world.engine, heard.on_packet)
    rude:Send(net.raw("\127\255\255\240" .. ("x"):rep(100000)))
    world:wait("the bytes", function()
      return world.engine:Stats().bytes_in >= 100004
    end)
    local file = assert(io.open("/proc/self/status"))
    local resident = tonumber(file:read("*a"):match("VmRSS:%s*(%d+)"))
    file:close()
    assert.is_true(resident < 1000000)
    assert.are.equal(0, heard.calls)
  end)

  it("that resets in the middle of our write is told as a reset, once", function()
    serve(65535, function(conn, got)
      if got then
        for _ = 1, 200 do
          conn:Send(net.raw(("x"):rep(60000)))
        end
      end
    end)
    local rude = world:connect(port)
    local sender = world:connection(rude)
    sender:Add2Engine(world.engine, net.ignore)
    sender:PauseRead()
    sender:Send(net.frame("give me everything"))
    world:wait("the request", function()
      return #heard.packets == 1
    end)
    world:run(10)
    -- It has not read what lies in its socket: the kernel answers with a reset.
    sender:Close()
    world:wait("the reset", function()
      return heard.code
    end)
    world:run(20)
    assert.is_true(heard.code == errno.ECONNRESET or heard.code == errno.EPIPE)
    assert.are.equal(1, #heard.codes)
  end)

  it("that resets harms no other connection", function()
    serve(1000)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    for _ = 1, 20 do
      local fd = world:connect(port)
      local rude = world:connection(fd)
      rude:Add2Engine(world.engine, net.ignore)
      rude:PauseRead()
      rude:Send(net.frame("x"))
      world:run(1)
      rude:Close()
    end
    world:wait("twenty ends", function()
      return #heard.codes == 20
    end)
    assert_echoes(healthy, seen)
  end)

  it("that never reads is refused at the limit with -105, and nobody else is", function()
    local stuck
    serve(1000, function(conn, got)
      if got and got:ReadStr() == "stuck" then
        stuck = conn
      elseif got then
        conn:Send(packet.wpacket(got))
      end
    end)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    local rude = connect()
    rude:PauseRead()
    rude:Send(net.frame("stuck"))
    world:wait("the request", function()
      return stuck
    end)
    local piece, result = net.raw(("x"):rep(1000000)), 0
    for _ = 1, 200 do
      result = stuck:Send(piece)
      world:run(0)
    end
    assert.are.equal(-errno.ENOBUFS, result)
    assert.is_true(stuck:QueuedBytes() <= 64 * 1048576)
    assert_echoes(healthy, seen)
  end)

  it("that never reads does not keep its connection from being closed", function()
    local fd, accepted = world:fd_pair()
    local server = world:connection(accepted)
    server:Add2Engine(world.engine, net.ignore)
    server:Send(net.raw(("x"):rep(20000000)))
    world:run(5)
    local before = net.descriptors()
    server:Close()
    assert.are.equal(before - 1, net.descriptors())
    socket_helper.close(fd)
  end)

  it("that nests tables deeper than the limit is answered nil", function()
    local read = {}
    serve(65535, function(conn, got)
      if got then
        read[#read + 1] = got:ReadTab() or "nothing"
        conn:Send(packet.wpacket(got))
      end
    end)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    local rude = connect()
    -- A table with one pair whose key is 1 and whose value is the next table.
    for _, depth in ipairs({ 65, 1000, 8000 }) do
      local body = ("\1\0\0\0\1\5\1"):rep(depth) .. "\1\0\0\0\0"
      rude:Send(net.raw(string.char(math.floor(#body / 256), #body % 256) .. body))
    end
    world:wait("three tables", function()
      return #read == 3
    end)
    assert.are.same({ "nothing", "nothing", "nothing" }, read)
    assert_echoes(healthy, seen)
  end)

  it("that sends noise is dropped or understood, and nobody else notices", function()
    serve(1000, function(conn, got)
      if got then
        local copy = packet.wpacket(got)
        got:ReadTab()
        got:ReadStr()
        conn:Send(copy)
      end
    end)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    local state = 12345
    for _ = 1, 30 do
      local rude, noise = connect(), {}
      for i = 1, 500 do
        state = (state * 1103515245 + 12345) % 2147483648
        noise[i] = string.char(i % 7 == 0 and 0 or math.floor(state / 65536) % 256)
      end
      rude:Send(net.raw("\0\3" .. table.concat(noise)))
      rude:ShutdownWrite()
    end
    world:wait("thirty ends", function()
      return #heard.codes == 30
    end)
    assert_echoes(healthy, seen)
  end)

  it("that is dead already does not end the process by SIGPIPE", function()
    local result = child.run(DEAD_PEER)
    assert.truthy(result.output:find("^ended by %u[%a ]+\n%-140\n$"), result.output)
    assert.are.equal(0, result.status)
  end)

  it("that connects and goes, again and again, leaves nothing", function()
    serve(1000)
    local healthy, seen = connect(decoder.connection.rpacket(1000))
    assert_echoes(healthy, seen)
    local before = world.engine:Stats().open
    for _ = 1, 300 do
      socket_helper.close(world:connect(port))
    end
    world:wait("three hundred ends", function()
      return #heard.codes == 300
    end)
    world:wait("the others to be gone", function()
      return world.engine:Stats().open == before
    end)
    assert_echoes(healthy, seen)
  end)
end)
