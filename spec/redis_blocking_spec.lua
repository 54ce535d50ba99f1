--- Commands that wait at the server: on connections of their own, for as long as they say.
local blocking = require("chuck.redis.blocking")
local chuck = require("chuck")
local commands = require("chuck.redis.commands")
local compat = require("chuck.support.compat")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local spec = tasks.spec

local function connect(server, options)
  options = options or {}
  options.port = server.port
  options.backoff_ms = 1
  return tasks.own(redis.client(options))
end

--- Until so many clients block at the server.
local function wait_blocked(client, count)
  tasks.wait("blocked clients", function()
    return client:Info("clients"):find("blocked_clients:" .. count .. "\r", 1, true)
  end)
end

local function time_of(name, ...)
  return blocking.time_of(commands.specs[name], ...)
end

describe("the time that a command blocks", function()
  it("stands where each command has it", function()
    assert.are.equal(1500, time_of("BLPOP", "a", "b", 1.5))
    assert.are.equal(2000, time_of("BLPOP", { "a", "b" }, "2"))
    assert.are.equal(math.huge, time_of("BRPOP", "a", 0))
    assert.are.equal(3000, time_of("BLMOVE", "a", "b", "LEFT", "LEFT", 3))
    assert.are.equal(3000, time_of("BRPOPLPUSH", "a", "b", 3))
    assert.are.equal(100, time_of("BLMPOP", 0.1, 1, "a", "LEFT"))
    assert.are.equal(100, time_of("BZMPOP", 0.1, 1, "a", "MIN"))
    assert.are.equal(1000, time_of("BZPOPMIN", "a", 1))
    assert.are.equal(1000, time_of("BZPOPMAX", "a", 1))
    assert.are.equal(250, time_of("WAIT", 1, 250))
  end)

  it("is that of BLOCK, where there is one", function()
    assert.are.equal(100, time_of("XREAD", "BLOCK", 100, "STREAMS", "s", "$"))
    assert.are.equal(math.huge, time_of("XREAD", { "count", 1, "block", 0 }, "STREAMS", "s", "$"))
    assert.are.equal(
      7,
      time_of("XREADGROUP", "GROUP", "g", "c", { BLOCK = 7 }, "STREAMS", "s", ">")
    )
    assert.is_nil(time_of("XREAD", "STREAMS", "BLOCK", "0"))
    assert.is_nil(time_of("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"))
    local words = { "GROUP", "streams", "block", "BLOCK", 7, "STREAMS", "s", ">" }
    assert.are.equal(7, time_of("XREADGROUP", words))
    assert.is_nil(time_of("XREADGROUP", "GROUP", "block", "5", "STREAMS", "s", ">"))
  end)

  it("is none for what the server will refuse", function()
    assert.are.equal(0, time_of("BLPOP", "a", "x"))
    assert.are.equal(0, time_of("BLPOP", "a", -1))
    assert.are.equal(0, time_of("BLPOP"))
    assert.are.equal(0, time_of("XREAD", "BLOCK", "x", "STREAMS", "s", "$"))
  end)
end)

describe("a command that blocks", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      ("holds up nobody else, in fifty tasks at once, by RESP%d"):format(protocol),
      spec(function()
        local client = connect(servers.shared(), { protocol = protocol })
        local got, count = {}, 0
        for _ = 1, 50 do
          co.spawn(function()
            local value = assert(client:BLPop("queue", 0))
            got[value[2]] = true
            count = count + 1
          end)
        end
        wait_blocked(client, 50)
        assert.are.equal("PONG", client:Ping())
        for i = 1, 50 do
          client:RPush("queue", i)
        end
        tasks.wait("all values", function()
          return count == 50
        end)
        for i = 1, 50 do
          assert.is_true(got[tostring(i)])
        end
        tasks.wait("idle connections", function()
          local stats = client:Stats().blocking
          return stats.connections == 4 and stats.idle == 4 and stats.opened == 50
        end)
      end)
    )
  end

  it(
    "answers as the server does: a value, null in time, an error",
    spec(function()
      local client = connect(servers.shared())
      local began = chuck.systick()
      local value, why = client:BLPop("empty", 0.02)
      assert.is_nil(value)
      assert.is_nil(why)
      assert.is_true(chuck.systick() - began >= 20)
      client:RPush("list", "a", "b", "c")
      assert.are.same({ "list", "a" }, client:BLPop("empty", "list", 1))
      assert.are.equal("c", client:BLMove("list", "other", "RIGHT", "LEFT", 1))
      assert.are.equal("c", client:BRPopLPush("other", "list", 1))
      assert.are.same({ "list", { "c" } }, client:BLMPop(1, 1, "list", "LEFT"))
      client:ZAdd("set", 1.5, "member")
      assert.are.same({ "set", "member", 1.5 }, client:BZPopMin("set", 1))
      client:Set("text", "x")
      assert.are.equal("WRONGTYPE", select(3, client:BLPop("text", 1)))
      assert.are.equal("ERR", select(3, client:Call("BLPOP", "list", "soon")))
      assert.are.equal(1, client:Stats().blocking.opened)
    end)
  )

  it(
    "is XREAD only with BLOCK",
    spec(function()
      local client = connect(servers.shared())
      client:XAdd("stream", "1-1", "field", "value")
      assert.is_not_nil(client:XRead("STREAMS", "stream", "0"))
      assert.is_nil(client:Stats().blocking)
      local waiting = tasks.parked(client.XRead, client, "BLOCK", 0, "STREAMS", "stream", "$")
      wait_blocked(client, 1)
      client:XAdd("stream", "1-2", "field", "news")
      assert.is_not_nil(tasks.finished(waiting)[1])
      assert.are.equal(1, client:Stats().blocking.opened)
      client:XGroup("CREATE", "stream", "group", "$")
      assert.is_nil(
        (client:XReadGroup("GROUP", "group", "me", "BLOCK", 5, "STREAMS", "stream", ">"))
      )
      assert.are.equal(1, client:Stats().blocking.opened)
    end)
  )

  it(
    "takes nothing out for who was cancelled, or for who has no time left",
    spec(function()
      local server = servers.shared()
      local client = connect(server, { timeout_ms = 5000 })
      local waiting = tasks.parked(client.BLPop, client, "queue", 0)
      wait_blocked(client, 1)
      waiting.task:Cancel()
      wait_blocked(client, 0)
      local _, why, code = co.with_deadline(20, function()
        return client:BLPop("queue", 0)
      end)
      assert.are.equal("ETIMEDOUT", code, why)
      wait_blocked(client, 0)
      client:RPush("queue", "a")
      assert.are.equal(1, client:LLen("queue"))
      assert.are.equal(0, client:Stats().blocking.connections)
    end)
  )

  it(
    "ends when the server does not answer in its time and that of the client",
    spec(function()
      local server = servers.server()
      local client = connect(server, { timeout_ms = 250, heartbeat_ms = 0 })
      assert.is_nil((client:BLPop("queue", 0.001)))
      server:Freeze()
      local value, why, code = client:BLPop("queue", 0.01)
      assert.is_nil(value)
      assert.are.equal("ETIMEDOUT", code)
      assert.is_truthy(why:find("^BLPOP: .*: no reply in 260 ms$"), why)
      assert.are.equal(0, client:Stats().blocking.connections)
      value, why, code = client:CallWith({ timeout_ms = 10 }, "BLPOP", "queue", 0.01)
      assert.is_nil(value)
      assert.are.equal("ETIMEDOUT", code, why)
      server:Kill()
    end)
  )

  it(
    "ends with the shared connection when that is not answered any more",
    spec(function()
      local server = servers.server()
      local client = connect(server, { heartbeat_ms = 20 })
      local waiting = tasks.parked(client.BLPop, client, "queue", 0)
      wait_blocked(client, 1)
      server:Freeze()
      local outcome = tasks.finished(waiting)
      assert.is_nil(outcome[1])
      assert.are.equal("ETIMEDOUT", outcome[3], outcome[2])
      server:Kill()
    end)
  )

  it(
    "ends with kill -9, and is made anew when that was asked for",
    spec(function()
      local server = servers.server()
      local client = connect(server, { in_flight = "retry" })
      client:Ping()
      local popping = tasks.parked(client.BLPop, client, "queue", 0)
      local reading = tasks.parked(client.XRead, client, "BLOCK", 0, "STREAMS", "stream", "0")
      local again =
        tasks.parked(client.CallWith, client, { idempotent = true }, "BLPOP", "other", 0)
      wait_blocked(client, 3)
      server:Restart()
      local outcome = tasks.finished(popping)
      assert.is_nil(outcome[1])
      assert.is_truthy(outcome[2]:find("it may have been carried out", 1, true), outcome[2])
      assert.is_truthy(outcome[3] == "EOF" or outcome[3] == "ECONNRESET", outcome[3])
      wait_blocked(client, 2)
      client:XAdd("stream", "1-1", "field", "value")
      client:RPush("other", "x")
      assert.is_not_nil(tasks.finished(reading)[1])
      assert.are.same({ "other", "x" }, tasks.finished(again)[1])
      server:Kill()
    end)
  )

  it(
    "has a limit on its connections, and says so",
    spec(function()
      local client = connect(servers.shared(), { blocking = 2 })
      local first = tasks.parked(client.BLPop, client, "queue", 0)
      tasks.parked(client.BLPop, client, "queue", 0)
      wait_blocked(client, 2)
      local value, why, code = client:BLPop("queue", 0)
      assert.is_nil(value)
      assert.are.equal("EBUSY", code)
      assert.is_truthy(why:find("2 commands block already, limit is 2", 1, true), why)
      client:RPush("queue", "a")
      tasks.finished(first)
      client:RPush("queue", "b", "c")
      assert.is_not_nil(client:BLPop("queue", 0))
      client:Close()
    end)
  )

  it(
    "keeps no connection for a task that was cancelled before it could ask",
    spec(function()
      local client = connect(servers.shared())
      client:RPush("list", "a")
      client:BLPop("list", 1)
      assert.are.equal(1, client:Stats().blocking.idle)
      local task
      task = co.spawn(function()
        task:Cancel()
        client:BLPop("list", 1)
      end)
      task:Join()
      local stats = client:Stats().blocking
      assert.are.equal(stats.connections, stats.idle)
    end)
  )

  it(
    "takes no longer in all than was said, though it had to wait for a server",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      client:Ping()
      server:Kill()
      tasks.wait("the loss", function()
        return not client:Stats().is_connected
      end)
      local began = co.now()
      local waiting = co.spawn(client.CallWith, client, { timeout_ms = 1000 }, "BLPOP", "queue", 0)
      co.sleep(600)
      server:Restart()
      local value, _, code = waiting:Join()
      assert.is_nil(value)
      -- The server may be there too late.
      assert.is_truthy(code == "ETIMEDOUT" or code == "ECONNREFUSED", code)
      assert.is_true(co.now() - began < 1500, co.now() - began)
      server:Kill()
    end)
  )

  it(
    "waits for a server, and is told when there is none",
    spec(function()
      local server = servers.server()
      local client = connect(server, { timeout_ms = 50 })
      client:Ping()
      server:Kill()
      tasks.wait("the loss", function()
        return not client:Stats().is_connected
      end)
      local _, why, code = client:BLPop("queue", 0)
      assert.is_truthy(code == "ECONNREFUSED" or code == "ETIMEDOUT", why)
      assert.are.equal(0, client:Stats().blocking.connections)
    end)
  )

  it(
    "is counted as out of time when the server does not even greet",
    spec(function()
      local server = servers.server()
      server:Freeze()
      local client = connect(server, { timeout_ms = 20 })
      for n, call in ipairs({
        { client.BLPop, client, "queue", 1 },
        { client.Get, client, "key" },
        { client.Cached, client, "key" },
      }) do
        local _, why, code = call[1](call[2], call[3], call[4])
        assert.are.equal("ETIMEDOUT", code, why)
        assert.are.equal(n, client:Stats().timeouts)
      end
      server:Kill()
    end)
  )

  it(
    "ends with its client, and so do connections that are idle",
    spec(function()
      local client = connect(servers.shared())
      client:RPush("list", "a")
      client:BLPop("list", 1)
      local waiting = tasks.parked(client.BLPop, client, "queue", 0)
      client:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.are.equal(0, client:Stats().blocking.connections)
      assert.are.equal("ESOCKCLOSE", select(3, client:BLPop("queue", 0)))
    end)
  )

  it(
    "has its arguments and replies changed as others",
    spec(function()
      local client = connect(servers.shared(), {
        arguments = function(_, key, ...)
          return "my:" .. key, ...
        end,
        replies = function(name, value)
          return { name, value }
        end,
      })
      client:RPush("list", "a")
      assert.are.same({ "BLPOP", { "my:list", "a" } }, client:BLPop("list", 1))
    end)
  )

  it(
    "is refused by the rules of the server",
    spec(function()
      local server = servers.server({ users = { "alice on >pw ~* &* +@all -blpop" } })
      local client = connect(server, { username = "alice", password = "pw" })
      local value, _, code, err = client:BLPop("queue", 0)
      assert.is_nil(value)
      assert.are.equal("NOPERM", code)
      assert.is_true(redis.is_error(err))
      server:Kill()
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function()
      local client = connect(servers.shared())
      for _, call in ipairs({
        { client.BLPop, client, "queue", false },
        { client.BLPop, client, {}, print },
        { client.Wait, client, 0, 0 },
        { client.Wait, client, 0, 10000 },
        { client.CallWith, client, { timeout_ms = 5 }, "WAIT", 0, 6 },
        { client.BLPop, {}, "queue", 0 },
      }) do
        local fine, problem = co.pcall(function()
          local _ = call[1](compat.unpack(call, 2, 6))
          return _
        end)
        assert.is_false(fine)
        assert.is_truthy(tostring(problem):find("redis_blocking_spec.lua", 1, true), problem)
      end
      assert.are.equal(0, client:Wait(0, 10))
    end)
  )
end)
