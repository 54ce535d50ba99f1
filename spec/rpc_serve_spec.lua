--- Servers: who is let in, who is sent away, and how it ends.
local chuck = require("chuck")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, io, rpc = chuck.co, chuck.io, chuck.rpc
local spec = tasks.spec

local SERVICES = {
  add = function(a, b)
    return a + b
  end,
  slow = function(ms)
    co.sleep(ms)
    return "slept"
  end,
  math = {
    half = function(n)
      return n / 2
    end,
  },
}

local function serve(options, addr, services)
  return tasks.own(assert(rpc.serve(addr or "127.0.0.1:0", services or SERVICES, options)))
end

--- A peer that is connected to a server.
local function visit(server, options)
  local stream = assert(io.connect(server:GetSockAddr(), { decoder = rpc.framing() }))
  local peer = tasks.own(rpc.peer(stream, options))
  assert(peer:Ready(5000))
  return peer
end

--- A connection that says nothing.
local function knock(server)
  return tasks.own(assert(io.connect(server:GetSockAddr())))
end

local function wait_for(server, count)
  tasks.wait(count .. " peers", function()
    return #server:Peers() == count
  end)
end

describe("a server", function()
  local ADDRESSES = { IPv4 = "127.0.0.1:0", IPv6 = "[::1]:0", Unix = "unix:@chuck-rpc-spec" }
  for name, addr in pairs(ADDRESSES) do
    it(
      "answers over " .. name,
      spec(function()
        local server = serve(nil, addr)
        local peer = visit(server)
        assert.are.equal(3, peer:Call("add", 1, 2))
        assert.are.equal(2, peer:Call("math.half", 4))
      end)
    )
  end

  it(
    "says why it cannot listen",
    spec(function()
      local server = serve()
      local second, message, code = rpc.serve(server:GetSockAddr(), SERVICES)
      assert.is_nil(second)
      assert.are.equal("EADDRINUSE", code, message)
    end)
  )

  it(
    "offers what is registered later to those who are here",
    spec(function()
      local server = serve()
      local peer = visit(server)
      assert.are.equal("ENOSYS", select(3, peer:Call("new")))
      server:Register("new", function()
        return "here"
      end)
      assert.are.equal("here", peer:Call("new"))
    end)
  )

  it(
    "shares services with others",
    spec(function()
      local services = rpc.services(SERVICES)
      local one, two = serve(nil, nil, services), serve(nil, nil, services)
      services:Register("new", function()
        return "here"
      end)
      assert.are.equal("here", visit(one):Call("new"))
      assert.are.equal("here", visit(two):Call("new"))
    end)
  )

  it(
    "tells of who comes and goes, and may call them",
    spec(function()
      local told = {}
      local server = serve({
        on_connect = function(peer)
          table.insert(told, peer:Call("name"))
        end,
        on_disconnect = function(peer, _, code)
          table.insert(told, peer:IsClosed() and code)
        end,
      })
      local peer = visit(server, {
        services = rpc.services({
          name = function()
            return "guest"
          end,
        }),
      })
      tasks.wait("the guest", function()
        return told[1]
      end)
      peer:Close()
      tasks.wait("its end", function()
        return told[2]
      end)
      assert.are.same({ "guest", "ESOCKCLOSE" }, told)
      assert.are.same({}, server:Peers())
    end)
  )

  it(
    "lets go of a guest whose on_connect raises, and of no other",
    spec(function()
      local problems = {}
      co.on_error(function(problem)
        table.insert(problems, problem)
      end)
      local calls = 0
      local server = serve({
        on_connect = function()
          calls = calls + 1
          if calls == 1 then
            error("not you")
          end
        end,
      })
      local first = visit(server)
      assert.is_true(first:Wait(5000))
      assert.are.equal(3, visit(server):Call("add", 1, 2))
      co.on_error(nil)
      assert.are.equal(1, #problems)
      assert.matches("not you", tostring(problems[1]))
    end)
  )

  it(
    "takes an on_connect along that still waits when its guest goes",
    spec(function()
      local ended = 0
      local server = tasks.own(assert(rpc.serve("127.0.0.1:0", {}, {
        on_connect = function()
          co.wait()
        end,
        on_disconnect = function()
          ended = ended + 1
        end,
      })))
      local before = co.stats().alive
      for _ = 1, 10 do
        local client = rpc.connect(server:GetSockAddr())
        assert(client:Ready())
        client:Close()
      end
      tasks.wait("the end of all", function()
        return ended == 10 and co.stats().alive <= before
      end)
    end)
  )

  it(
    "notifies everybody, and says how many",
    spec(function()
      local server = serve()
      local heard = 0
      local function new_guest()
        return visit(server, {
          services = rpc.services({
            news = function(text, more)
              heard = heard + (text == "hello" and more == nil and 1 or 0)
            end,
          }),
        })
      end
      for _ = 1, 5 do
        new_guest()
      end
      local gone = new_guest()
      wait_for(server, 6)
      gone:Close()
      wait_for(server, 5)
      knock(server)
      assert.are.same({ 5, 0 }, { server:Broadcast("news", "hello", nil) })
      tasks.wait("the news", function()
        return heard == 5
      end)
      assert.has_error(function()
        server:Broadcast("news", print)
      end)
    end)
  )
end)

describe("a stranger", function()
  it(
    "that says no hello is sent away after hello_ms",
    spec(function()
      local server = serve({ hello_ms = 50 })
      local silent = {}
      for i = 1, 20 do
        silent[i] = knock(server)
      end
      local peer = visit(server)
      for i = 1, 20 do
        local _, _, code = silent[i]:Read(1e6, 5000)
        assert.are.equal("EOF", code)
      end
      tasks.wait("only one connection", function()
        return server:Connections() == 1
      end)
      assert.are.equal(3, peer:Call("add", 1, 2))
    end)
  )

  it(
    "that sends half of a hello is sent away too",
    spec(function()
      local server = serve({ hello_ms = 50 })
      local stream = knock(server)
      stream:Write("\0\0\0\20\192")
      assert.are.equal("EOF", select(3, stream:Read(1e6, 5000)))
    end)
  )

  it(
    "that speaks something else is sent away at once",
    spec(function()
      local server = serve()
      local stream = knock(server)
      stream:Write("GET / HTTP/1.0\r\n\r\n")
      local _, _, code = stream:Read(1e6, 5000)
      assert.is_truthy(code == "EOF" or code == "ECONNRESET", code)
      assert.are.equal(3, visit(server):Call("add", 1, 2))
    end)
  )

  it(
    "waits in the kernel while there are max_connections",
    spec(function()
      local server = serve({ max_connections = 3, hello_ms = 100 })
      local peers = { visit(server), visit(server) }
      for _ = 1, 50 do
        knock(server)
      end
      tasks.wait("a third connection", function()
        return server:Connections() == 3
      end)
      co.sleep(20)
      assert.are.equal(3, server:Connections())
      for _, peer in ipairs(peers) do
        assert.are.equal(3, peer:Call("add", 1, 2))
      end
    end)
  )

  it(
    "a thousand of them, that come and go, leave nothing",
    spec(function()
      local server = serve()
      local before = co.stats().alive
      for _ = 1, 20 do
        local round = {}
        for i = 1, 50 do
          round[i] = assert(io.connect(server:GetSockAddr()))
        end
        for i = 1, 50 do
          round[i]:Close(0)
        end
      end
      tasks.wait("the end of all", function()
        return server:Connections() == 0 and co.stats().alive <= before
      end)
      assert.is_nil(next(server.tasks))
      assert.are.equal(3, visit(server):Call("add", 1, 2))
    end)
  )
end)

describe("closing a server", function()
  it(
    "lets calls that are under way be answered, and takes no more",
    spec(function()
      local server = serve()
      local peer = visit(server)
      local slow = tasks.parked(peer.Call, peer, "slow", 100)
      local closing = tasks.parked(server.Close, server, 5000)
      assert.are.equal("EBUSY", select(3, peer:Call("add", 1, 2)))
      local stream, _, code = io.connect(server.addr, { timeout_ms = 1000 })
      assert.is_nil(stream)
      assert.is_truthy(code)
      assert.are.equal("slept", tasks.finished(slow)[1])
      tasks.finished(closing)
      assert.is_true(peer:Wait(1000))
      assert.is_true(server:IsClosed())
    end)
  )

  it(
    "cancels what is still under way after the grace",
    spec(function()
      local cancelled = false
      local server = serve(nil, nil, {
        slow = function()
          local fine, problem = co.pcall(co.sleep, 60000)
          cancelled = not fine and co.is_cancelled(problem)
          error(problem, 0)
        end,
      })
      local peer = visit(server)
      local slow = tasks.parked(peer.Call, peer, "slow")
      local began = chuck.systick()
      server:Close(50)
      assert.is_true(chuck.systick() - began < 5000)
      tasks.finished(slow)
      assert.are.equal("ESOCKCLOSE", slow[3])
      assert.is_true(cancelled)
    end)
  )

  it(
    "ends everything at once without a grace, any number of times",
    spec(function()
      local server = serve()
      local peer = visit(server)
      knock(server)
      local slow = tasks.parked(peer.Call, peer, "slow", 60000)
      server:Close()
      server:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(slow)[3])
      assert.are.equal("ESOCKCLOSE", select(3, server:GetSockAddr()))
      assert.are.same({}, server:Peers())
      assert.are.same({ 0, 0 }, { server:Broadcast("news") })
    end)
  )

  it(
    "can cut a long grace short",
    spec(function()
      local server = serve()
      local peer = visit(server)
      local slow = tasks.parked(peer.Call, peer, "slow", 60000)
      local closing = tasks.parked(server.Close, server, 60000)
      server:Close()
      tasks.finished(closing)
      assert.are.equal("ESOCKCLOSE", tasks.finished(slow)[3])
    end)
  )

  it(
    "from inside of a service answers that service's call",
    spec(function()
      local server
      server = serve(nil, nil, {
        stop = function()
          server:Close(5000)
          return "stopping"
        end,
      })
      local peer = visit(server)
      assert.are.equal("stopping", peer:Call("stop"))
      assert.is_true(peer:Wait(5000))
    end)
  )

  it(
    "from inside of its hooks ends it",
    spec(function()
      for _, hook in ipairs({ "on_connect", "on_disconnect" }) do
        local server
        server = serve({
          [hook] = function()
            server:Close(1000)
          end,
        })
        local peer = visit(server)
        if hook == "on_disconnect" then
          peer:Close()
        end
        assert.is_true(peer:Wait(5000))
        tasks.wait("its end", function()
          return server.listener.keeper:IsDone()
        end)
      end
    end)
  )

  it(
    "from a callback does not wait",
    spec(function()
      local server = serve()
      local peer = visit(server)
      sched.timer(1, function()
        server:Close(1000)
      end)
      assert.is_true(peer:Wait(5000))
    end)
  )

  it(
    "with its scope cancels what is served",
    spec(function()
      local peer, slow
      local ready = false
      co.scope(function(children)
        local server = assert(rpc.serve("127.0.0.1:0", SERVICES))
        local addr = server:GetSockAddr()
        co.spawn(function()
          co.shield(function()
            tasks.wait("the call", function()
              return ready
            end)
          end)
          children:Cancel()
        end)
        local stream = assert(io.connect(addr, { decoder = rpc.framing() }))
        co.shield(function()
          peer = rpc.peer(stream)
          slow = { peer:CallWith({ timeout_ms = 50 }, "slow", 60000) }
          ready = true
        end)
        co.sleep(60000)
      end)
      assert.are.equal("ETIMEDOUT", slow[3])
      assert.is_true(peer:IsClosed())
    end)
  )
end)
