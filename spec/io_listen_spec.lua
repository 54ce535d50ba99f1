--- io.listen: a task per connection, in the scope that it was called in.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

local function listen(handler, options)
  return tasks.own(assert(io.listen("127.0.0.1:0", handler, options)))
end

local function connect(listener, options)
  return tasks.own(assert(io.connect(listener:GetSockAddr(), options)))
end

local function echo(stream)
  while true do
    local line = stream:ReadLine()
    if not line then
      return
    end
    stream:Write(line, "\n")
  end
end

describe("io.listen", function()
  it(
    "runs a task for every connection, side by side",
    spec(function()
      local listener = listen(echo)
      local streams = {}
      for i = 1, 20 do
        streams[i] = connect(listener)
        streams[i]:Write(tostring(i), "\n")
      end
      for i = 20, 1, -1 do
        assert.are.equal(tostring(i), streams[i]:ReadLine())
      end
      assert.are.equal(20, listener:Connections())
    end)
  )

  it(
    "does not wait for ever in a scope that is cancelled",
    spec(function()
      local got, code
      co.scope(function(scope)
        scope:Cancel()
        co.shield(function()
          local _
          got, _, code = io.listen("127.0.0.1:0", echo)
        end)
      end)
      assert.is_nil(got)
      assert.are.equal("ECANCELED", code)
    end)
  )

  it(
    "tells the handler who has come",
    spec(function()
      local seen
      local listener = listen(function(stream, peer)
        seen = { peer, stream:Peer(), stream:GetSockAddr() }
      end)
      local stream = connect(listener)
      assert.are.equal("", stream:ReadAll())
      assert.are.same({ stream:GetSockAddr(), stream:GetSockAddr(), listener:GetSockAddr() }, seen)
    end)
  )

  it(
    "closes the stream when its handler returns, after what was written",
    spec(function()
      local size = 5000000
      local listener = listen(function(stream)
        stream:Write(("x"):rep(size))
      end)
      assert.are.equal(size, #assert(connect(listener):ReadAll()))
    end)
  )

  it(
    "reports an error of a handler, closes its stream, and harms nobody else",
    spec(function()
      local reports = {}
      local mine = { code = 5 }
      local listener = listen(function(stream)
        local line = stream:ReadLine()
        if line == "text" then
          error("broken")
        elseif line == "table" then
          error(mine)
        end
        stream:Write(line)
      end, {
        on_error = function(problem, traceback, peer)
          reports[#reports + 1] = { problem, traceback, peer }
        end,
      })
      local good, text, object = connect(listener), connect(listener), connect(listener)
      text:Write("text\n")
      assert.is_truthy(({ EOF = 1, ECONNRESET = 1 })[select(3, text:Read(1))])
      object:Write("table\n")
      assert.is_truthy(({ EOF = 1, ECONNRESET = 1 })[select(3, object:Read(1))])
      good:Write("good\n")
      assert.are.equal("good", good:ReadAll())
      assert.matches("io_listen_spec.lua:%d+: broken", reports[1][1])
      assert.matches("io_listen_spec.lua", reports[1][2])
      assert.are.equal(text:GetSockAddr() or reports[1][3], reports[1][3])
      assert.are.equal(mine, reports[2][1])
    end)
  )

  it(
    "reports an error of a handler to co.on_error unless told otherwise",
    spec(function()
      local reports = {}
      co.on_error(function(problem, traceback)
        reports[#reports + 1] = { problem, traceback }
      end)
      local listener = listen(function()
        error("broken")
      end)
      connect(listener):ReadAll()
      co.on_error(nil)
      assert.are.equal(1, #reports)
      assert.matches("io_listen_spec.lua:%d+: broken", reports[1][1])
      assert.matches("io_listen_spec.lua:%d+", reports[1][2])
    end)
  )

  it(
    "has no more connections than it may",
    spec(function()
      local running, most = 0, 0
      local listener = listen(function(stream)
        running = running + 1
        most = math.max(most, running)
        stream:ReadLine()
        running = running - 1
      end, { max_connections = 3 })
      local streams = {}
      for i = 1, 10 do
        streams[i] = connect(listener)
        streams[i]:Write("x\n")
      end
      for i = 1, 10 do
        streams[i]:ReadAll()
        streams[i]:Close(0)
      end
      assert.is_true(most >= 1 and most <= 3)
    end)
  )

  it(
    "keeps its scope open until it is closed",
    spec(function()
      local listener
      local ended = false
      local task = co.spawn(function()
        co.scope(function()
          listener = listen(echo)
        end)
        ended = true
      end)
      tasks.wait("the listener", function()
        return listener
      end)
      co.sleep(5)
      assert.is_false(ended)
      local stream = connect(listener)
      listener:Close()
      stream:Write("still served\n")
      assert.are.equal("still served", stream:ReadLine())
      assert.is_false(ended)
      stream:Close()
      task:Join()
      assert.is_true(ended)
    end)
  )

  it(
    "ends with its scope: socket, handlers and streams",
    spec(function()
      local before = net.descriptors()
      local addr, stream
      local cancelled = 0
      local _, _, code = co.scope(function(scope)
        local listener = listen(function(served)
          local fine, why = co.pcall(served.ReadAll, served)
          cancelled = cancelled + ((not fine and co.is_cancelled(why)) and 1 or 0)
          if not fine then
            error(why, 0)
          end
        end)
        addr = listener:GetSockAddr()
        stream = connect(listener)
        tasks.wait("the handler", function()
          return listener:Connections() == 1
        end)
        co.sleep(2)
        scope:Cancel()
        co.sleep(1000)
      end)
      assert.are.equal("ECANCELED", code)
      assert.are.equal(1, cancelled)
      assert.is_nil(stream:ReadLine())
      assert.are.equal("ECONNREFUSED", select(3, io.connect(addr)))
      stream:Close(0)
      -- The resolver of the engine has one.
      assert.is_true(net.descriptors() <= before + 1)
    end)
  )

  it(
    "leaves nothing when it is cancelled at once",
    spec(function()
      for yields = 0, 4 do
        local task = co.spawn(function()
          co.scope(function()
            io.listen("127.0.0.1:0", echo)
            co.sleep(10000)
          end)
        end)
        for _ = 1, yields do
          co.yield()
        end
        task:Cancel()
        task:Join()
      end
      co.sleep(5)
    end)
  )

  it(
    "tells why it cannot listen",
    spec(function()
      local listener = listen(echo)
      local got, message, code = io.listen(listener:GetSockAddr(), echo)
      assert.is_nil(got)
      assert.are.equal("EADDRINUSE", code)
      assert.matches("^listen at 127", message)
      assert.are.equal("EINVAL", select(3, io.listen("no address", echo)))
      local unknown = { unknown = 1 }
      local calls =
        { { 5, echo }, { ":0" }, { ":0", 5 }, { ":0", echo, 5 }, { ":0", echo, unknown } }
      for _, bad in ipairs(calls) do
        local fine, why = pcall(function()
          return io.listen(bad[1], bad[2], bad[3]), 1
        end)
        assert.is_false(fine)
        assert.matches("io_listen_spec.lua:%d+: bad argument", why)
      end
    end)
  )

  it(
    "takes Unix sockets, and a decoder",
    spec(function()
      local path = os.tmpname()
      os.remove(path)
      local decoder = chuck.decoder.connection.rpacket(100)
      tasks.own(assert(io.listen("unix:" .. path, function(stream)
        local packet = stream:ReadPacket()
        stream:WritePacket(chuck.packet.wpacket(packet))
      end, { decoder = decoder })))
      local stream = tasks.own(assert(io.connect("unix:" .. path, { decoder = decoder })))
      stream:WritePacket(net.frame("hello"))
      assert.are.equal("hello", stream:ReadPacket():ReadStr())
      assert.are.equal("EOF", select(3, stream:ReadPacket()))
    end)
  )
end)

describe("listener:Close", function()
  it(
    "with a grace waits for handlers",
    spec(function()
      local listener = listen(function(stream)
        stream:ReadLine()
        co.sleep(20)
        stream:Write("answer")
      end)
      local stream = connect(listener)
      stream:Write("\n")
      tasks.wait("the handler", function()
        return listener:Connections() == 1
      end)
      co.sleep(5)
      listener:Close(5000)
      assert.are.equal(0, listener:Connections() > 0 and stream:IsClosed() and 1 or 0)
      assert.are.equal("answer", stream:ReadAll())
    end)
  )

  it(
    "cancels handlers that are left when the grace is over",
    spec(function()
      for _, grace in ipairs({ 0, 10 }) do
        local was_cancelled = false
        local listener = listen(function()
          local fine, why = co.pcall(co.sleep, 100000)
          was_cancelled = not fine and co.is_cancelled(why)
          error(why, 0)
        end)
        local stream = connect(listener)
        tasks.wait("the handler", function()
          return listener:Connections() == 1
        end)
        co.sleep(2)
        listener:Close(grace)
        assert.is_true(was_cancelled)
        assert.is_nil(stream:ReadLine())
      end
    end)
  )

  it(
    "may be called by a handler, and any number of times",
    spec(function()
      local closed = false
      local listener
      listener = listen(function(stream)
        listener:Close(1000)
        listener:Close(1000)
        closed = true
        stream:Write("closed")
      end)
      local addr = listener:GetSockAddr()
      assert.are.equal("closed", connect(listener):ReadAll())
      assert.is_true(closed)
      listener:Close()
      listener:Close(0)
      listener:Close(10)
      assert.are.equal("ESOCKCLOSE", select(3, listener:GetSockAddr()))
      assert.are.equal("ECONNREFUSED", select(3, io.connect(addr)))
    end)
  )

  it(
    "raises for what is no time",
    spec(function()
      local listener = listen(echo)
      assert.has_error(function()
        listener:Close(-1)
      end)
      assert.has_error(function()
        listener.Close(5)
      end)
    end)
  )
end)
