--- Connections: construction, engines, packets in, packets out.
local chuck = require("chuck")
local net = require("spec.helper.net")

local decoder = chuck.decoder
local packet = chuck.packet

describe("a connection", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- A connection whose peer sends `bytes` in pieces and then closes.
  local function receive(bytes, recvbuf, framing)
    local connected, accepted = world:fd_pair()
    local sender = world:connection(connected)
    local receiver = world:connection(accepted, framing, recvbuf)
    local seen = net.recorder()
    receiver:Add2Engine(world.engine, seen.on_packet)
    sender:Add2Engine(world.engine, net.ignore)
    sender:Send(net.raw(bytes))
    sender:ShutdownWrite()
    world:wait("the end of the stream", function()
      return seen.code
    end)
    return seen
  end

  describe("when it is made", function()
    it("comes from chuck.connection and from chuck.connection.connection alike", function()
      local one, other = world:fd_pair()
      local first = world:own(chuck.connection(one, 4096))
      local second = world:own(chuck.connection.connection(other, 4096))
      assert.are.equal(getmetatable(first), getmetatable(second))
    end)

    it("answers nil, a message and EBADF for a descriptor that is none of ours", function()
      local conn, message, code = chuck.connection(99999, 4096)
      assert.is_nil(conn)
      assert.are.equal("string", type(message))
      assert.are.equal("EBADF", code)
    end)

    it("takes the descriptor over: its number means nothing afterwards", function()
      local fd = world:fd_pair()
      world:connection(fd)
      assert.are.equal(-chuck.error.EBADF, chuck.socket_helper.close(fd))
    end)

    it("takes a raw decoder as a value, as a call, and by default", function()
      local raw = decoder.connection.rawpacket
      for _, framing in ipairs({ raw, raw(), false }) do
        local seen = receive("abc", 4096, framing or nil)
        assert.are.equal("abc", seen.text())
      end
    end)
  end)

  describe("and its engine", function()
    it("says true when it is added", function()
      local conn = world:pair()
      assert.is_true(conn:Add2Engine(world.engine, net.ignore))
    end)

    it("says false when it is added twice, to the same engine or another", function()
      local conn = world:pair()
      conn:Add2Engine(world.engine, net.ignore)
      assert.is_false(conn:Add2Engine(world.engine, net.ignore))
      assert.is_false(conn:Add2Engine(world:new_engine(), net.ignore))
    end)

    it("says false when it is closed already, or when the engine is", function()
      local conn, other = world:pair()
      local engine = world:new_engine()
      engine:Close()
      conn:Close()
      assert.is_false(conn:Add2Engine(world.engine, net.ignore))
      assert.is_false(other:Add2Engine(engine, net.ignore))
    end)

    it("D29: hands the callback the very object that was made", function()
      local client, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      client:Send(net.raw("x"))
      world:wait("a packet", function()
        return seen.calls == 1
      end)
      assert.is_true(rawequal(server, seen.conns[1]))
    end)

    it("D30: keeps a connection alive that nobody holds, through collections", function()
      local connected, accepted = world:fd_pair()
      local client = world:connection(connected)
      chuck.connection(accepted, 4096):Add2Engine(world.engine, function(conn, got)
        collectgarbage()
        if got then
          conn:Send(got)
        end
      end)
      local seen = net.recorder()
      client:Add2Engine(world.engine, seen.on_packet)
      for i = 1, 3 do
        collectgarbage()
        client:Send(net.raw("x"))
        world:wait("echo " .. i, function()
          return seen.size == i
        end)
      end
      assert.are.equal("xxx", seen.text())
    end)

    it("D25: sleeps while nothing comes, before and after traffic", function()
      local client, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, net.echo)
      client:Add2Engine(world.engine, seen.on_packet)
      client:Send(net.raw("x"))
      world:wait("the echo", function()
        return seen.size == 1
      end)
      local before = world.engine:Stats().turns
      world:run(60)
      assert.is_true(world.engine:Stats().turns - before <= 3)
    end)

    it("D27: gives nothing more after RemoveEngine, not even what was read", function()
      local client, server = world:pair(decoder.connection.rpacket(100))
      local calls = 0
      server:Add2Engine(world.engine, function(conn)
        calls = calls + 1
        conn:RemoveEngine()
      end)
      client:Add2Engine(world.engine, net.ignore)
      for _ = 1, 10 do
        client:Send(net.frame("x"))
      end
      world:wait("a packet", function()
        return calls > 0
      end)
      world:run(20)
      assert.are.equal(1, calls)
    end)

    it("D27: ends the timeouts of a connection with RemoveEngine", function()
      local _, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      server:SetRecvTimeout(10)
      server:RemoveEngine()
      world:run(40)
      assert.are.equal(0, seen.calls)
      assert.are.equal(0, world.engine:Stats().open)
    end)

    it("D27: goes on in another engine without losing a packet or an order", function()
      local client, server = world:pair(decoder.connection.rpacket(100))
      local engines, seen, at = { world.engine, world:new_engine() }, {}, 1
      local function on_packet(conn, got)
        seen[#seen + 1] = got:ReadU16()
        if #seen % 7 == 0 then
          conn:RemoveEngine()
          at = 3 - at
          conn:Add2Engine(engines[at], on_packet)
        end
      end
      server:Add2Engine(world.engine, on_packet)
      client:Add2Engine(world.engine, net.ignore)
      for i = 1, 1000 do
        local frame = packet.wpacket()
        frame:WriteU16(i)
        client:Send(frame)
      end
      world:wait("all packets", function()
        engines[2]:Run(0)
        return #seen == 1000
      end)
      for i = 1, 1000 do
        assert.are.equal(i, seen[i])
      end
    end)

    it("D27: is told of nothing more in the old engine once it has moved to another", function()
      local client, server = world:pair(decoder.connection.rpacket(100))
      local other, at_other = world:new_engine(), net.recorder()
      local calls = 0
      server:Add2Engine(world.engine, function(conn)
        calls = calls + 1
        conn:RemoveEngine()
        conn:Add2Engine(other, at_other.on_packet)
      end)
      client:Add2Engine(world.engine, net.ignore)
      for _ = 1, 10 do
        client:Send(net.frame("x"))
      end
      world:wait("a packet", function()
        return calls > 0
      end)
      world:run(20)
      assert.are.same({ 1, 0 }, { calls, at_other.calls })
      world:wait("the other packets", function()
        return at_other.calls == 9
      end, other)
    end)

    it("D32: hears 155 when its engine is closed, once, and is closed then", function()
      local client, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      world.engine:Close()
      assert.are.same({ chuck.error.EENGCLOSE }, seen.codes)
      assert.are.equal(-chuck.error.ESOCKCLOSE, server:Send(net.raw("x")))
    end)

    it("D31: leaves no descriptor when an engine is collected with all it holds", function()
      local before = net.descriptors()
      do
        local engine = chuck.engine()
        local listener, port = world:listen()
        chuck.acceptor(listener):Add2Engine(engine, net.ignore)
        for _ = 1, 5 do
          chuck.connection(world:connect(port), 4096):Add2Engine(engine, net.ignore)
          local fd = net.socket()
          chuck.socket_helper.noblock(fd, 1)
          chuck.socket_helper.connect(fd, "127.0.0.1", port)
          chuck.connector(fd, 1000):Add2Engine(engine, net.ignore)
        end
        chuck.RegTimer(engine, 1, net.ignore)
        engine:Stop()
        engine:Run()
      end
      for _ = 1, 3 do
        collectgarbage()
      end
      assert.are.equal(before, net.descriptors())
    end)
  end)

  describe("that receives", function()
    it("gives raw bytes unchanged, whatever the size of its buffer", function()
      for _, recvbuf in ipairs({ 1, 4096 }) do
        local bytes = net.pattern(20000)
        net.assert_same_bytes(bytes, receive(bytes, recvbuf).text())
      end
    end)

    it("gives raw packets no larger than its buffer", function()
      for _, recvbuf in ipairs({ 1, 100, 4096 }) do
        local seen = receive(net.pattern(20000), recvbuf)
        for _, got in ipairs(seen.packets) do
          assert.is_true(#got >= 1 and #got <= recvbuf)
        end
      end
    end)

    it("D17: gives the right bytes with a buffer above 65535", function()
      local bytes = net.pattern(1000000)
      net.assert_same_bytes(bytes, receive(bytes, 100000).text())
    end)

    it("splits many frames that came in one read", function()
      local parts = {}
      for i = 1, 500 do
        parts[i] = ("\0\4\0\2%02x"):format(i % 256)
      end
      local seen = receive(table.concat(parts), 4096, decoder.connection.rpacket(100))
      assert.are.equal(500, #seen.packets)
      for i, got in ipairs(seen.packets) do
        assert.are.equal(("%02x"):format(i % 256), got:ReadStr())
      end
    end)

    it("takes packets of a megabyte with a 32-bit header", function()
      local client, server = world:pair(decoder.connection.rpacket(2000000, 32))
      local seen, body = net.recorder(), net.pattern(1048576)
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      for _ = 1, 5 do
        client:Send(net.frame(body, 32))
      end
      world:wait("five packets", function()
        return #seen.packets == 5
      end)
      for _, got in ipairs(seen.packets) do
        net.assert_same_bytes(body, got:ReadStr())
      end
    end)

    it("takes a frame of exactly the limit, and ends with 152 on one byte more", function()
      local fits = receive("\0\8" .. ("x"):rep(8), 4096, decoder.connection.rpacket(10))
      local passes = receive("\0\9" .. ("x"):rep(9), 4096, decoder.connection.rpacket(10))
      assert.are.equal(1, #fits.packets)
      assert.are.equal(0, #passes.packets)
      assert.are.same({ chuck.error.EPKTOOLARGE }, passes.codes)
    end)

    it("shares one decoder with other connections without mixing their bytes", function()
      local framing = decoder.connection.rpacket(100)
      local one, two = net.recorder(), net.recorder()
      local a, b = world:pair(framing)
      local c, d = world:pair(framing)
      a:Add2Engine(world.engine, one.on_packet)
      c:Add2Engine(world.engine, two.on_packet)
      b:Add2Engine(world.engine, net.ignore)
      d:Add2Engine(world.engine, net.ignore)
      b:Send(net.raw("\0\3\0"))
      d:Send(net.raw("\0\3\0"))
      world:run(10)
      b:Send(net.raw("\1b"))
      d:Send(net.raw("\1d"))
      world:wait("both packets", function()
        return one.calls == 1 and two.calls == 1
      end)
      assert.are.equal("b", one.packets[1]:ReadStr())
      assert.are.equal("d", two.packets[1]:ReadStr())
    end)

    it("loses nothing while reading is paused, and gives nothing either", function()
      local client, server = world:pair()
      local seen, bytes = net.recorder(), net.pattern(3000000)
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      server:PauseRead()
      client:Send(net.raw(bytes))
      client:ShutdownWrite()
      world:run(30)
      assert.are.equal(0, seen.calls)
      server:ResumeRead()
      world:wait("the end", function()
        return seen.code
      end)
      net.assert_same_bytes(bytes, seen.text())
    end)

    it("stops at once when it is paused in its callback, and goes on where it stopped", function()
      local client, server = world:pair(decoder.connection.rpacket(100))
      local order = {}
      server:Add2Engine(world.engine, function(conn, got)
        order[#order + 1] = got:ReadStr()
        conn:PauseRead()
      end)
      client:Add2Engine(world.engine, net.ignore)
      for i = 1, 5 do
        client:Send(net.frame(tostring(i)))
      end
      for i = 1, 5 do
        world:wait("packet " .. i, function()
          return #order >= i
        end)
        world:run(5)
        assert.are.equal(i, #order)
        server:ResumeRead()
      end
      assert.are.equal("1 2 3 4 5", table.concat(order, " "))
    end)

    it("D42: reads again after one ResumeRead, however often it was paused", function()
      local client, server = world:pair()
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      client:Add2Engine(world.engine, net.ignore)
      server:PauseRead()
      server:PauseRead()
      server:PauseRead()
      server:ResumeRead()
      client:Send(net.raw("x"))
      world:wait("the byte", function()
        return seen.size == 1
      end)
      assert.are.equal("x", seen.text())
    end)
  end)

  describe("in both directions", function()
    it("carries 8 MB each way at the same time, and changes no byte", function()
      local client, server = world:pair(nil, 65536)
      local one, two = net.recorder(), net.recorder()
      local up = net.pattern(8 * 1048576)
      local down = up:reverse()
      client:Add2Engine(world.engine, one.on_packet)
      server:Add2Engine(world.engine, two.on_packet)
      client:Send(net.raw(up))
      server:Send(net.raw(down))
      world:wait("all bytes", function()
        return one.size == #down and two.size == #up
      end)
      net.assert_same_bytes(down, one.text())
      net.assert_same_bytes(up, two.text())
    end)

    it("echoes 8 MB of frames in order", function()
      local client, server = world:pair(decoder.connection.rpacket(65535))
      local body, count, got_back = net.pattern(60000), 140, 0
      server:Add2Engine(world.engine, function(conn, got)
        conn:Send(packet.wpacket(got))
      end)
      client:Add2Engine(world.engine, function(_, got)
        got_back = got_back + 1
        assert(got:ReadU32() == got_back)
        assert(got:ReadStr() == body)
      end)
      for i = 1, count do
        local frame = packet.wpacket()
        frame:WriteU32(i)
        frame:WriteStr(body)
        client:Send(frame)
      end
      world:wait("every echo", function()
        return got_back == count
      end)
      assert.are.equal(0, client:QueuedBytes())
    end)
  end)

  describe("and its addresses", function()
    it("tells its own and its peer's, crosswise equal", function()
      local client, server = world:pair()
      assert.truthy(client:GetSockAddr():match("^127%.0%.0%.1:%d+$"))
      assert.are.equal(client:GetSockAddr(), server:GetPeerAddr())
      assert.are.equal(client:GetPeerAddr(), server:GetSockAddr())
    end)

    it("D36: has nil, a message and a code for them once it is closed", function()
      local client = world:pair()
      client:Close()
      for _, ask in ipairs({ client.GetPeerAddr, client.GetSockAddr }) do
        local addr, message, code = ask(client)
        assert.is_nil(addr)
        assert.are.equal("string", type(message))
        assert.are.equal("ESOCKCLOSE", code)
      end
    end)

    it("answers 0 to SetNoDelay with a boolean or a number, and -140 once it is closed", function()
      local client = world:pair()
      for _, on in ipairs({ true, false, 1, 0 }) do
        assert.are.equal(0, client:SetNoDelay(on))
      end
      client:Close()
      assert.are.equal(-chuck.error.ESOCKCLOSE, client:SetNoDelay(true))
    end)
  end)
end)
