--- Writing to streams: marks, flushing, the end of one side, closing, peers that do not read.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
local spec = tasks.spec

--- Two streams of which nobody reads the second, and the first has more queued than its mark.
local function full_pair()
  local near, far = tasks.pair({ high_water = 10000, read_ahead = 10000 })
  local size = 0
  local done, _, code
  repeat
    done, _, code = near:Write(("x"):rep(100000), 20)
    size = size + (done and 100000 or 0)
  until not done
  assert(code == "ETIMEDOUT", code)
  return near, far, size
end

describe("Write", function()
  it(
    "sends strings one after the other",
    spec(function()
      local near, far = tasks.pair()
      assert.is_true(near:Write("a"))
      assert.is_true(near:Write("b", "c"))
      assert.is_true(near:Write("d", "", "e", "f", 1000))
      assert.is_true(near:Write("", 5))
      assert.is_true(near:Write("g", 5))
      assert.are.equal("abcdefg", far:Read(7))
    end)
  )

  it(
    "raises in the caller for what is no string, and writes nothing",
    spec(function()
      local near, far = tasks.pair()
      local calls = { { 5 }, { {} }, { "a", {} }, { "a", 5, "b" }, { "a", "b", -1 }, { "a", true } }
      for _, bad in ipairs(calls) do
        local fine, message = pcall(function()
          return near:Write(unpack(bad)), 1
        end)
        assert.is_false(fine)
        assert.matches("io_write_spec.lua:%d+: bad argument #%d to 'Write'", message)
      end
      near:Write("end")
      near:Shutdown()
      assert.are.equal("end", far:ReadAll())
    end)
  )

  it(
    "parks at the mark, writes nothing when its time is over, and goes on when there is room",
    spec(function()
      local near, far, size = full_pair()
      local done, message, code = near:Write("lost", 10)
      assert.is_nil(done)
      assert.are.equal("ETIMEDOUT", code)
      assert.matches("still queued after 10 ms", message)
      local writer = tasks.parked(near.Write, near, "kept")
      assert.are.equal(size, #assert(far:Read(size)))
      assert.is_true(tasks.finished(writer)[1])
      near:Shutdown()
      assert.are.equal("kept", far:ReadAll())
    end)
  )

  it(
    "lets any number of writers wait, and loses none of them",
    spec(function()
      local near, far, size = full_pair()
      local writers = {}
      for i = 1, 50 do
        writers[i] = tasks.parked(near.Write, near, ("%05d"):format(i):rep(4000))
      end
      writers[7].task:Cancel()
      writers[13].task:Cancel()
      far:Read(size)
      local counts = {}
      for _ = 1, 48 do
        local text = assert(far:Read(20000))
        assert.are.equal(text:sub(1, 5):rep(4000), text)
        counts[tonumber(text:sub(1, 5))] = true
      end
      assert.is_nil(counts[7])
      assert.is_nil(counts[13])
      near:Shutdown()
      assert.are.equal("", far:ReadAll())
    end)
  )

  it(
    "sends a string that is larger than the queue may be",
    spec(function()
      local near, far = tasks.pair({ high_water = 10000, send_limit = 20000 })
      local text = net.pattern(3000000)
      local writer = co.spawn(function()
        assert(near:Write(text))
        near:Shutdown()
      end)
      net.assert_same_bytes(text, assert(far:ReadAll()))
      writer:Join()
    end)
  )

  it(
    "says how much of such a string was written when its time is over",
    spec(function()
      local near, far = tasks.pair({ high_water = 10000, send_limit = 20000 })
      local text = net.pattern(30000000)
      local done, _, code, written = near:Write(text, 50)
      assert.is_nil(done)
      assert.are.equal("ETIMEDOUT", code)
      near:Shutdown()
      net.assert_same_bytes(text:sub(1, written), assert(far:ReadAll(#text)))
    end)
  )

  it(
    "is woken with an error when the peer vanishes",
    spec(function()
      local near, far = full_pair()
      local writer = tasks.parked(near.Write, near, "x")
      local flusher = tasks.parked(near.Flush, near)
      far:Close(0)
      assert.is_nil(tasks.finished(writer)[1])
      assert.are.equal("ECONNRESET", writer[3])
      assert.are.equal("ECONNRESET", tasks.finished(flusher)[3])
      assert.are.equal("ECONNRESET", select(3, near:Write("x")))
    end)
  )

  it(
    "is woken with the error also when nobody reads what the peer has sent",
    spec(function()
      local near, far = tasks.pair({ high_water = 10000, read_ahead = 10000 })
      co.spawn(function()
        far:Write(("x"):rep(1000000), 100)
      end)
      tasks.wait("the pause", function()
        return near.is_paused
      end)
      while near:Write(("x"):rep(100000), 20) do
      end
      local writer = tasks.parked(near.Write, near, "x")
      local flusher = tasks.parked(near.Flush, near)
      far:Close(0)
      assert.are.equal("ECONNRESET", tasks.finished(writer)[3])
      assert.are.equal("ECONNRESET", tasks.finished(flusher)[3])
      assert.is_string(near:ReadSome())
    end)
  )

  it(
    "says EPIPE once this side has ended, ESOCKCLOSE once it is closed",
    spec(function()
      local near = tasks.pair()
      near:Shutdown()
      assert.are.equal("EPIPE", select(3, near:Write("x")))
      assert.is_true(near:Shutdown())
      near:Close()
      assert.are.equal("ESOCKCLOSE", select(3, near:Write("x")))
      assert.are.equal("ESOCKCLOSE", select(3, near:Flush()))
      assert.are.equal("ESOCKCLOSE", select(3, near:Shutdown()))
    end)
  )
end)

describe("Send", function()
  it(
    "never parks, and refuses beyond the limit",
    spec(function()
      local near = tasks.pair({ high_water = 1000, send_limit = 5000 })
      local packet = net.raw(("x"):rep(1000))
      local done, message, code
      for _ = 1, 100000 do
        done, message, code = near:Send(packet)
        if not done then
          break
        end
      end
      assert.are.equal("ENOBUFS", code)
      assert.matches("the limit is 5000", message)
    end)
  )

  it(
    "raises for what is no packet, and says EINVIPK for one that was received",
    spec(function()
      local near = tasks.pair()
      assert.has_error(function()
        near:Send("text")
      end)
      assert.has_error(function()
        near:WritePacket(5)
      end)
      local received = chuck.packet.rpacket(chuck.packet.wpacket())
      assert.are.equal("EINVIPK", select(3, near:Send(received)))
      assert.are.equal("EINVIPK", select(3, near:WritePacket(received)))
    end)
  )
end)

describe("Flush", function()
  it(
    "returns when the kernel has everything, also after Shutdown",
    spec(function()
      local near, far = tasks.pair()
      assert.is_true(near:Flush())
      near:Write("x")
      assert.is_true(near.conn:QueuedBytes() > 0)
      assert.is_true(near:Flush())
      assert.are.equal(0, near.conn:QueuedBytes())
      local size = 20 * 1000 * 1000
      near:Write(("y"):rep(size))
      near:Shutdown()
      local flusher = tasks.parked(near.Flush, near)
      assert.are.equal("ETIMEDOUT", select(3, near:Flush(5)))
      assert.are.equal(size + 1, #assert(far:ReadAll(size + 1)))
      assert.is_true(tasks.finished(flusher)[1])
    end)
  )

  it(
    "returns when everything was sent and both sides have ended",
    spec(function()
      local near, far = tasks.pair()
      far:Shutdown()
      assert.are.equal("", near:ReadAll())
      co.sleep(5)
      local size = 20 * 1000 * 1000
      near:Write(("y"):rep(size))
      near:Shutdown()
      local flusher = tasks.parked(near.Flush, near)
      assert.are.equal(size, #assert(far:ReadAll(size)))
      assert.is_true(tasks.finished(flusher)[1])
    end)
  )

  it(
    "does not take for sent what was lost",
    spec(function()
      local near, far = tasks.pair()
      far.conn:PauseRead()
      near:Write("unread")
      near:Flush()
      co.sleep(5)
      far:Close(0)
      -- Nobody has heard of the reset in this pass. What is large is sent at once.
      near:Write(("x"):rep(1000000))
      assert.are.equal("EPIPE", select(3, near:Write("more")))
      local done, _, code = near:Flush()
      assert.is_nil(done)
      assert.is_true(code == "ECONNRESET" or code == "EPIPE")
    end)
  )

  it(
    "does not keep writers from going on",
    spec(function()
      local near, far, size = full_pair()
      local flusher = tasks.parked(near.Flush, near)
      local writer = tasks.parked(near.Write, near, "more")
      far:Read(size)
      assert.is_true(tasks.finished(writer)[1])
      assert.is_true(tasks.finished(flusher)[1])
      assert.are.equal("more", far:Read(4))
    end)
  )
end)

describe("a peer that has ended its side", function()
  it(
    "is still written to, as long as it takes",
    spec(function()
      local near, far = tasks.pair()
      near:Write("question")
      near:Shutdown()
      assert.are.equal("question", far:ReadAll())
      co.sleep(20)
      local text = net.pattern(5000000)
      co.spawn(function()
        far:Write(text)
        far:Close()
      end)
      net.assert_same_bytes(text, assert(near:ReadAll()))
    end)
  )

  it(
    "that then resets is told to who writes",
    spec(function()
      local near, far = tasks.pair()
      near:Shutdown()
      assert.are.equal("", far:ReadAll())
      near:Close(0)
      tasks.wait("an error", function()
        local done, _, code = far:Write("x")
        co.sleep(1)
        return not done and (code == "EPIPE" or code == "ECONNRESET")
      end)
      assert.are.equal("EOF", select(3, far:Read(1)))
    end)
  )
end)

describe("Close", function()
  it(
    "wakes who reads and who writes, in other tasks, with ESOCKCLOSE",
    spec(function()
      local near = full_pair()
      local calls = {
        tasks.parked(near.ReadLine, near),
        tasks.parked(near.Write, near, "x"),
        tasks.parked(near.Write, near, "y"),
        tasks.parked(near.Flush, near),
      }
      near:Close(0)
      for i = 1, 4 do
        assert.is_nil(tasks.finished(calls[i])[1])
        assert.are.equal("ESOCKCLOSE", calls[i][3])
        assert.matches("the stream is closed", calls[i][2])
      end
      assert.is_true(near:IsClosed())
      near:Close()
      near:Close(5)
    end)
  )

  it("still sends what was written, and keeps co.run alive until it is", function()
    local size = 20 * 1000 * 1000
    local got = 0
    tasks.run(function()
      local near, far = tasks.connections()
      local writer = chuck.io.stream(near)
      -- Nobody of a task: reads until the end.
      far:Add2Engine(require("chuck.co.sched").engine(), function(_, packet)
        got = got + (packet and #packet or 0)
      end)
      writer:Write(("x"):rep(size))
      writer:Close()
    end)
    -- The kernel has it all, and has handed over what its buffers do not hold.
    assert.is_true(got > size / 2)
  end)

  it(
    "with 0 drops what is queued, at once",
    spec(function()
      local near, far = full_pair()
      near:Close(0)
      local rest, _, code = far:ReadAll()
      assert.is_true(rest == nil and code == "ECONNRESET" or #rest > 0)
    end)
  )

  it(
    "raises for what is no time",
    spec(function()
      local near = tasks.pair()
      assert.has_error(function()
        near:Close(-1)
      end)
      assert.has_error(function()
        near:Close("now")
      end)
      assert.has_error(function()
        near.Close(5)
      end)
    end)
  )
end)
