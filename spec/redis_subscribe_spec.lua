--- Subscriptions: messages in order, back pressure, connections that break, refusals.
local chuck = require("chuck")
local compat = require("chuck.support.compat")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local spec = tasks.spec

local function connect(server, options)
  options = options or {}
  options.port = server.port
  options.backoff_ms = options.backoff_ms or 1
  return tasks.own(redis.client(options))
end

--- Publishes, once somebody listens.
local function publish(client, channel, text)
  assert.is_true(client:Publish(channel, text) > 0)
end

local function is_up(sub)
  return function()
    return sub:Stats().is_connected
  end
end

--- The line that `fn` is blamed at.
local function blamed(fn)
  local fine, problem = co.pcall(fn)
  assert.is_false(fine)
  assert.is_truthy(tostring(problem):find("redis_subscribe_spec.lua", 1, true), tostring(problem))
  return tostring(problem)
end

describe("a subscription", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    describe(("by RESP%d"):format(protocol), function()
      it(
        "brings messages of its channels in order, whatever their bytes",
        spec(function()
          local client = connect(servers.shared(), { protocol = protocol })
          local sub = assert(client:Subscribe("news", "a\0b\r\n"))
          assert.are.same({ "a\0b\r\n", "news" }, sub:Channels())
          publish(client, "news", "first")
          publish(client, "a\0b\r\n", "\0\r\n\255")
          publish(client, "news", "")
          assert.are.same({ channel = "news", payload = "first" }, sub:Next(5000))
          assert.are.same({ channel = "a\0b\r\n", payload = "\0\r\n\255" }, sub:Next(5000))
          assert.are.same({ channel = "news", payload = "" }, sub:Next(5000))
          assert.are.equal(protocol, sub:Stats().protocol)
        end)
      )

      it(
        "is made in any case of letters",
        spec(function()
          local client = connect(servers.shared(), { protocol = protocol })
          for _, name in ipairs({ "PSubscribe", "psubscribe", "SSUBSCRIBE", "SSubscribe" }) do
            local sub = assert(client[name](client, "a*"))
            assert.are.same({ "a*" }, sub:Channels())
            sub:Close()
          end
        end)
      )

      it(
        "tells which pattern a message has come by",
        spec(function()
          local client = connect(servers.shared(), { protocol = protocol })
          local sub = assert(client:Psubscribe("a*", "ab?"))
          publish(client, "abc", "both")
          local patterns = {}
          for i = 1, 2 do
            local message = assert(sub:Next(5000))
            assert.are.equal("abc", message.channel)
            assert.are.equal("both", message.payload)
            patterns[i] = message.pattern
          end
          table.sort(patterns)
          assert.are.same({ "a*", "ab?" }, patterns)
        end)
      )

      it(
        "takes sharded channels of different slots",
        spec(function()
          local client = connect(servers.shared(), { protocol = protocol })
          local sub = assert(client:Ssubscribe("one", "two", "three"))
          assert.are.equal(1, client:Spublish("two", "hello"))
          assert.are.same({ channel = "two", payload = "hello" }, sub:Next(5000))
          assert.is_true(sub:Remove())
          assert.are.equal(0, client:Spublish("two", "hello"))
        end)
      )

      it(
        "begins and ends to listen to further channels, confirmed when that returns",
        spec(function()
          local server = servers.shared()
          local client = connect(server, { protocol = protocol })
          local sub = assert(client:Subscribe("a"))
          assert.is_true(sub:Add("b", "c"))
          assert.are.equal(1, client:Publish("c", "1"))
          assert.is_true(sub:Remove("a", "c", "never"))
          assert.are.equal(0, client:Publish("a", "2"))
          assert.are.same({ "b" }, sub:Channels())
          assert.is_true(sub:Remove())
          assert.are.same({}, sub:Channels())
          assert.is_true(sub:Add({ "d" }))
          publish(client, "d", "3")
          assert.are.equal("1", sub:Next(5000).payload)
          assert.are.equal("3", sub:Next(5000).payload)
        end)
      )

      it(
        "ends what another task has begun to ask for",
        spec(function()
          local client = connect(servers.shared(), { protocol = protocol, timeout_ms = 2000 })
          local sub = assert(client:Subscribe("a"))
          for _, removed in ipairs({ { "b" }, {}, { { "a", "b" } } }) do
            local added
            local task = co.spawn(function()
              added = false
              added = sub:Add("b", "c")
            end)
            co.yield()
            assert.is_false(added)
            assert.is_true(sub:Remove(compat.unpack(removed)))
            assert.are.equal(0, client:Publish("b", "nobody"))
            task:Join()
            assert.is_true(added)
            assert.is_nil(table.concat(sub:Channels()):find("b", 1, true))
          end
          assert.are.same({ "c" }, sub:Channels())
          publish(client, "c", "last")
          assert.are.equal("last", sub:Next(5000).payload)
        end)
      )

      it(
        "comes back with all of its channels after kill -9, and tells of the gap",
        spec(function()
          local server = servers.server()
          local client = connect(server, { protocol = protocol })
          local told = 0
          local sub = assert(client:Subscribe({
            "a",
            "b",
            on_gap = function()
              told = told + 1
            end,
          }))
          assert.is_true(sub:Add("c"))
          publish(client, "a", "before")
          tasks.wait("the message", function()
            return sub:Stats().queued == 1
          end)
          server:Restart()
          tasks.wait("the loss", function()
            return sub:Stats().gaps == 1
          end)
          tasks.wait("the subscription", is_up(sub))
          for _, channel in ipairs({ "a", "b", "c" }) do
            tasks.wait("somebody to listen", function()
              return client:Publish(channel, channel) == 1
            end)
          end
          assert.are.equal("before", sub:Next(5000).payload)
          assert.are.same({ channel = "a", payload = "a", gap = true }, sub:Next(5000))
          assert.are.same({ channel = "b", payload = "b" }, sub:Next(5000))
          assert.are.same({ channel = "c", payload = "c" }, sub:Next(5000))
          assert.are.equal(1, told)
          server:Kill()
        end)
      )

      it(
        "finds a server that does not answer any more",
        spec(function()
          local server = servers.server()
          local client = connect(server, { protocol = protocol, heartbeat_ms = 150 })
          local sub = assert(client:Subscribe("a"))
          co.sleep(400)
          assert.are.equal(0, sub:Stats().gaps)
          server:Freeze()
          tasks.wait("the loss", function()
            return sub:Stats().gaps >= 1
          end)
          server:Thaw()
          tasks.wait("the subscription", is_up(sub))
          server:Kill()
        end)
      )
    end)
  end

  it(
    "calls its function with one message after the other, whatever that raises",
    spec(function()
      local client = connect(servers.shared())
      local seen, is_inside, sub = {}, false, nil
      sub = assert(client:Subscribe("a", function(message, from)
        assert(not is_inside and from == sub)
        is_inside = true
        co.sleep(1)
        is_inside = false
        seen[#seen + 1] = message.payload
        if message.payload == "2" then
          error("on purpose")
        end
      end))
      for i = 1, 4 do
        publish(client, "a", i)
      end
      tasks.wait("all messages", function()
        return #seen == 4
      end)
      assert.are.same({ "1", "2", "3", "4" }, seen)
      for _, method in ipairs({ "Next", "Messages" }) do
        local problem = blamed(function()
          local message = sub[method](sub)
          return message
        end)
        assert.is_truthy(problem:find("is for its function", 1, true), problem)
      end
    end)
  )

  it(
    "can be closed from its own function",
    spec(function()
      local client = connect(servers.shared())
      local calls = 0
      local sub = assert(client:Subscribe("a", function(_, from)
        calls = calls + 1
        from:Close()
        from:Close()
      end))
      publish(client, "a", 1)
      tasks.wait("the end", function()
        return sub:IsClosed()
      end)
      co.sleep(5)
      assert.are.equal(1, calls)
    end)
  )

  it(
    "is iterated, but for Lua 5.1, whose iterators cannot wait",
    spec(function()
      local client = connect(servers.shared())
      local sub = assert(client:Subscribe("a"))
      for i = 1, 3 do
        publish(client, "a", i)
      end
      if compat.yields_across_pcall then
        local seen = {}
        for message in sub:Messages() do
          seen[#seen + 1] = message.payload
          if #seen == 3 then
            sub:Close()
          end
        end
        assert.are.same({ "1", "2", "3" }, seen)
      end
      sub:Close()
      assert.are.equal("ESOCKCLOSE", select(3, sub:Next()))
    end)
  )

  it(
    "stops the server when nobody takes messages, and loses none",
    spec(function()
      local server = servers.shared()
      local client = connect(server)
      local sub = assert(client:Subscribe({ "a", buffer = 10 }))
      local large = assert(client:Subscribe({ "a", buffer_bytes = 1000 }))
      local text = ("x"):rep(100)
      for i = 1, 5000 do
        publish(client, "a", i .. text)
      end
      local stats = sub:Stats()
      assert.are.equal(10, stats.queued)
      assert.is_true(stats.is_paused)
      assert.is_true(large:Stats().queued_bytes < 1000 + 110)
      for i = 1, 5000 do
        assert.are.equal(i .. text, sub:Next(5000).payload)
      end
      stats = sub:Stats()
      assert.are.equal(5000, stats.received)
      assert.are.equal(0, stats.queued_bytes)
      assert.is_false(stats.is_paused)
      assert.are.equal(0, stats.gaps)
    end)
  )

  it(
    "hears of confirmations behind messages that nobody has taken",
    spec(function()
      local client = connect(servers.shared(), { timeout_ms = 2000 })
      local sub = assert(client:Subscribe({ "a", buffer = 10 }))
      for i = 1, 100 do
        publish(client, "a", i)
      end
      tasks.wait("a full buffer", function()
        return sub:Stats().is_paused
      end)
      assert.is_true(sub:Add("b"))
      assert.is_true(sub:Remove("a"))
      publish(client, "b", "last")
      local text
      for i = 1, 100 do
        text = sub:Next(5000).payload
        assert.are.equal(tostring(i), text)
      end
      assert.are.equal("last", sub:Next(5000).payload)
      assert.is_false(sub:Stats().is_paused)
    end)
  )

  it(
    "does not read without end for a confirmation",
    spec(function()
      local client = connect(servers.shared(), { timeout_ms = 100 })
      local sub = assert(client:Subscribe({ "a", buffer = 10 }))
      for i = 1, 1000 do
        publish(client, "a", i)
      end
      assert.are.equal("ETIMEDOUT", select(3, sub:Add("b")))
      assert.are.equal(160, sub:Stats().queued)
      for i = 1, 1000 do
        assert.are.equal(tostring(i), sub:Next(5000).payload)
      end
    end)
  )

  it(
    "is dropped by a server that keeps too much for it, and tells so",
    spec(function()
      local server = servers.server({ lines = { "client-output-buffer-limit pubsub 1mb 0 0" } })
      local client = connect(server)
      local sub = assert(client:Subscribe({ "a", buffer = 4 }))
      local text = ("x"):rep(100000)
      for i = 1, 400 do
        client:Publish("a", text)
        assert.is_true(sub:Stats().queued <= 4, i)
      end
      -- What is paused hears of its end when it reads on.
      tasks.wait("the loss", function()
        sub:Next(100)
        return sub:Stats().gaps > 0
      end)
      tasks.wait("the subscription", is_up(sub))
      server:Kill()
    end)
  )

  it(
    "says why there is no message",
    spec(function()
      local client = connect(servers.shared())
      local sub = assert(client:Subscribe("a"))
      local message, why, code = sub:Next(5)
      assert.is_nil(message)
      assert.are.equal("SUBSCRIBE of a: no message in 5 ms", why)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal("ETIMEDOUT", select(3, sub:Next(0)))
      local waiting = tasks.parked(sub.Next, sub)
      sub:Close()
      sub:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.are.equal("ESOCKCLOSE", select(3, sub:Add("b")))
      assert.are.equal("ESOCKCLOSE", select(3, sub:Remove("b")))
      assert.is_true(sub:IsClosed())
    end)
  )

  it(
    "gives each message to one of those who wait, and none to who was cancelled",
    spec(function()
      local client = connect(servers.shared())
      local sub = assert(client:Subscribe("a"))
      local first = tasks.parked(sub.Next, sub)
      local second = tasks.parked(sub.Next, sub)
      local third = tasks.parked(sub.Next, sub)
      second.task:Cancel()
      publish(client, "a", 1)
      publish(client, "a", 2)
      assert.are.equal("1", tasks.finished(first)[1].payload)
      assert.are.equal("2", tasks.finished(third)[1].payload)
      assert.are.equal(0, sub:Stats().queued)
    end)
  )

  it(
    "ends with its client, and with the scope that it was made in",
    spec(function()
      local client = connect(servers.shared())
      local sub = assert(client:Subscribe("a"))
      local inner
      co.scope(function(scope)
        inner = assert(client:Subscribe("b"))
        scope:Cancel()
      end)
      assert.is_true(inner:IsClosed())
      assert.are.equal("ECANCELED", select(3, inner:Next()))
      assert.is_false(sub:IsClosed())
      client:Close()
      assert.is_true(sub:IsClosed())
      assert.are.equal("ESOCKCLOSE", select(3, sub:Next()))
      assert.are.equal("ESOCKCLOSE", select(3, client:Subscribe("a")))
    end)
  )

  it(
    "leaves nothing behind when it is cancelled before it is confirmed",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      client:Ping()
      server:Freeze()
      local waiting = tasks.parked(client.Subscribe, client, "a")
      waiting.task:Cancel()
      server:Thaw()
      assert.are.equal("PONG", client:Ping())
      tasks.wait("the end of its connection", function()
        return server:Info("connected_clients") == "1" or server:Info("connected_clients") == "2"
      end)
      local sub = assert(client:Subscribe("a"))
      server:Freeze()
      local adding = tasks.parked(sub.Add, sub, "b")
      adding.task:Cancel()
      co.sleep(1)
      server:Thaw()
      assert.is_true(sub:Add("c"))
      assert.are.same({ "a", "c" }, sub:Channels())
      assert.are.equal(0, client:Publish("b", 1))
      server:Kill()
    end)
  )

  it(
    "answers in time when there is no server, or a silent one",
    spec(function()
      local server = servers.server()
      local client = connect(server, { timeout_ms = 60 })
      local sub = assert(client:Subscribe("a"))
      server:Freeze()
      local _, why, code = sub:Add("b")
      assert.are.equal("ETIMEDOUT", code)
      assert.is_truthy(why:find("not confirmed in 60 ms", 1, true), why)
      server:Kill()
      tasks.wait("the loss", function()
        return sub:Stats().gaps == 1
      end)
      _, why, code = client:Subscribe("a")
      assert.is_truthy(code == "ECONNREFUSED" or code == "ETIMEDOUT", why)
      assert.is_truthy(why:find("127.0.0.1:" .. server.port, 1, true), why)
      -- It is asked for as soon as there is a server.
      assert.are.same({ "a" }, sub:Channels())
      local added = tasks.parked(sub.Add, sub, "b")
      assert.is_true(sub:Remove("b"))
      assert.is_nil(tasks.finished(added)[1])
      assert.is_true(sub:Remove("a"))
      assert.are.same({}, sub:Channels())
    end)
  )

  it(
    "is refused by the rules of the server",
    spec(function()
      local server = servers.server({
        users = {
          "alice on >pw ~* resetchannels &a* +@all",
          "bob on >pw ~* &* +@all -ping -unsubscribe",
        },
      })
      for _, protocol in ipairs({ 2, 3 }) do
        local options = { username = "alice", password = "pw", protocol = protocol }
        local client = connect(server, options)
        local sub, why, code, err, _ = client:Subscribe("a", "b")
        assert.is_nil(sub)
        assert.are.equal("NOPERM", code)
        assert.is_true(redis.is_error(err))
        assert.is_truthy(why:find("NOPERM", 1, true))
        sub = assert(client:Subscribe("a"))
        assert.are.equal("NOPERM", select(3, sub:Add("ab", "b")))
        assert.are.same({ "a" }, sub:Channels())
        assert.is_true(sub:Add("ab"))
        publish(client, "ab", "fine")
        assert.are.equal("fine", sub:Next(5000).payload)
        -- The server ends connections whose channels it does not allow any more.
        server:Cli("ACL", "SETUSER", "alice", "resetchannels", "&z*")
        assert.are.equal("NOPERM", select(3, sub:Next(5000)))
        assert.is_true(sub:IsClosed())
        server:Cli("ACL", "SETUSER", "alice", "resetchannels", "&a*")
        client:Close()
        local bob = connect(server, {
          username = "bob",
          password = "pw",
          protocol = protocol,
          heartbeat_ms = 100,
        })
        sub = assert(bob:Subscribe("a"))
        co.sleep(250)
        assert.are.equal(0, sub:Stats().gaps)
        sub = assert(bob:Subscribe("a", "b"))
        _, why, code, err = sub:Remove("a")
        assert.are.equal("NOPERM", code, why)
        assert.is_true(redis.is_error(err))
        assert.are.same({ "a", "b" }, sub:Channels())
        bob:Close()
      end
      local _, _, code = connect(server, { username = "bob", password = "no" }):Subscribe("a")
      assert.are.equal("WRONGPASS", code)
      server:Kill()
    end)
  )

  it(
    "is one of not more than the client may have",
    spec(function()
      local client = connect(servers.shared(), { subscriptions = 3 })
      local sub = assert(client:Subscribe("a"))
      assert(client:Psubscribe("a*"))
      local monitor = assert(client:Monitor())
      for _, call in ipairs({ client.Subscribe, client.Ssubscribe, client.Monitor }) do
        local none, why, code = call(client, call ~= client.Monitor and "b" or nil)
        assert.is_nil(none)
        assert.are.equal("EBUSY", code)
        assert.is_truthy(why:find("there are 3 subscriptions already, limit is 3", 1, true), why)
      end
      assert.are.equal(3, client:Stats().subscriptions)
      sub:Close()
      sub:Close()
      monitor:Close()
      assert.are.equal(1, client:Stats().subscriptions)
      assert(client:Subscribe("b", function() end))
      assert.are.equal(2, client:Stats().subscriptions)
      client:Close()
      assert.are.equal(0, client:Stats().subscriptions)
    end)
  )

  it(
    "can have ten thousand channels",
    spec(function()
      local client = connect(servers.shared())
      local names = {}
      for i = 1, 10000 do
        names[i] = "channel " .. i
      end
      local sub = assert(client:Subscribe(names))
      assert.are.equal(10000, #sub:Channels())
      publish(client, "channel 10000", "last")
      assert.are.equal("last", sub:Next(5000).payload)
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function()
      local client = connect(servers.shared())
      local sub = assert(client:Subscribe("a"))
      for _, call in ipairs({
        { client.Subscribe, client },
        { client.Subscribe, client, 5 },
        { client.Subscribe, client, "a", {} },
        { client.Subscribe, client, "a", nil, "b" },
        { client.Subscribe, client, {} },
        { client.Subscribe, client, { 1 } },
        { client.Subscribe, client, { "a", bufer = 1 } },
        { client.Subscribe, client, { "a", buffer = 0 } },
        { client.Psubscribe, client, function() end },
        { client.Ssubscribe, {}, "a" },
        { sub.Next, sub, "1" },
        { sub.Next, sub, -1 },
        { sub.Next, client },
        { sub.Messages, {} },
        { sub.Add, sub },
        { sub.Add, sub, 1 },
        { sub.Add, 1, "a" },
        { sub.Remove, sub, false },
        { sub.Remove },
        { sub.Channels, "x" },
        { sub.Close, {} },
        { sub.IsClosed },
        { sub.Stats, 7 },
      }) do
        blamed(function()
          local _ = call[1](compat.unpack(call, 2, 5))
          return _
        end)
      end
      assert.are.same({ "a" }, sub:Channels())
    end)
  )
end)

describe("a server that is no real one", function()
  --- A listener whose connections are sent `text` once they have sent anything.
  local function fake(text)
    local listener
    listener = assert(chuck.io.listen("127.0.0.1:0", function(stream)
      while stream:ReadSome() do
        if not stream:Write(text) then
          return
        end
      end
    end))
    tasks.own(listener)
    return tonumber(listener:GetSockAddr():match("%d+$"))
  end

  it(
    "cannot do harm by what it answers",
    spec(function()
      for _, text in ipairs({
        "+OK\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n",
        "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\na\r\n",
        "*4\r\n$8\r\npmessage\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*1\r\n$9\r\nsubscribe\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:1\r\n",
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n",
        "*0\r\n:5\r\n$-1\r\n-ERR what\r\n",
        ">2\r\n$10\r\ninvalidate\r\n_\r\n",
      }) do
        local client = tasks.own(redis.client({
          port = fake(text),
          protocol = 2,
          timeout_ms = 30,
          heartbeat_ms = 0,
          backoff_ms = 1,
        }))
        local sub, why, code = client:Subscribe("a")
        assert.is_nil(sub, text)
        assert.are.equal("string", type(why))
        assert.are.equal("string", type(code))
        client:Close()
      end
    end)
  )
end)
