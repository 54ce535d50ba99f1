--- datagram: packets that stand alone, over IPv4, IPv6 and Unix sockets.
local chuck = require("chuck")
local net = require("spec.helper.net")
local dgram = require("spec.helper.dgram")

local decoder, errno, packet = chuck.decoder, chuck.error, chuck.packet
local socket_helper = chuck.socket_helper

describe("datagram", function()
  local world, folder

  before_each(function()
    folder = dgram.folder()
    world = net.open()
  end)

  after_each(function()
    world:close()
    folder:remove()
  end)

  --- A bound socket of a kind, in the engine; what it is told goes to the recorder.
  local function receiver(kind, how, recvbuf, on_packet)
    local made = dgram.bind(world, folder, kind, how, recvbuf)
    local seen = dgram.recorder()
    made:Add2Engine(world.engine, on_packet or seen.on_packet)
    return made, seen
  end

  local function wait_for(seen, count)
    world:wait(count .. " calls", function()
      return seen.calls >= count
    end)
  end

  --- Waits until a socket has counted so many datagrams, whatever became of them.
  local function wait_counted(made, count)
    world:wait(count .. " datagrams", function()
      local stats = made:Stats()
      return stats.received + stats.dropped + stats.truncated >= count
    end)
  end

  for _, kind in ipairs(dgram.KINDS) do
    describe("over " .. kind, function()
      it("carries packets in both directions, with addresses that can be answered", function()
        local server, client, seen
        server = receiver(kind, nil, nil, function(d, got, from, err)
          assert(err == 0)
          assert.are.equal(0, d:SendTo(got, from))
        end)
        client, seen = receiver(kind)
        local text = "over " .. kind
        assert.are.equal(0, client:SendTo(net.raw(text), server:GetSockAddr()))
        wait_for(seen, 1)
        assert.are.equal(text, seen.packets[1]:ReadBin())
        assert.are.equal(server:GetSockAddr(), seen.froms[1])
        assert.are.equal(0, seen.codes[1])
      end)

      it("sends to the peer of Connect, and hears from it only", function()
        local server, seen = receiver(kind)
        local client = receiver(kind)
        assert.are.equal(-errno.EDESTADDRREQ, client:Send(net.raw("nobody")))
        assert.are.equal(0, client:Connect(server:GetSockAddr()))
        assert.are.equal(server:GetSockAddr(), client:GetPeerAddr())
        assert.are.equal(0, client:Send(net.raw("you")))
        wait_for(seen, 1)
        assert.are.equal(client:GetSockAddr(), seen.froms[1])
        assert.are.equal("you", seen.packets[1]:ReadBin())
      end)

      it("keeps the borders of datagrams, from empty to as large as recvbuf", function()
        local server, seen = receiver(kind, nil, 9000)
        local client = receiver(kind)
        local sizes = { 0, 1, 63, 64, 65, 1024, 9000 }
        for n, size in ipairs(sizes) do
          assert.are.equal(0, client:SendTo(net.raw(net.pattern(size)), server:GetSockAddr()))
          wait_for(seen, n)
        end
        for n, size in ipairs(sizes) do
          net.assert_same_bytes(net.pattern(size), seen.packets[n]:ReadBin())
        end
      end)

      it("drops what is larger than recvbuf, and counts it as truncated", function()
        local server, seen = receiver(kind, nil, 100)
        local client = receiver(kind)
        for _, size in ipairs({ 101, 5000, 100 }) do
          client:SendTo(net.raw(net.pattern(size)), server:GetSockAddr())
        end
        wait_counted(server, 3)
        assert.are.equal(1, seen.calls)
        assert.are.same({ received = 1, sent = 0, dropped = 0, truncated = 2 }, server:Stats())
      end)

      it("drops all but exactly one frame, and the next one is not spoiled", function()
        local server, seen = receiver(kind, decoder.datagram.rpacket(20))
        local client = receiver(kind)
        local frame = "\0\3\0\1x"
        local bad = {
          "",
          "\0",
          "\0\3",
          "\0\4\0\1x",
          frame .. "y",
          frame .. frame,
          "\255\255" .. ("z"):rep(100),
          "\0\19" .. ("z"):rep(19),
        }
        for _, bytes in ipairs(bad) do
          assert.are.equal(0, client:SendTo(net.raw(bytes), server:GetSockAddr()))
        end
        client:SendTo(net.raw(frame), server:GetSockAddr())
        wait_counted(server, #bad + 1)
        assert.are.equal(1, seen.calls)
        assert.are.equal("x", seen.packets[1]:ReadStr())
        assert.are.equal(#bad, server:Stats().dropped)
      end)

      it("loses nothing of a burst that goes to a socket which waits for room", function()
        if kind == "IPv4" or kind == "IPv6" then
          return -- UDP drops by right
        end
        local server, seen = receiver(kind)
        local client = receiver(kind)
        client:Connect(server:GetSockAddr())
        for n = 1, 3000 do
          assert.are.equal(0, client:Send(net.raw(("%d"):format(n))))
        end
        wait_for(seen, 3000)
        for n = 1, 3000 do
          assert.are.equal(tostring(n), seen.packets[n]:ReadBin())
        end
        assert.are.equal(3000, client:Stats().sent)
      end)
    end)
  end

  it("sends a wpacket as one frame, of 16 and of 32 bits, again and again", function()
    for _, bits in ipairs({ 16, 32 }) do
      local server, seen = receiver("IPv4", decoder.datagram.rpacket(4096, bits))
      local client = receiver("IPv4")
      local frame = net.frame("again", bits)
      for _ = 1, 3 do
        assert.are.equal(0, client:SendTo(frame, server:GetSockAddr()))
      end
      wait_for(seen, 3)
      for n = 1, 3 do
        assert.are.equal("again", seen.packets[n]:ReadStr())
      end
    end
  end)

  it("takes a frame of exactly max, and none of one more", function()
    local server, seen = receiver("IPv4", decoder.datagram.rpacket(10))
    local client = receiver("IPv4")
    client:SendTo(net.frame("1234567"), server:GetSockAddr())
    client:SendTo(net.frame("123456"), server:GetSockAddr())
    wait_counted(server, 2)
    assert.are.equal("123456", seen.packets[1]:ReadStr())
    assert.are.equal(1, server:Stats().dropped)
  end)

  it("takes raw datagrams up to the maximum of its decoder", function()
    local server, seen = receiver("IPv4", decoder.datagram.rawpacket(3))
    local client = receiver("IPv4")
    for _, text in ipairs({ "abcd", "abc", "" }) do
      client:SendTo(net.raw(text), server:GetSockAddr())
    end
    wait_counted(server, 3)
    assert.are.equal("abc", seen.packets[1]:ReadBin())
    assert.are.equal("", seen.packets[2]:ReadBin())
    assert.are.equal(1, server:Stats().dropped)
    assert.are.equal(decoder.datagram.rawpacket, decoder.datagram.rawpacket())
  end)

  it("hears nothing of a sender without a name but that it has none", function()
    local server, seen = receiver("Unix path")
    local fd = dgram.socket(world, socket_helper.AF_UNIX)
    local nameless = world:own(chuck.datagram(fd, 64))
    nameless:Add2Engine(world.engine, net.ignore)
    nameless:SendTo(net.raw("boo"), server:GetSockAddr())
    wait_for(seen, 1)
    assert.are.equal("boo", seen.packets[1]:ReadBin())
    assert.is_nil(seen.froms[1])
  end)

  it("tells each of many senders apart", function()
    local server, seen = receiver("IPv4")
    local clients = {}
    for n = 1, 20 do
      clients[n] = receiver("IPv4")
    end
    for round = 1, 3 do
      for n, client in ipairs(clients) do
        client:SendTo(net.raw(n .. "/" .. round), server:GetSockAddr())
      end
    end
    wait_for(seen, 60)
    for n, got in ipairs(seen.packets) do
      local sender = tonumber(got:ReadBin():match("^%d+"))
      assert.are.equal(clients[sender]:GetSockAddr(), seen.froms[n])
    end
  end)

  it("reaches an IPv4 socket from one that speaks both", function()
    local fd = dgram.socket(world, socket_helper.AF_INET6)
    assert.are.equal(0, socket_helper.v6only(fd, false))
    assert.are.equal(0, socket_helper.bind(fd, "[::]:0"))
    local both = world:own(chuck.datagram(fd, 64))
    local seen = dgram.recorder()
    both:Add2Engine(world.engine, seen.on_packet)
    local server = receiver("IPv4", nil, nil, function(d, got, from)
      d:SendTo(got, from)
    end)
    assert.are.equal(0, both:SendTo(net.raw("four"), server:GetSockAddr()))
    wait_for(seen, 1)
    assert.are.equal("four", seen.packets[1]:ReadBin())
    assert.truthy(seen.froms[1]:find("^%[::ffff:127%.0%.0%.1%]:%d+$"))
  end)

  describe("a send", function()
    it("is refused for what cannot be sent, and nothing is queued", function()
      local client = dgram.bind(world, folder, "IPv4")
      local to = client:GetSockAddr()
      assert.are.equal(-errno.EINVIPK, client:SendTo(packet.rpacket(packet.wpacket()), to))
      assert.are.equal(-errno.EAFNOSUPPORT, client:SendTo(net.raw("x"), "[::1]:9"))
      assert.are.equal(-errno.EAFNOSUPPORT, client:SendTo(net.raw("x"), "unix:/tmp/x"))
      assert.are.equal(-errno.EMSGSIZE, client:SendTo(net.raw(("x"):rep(65508)), to))
      assert.are.equal(0, client:SendTo(net.raw(("x"):rep(65507)), to))
      assert.are.equal(65507, client:QueuedBytes())
    end)

    it("is as large as IPv6 allows, and arrives", function()
      local server, seen = receiver("IPv6", nil, 65527)
      local client = receiver("IPv6")
      local to = server:GetSockAddr()
      assert.are.equal(-errno.EMSGSIZE, client:SendTo(net.raw(("x"):rep(65528)), to))
      assert.are.equal(0, client:SendTo(net.raw(net.pattern(65527)), to))
      wait_for(seen, 1)
      net.assert_same_bytes(net.pattern(65527), seen.packets[1]:ReadBin())
    end)

    it("is as large as IPv4 allows, to an IPv4 peer of an IPv6 socket as well", function()
      local server = receiver("IPv4")
      local fd = dgram.socket(world, socket_helper.AF_INET6)
      assert.are.equal(0, socket_helper.v6only(fd, false))
      local client = world:own(chuck.datagram(fd, 64))
      assert.are.equal(0, client:Connect(server:GetSockAddr()))
      assert.are.equal(-errno.EMSGSIZE, client:Send(net.raw(("x"):rep(65508))))
      assert.are.equal(0, client:Send(net.raw(("x"):rep(65507))))
    end)

    it("is refused when it is larger than a Unix socket takes", function()
      local client = dgram.bind(world, folder, "Unix path")
      local result = client:SendTo(net.raw(("x"):rep(3 * 1024 * 1024)), client:GetSockAddr())
      assert.are.equal(-errno.EMSGSIZE, result)
    end)

    it("raises at the caller's line for what is no address", function()
      local client = dgram.bind(world, folder, "IPv4")
      for _, text in ipairs({ "", "80", "localhost:80", "127.0.0.1", "::1:80", "unix", "x\0y" }) do
        local fine, message = pcall(function()
          client:SendTo(net.raw("x"), text)
        end)
        assert.is_false(fine)
        assert.truthy(message:find("datagram_spec.lua:%d+: bad argument #2 to 'SendTo'"), message)
      end
    end)

    it("waits for an engine, as a connection's does", function()
      local server, seen = receiver("IPv4")
      local client = dgram.bind(world, folder, "IPv4")
      assert.are.equal(0, client:SendTo(net.raw("early"), server:GetSockAddr()))
      assert.are.equal(5, client:QueuedBytes())
      client:Add2Engine(world.engine, net.ignore)
      wait_for(seen, 1)
      assert.are.equal(0, client:QueuedBytes())
    end)

    it("is tried once more by Close", function()
      local server, seen = receiver("IPv4")
      local client = dgram.bind(world, folder, "IPv4")
      client:SendTo(net.raw("last words"), server:GetSockAddr())
      client:Close()
      wait_for(seen, 1)
      assert.are.equal("last words", seen.packets[1]:ReadBin())
    end)

    it("is refused with -ENOBUFS beyond 4096 datagrams or 4 MiB", function()
      local many = dgram.bind(world, folder, "IPv4")
      local to = many:GetSockAddr()
      for _ = 1, 4096 do
        assert.are.equal(0, many:SendTo(net.raw(""), to))
      end
      assert.are.equal(-errno.ENOBUFS, many:SendTo(net.raw(""), to))
      local much, result = dgram.bind(world, folder, "IPv4"), 0
      while result == 0 do
        result = much:SendTo(net.raw(("x"):rep(60000)), to)
      end
      assert.are.equal(-errno.ENOBUFS, result)
      assert.is_true(much:QueuedBytes() > 4 * 1024 * 1024 - 60000)
      assert.is_true(much:QueuedBytes() <= 4 * 1024 * 1024)
    end)

    it("is refused with -ESOCKCLOSE after Close", function()
      local client = dgram.bind(world, folder, "IPv4")
      client:Close()
      client:Close()
      assert.are.equal(-140, client:SendTo(net.raw("x"), "127.0.0.1:9"))
      assert.are.equal(-140, client:Send(net.raw("x")))
      assert.are.equal(-140, client:Connect("127.0.0.1:9"))
      assert.are.equal(-140, client:SetTtl(1))
      local addr, _, code = client:GetSockAddr()
      assert.is_nil(addr)
      assert.are.equal("ESOCKCLOSE", code)
      assert.are.equal(0, client:QueuedBytes())
    end)
  end)

  describe("an error", function()
    it("of a peer that is gone is told, and the socket goes on", function()
      local gone = dgram.bind(world, folder, "IPv4")
      local nowhere = gone:GetSockAddr()
      gone:Close()
      local client, seen = receiver("IPv4")
      client:Connect(nowhere)
      client:Send(net.raw("anyone?"))
      wait_for(seen, 1)
      assert.is_nil(seen.packets[1])
      assert.are.equal(errno.ECONNREFUSED, seen.codes[1])
      local server, heard = receiver("IPv4")
      assert.are.equal(0, client:Connect(server:GetSockAddr()))
      client:Send(net.raw("you"))
      wait_for(heard, 1)
      assert.are.equal("you", heard.packets[1]:ReadBin())
    end)

    it("does not cost the datagrams that are sent after it", function()
      local gone = dgram.bind(world, folder, "IPv4")
      local address = gone:GetSockAddr()
      gone:Close()
      local client, seen = receiver("IPv4")
      client:Connect(address)
      client:Send(net.raw("lost"))
      wait_for(seen, 1)
      client:Send(net.raw("lost"))
      client:RemoveEngine()
      client:Add2Engine(world.engine, seen.on_packet)
      world:wait("the loss", function()
        return client:QueuedBytes() == 0
      end)
      local server, heard = dgram.bind_at(world, socket_helper.AF_INET, address), dgram.recorder()
      server:Add2Engine(world.engine, heard.on_packet)
      client:Send(net.raw("found"))
      wait_for(heard, 1)
      assert.are.equal("found", heard.packets[1]:ReadBin())
    end)

    it("of a Unix receiver that is gone names it, once for each datagram", function()
      local gone = dgram.bind(world, folder, "Unix abstract")
      local address = gone:GetSockAddr()
      gone:Close()
      local client, seen = receiver("Unix path")
      for _ = 1, 3 do
        assert.are.equal(0, client:SendTo(net.raw("x"), address))
      end
      wait_for(seen, 3)
      world:run(5)
      assert.are.equal(3, seen.calls)
      assert.are.equal(address, seen.froms[1])
      assert.are.equal(errno.ECONNREFUSED, seen.codes[1])
      assert.are.equal(0, client:Stats().sent)
    end)

    it("of a path that is not there names it", function()
      local client, seen = receiver("Unix path")
      local address = "unix:" .. folder.path .. "/missing"
      client:SendTo(net.raw("x"), address)
      wait_for(seen, 1)
      assert.are.equal(address, seen.froms[1])
      assert.are.equal(errno.ENOENT, seen.codes[1])
    end)

    it("of a Unix receiver that does not read holds up nobody else", function()
      local stuck = dgram.bind(world, folder, "Unix path")
      local server, heard = receiver("Unix abstract")
      local client, seen = receiver("Unix path")
      for _ = 1, 4096 do
        client:SendTo(net.raw("x"), stuck:GetSockAddr())
      end
      client:SendTo(net.raw("through"), server:GetSockAddr())
      wait_for(heard, 1)
      assert.are.equal("through", heard.packets[1]:ReadBin())
      wait_for(seen, 1)
      assert.are.equal(errno.EAGAIN, seen.codes[1])
      assert.are.equal(stuck:GetSockAddr(), seen.froms[1])
    end)

    it("of a Unix receiver that does not read does not hold up the peer of Connect", function()
      local stuck = dgram.bind(world, folder, "Unix path")
      local filler, full = receiver("Unix path")
      for _ = 1, 4096 do
        filler:SendTo(net.raw("x"), stuck:GetSockAddr())
      end
      wait_for(full, 1)
      local server, heard = receiver("Unix abstract")
      local client, seen = receiver("Unix path")
      assert.are.equal(0, client:Connect(server:GetSockAddr()))
      client:SendTo(net.raw("stuck"), stuck:GetSockAddr())
      client:Send(net.raw("through"))
      wait_for(heard, 1)
      assert.are.equal("through", heard.packets[1]:ReadBin())
      wait_for(seen, 1)
      assert.are.equal(errno.EAGAIN, seen.codes[1])
      assert.are.equal(stuck:GetSockAddr(), seen.froms[1])
    end)

    it("of a connected Unix peer that is gone is told once for each datagram", function()
      local one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      local client, seen = world:own(chuck.datagram(one, 64)), dgram.recorder()
      client:Add2Engine(world.engine, seen.on_packet)
      socket_helper.close(other)
      client:Send(net.raw("x"))
      wait_for(seen, 1)
      world:run(5)
      assert.are.same({ errno.ECONNREFUSED }, seen.codes)
      client:Send(net.raw("x"))
      wait_for(seen, 2)
      world:run(5)
      assert.are.same({ errno.ECONNREFUSED, errno.ENOTCONN }, seen.codes)
    end)

    it("of a connected Unix peer that goes while datagrams wait for it is told", function()
      local one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      local client, seen = world:own(chuck.datagram(one, 64)), dgram.recorder()
      client:Add2Engine(world.engine, seen.on_packet)
      for _ = 1, 2000 do
        client:Send(net.raw("x"))
      end
      world:run(5)
      assert.is_true(client:QueuedBytes() > 0)
      socket_helper.close(other)
      world:wait("an empty queue", function()
        return client:QueuedBytes() == 0
      end)
      wait_for(seen, 1)
      assert.are.equal(errno.ENOTCONN, seen.codes[#seen.codes])
    end)

    it("is EENGCLOSE when the engine closes", function()
      local engine = world:new_engine()
      local made = dgram.bind(world, folder, "IPv4")
      local seen = dgram.recorder()
      made:Add2Engine(engine, seen.on_packet)
      engine:Close()
      assert.are.same({ 155 }, seen.codes)
      assert.are.equal(-140, made:SendTo(net.raw("x"), "127.0.0.1:9"))
    end)
  end)

  describe("making one", function()
    it("answers nil, a message and EBADF for a number that is not lent", function()
      for _, number in ipairs({ -1, 99999 }) do
        local made, message, code = chuck.datagram(number, 64)
        assert.is_nil(made)
        assert.are.equal("string", type(message))
        assert.are.equal("EBADF", code)
      end
    end)

    it("answers EINVISOKTYPE for a stream socket, which stays open", function()
      local fd = world:own_fd(net.socket())
      local made, _, code = chuck.datagram(fd, 64)
      assert.is_nil(made)
      assert.are.equal("EINVISOKTYPE", code)
      assert.are.equal(0, socket_helper.close(fd))
    end)

    it("raises for a decoder of the other kind, whichever way", function()
      local fd = world:own_fd(net.socket())
      local _, why = pcall(chuck.datagram, fd, 64, decoder.connection.rpacket(64))
      assert.truthy(why:find("decoder of chuck.decoder.datagram expected", 1, true), why)
      _, why = pcall(chuck.connection, fd, 64, decoder.datagram.rawpacket)
      assert.truthy(why:find("decoder of chuck.decoder.connection expected", 1, true), why)
      assert.are.equal(0, socket_helper.close(fd))
    end)

    it("lets go of a socket that nobody references", function()
      local before = net.descriptors()
      local fd = socket_helper.socket(socket_helper.AF_INET, socket_helper.SOCK_DGRAM, 0)
      local made = chuck.datagram(fd, 64)
      made:SendTo(net.raw("queued"), "127.0.0.1:9")
      made = nil
      collectgarbage()
      collectgarbage()
      assert.is_nil(made)
      assert.are.equal(before, net.descriptors())
    end)
  end)

  describe("in its callback", function()
    it("may close, leave and stop the engine", function()
      for _, act in ipairs({
        function(d)
          d:Close()
        end,
        function(d)
          d:RemoveEngine()
        end,
        function()
          world.engine:Stop()
        end,
      }) do
        local calls = 0
        local server = receiver("IPv4", nil, nil, function(d)
          calls = calls + 1
          act(d)
        end)
        local client = receiver("IPv4")
        for _ = 1, 10 do
          client:SendTo(net.raw("x"), server:GetSockAddr())
        end
        world:wait("a call", function()
          return calls > 0
        end)
        assert.is_true(calls >= 1)
      end
    end)

    it("hears the rest of a batch after a stop, in the next run", function()
      local server, seen
      server, seen = receiver("IPv4", nil, nil, nil)
      local client = receiver("IPv4")
      for n = 1, 50 do
        client:SendTo(net.raw(tostring(n)), server:GetSockAddr())
      end
      local stopper = dgram.recorder()
      server:RemoveEngine()
      server:Add2Engine(world.engine, function(...)
        stopper.on_packet(...)
        world.engine:Stop()
      end)
      world:wait("all", function()
        return stopper.calls + seen.calls >= 50
      end)
      assert.are.equal("50", stopper.packets[#stopper.packets]:ReadBin())
    end)

    it("may raise: the error is told and the next packet comes", function()
      world.keeps_errors = true
      local calls = 0
      local server = receiver("IPv4", nil, nil, function()
        calls = calls + 1
        error("oops")
      end)
      local client = receiver("IPv4")
      for _ = 1, 5 do
        client:SendTo(net.raw("x"), server:GetSockAddr())
      end
      world:wait("five calls", function()
        return calls == 5
      end)
      assert.are.equal(5, #world:take_errors())
    end)

    it("may collect garbage at every step", function()
      local server = receiver("IPv4", nil, nil, function(d, got, from)
        collectgarbage()
        d:SendTo(got, from)
      end)
      local client, seen = receiver("IPv4")
      for _ = 1, 10 do
        client:SendTo(net.raw("x"), server:GetSockAddr())
      end
      wait_for(seen, 10)
    end)
  end)

  describe("PauseRead", function()
    it("holds packets back until ResumeRead, also those of a batch", function()
      local server, seen = receiver("IPv4", nil, nil, nil)
      server:RemoveEngine()
      server:Add2Engine(world.engine, function(d, ...)
        seen.on_packet(d, ...)
        if seen.calls == 2 then
          d:PauseRead()
        end
      end)
      local client = receiver("IPv4")
      for n = 1, 5 do
        client:SendTo(net.raw(tostring(n)), server:GetSockAddr())
      end
      wait_for(seen, 2)
      world:run(5)
      assert.are.equal(2, seen.calls)
      server:ResumeRead()
      wait_for(seen, 5)
      assert.are.equal("5", seen.packets[5]:ReadBin())
    end)
  end)

  describe("Add2Engine", function()
    it("answers false for a second engine, a closed engine and a closed socket", function()
      local made = receiver("IPv4")
      local fine, _, code = made:Add2Engine(world.engine, net.ignore)
      assert.is_false(fine)
      assert.are.equal("EASSENG", code)
      made:Close()
      fine, _, code = made:Add2Engine(world.engine, net.ignore)
      assert.is_false(fine)
      assert.are.equal("ESOCKCLOSE", code)
      local engine = chuck.engine()
      engine:Close()
      fine, _, code = dgram.bind(world, folder, "IPv4"):Add2Engine(engine, net.ignore)
      assert.is_false(fine)
      assert.are.equal("EENGCLOSE", code)
    end)
  end)

  describe("options", function()
    it("answer 0 on sockets that have them", function()
      for _, kind in ipairs({ "IPv4", "IPv6" }) do
        local made = dgram.bind(world, folder, kind)
        assert.are.equal(0, made:SetTtl(3))
        assert.are.equal(0, made:SetMulticastTtl(0))
        assert.are.equal(0, made:SetMulticastLoop(false))
        assert.are.equal(0, made:SetMulticastInterface())
        assert.are.equal(0, made:SetMulticastInterface("lo"))
        assert.are.equal(0, made:SetBroadcast(true))
      end
    end)

    it("answer -EOPNOTSUPP on Unix sockets, -ENODEV for an interface that is not there", function()
      local made = dgram.bind(world, folder, "Unix path")
      assert.are.equal(-errno.EOPNOTSUPP, made:SetTtl(3))
      assert.are.equal(-errno.EOPNOTSUPP, made:SetMulticastTtl(3))
      assert.are.equal(-errno.EOPNOTSUPP, made:SetMulticastLoop(true))
      local four = dgram.bind(world, folder, "IPv4")
      assert.are.equal(-errno.ENODEV, four:JoinGroup("239.255.0.1", "no-such-interface"))
      assert.are.equal(-errno.ENODEV, four:JoinGroup("239.255.0.1", "lo\0"))
    end)

    it("of an IPv6 socket hold for what it sends to IPv4 groups as well", function()
      local group = "239.255.77.2"
      local member_fd = dgram.socket(world, socket_helper.AF_INET)
      assert.are.equal(0, socket_helper.bind(member_fd, "0.0.0.0:0"))
      local address = group .. ":" .. net.port_of(member_fd)
      local member, seen = world:own(chuck.datagram(member_fd, 64)), dgram.recorder()
      member:Add2Engine(world.engine, seen.on_packet)
      assert.are.equal(0, member:JoinGroup(group, "lo"))
      local fd = dgram.socket(world, socket_helper.AF_INET6)
      assert.are.equal(0, socket_helper.v6only(fd, false))
      assert.are.equal(0, socket_helper.bind(fd, "[::]:0"))
      local client, told = world:own(chuck.datagram(fd, 64)), dgram.recorder()
      client:Add2Engine(world.engine, told.on_packet)
      assert.are.equal(0, client:SetMulticastInterface("lo"))
      client:SendTo(net.raw("members"), address)
      wait_for(seen, 1)
      assert.are.equal("members", seen.packets[1]:ReadBin())
      assert.are.equal(0, told.calls)
    end)

    it("let a broadcast through only where it was allowed", function()
      local client, seen = receiver("IPv4")
      client:SendTo(net.raw("all"), "127.255.255.255:9")
      wait_for(seen, 1)
      assert.are.equal(errno.EACCES, seen.codes[1])
      assert.are.equal("127.255.255.255:9", seen.froms[1])
      assert.are.equal(0, client:SetBroadcast(true))
      client:SendTo(net.raw("all"), "127.255.255.255:9")
      world:wait("the send", function()
        return client:Stats().sent == 1
      end)
    end)

    it("let a group be heard from joining to leaving", function()
      local group = "239.255.77.1"
      local fd = dgram.socket(world, socket_helper.AF_INET)
      assert.are.equal(0, socket_helper.bind(fd, "0.0.0.0:0"))
      local port = net.port_of(fd)
      local member, seen = world:own(chuck.datagram(fd, 64)), dgram.recorder()
      member:Add2Engine(world.engine, seen.on_packet)
      local client = receiver("IPv4")
      assert.are.equal(0, client:SetMulticastInterface("127.0.0.1"))
      assert.are.equal(0, member:JoinGroup(group, "127.0.0.1"))
      client:SendTo(net.raw("members"), group .. ":" .. port)
      wait_for(seen, 1)
      assert.are.equal("members", seen.packets[1]:ReadBin())
      assert.are.equal(0, member:LeaveGroup(group, "127.0.0.1"))
      assert.is_true(member:LeaveGroup(group, "127.0.0.1") < 0)
      client:SendTo(net.raw("members"), group .. ":" .. port)
      client:SendTo(net.raw("you"), "127.0.0.1:" .. port)
      wait_for(seen, 2)
      assert.are.equal("you", seen.packets[2]:ReadBin())
      assert.is_true(member:JoinGroup("10.0.0.1") < 0)
    end)

    it("let an IPv6 group be joined and left", function()
      local member = dgram.bind(world, folder, "IPv6")
      assert.are.equal(0, member:JoinGroup("ff02::77", "lo"))
      assert.is_true(member:JoinGroup("ff02::77", "lo") < 0)
      assert.are.equal(0, member:LeaveGroup("ff02::77", "lo"))
      assert.is_true(member:LeaveGroup("ff02::77", "lo") < 0)
      assert.are.equal(-errno.EINVAL, member:JoinGroup("ff02::77", "127.0.0.1"))
      assert.is_true(member:JoinGroup("::1", "lo") < 0)
    end)
  end)

  describe("a hostile sender", function()
    it("of ten thousand datagrams, bad and good, leaves the counts right", function()
      local server, seen = receiver("Unix path", decoder.datagram.rpacket(64), 128)
      local client = receiver("Unix path")
      client:Connect(server:GetSockAddr())
      local long = ("x"):rep(128)
      local kinds = { "", "\0", "\255\255\255\255", "\0\1x", long .. "x", "\0\1xy", long }
      local sent = 0
      while sent < 10000 do
        local bytes = kinds[sent % #kinds + 1]
        if client:Send(net.raw(bytes)) == 0 then
          sent = sent + 1
        else
          world:run(1)
        end
      end
      wait_counted(server, 10000)
      local stats = server:Stats()
      assert.are.equal(10000, stats.received + stats.dropped + stats.truncated)
      assert.are.equal(seen.calls, stats.received)
      assert.are.equal(math.ceil((10000 - 3) / 7), stats.received)
      assert.are.equal(math.ceil((10000 - 4) / 7), stats.truncated)
    end)

    it("that is answered for ever does not keep a timer from its turn", function()
      local over, calls = false, 0
      local own
      own = receiver("IPv4", nil, nil, function(d, got, from)
        calls = calls + 1
        if not over and calls < 200000 then
          d:SendTo(got, from)
        end
      end)
      chuck.RegTimer(world.engine, 1, function()
        over = true
        return -1
      end)
      for _ = 1, 128 do
        own:SendTo(net.raw("to myself"), own:GetSockAddr())
      end
      world:wait("the timer", function()
        return over
      end)
      assert.is_true(calls > 128 and calls < 200000, calls)
    end)

    it("over UDP does not keep a timer from its turn", function()
      local server = receiver("IPv4")
      local client = receiver("IPv4")
      local over
      chuck.RegTimer(world.engine, 20, function()
        over = true
        return -1
      end)
      local to = server:GetSockAddr()
      world:wait("the timer", function()
        for _ = 1, 1000 do
          client:SendTo(net.raw("flood"), to)
        end
        return over
      end)
      assert.is_true(server:Stats().received > 0)
    end)
  end)
end)
