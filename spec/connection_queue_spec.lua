--- What connections send: results, order, on_send_finish, the queue's marks and its limit.
local chuck = require("chuck")
local net = require("spec.helper.net")

local decoder = chuck.decoder
local errno = chuck.error
local packet = chuck.packet

describe("a send queue", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  local function talking(framing)
    local client, server = world:pair(framing)
    local at_client = net.recorder()
    client:Add2Engine(world.engine, at_client.on_packet)
    server:Add2Engine(world.engine, net.ignore)
    return client, server, at_client
  end

  --- The same, and the client does not read until it is told to.
  local function blocked()
    local client, server, at_client = talking()
    client:PauseRead()
    return client, server, at_client
  end

  local function wait_for_bytes(seen, size)
    world:wait(size .. " bytes", function()
      return seen.size >= size
    end)
  end

  describe("and Send", function()
    it("D23: answers 0", function()
      local _, server = talking()
      assert.are.equal(0, server:Send(net.raw("x")))
      assert.are.equal(0, server:Send(packet.wpacket()))
    end)

    it("D22: keeps what is sent before Add2Engine, in order, and sends it then", function()
      local client, server = world:pair()
      local at_client, finished = net.recorder(), 0
      client:Add2Engine(world.engine, at_client.on_packet)
      local first = server:Send(net.raw("one "), function()
        finished = finished + 1
      end)
      local second = server:Send(net.raw("two "))
      world:run(5)
      assert.are.equal(0, at_client.calls)
      server:Add2Engine(world.engine, net.ignore)
      server:Send(net.raw("three"))
      wait_for_bytes(at_client, 13)
      assert.are.same({ 0, 0, 1 }, { first, second, finished })
      assert.are.equal("one two three", at_client.text())
    end)

    it("answers -145 to an rpacket, which has to be made a wpacket first", function()
      local _, server, at_client = talking()
      local got = packet.rpacket(net.frame("x"))
      assert.are.equal(-errno.EINVIPK, server:Send(got))
      assert.are.equal(0, server:Send(packet.wpacket(got)))
      wait_for_bytes(at_client, 5)
      assert.are.equal("\0\3\0\1x", at_client.text())
    end)

    it("does not call on_send_finish of what it refused", function()
      local _, server = talking()
      local calls = 0
      local function finished()
        calls = calls + 1
      end
      server:Send(packet.rpacket(net.frame("x")), finished)
      server:SetHighWater(1, nil, 10)
      server:Send(net.raw(("x"):rep(11)), finished)
      world:run(20)
      assert.are.equal(0, calls)
    end)

    it("leaves the packet usable: written to, it does not change what was sent", function()
      local client, server = world:pair(decoder.connection.rpacket(5000))
      local at_client = net.recorder()
      client:Add2Engine(world.engine, at_client.on_packet)
      server:Add2Engine(world.engine, net.ignore)
      local frame = net.frame(("a"):rep(3000))
      server:Send(frame)
      frame:WriteStr("b")
      server:Send(frame)
      world:wait("two packets", function()
        return at_client.calls == 2
      end)
      local first, second = at_client.packets[1], at_client.packets[2]
      assert.are.equal(("a"):rep(3000), first:ReadStr())
      assert.is_nil(first:ReadStr())
      assert.are.equal(("a"):rep(3000), second:ReadStr())
      assert.are.equal("b", second:ReadStr())
    end)

    it("sends one packet twice, and to many", function()
      for _, size in ipairs({ 10, 5000 }) do
        local shared = net.raw(net.pattern(size))
        local seen = {}
        for i = 1, 10 do
          local _, server, at_client = talking()
          seen[i] = at_client
          server:Send(shared)
          server:Send(shared)
        end
        for _, at_client in ipairs(seen) do
          wait_for_bytes(at_client, 2 * size)
          net.assert_same_bytes(net.pattern(size):rep(2), at_client.text())
        end
      end
    end)

    it("sends a packet on that was kept after its callback", function()
      local client, server, at_client = talking()
      local kept = {}
      server:RemoveEngine()
      server:Add2Engine(world.engine, function(_, got)
        kept[#kept + 1] = got
      end)
      client:Send(net.raw(net.pattern(3000)))
      world:wait("the bytes", function()
        local size = 0
        for _, got in ipairs(kept) do
          size = size + #got
        end
        return size == 3000
      end)
      client:Send(net.raw("other bytes over the same buffer"))
      world:run(10)
      for i = 1, #kept - 1 do
        server:Send(kept[i])
      end
      local rest = kept[#kept]
      server:Send(rest)
      wait_for_bytes(at_client, 3000)
      assert.are.equal(net.pattern(3000), at_client.text():sub(1, 3000))
    end)

    it("keeps the order of small and large packets", function()
      local _, server, at_client = talking()
      local parts = {}
      for i = 1, 300 do
        parts[i] = net.pattern(i % 3 == 0 and 5000 or i)
        server:Send(net.raw(parts[i]))
      end
      local whole = table.concat(parts)
      wait_for_bytes(at_client, #whole)
      net.assert_same_bytes(whole, at_client.text())
    end)
  end)

  describe("and on_send_finish", function()
    it("is called once for each packet, in order, with the connection", function()
      local _, server, at_client = talking()
      local order, conns = {}, {}
      for i = 1, 50 do
        server:Send(net.raw(("x"):rep(i * 100)), function(conn)
          order[#order + 1] = i
          conns[conn] = true
        end)
      end
      wait_for_bytes(at_client, 127500)
      world:run(5)
      assert.are.equal(50, #order)
      for i = 1, 50 do
        assert.are.equal(i, order[i])
      end
      assert.are.same({ [server] = true }, conns)
    end)

    it("waits until the kernel has taken the last byte", function()
      local client, server = blocked()
      local finished
      server:Send(net.raw(("x"):rep(20000000)), function()
        finished = server:QueuedBytes()
      end)
      world:run(30)
      assert.is_nil(finished)
      client:ResumeRead()
      world:wait("the last byte", function()
        return finished
      end)
      assert.are.equal(0, finished)
    end)

    it("D12: is called for an empty rawpacket, in its turn", function()
      local _, server, at_client = talking()
      local order = {}
      for i, text in ipairs({ "", "a", "", "", "b", "" }) do
        server:Send(net.raw(text), function()
          order[#order + 1] = i
        end)
      end
      world:wait("six finishes", function()
        return #order == 6
      end)
      wait_for_bytes(at_client, 2)
      assert.are.same({ 1, 2, 3, 4, 5, 6 }, order)
      assert.are.equal("ab", at_client.text())
    end)

    it("D12: is called for an empty rawpacket that was sent before Add2Engine", function()
      local _, server = world:pair()
      local finished
      server:Send(net.raw(""), function()
        finished = true
      end)
      server:Add2Engine(world.engine, net.ignore)
      world:wait("the finish", function()
        return finished
      end)
      assert.is_true(finished)
    end)

    it("may close the connection: later finishes are not told", function()
      local _, server = talking()
      local calls = 0
      for _ = 1, 5 do
        server:Send(net.raw("x"), function(conn)
          calls = calls + 1
          conn:Close()
        end)
      end
      world:run(20)
      assert.are.equal(1, calls)
    end)

    it("may send more, for ever", function()
      local _, server, at_client = talking()
      local rounds = 0
      local function again(conn)
        rounds = rounds + 1
        if rounds < 200 then
          conn:Send(net.raw("x"), again)
        end
      end
      server:Send(net.raw("x"), again)
      wait_for_bytes(at_client, 200)
      assert.are.equal(200, rounds)
    end)

    it("may be collected with its upvalues once it was called", function()
      local _, server, at_client = talking()
      local weak = setmetatable({}, { __mode = "k" })
      for i = 1, 10 do
        local function finished()
          return i
        end
        weak[finished] = true
        server:Send(net.raw("x"), finished)
      end
      wait_for_bytes(at_client, 10)
      world:run(5)
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(weak))
    end)
  end)

  describe("D37: and its marks", function()
    it("counts what the kernel has not taken", function()
      local client, server, at_client = blocked()
      assert.are.equal(0, server:QueuedBytes())
      server:Send(net.raw(("x"):rep(20000000)))
      world:run(10)
      local queued = server:QueuedBytes()
      assert.is_true(queued > 0 and queued < 20000000)
      client:ResumeRead()
      wait_for_bytes(at_client, 20000000)
      assert.are.equal(0, server:QueuedBytes())
    end)

    it("counts packets and their headers before there is an engine", function()
      local _, server = world:pair()
      server:Send(net.raw("12345"))
      server:Send(net.frame("678"))
      assert.are.equal(5 + 2 + 2 + 3, server:QueuedBytes())
    end)

    it("D37: refuses with -105 what would pass the limit, and keeps the rest", function()
      local client, server, at_client = blocked()
      server:SetHighWater(1000, nil, 10000000)
      local accepted = 0
      while server:Send(net.raw(("x"):rep(100000))) == 0 do
        accepted = accepted + 1
      end
      assert.are.equal(-errno.ENOBUFS, server:Send(net.raw(("x"):rep(100000))))
      assert.is_true(server:QueuedBytes() <= 10000000)
      client:ResumeRead()
      wait_for_bytes(at_client, accepted * 100000)
      world:run(5)
      assert.are.equal(accepted * 100000, at_client.size)
    end)

    it("takes exactly the limit, and not a byte more", function()
      local _, server = world:pair()
      server:SetHighWater(10, nil, 10)
      assert.are.equal(0, server:Send(net.raw("1234567890")))
      assert.are.equal(-errno.ENOBUFS, server:Send(net.raw("1")))
    end)

    it("has 64 MiB as the limit when nobody names one", function()
      local _, server = world:pair()
      local piece, accepted = net.raw(("x"):rep(1048576)), 0
      while server:Send(piece) == 0 do
        accepted = accepted + 1
      end
      assert.are.equal(64, accepted)
    end)

    it("accepts again after the queue has fallen", function()
      local client, server, at_client = blocked()
      server:SetHighWater(1000, nil, 10000000)
      local accepted = 0
      while server:Send(net.raw(("x"):rep(1000000))) == 0 do
        accepted = accepted + 1
      end
      client:ResumeRead()
      wait_for_bytes(at_client, accepted * 1000000)
      assert.are.equal(0, server:Send(net.raw("x")))
    end)

    it("calls on_drain once, when the queue has fallen to half of the mark", function()
      local client, server, at_client = blocked()
      local drained = {}
      server:SetHighWater(6000000, function(conn)
        drained[#drained + 1] = { conn, conn:QueuedBytes() }
      end)
      server:Send(net.raw(("x"):rep(20000000)))
      world:run(20)
      assert.are.equal(0, #drained)
      client:ResumeRead()
      wait_for_bytes(at_client, 20000000)
      world:run(5)
      assert.are.equal(1, #drained)
      assert.is_true(rawequal(server, drained[1][1]))
      assert.is_true(drained[1][2] <= 3000000)
    end)

    it("does not call on_drain when the mark was never reached", function()
      local _, server, at_client = talking()
      local drained = 0
      server:SetHighWater(1000, function()
        drained = drained + 1
      end)
      server:Send(net.raw(("x"):rep(999)))
      wait_for_bytes(at_client, 999)
      world:run(5)
      assert.are.equal(0, drained)
    end)

    it("calls on_drain again each time the mark was reached", function()
      local _, server, at_client = talking()
      local drained = 0
      server:SetHighWater(1000, function()
        drained = drained + 1
      end)
      for round = 1, 3 do
        server:Send(net.raw(("x"):rep(1000)))
        wait_for_bytes(at_client, round * 1000)
        world:wait("drain " .. round, function()
          return drained >= round
        end)
      end
      assert.are.equal(3, drained)
    end)

    it("lets a producer send 20 MB through a small queue from on_drain", function()
      local _, server, at_client = talking()
      local left, highest = 20000, 0
      local piece = net.raw(("x"):rep(1000))
      local function produce(conn)
        while left > 0 and conn:QueuedBytes() < 50000 do
          left = left - 1
          assert(conn:Send(piece) == 0)
          highest = math.max(highest, conn:QueuedBytes())
        end
      end
      server:SetHighWater(50000, produce)
      produce(server)
      wait_for_bytes(at_client, 20000000)
      assert.is_true(highest <= 51000)
    end)
  end)
end)
