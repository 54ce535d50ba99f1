--- Calls that park: its time limit, its cancellation, the deadline around it. Nothing is lost.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

--- Calls that wait for input, each with a time limit at its end; what is sent to satisfy them after
--- "half" was sent before, and what they answer then.
local READS = {
  { "Read", { 8 }, "fulltext", "halffull", "text" },
  { "ReadLine", { 100 }, "full\nrest", "halffull", "rest" },
  { "ReadLine", { 3 }, nil },
  { "ReadUntil", { "##", 100 }, "full##rest", "halffull", "rest" },
  { "ReadUntil", { "f#l", 100 }, "f#lrest", "half", "rest" },
  { "ReadAll", { 100 }, nil },
}

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function call(stream, read, timeout_ms)
  local args = { unpack(read[2]) }
  args[#args + 1] = timeout_ms
  return stream[read[1]](stream, unpack(args))
end

for _, read in ipairs(READS) do
  if read[3] then
    describe(read[1] .. " of " .. tostring(read[2][1]), function()
      it(
        "takes nothing when its time is over",
        spec(function()
          local peer, stream = tasks.peer()
          for _, limit in ipairs({ 0, 5 }) do
            local got, message, code = call(stream, read, limit)
            assert.is_nil(got)
            assert.are.equal("ETIMEDOUT", code)
            assert.matches("^read from 127", message)
          end
          peer.send("half")
          assert.are.equal("ETIMEDOUT", select(3, call(stream, read, 10)))
          assert.are.equal("ETIMEDOUT", select(3, call(stream, read, 0)))
          peer.send(read[3])
          assert.are.equal(read[4], call(stream, read, 5000))
          assert.are.equal(read[5], stream:Read(4))
        end)
      )

      it(
        "takes nothing when it is cancelled, or a deadline passes",
        spec(function()
          local peer, stream = tasks.peer()
          peer.send("half")
          local parked = tasks.parked(call, stream, read)
          parked.task:Cancel()
          parked.task:Join()
          assert.is_false(parked.done)
          local got, _, code = co.scope(function()
            return call(stream, read)
          end, { deadline_ms = 5 })
          assert.is_nil(got)
          assert.are.equal("ETIMEDOUT", code)
          peer.send(read[3])
          assert.are.equal(read[4], call(stream, read))
          assert.are.equal(read[5], stream:Read(4))
        end)
      )

      it(
        "loses nothing when it is cancelled while everything comes",
        spec(function()
          local peer, stream = tasks.peer()
          peer.send("half")
          local parked = tasks.parked(call, stream, read)
          peer.send(read[3])
          tasks.wait("the bytes", function()
            return stream.size > 4 or parked.done
          end)
          parked.task:Cancel()
          parked.task:Join()
          local first = parked.done and parked[1] or call(stream, read)
          assert.are.equal(read[4], first)
          assert.are.equal(read[5], stream:Read(4))
        end)
      )

      it(
        "is told the reset of the peer",
        spec(function()
          local peer, stream = tasks.peer()
          peer.send("ha")
          local parked = tasks.parked(call, stream, read)
          -- Unread input makes the kernel reset the connection.
          stream:Write("unread")
          stream:Flush()
          co.sleep(5)
          peer.conn:PauseRead()
          stream:Write("unread")
          stream:Flush()
          co.sleep(5)
          peer.conn:Close()
          tasks.finished(parked)
          assert.is_nil(parked[1])
          assert.are.equal("ECONNRESET", parked[3])
          assert.are.equal("ha", stream:ReadSome())
          assert.are.equal("ECONNRESET", select(3, stream:ReadSome()))
        end)
      )
    end)
  end
end

describe("a second reader", function()
  it(
    "raises in its caller, and the first goes on",
    spec(function()
      local peer, stream = tasks.peer()
      local first = tasks.parked(stream.ReadLine, stream)
      for _, read in ipairs(READS) do
        local fine, message = pcall(function()
          return call(stream, read), 1
        end)
        assert.is_false(fine)
        assert.matches("io_end_spec.lua:%d+: another task reads from 127.*one reader", message)
      end
      local fine, message = pcall(function()
        return stream:ReadPacket(), 1
      end)
      assert.is_false(fine)
      assert.matches("io_end_spec.lua:%d+: another task reads", message)
      peer.send("line\n")
      assert.are.equal("line", tasks.finished(first)[1])
    end)
  )

  it(
    "takes nothing from under the first, also when there is something",
    spec(function()
      local peer, stream = tasks.peer()
      peer.send("half")
      local first = tasks.parked(stream.ReadLine, stream)
      local calls = {
        { "Read", 2 },
        { "ReadSome" },
        { "ReadAll" },
        { "ReadLine" },
        { "ReadUntil", "l" },
        { "ReadPacket" },
        { "TryReadPacket" },
      }
      for _, bad in ipairs(calls) do
        local fine, message = pcall(function()
          return stream[bad[1]](stream, bad[2]), 1
        end)
        assert.is_false(fine, bad[1])
        assert.matches("io_end_spec.lua:%d+: another task reads", message)
      end
      peer.send(" and half\n")
      assert.are.equal("half and half", tasks.finished(first)[1])
    end)
  )

  it(
    "may come when the first was cancelled, or is late",
    spec(function()
      local peer, stream = tasks.peer()
      local first = tasks.parked(stream.ReadLine, stream)
      first.task:Cancel()
      first.task:Join()
      assert.are.equal("ETIMEDOUT", select(3, stream:ReadPacket(5)))
      peer.send("line\n")
      assert.are.equal("line", stream:ReadLine())
    end)
  )
end)

describe("a writer that is cancelled", function()
  it(
    "has written nothing",
    spec(function()
      local near, far = tasks.pair({ high_water = 1000, read_ahead = 1000 })
      local size = 0
      while near:Write(("x"):rep(100000), 10) do
        size = size + 100000
      end
      local calls = {
        tasks.parked(near.Write, near, "never"),
        tasks.parked(near.WritePacket, near, net.raw("never")),
        tasks.parked(near.Flush, near),
      }
      for _, parked in ipairs(calls) do
        parked.task:Cancel()
        parked.task:Join()
        assert.is_false(parked.done)
      end
      assert.are.equal(
        "ETIMEDOUT",
        select(
          3,
          co.scope(function()
            return near:Write("never")
          end, { deadline_ms = 5 })
        )
      )
      assert.are.equal("ETIMEDOUT", select(3, near:WritePacket(net.raw("never"), 5)))
      near:Shutdown()
      assert.are.equal(size, #assert(far:ReadAll(size + 100)))
    end)
  )
end)

describe("io.connect", function()
  --- A listener whose queue is full, so that who connects waits: its address.
  local function mute()
    local socket_helper = chuck.socket_helper
    local fd = net.socket()
    assert(socket_helper.listen(fd, "127.0.0.1:0", { backlog = 1 }) == 0)
    local addr = socket_helper.getsockname(fd)
    tasks.own({
      Close = function()
        socket_helper.close(fd)
      end,
    })
    for _ = 1, 8 do
      local stream = io.connect(addr, { timeout_ms = 20 })
      if not stream then
        return addr
      end
      tasks.own(stream)
    end
    error("the queue is never full")
  end

  it(
    "closes the attempt when it is late, is cancelled, or a deadline passes",
    spec(function()
      local addr = mute()
      local before = net.descriptors()
      local got, message, code = io.connect(addr, { timeout_ms = 10 })
      assert.is_nil(got)
      assert.are.equal("ETIMEDOUT", code)
      assert.matches("no connection in 10 ms", message)
      local parked = tasks.parked(io.connect, addr)
      assert.are.equal(before + 1, net.descriptors())
      parked.task:Cancel()
      parked.task:Join()
      assert.is_false(parked.done)
      assert.are.equal(before, net.descriptors())
      assert.are.equal(
        "ETIMEDOUT",
        select(
          3,
          co.scope(function()
            return io.connect(addr)
          end, { deadline_ms = 5 })
        )
      )
      assert.are.equal(before, net.descriptors())
    end)
  )

  it(
    "leaves nothing when it is cancelled at any moment",
    spec(function()
      local listener = assert(io.listen("127.0.0.1:0", function(stream)
        stream:ReadAll()
      end))
      -- The first question of an engine opens a descriptor, which stays.
      io.resolve("127.0.0.1")
      local before = net.descriptors()
      for i = 1, 40 do
        local task = co.spawn(function()
          local stream = io.connect(listener:GetSockAddr())
          if stream then
            co.pcall(co.sleep, 1000)
            stream:Close(0)
          end
        end)
        for _ = 1, i % 8 do
          co.yield()
        end
        if i % 2 == 0 then
          co.sleep(i % 5)
        end
        task:Cancel()
        task:Join()
      end
      tasks.wait("all to be closed", function()
        return net.descriptors() <= before
      end)
      listener:Close(1000)
    end)
  )

  it(
    "tells why there is no connection",
    spec(function()
      local listener = assert(io.listen("127.0.0.1:0", function() end))
      local addr = listener:GetSockAddr()
      listener:Close()
      local got, message, code = io.connect(addr)
      assert.is_nil(got)
      assert.are.equal("ECONNREFUSED", code)
      assert.matches(addr, message, 1, true)
      assert.are.equal("EINVAL", select(3, io.connect("no address")))
      local calls = { { 5 }, { addr, 5 }, { addr, { unknown = 1 } }, { addr, { timeout_ms = -1 } } }
      for _, bad in ipairs(calls) do
        assert.has_error(function()
          io.connect(bad[1], bad[2])
        end)
      end
      assert.has_error(function()
        io.connect(addr, { decoder = chuck.decoder.datagram.rawpacket })
      end)
    end)
  )
end)

describe("io.resolve", function()
  it(
    "gives addresses, or why there are none",
    spec(function()
      assert.are.same({ "127.0.0.1" }, io.resolve("127.0.0.1"))
      assert.are.equal("ENOENT", select(3, io.resolve("127.0.0.1", { family = "inet6" })))
      assert.are.equal("EINVAL", select(3, io.resolve("")))
      assert.has_error(function()
        io.resolve(5)
      end)
      assert.has_error(function()
        io.resolve("localhost", { family = "inet5" })
      end)
    end)
  )

  it(
    "gives its question up when it is cancelled",
    spec(function()
      for _ = 1, 20 do
        local task = co.spawn(io.resolve, "localhost", { cache = false })
        co.yield()
        task:Cancel()
        assert.are.equal("ECANCELED", select(3, task:Join()))
      end
    end)
  )
end)
