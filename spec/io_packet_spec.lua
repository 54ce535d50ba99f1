--- Streams of packets: with a decoder, and of bytes as they come.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local packet = chuck.packet
local spec = tasks.spec

local FRAMES = chuck.decoder.connection.rpacket(1000)

--- Two streams of frames.
local function pair(options)
  return tasks.pair(options, FRAMES)
end

local function numbered(n)
  local made = packet.wpacket()
  made:WriteU32(n)
  return made
end

describe("ReadPacket", function()
  it(
    "gives packets in order, those that were there and those that come",
    spec(function()
      local near, far = pair()
      for i = 1, 1000 do
        near:WritePacket(numbered(i))
      end
      for i = 1, 500 do
        assert.are.equal(i, far:ReadPacket():ReadU32())
      end
      for i = 501, 1000 do
        local got = far:TryReadPacket()
        while not got do
          co.yield()
          co.sleep(1)
          got = far:TryReadPacket()
        end
        assert.are.equal(i, got:ReadU32())
      end
      assert.is_nil(far:TryReadPacket())
      local parked = tasks.parked(far.ReadPacket, far)
      near:Send(numbered(7))
      assert.are.equal(7, tasks.finished(parked)[1]:ReadU32())
    end)
  )

  it(
    "loses no packet when it is late or cancelled",
    spec(function()
      local near, far = pair()
      local received, sent = {}, 0
      for i = 1, 200 do
        local task = co.spawn(function()
          local got, _, code = far:ReadPacket(i % 3)
          if got then
            received[#received + 1] = got:ReadU32()
          else
            assert.are.equal("ETIMEDOUT", code)
          end
        end)
        sent = sent + 1
        near:Send(numbered(sent))
        for _ = 1, i % 4 do
          co.yield()
        end
        if i % 5 == 0 then
          co.sleep(1)
        end
        task:Cancel()
        task:Join()
      end
      near:Shutdown()
      while true do
        local got = far:ReadPacket()
        if not got then
          break
        end
        received[#received + 1] = got:ReadU32()
      end
      for i = 1, sent do
        assert.are.equal(i, received[i])
      end
      assert.are.equal(sent, #received)
    end)
  )

  it(
    "pauses the peer, and all is there in the end",
    spec(function()
      local near, far = pair({ read_ahead = 1000, high_water = 10000 })
      local count = 50000
      local text = ("x"):rep(200)
      co.spawn(function()
        for i = 1, count do
          local made = numbered(i)
          made:WriteStr(text)
          assert(near:WritePacket(made))
        end
        near:Shutdown()
      end)
      co.sleep(50)
      assert.is_true(far.size < 1000 + 2 * 256 * 1024)
      for i = 1, count do
        assert.are.equal(i, far:ReadPacket():ReadU32())
      end
      assert.are.equal("EOF", select(3, far:ReadPacket()))
    end)
  )

  it(
    "says EPKTOOLARGE for a frame that is too large, after the packets before it",
    spec(function()
      local near, far = pair()
      near:WritePacket(numbered(1))
      near:WritePacket(net.frame(("x"):rep(1000)))
      assert.are.equal(1, far:ReadPacket():ReadU32())
      assert.are.equal("EPKTOOLARGE", select(3, far:ReadPacket()))
      assert.are.equal("EPKTOOLARGE", select(3, far:ReadPacket()))
      assert.are.equal("EPKTOOLARGE", select(3, far:WritePacket(numbered(1))))
    end)
  )

  it(
    "is woken by Close in another task, and by the end of the peer",
    spec(function()
      local near, far = pair()
      local parked = tasks.parked(far.ReadPacket, far)
      far:Close()
      assert.is_nil(tasks.finished(parked)[1])
      assert.are.equal("ESOCKCLOSE", parked[3])
      assert.are.equal("EOF", select(3, near:ReadPacket()))
    end)
  )

  it(
    "raises for a time that is none, and outside of streams",
    spec(function()
      local near = pair()
      for _, bad in ipairs({ "5", -1, {} }) do
        local fine, message = pcall(function()
          return near:ReadPacket(bad), 1
        end)
        assert.is_false(fine)
        assert.matches("io_packet_spec.lua:%d+: bad argument #2 to 'ReadPacket'", message)
      end
      local _, message = pcall(near.ReadPacket, 5)
      assert.matches("bad argument #1 to 'ReadPacket' %(stream expected, got 5%)", message)
    end)
  )
end)

describe("a stream of packets", function()
  it(
    "raises for calls that read or write bytes",
    spec(function()
      local near, far = tasks.connections(FRAMES)
      near = tasks.own(assert(io.stream(near)))
      far = tasks.own(assert(io.stream(far)))
      near:WritePacket(numbered(1))
      tasks.wait("the packet", function()
        return far.last > 0
      end)
      for _, call in ipairs({ "ReadLine", "ReadSome", "ReadAll", "Lines", "Chunks" }) do
        local fine, message = pcall(function()
          return far[call](far), 1
        end)
        assert.is_false(fine)
        assert.matches("io_packet_spec.lua:%d+: '" .. call .. "' reads bytes", message)
      end
      assert.has_error(function()
        far:Read(1)
      end)
      assert.has_error(function()
        far:Write("text")
      end)
      assert.are.equal(1, far:ReadPacket():ReadU32())
    end)
  )

  it(
    "raises in who reads bytes already when the first packet comes",
    spec(function()
      local near, far = tasks.connections(FRAMES)
      near = tasks.own(assert(io.stream(near)))
      far = tasks.own(assert(io.stream(far)))
      local parked = tasks.parked(co.pcall, far.ReadLine, far)
      near:WritePacket(numbered(1))
      assert.is_false(tasks.finished(parked)[1])
      assert.matches("sends packets", parked[2])
      assert.are.equal(1, far:ReadPacket():ReadU32())
    end)
  )

  it(
    "is known by its decoder from the beginning",
    spec(function()
      local listener = tasks.own(assert(io.listen("127.0.0.1:0", function(stream)
        stream:ReadPacket()
      end, { decoder = FRAMES })))
      local stream = tasks.own(assert(io.connect(listener:GetSockAddr(), { decoder = FRAMES })))
      assert.has_error(function()
        stream:Write("text")
      end)
      assert.has_error(function()
        stream:ReadLine()
      end)
    end)
  )
end)

describe("a stream of bytes", function()
  it(
    "gives what has arrived as rawpackets",
    spec(function()
      local near, far = tasks.pair()
      near:WritePacket(net.raw("hello"))
      assert.are.equal("hello", far:ReadPacket():ReadBin())
      near:Write("one two")
      assert.are.equal("one", far:ReadUntil(" "))
      assert.are.equal("two", far:ReadPacket():ReadBin())
      local parked = tasks.parked(far.ReadPacket, far)
      near:Write("three")
      assert.are.equal("three", tasks.finished(parked)[1]:ReadBin())
    end)
  )

  it(
    "is copied from one to another without a byte lost",
    spec(function()
      local source, middle = tasks.pair({ high_water = 50000, read_ahead = 5000 })
      local other, sink = tasks.pair({ high_water = 50000, read_ahead = 5000 })
      local text = net.pattern(5000000)
      co.spawn(function()
        source:Write(text)
        source:Shutdown()
      end)
      co.spawn(function()
        while true do
          local got = middle:ReadPacket()
          if not got then
            break
          end
          assert(other:WritePacket(got))
        end
        other:Shutdown()
      end)
      net.assert_same_bytes(text, assert(sink:ReadAll()))
    end)
  )
end)

describe("streams", function()
  it(
    "are collected once they are closed",
    spec(function()
      local weak = setmetatable({}, { __mode = "k" })
      for _ = 1, 10 do
        local near, far = tasks.connections()
        near, far = io.stream(near), io.stream(far)
        near:Write("x")
        far:Read(1)
        weak[near], weak[far] = true, true
        near:Close(0)
        far:Close(0)
      end
      co.sleep(5)
      collectgarbage()
      collectgarbage()
      local count = 0
      for _ in pairs(weak) do
        count = count + 1
      end
      -- The last ones may still stand in registers.
      assert.is_true(count <= 2, count .. " are left")
    end)
  )

  it(
    "survive an eager collector",
    spec(function()
      local near, far = pair()
      collectgarbage("setpause", 1)
      collectgarbage("setstepmul", 1000)
      co.spawn(function()
        for i = 1, 300 do
          near:WritePacket(numbered(i))
          collectgarbage()
        end
      end)
      for i = 1, 300 do
        assert.are.equal(i, far:ReadPacket():ReadU32())
        collectgarbage("step")
      end
      collectgarbage("setpause", 200)
      collectgarbage("setstepmul", 100)
    end)
  )
end)
