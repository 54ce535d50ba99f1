--- How connections end: the peer's end, errors, Close, Close with a delay, ShutdownWrite.
local chuck = require("chuck")
local net = require("spec.helper.net")

local decoder = chuck.decoder
local errno = chuck.error

describe("the end of a connection", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- Two connections in the engine; what each receives is remembered.
  local function talking(framing)
    local client, server = world:pair(framing)
    local at_client, at_server = net.recorder(), net.recorder()
    client:Add2Engine(world.engine, at_client.on_packet)
    server:Add2Engine(world.engine, at_server.on_packet)
    return client, server, at_client, at_server
  end

  local function open_count()
    return world.engine:Stats().open
  end

  describe("by the peer, of a half-open connection", function()
    it("is told once, and sending goes on until this side ends too", function()
      local client, server, at_client, at_server = talking()
      server:SetHalfOpen(true)
      client:ShutdownWrite()
      world:wait("the end", function()
        return at_server.code
      end)
      world:run(10)
      assert.are.same({ 0 }, at_server.codes)
      assert.are.equal(0, server:Send(net.raw("late answer")))
      world:wait("the answer", function()
        return at_client.size == 11
      end)
      server:ShutdownWrite()
      world:wait("both ends", function()
        return open_count() == 0
      end)
      assert.are.equal(1, at_server.calls)
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x")))
    end)

    it("is told a second time when it fails later", function()
      local client, server, _, at_server = talking()
      server:SetHalfOpen(1)
      client:ShutdownWrite()
      world:wait("the end", function()
        return at_server.code
      end)
      client:Close()
      world:wait("an error", function()
        server:Send(net.raw("x"))
        return at_server.codes[2]
      end)
      assert.is_truthy(({ [errno.EPIPE] = 1, [errno.ECONNRESET] = 1 })[at_server.codes[2]])
      assert.are.equal(2, at_server.calls)
    end)

    it("closes it when that is turned off, in the callback too", function()
      local client, server = world:pair()
      local calls = 0
      server:SetHalfOpen(true)
      server:Add2Engine(world.engine, function(conn, packet)
        calls = calls + 1
        if not packet then
          conn:SetHalfOpen(0)
        end
      end)
      client:Add2Engine(world.engine, net.ignore)
      client:Close()
      world:wait("both to be closed", function()
        return open_count() == 0
      end)
      assert.are.equal(1, calls)
      server:SetHalfOpen(true)
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x")))
    end)
  end)

  describe("by the peer", function()
    it("is told once, as nil and 0", function()
      local client, _, _, at_server = talking()
      client:Close()
      world:wait("the end", function()
        return at_server.code
      end)
      world:run(20)
      assert.are.same({ 0 }, at_server.codes)
      assert.are.equal(1, at_server.calls)
    end)

    it("closes the connection by itself, after the callback", function()
      local client, server, _, at_server = talking()
      client:Close()
      world:wait("the end", function()
        return at_server.code
      end)
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x")))
      world:wait("no connection", function()
        return open_count() == 0
      end)
      assert.are.equal(0, open_count())
    end)

    it("still delivers a reply that is sent inside its callback", function()
      local client, server = world:pair()
      local at_client = net.recorder()
      local results = {}
      client:Add2Engine(world.engine, at_client.on_packet)
      server:Add2Engine(world.engine, function(conn, got)
        if not got then
          results[1] = conn:Send(net.raw("good"))
          results[2] = conn:Send(net.raw("bye"))
        end
      end)
      client:ShutdownWrite()
      world:wait("the end", function()
        return at_client.code
      end)
      assert.are.same({ 0, 0 }, results)
      assert.are.equal("goodbye", at_client.text())
    end)

    it("still delivers megabytes that were queued before", function()
      local client, server = world:pair()
      local at_client, bytes = net.recorder(), net.pattern(6000000)
      client:Add2Engine(world.engine, at_client.on_packet)
      client:PauseRead()
      local ended
      server:Add2Engine(world.engine, function(_, got, code)
        ended = not got and code
      end)
      server:Send(net.raw(bytes))
      client:ShutdownWrite()
      world:wait("the client's end", function()
        return ended
      end)
      client:ResumeRead()
      world:wait("the server's end", function()
        return at_client.code
      end)
      net.assert_same_bytes(bytes, at_client.text())
    end)

    it("loses nothing of 1 MB to a peer that ended its half and reads the echo", function()
      local client, server = world:pair()
      local at_client, bytes = net.recorder(), net.pattern(1048576)
      client:Add2Engine(world.engine, at_client.on_packet)
      server:Add2Engine(world.engine, function(conn, got)
        if got then
          conn:Send(got)
        end
      end)
      client:Send(net.raw(bytes))
      client:ShutdownWrite()
      world:wait("the end", function()
        return at_client.code
      end)
      net.assert_same_bytes(bytes, at_client.text())
      assert.are.same({ 0 }, at_client.codes)
    end)

    it("comes after every packet that came before it", function()
      local client, _, _, at_server = talking(decoder.connection.rpacket(100))
      for _ = 1, 200 do
        client:Send(net.frame("x"))
      end
      client:Close()
      world:wait("the end", function()
        return at_server.code
      end)
      assert.are.equal(200, #at_server.packets)
    end)

    it("waits behind packets while reading is paused", function()
      local client, server, _, at_server = talking()
      server:PauseRead()
      client:Send(net.raw("last words"))
      client:Close()
      world:run(20)
      assert.are.equal(0, at_server.calls)
      server:ResumeRead()
      world:wait("the end", function()
        return at_server.code
      end)
      assert.are.equal("last words", at_server.text())
    end)
  end)

  describe("by an error", function()
    --- Lets the peer of `server` reset the connection: it closes with bytes it has not read.
    local function reset(fd, server)
      server:Send(net.raw("unread"))
      world:run(5)
      chuck.socket_helper.close(fd)
    end

    it("tells a reset once, by its number, and closes", function()
      local fd, accepted = world:fd_pair()
      local server, seen = world:connection(accepted), net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      reset(fd, server)
      world:wait("the reset", function()
        return seen.code
      end)
      world:run(20)
      assert.are.same({ errno.ECONNRESET }, seen.codes)
      assert.are.equal(0, open_count())
    end)

    it("D26: closes after a packet that is too large, and tells nothing after it", function()
      local client, server, at_client, at_server = talking(decoder.connection.rpacket(10))
      client:Send(net.frame(("x"):rep(50)))
      client:Send(net.frame("y"))
      world:wait("the client's end", function()
        return at_client.code
      end)
      assert.are.same({ errno.EPKTOOLARGE }, at_server.codes)
      assert.are.equal(1, at_server.calls)
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.frame("z")))
    end)

    it("D26: does not spin when the peer resets after a packet that was too large", function()
      local fd, accepted = world:fd_pair()
      local sender = world:connection(fd)
      local server = world:connection(accepted, decoder.connection.rpacket(10))
      local seen = net.recorder()
      server:Add2Engine(world.engine, seen.on_packet)
      sender:Add2Engine(world.engine, net.ignore)
      sender:Send(net.raw("\255\255" .. ("x"):rep(1000)))
      world:wait("the error", function()
        return seen.code
      end)
      sender:Close()
      world:run(10)
      local before = world.engine:Stats().turns
      world:run(50)
      assert.is_true(world.engine:Stats().turns - before <= 3)
      assert.are.equal(0, open_count())
    end)
  end)

  describe("by Close", function()
    it("may come twice, with and without an engine", function()
      local client, server = world:pair()
      client:Close()
      client:Close()
      server:Add2Engine(world.engine, net.ignore)
      server:Close()
      server:Close()
      server:Close(100)
      assert.are.equal(0, open_count())
    end)

    it("tells its own callback nothing, neither then nor later", function()
      local client, server, _, at_server = talking()
      client:Send(net.raw("x"))
      server:Close()
      world:run(20)
      assert.are.equal(0, at_server.calls)
    end)

    it("inside the callback keeps the packets that were read with it from being told", function()
      local client, server = world:pair(decoder.connection.rpacket(100))
      local calls = 0
      server:Add2Engine(world.engine, function(conn)
        calls = calls + 1
        conn:Close()
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

    it("D24: makes every Send answer -140 and keep nothing", function()
      local _, server = talking()
      server:Close()
      for _ = 1, 3 do
        assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x")))
      end
      assert.are.equal(0, server:QueuedBytes())
    end)

    it("D24: lets go of the callbacks of sends that never left", function()
      local weak = setmetatable({}, { __mode = "k" })
      local _, accepted = world:fd_pair()
      do
        local server = world:connection(accepted)
        server:Add2Engine(world.engine, net.ignore)
        server:SetHighWater(1, nil, 100)
        local function finished()
          return server
        end
        weak[finished] = true
        server:Send(net.raw(("x"):rep(99)), finished)
        server:Close()
        assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x"), finished))
      end
      world:run(1)
      world.objects = { world.engine }
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(weak))
    end)
  end)

  describe("by Close with a delay", function()
    it("D38: delivers megabytes to a slow reader before it ends", function()
      local client, server, at_client = talking()
      local bytes = net.pattern(8000000)
      client:PauseRead()
      assert.are.equal(0, server:Send(net.raw(bytes)))
      server:Close(15000)
      local closed = chuck.RegTimer(world.engine, 1, function()
        client:ResumeRead()
        chuck.RegTimer(world.engine, 1, function()
          if not at_client.code then
            client:PauseRead()
          end
          return -1
        end)
      end)
      world:wait("the end", function()
        return at_client.code
      end)
      closed:UnRegister()
      net.assert_same_bytes(bytes, at_client.text())
      assert.are.same({ 0 }, at_client.codes)
    end)

    it("refuses sends and tells nothing at once, though bytes are still leaving", function()
      local client, server, _, at_server = talking()
      client:PauseRead()
      server:Send(net.raw(("x"):rep(6000000)))
      server:Close(200)
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("y")))
      client:Send(net.raw("unheard"))
      world:run(20)
      assert.are.equal(0, at_server.calls)
    end)

    it("ends at its deadline when the peer does not read", function()
      local client, server = talking()
      client:PauseRead()
      server:Send(net.raw(("x"):rep(20000000)))
      local began = chuck.systick()
      server:Close(50)
      world:wait("one connection less", function()
        return open_count() == 1
      end)
      assert.is_true(chuck.systick() - began >= 50)
      assert.are.equal(0, server:QueuedBytes())
    end)

    it("ends before its deadline when everything is sent and the peer ends", function()
      local client, server, at_client = talking()
      local began = chuck.systick()
      server:Send(net.raw("bye"))
      server:Close(net.DEADLINE)
      world:wait("no connection", function()
        return open_count() == 0
      end)
      assert.are.equal("bye", at_client.text())
      assert.is_true(chuck.systick() - began < net.DEADLINE)
      client:Close()
    end)

    it("is cut short by Close without one", function()
      local client, server = talking()
      client:PauseRead()
      server:Send(net.raw(("x"):rep(6000000)))
      server:Close(net.DEADLINE)
      server:Close()
      assert.are.equal(1, open_count())
    end)

    it("still tells on_send_finish when the last byte has left", function()
      local client, server, at_client = talking()
      local finished = 0
      client:PauseRead()
      server:Send(net.raw(("x"):rep(6000000)), function()
        finished = finished + 1
      end)
      server:Close(10000)
      client:ResumeRead()
      world:wait("the end", function()
        return at_client.code
      end)
      assert.are.equal(1, finished)
    end)
  end)

  describe("by ShutdownWrite", function()
    it("lets what is queued arrive first, then the end", function()
      local client, server, at_client = talking()
      local bytes = net.pattern(3000000)
      server:Send(net.raw(bytes))
      server:ShutdownWrite()
      world:wait("the end", function()
        return at_client.code
      end)
      net.assert_same_bytes(bytes, at_client.text())
      client:Close()
    end)

    it("ends only one direction: what the peer sends still arrives", function()
      local client, server = world:pair()
      local at_server = net.recorder()
      local reply = net.pattern(500000)
      server:Add2Engine(world.engine, at_server.on_packet)
      client:Add2Engine(world.engine, function(conn, got, code)
        if not got and code == 0 then
          conn:Send(net.raw(reply))
        end
      end)
      server:ShutdownWrite()
      world:wait("the reply", function()
        return at_server.code
      end)
      net.assert_same_bytes(reply, at_server.text())
    end)

    it("may come twice, and refuses later sends with -140", function()
      local _, server = talking()
      server:ShutdownWrite()
      server:ShutdownWrite()
      assert.are.equal(-errno.ESOCKCLOSE, server:Send(net.raw("x")))
    end)

    it("works before the connection has an engine", function()
      local client, server = world:pair()
      local at_client = net.recorder()
      client:Add2Engine(world.engine, at_client.on_packet)
      server:Send(net.raw("x"))
      server:ShutdownWrite()
      server:Add2Engine(world.engine, net.ignore)
      world:wait("the end", function()
        return at_client.code
      end)
      assert.are.equal("x", at_client.text())
    end)
  end)
end)
