--- io.datagram: datagrams for tasks.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

local function open(options, addr)
  return tasks.own(assert(io.datagram(addr or "127.0.0.1:0", options)))
end

describe("io.datagram", function()
  it(
    "sends strings and packets, and tells who has sent them",
    spec(function()
      local near, far = open(), open()
      assert.is_true(near:SendTo("hello", far:GetSockAddr()))
      local text, from = far:RecvFrom()
      assert.are.same({ "hello", near:GetSockAddr() }, { text, from })
      assert.is_true(far:SendTo(net.raw("answer"), from))
      assert.are.equal("answer", (near:RecvFrom()))
      assert.is_true(near:SendTo("", far:GetSockAddr()))
      assert.are.equal("", (far:RecvFrom()))
    end)
  )

  it(
    "speaks with one peer once it is connected",
    spec(function()
      local near, far = open(), open()
      assert.is_true(near:Connect(far:GetSockAddr()))
      assert.are.equal(far:GetSockAddr(), near:GetPeerAddr())
      assert.is_true(near:Send("hello"))
      assert.are.equal("hello", (far:RecvFrom()))
    end)
  )

  it(
    "gives packets when it has a decoder for them",
    spec(function()
      local decoder = chuck.decoder.datagram.rpacket(100)
      local near, far = open(), open({ decoder = decoder })
      near:SendTo("rubbish", far:GetSockAddr())
      near:SendTo(net.frame("hello"), far:GetSockAddr())
      assert.are.equal("hello", far:RecvFrom():ReadStr())
      assert.are.equal(1, far:Stats().dropped)
    end)
  )

  it(
    "tells that nobody is there, and goes on",
    spec(function()
      local near, far = open(), open()
      local addr = far:GetSockAddr()
      far:Close()
      near:Connect(addr)
      near:Send("x")
      local got, message, code = near:RecvFrom(5000)
      assert.is_nil(got)
      assert.are.equal("ECONNREFUSED", code)
      assert.matches("^receive at 127", message)
      assert.are.equal("ETIMEDOUT", select(3, near:RecvFrom(0)))
      assert.are.equal("ETIMEDOUT", select(3, near:RecvFrom(5)))
    end)
  )

  it(
    "says why something was not sent",
    spec(function()
      local near = open()
      assert.are.equal("EMSGSIZE", select(3, near:SendTo(("x"):rep(65508), "127.0.0.1:9")))
      assert.are.equal("EDESTADDRREQ", select(3, near:Send("x")))
      near:Close()
      near:Close()
      assert.is_true(near:IsClosed())
      assert.are.equal("ESOCKCLOSE", select(3, near:SendTo("x", "127.0.0.1:9")))
      assert.are.equal("ESOCKCLOSE", select(3, near:RecvFrom()))
      assert.are.equal("ESOCKCLOSE", select(3, near:GetSockAddr()))
    end)
  )

  it(
    "wakes who receives when it is closed or cancelled; a second one raises",
    spec(function()
      local near, far = open(), open()
      local parked = tasks.parked(near.RecvFrom, near)
      local fine, message = pcall(function()
        return near:RecvFrom(), 1
      end)
      assert.is_false(fine)
      assert.matches("io_datagram_spec.lua:%d+: another task receives", message)
      parked.task:Cancel()
      parked.task:Join()
      parked = tasks.parked(near.RecvFrom, near)
      far:SendTo("kept", near:GetSockAddr())
      assert.are.equal("kept", tasks.finished(parked)[1])
      parked = tasks.parked(near.RecvFrom, near)
      near:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(parked)[3])
      assert.are.equal(
        "ETIMEDOUT",
        select(
          3,
          co.scope(function()
            return far:RecvFrom()
          end, { deadline_ms = 5 })
        )
      )
    end)
  )

  it(
    "keeps a bounded number while nobody receives",
    spec(function()
      local near, far = open(), open({ read_ahead = 10000 })
      for _ = 1, 200 do
        for _ = 1, 20 do
          near:SendTo(("x"):rep(1000), far:GetSockAddr())
        end
        co.sleep(1)
      end
      assert.is_true(far.size < 10000 + 300 * 1200)
      assert.is_true(far.is_paused)
      local count = 0
      while far:RecvFrom(20) do
        count = count + 1
      end
      assert.is_true(count >= 10)
      near:SendTo("still here", far:GetSockAddr())
      assert.are.equal("still here", (far:RecvFrom(5000)))
    end)
  )

  it(
    "takes Unix sockets and sockets without an address",
    spec(function()
      local path = os.tmpname()
      os.remove(path)
      local far = open(nil, "unix:" .. path)
      local near = tasks.own(assert(io.datagram(nil, { family = "unix" })))
      assert.is_true(near:SendTo("hello", "unix:" .. path))
      local text, from = far:RecvFrom()
      assert.are.equal("hello", text)
      assert.is_nil(from)
      local free = tasks.own(assert(io.datagram()))
      assert.is_true(free:SetBroadcast(true))
      assert.is_true(free:SetTtl(3))
    end)
  )

  it(
    "tells why there is none, and raises for wrong arguments",
    spec(function()
      local near = open()
      assert.are.equal("EADDRINUSE", select(3, io.datagram(near:GetSockAddr())))
      assert.are.equal("EINVAL", select(3, io.datagram("no address")))
      local stream_decoder = chuck.decoder.connection.rpacket(100)
      local calls = {
        { "datagram", io.datagram, 5 },
        { "datagram", io.datagram, nil, { family = "inet5" } },
        { "datagram", io.datagram, nil, { decoder = stream_decoder } },
        { "SendTo", near.SendTo, near, "x", "nowhere" },
        { "SendTo", near.SendTo, near, 5, near:GetSockAddr() },
        { "RecvFrom", near.RecvFrom, near, -1 },
        { "SetTtl", near.SetTtl, near, 1000 },
        { "Close", near.Close, 5 },
      }
      for _, call in ipairs(calls) do
        local fine, message = pcall(function()
          return call[2](call[3], call[4], call[5]), 1
        end)
        assert.is_false(fine)
        assert.matches("io_datagram_spec.lua:%d+: bad argument #%d to '" .. call[1] .. "'", message)
      end
    end)
  )
end)
