--- Pipelines: many commands in one piece, their replies in one list.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis
local compat = require("chuck.support.compat")

local net = require("spec.helper.net")
local sched = require("chuck.co.sched")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own = tasks.own

--- A client of the server that this file shares.
local function client_of(server, options)
  options = options or {}
  options.address = server.address
  return own(redis.client(options))
end

--- The address of a server that does what it is told: `on_bytes(conn, bytes)`.
local function talker(on_bytes)
  local engine = sched.engine()
  local listener = own(assert(chuck.listen(engine, "127.0.0.1:0", function(conn)
    own(conn):Add2Engine(engine, function(_, packet)
      if packet then
        on_bytes(conn, packet:ReadBin())
      end
    end)
  end)))
  return listener:GetSockAddr()
end

describe("a pipeline", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "answers with a list in the order of its commands, in RESP" .. protocol,
      tasks.spec(function()
        local client = client_of(servers.shared(), { protocol = protocol })
        local p = client:Pipeline()
        p:Set("a", 1):Incr("a"):Get("nobody"):LPush("a", "x"):HSet("h", "x", "y"):HGetAll("h")
        p:Call("config", "get", "port")
        assert.are.equal(7, p:Size())
        local results = assert(p:Execute())
        assert.are.equal(7, #results)
        assert.are.same({ "OK", 2, redis.null }, { results[1], results[2], results[3] })
        assert.is_true(redis.is_error(results[4]))
        assert.are.equal("WRONGTYPE", results[4].code)
        assert.are.equal(1, results[5])
        assert.are.same({ x = "y" }, results[6])
        assert.is_truthy(results[7].port)
        assert.are.equal(1, client:Stats().errors)
      end)
    )
  end

  it(
    "can be used again, emptied, and executed empty",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local p = client:Pipeline()
      assert.are.same({}, p:Execute())
      assert.are.same({ 1, 2 }, p:Incr("n"):Incr("n"):Execute())
      assert.are.equal(0, p:Size())
      assert.are.same({}, p:Incr("n"):Discard():Execute())
      assert.are.same({ 3 }, p:Incr("n"):Execute())
    end)
  )

  it(
    "is executed at once when it is filled by a function",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local results = client:Pipeline(function(p, first, second)
        p:Set(first, second)
        p:get(first)
      end, "k", "v")
      assert.are.same({ "OK", "v" }, results)
    end)
  )

  it(
    "leaves in one piece: nothing of other tasks comes between",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local outcomes = {}
      co.scope(function(children)
        for n = 1, 10 do
          children:Spawn(function()
            outcomes[n] = client:Pipeline(function(p)
              for _ = 1, 20 do
                p:Incr("n")
              end
            end)
          end)
        end
      end)
      for n = 1, 10 do
        for i = 2, 20 do
          assert.are.equal(outcomes[n][1] + i - 1, outcomes[n][i])
        end
      end
      assert.are.equal("200", client:Get("n"))
    end)
  )

  it(
    "blames the line that queues a wrong argument, and queues nothing of it",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local p = client:Pipeline()
      for message, wrong in pairs({
        ["bad argument #1 to 'Get' %(string or number expected, got nil%)"] = function()
          p:Get(nil)
        end,
        ["bad argument #2 to 'Set'"] = function()
          p:Set("a", true)
        end,
        ["bad argument #1 to 'Call'"] = function()
          p:Call(nil)
        end,
        ["bad argument #1 to 'Execute' %(milliseconds expected, got %-1%)"] = function()
          p:Execute(-1)
        end,
        ["bad argument #1 to 'Pipeline' %(function expected, got 1%)"] = function()
          client:Pipeline(1)
        end,
        ["calling 'Execute' on bad self"] = function()
          p.Execute(client)
        end,
        ["calling 'Get' on bad self"] = function()
          p.Get(client, "a")
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert.is_false(fine)
        assert.matches("^%S*redis_pipeline_spec.lua:%d+: " .. message, why)
      end
      assert.are.equal(0, p:Size())
    end)
  )

  it(
    "refuses what waits and what changes the connection",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local p = client:Pipeline()
      for _, command in ipairs({
        { "BLPOP", "a", 1 },
        { "XREAD", "block", 0, "STREAMS", "a", "0" },
        { "XREAD", { "BLOCK", 0, "STREAMS", "a", "0" } },
        { "WAIT", 1, 0 },
        { "SUBSCRIBE", "a" },
        { "MONITOR" },
        { "SELECT", 1 },
        { "MULTI" },
        { "CLIENT", "REPLY", "OFF" },
      }) do
        local fine, why = co.pcall(function()
          p:Call(compat.unpack(command))
        end)
        assert(not fine, command[1])
        assert.matches("^%S*redis_pipeline_spec.lua:%d+: " .. command[1], why)
      end
      assert.are.equal(0, p:Size())
      p:XRead("COUNT", 1, "STREAMS", "a", "0"):XRead("STREAMS", "block", "0"):Wait(0, 1)
      assert.are.same({ redis.null, redis.null, 0 }, p:Execute())
    end)
  )

  it(
    "gives up in time, and what comes late is taken for no other reply",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local results, message, code, partial = client:Pipeline():Incr("a"):Incr("a"):Execute(20)
      server:Thaw()
      assert.is_nil(results)
      assert.matches("0 of 2 replies in time", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.same({}, partial)
      assert.are.same({ "x" }, client:Pipeline():Echo("x"):Execute())
      assert.are.same({}, partial)
      assert.are.equal("2", client:Get("a"))
      assert.are.equal(1, client:Stats().timeouts)
      assert.are.equal(0, client:Stats().in_flight)
    end)
  )

  it(
    "lets go of a task that is cancelled while it waits",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local waiting = tasks.parked(function()
        return client:Pipeline():Echo("late"):Echo("later"):Execute()
      end)
      waiting.task:Cancel()
      server:Thaw()
      assert.are.same({ "x", "y" }, client:Pipeline():Echo("x"):Echo("y"):Execute())
      assert.is_false(waiting.done)
    end)
  )

  it(
    "hands over the replies that came before the link broke",
    tasks.spec(function()
      local got = ""
      local addr = talker(function(conn, bytes)
        got = got .. bytes
        if select(2, got:gsub("ECHO", "")) == 3 then
          conn:Send(net.raw("+one\r\n-ERR two\r\n"))
          conn:Close(100)
        end
      end)
      local client = own(redis.client({ address = addr, protocol = 2 }))
      local p = client:Pipeline():Echo("1"):Echo("2"):Echo("3")
      local results, message, code, partial = p:Execute()
      assert.is_nil(results)
      assert.matches("2 of 3 replies had come, the others may have been carried out", message)
      assert.are.equal("EOF", code)
      assert.are.equal(2, #partial)
      assert.are.equal("one", partial[1])
      assert.are.equal("ERR two", tostring(partial[2]))
    end)
  )

  it(
    "tells of a server that is killed while it has the commands",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local waiting = tasks.parked(function()
        return client:Pipeline():Incr("a"):Incr("a"):Execute()
      end)
      server:Kill()
      tasks.finished(waiting)
      assert.is_nil(waiting[1])
      assert.is_truthy(({ EOF = true, ECONNRESET = true })[waiting[3]])
      assert.are.same({}, waiting[4])
      local _, message, code = client:Pipeline():Get("a"):Execute(30)
      assert.matches("^pipeline: ", message)
      assert.matches("^E", code)
    end)
  )

  it(
    "is sent again when the link broke, if all of it may be",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { in_flight = "retry", backoff_ms = 5 })
      assert(client:Ready())
      server:Freeze()
      local may = tasks.parked(function()
        return client:Pipeline():Set("a", 1):Get("a"):Execute()
      end)
      local may_not = tasks.parked(function()
        return client:Pipeline():Set("b", 1):Incr("b"):Execute()
      end)
      server:Restart()
      tasks.finished(may)
      tasks.finished(may_not)
      assert.are.same({ "OK", "1" }, may[1])
      assert.is_nil(may_not[1])
      assert.are.equal(1, client:Stats().repeats)
    end)
  )

  it(
    "sends nothing of more than it holds",
    tasks.spec(function()
      local client = client_of(servers.shared(), { send_limit = 1000 })
      local p = client:Pipeline()
      p:Set("a", ("x"):rep(600)):Set("b", ("x"):rep(600))
      local results, message, code, partial = p:Execute()
      assert.is_nil(results)
      assert.matches("more was queued than %d+ commands and 1000 bytes", message)
      assert.are.equal("ENOBUFS", code)
      assert.are.same({}, partial)
      assert.are.same({ 0 }, p:Exists("a"):Execute())
      for _ = 1, redis.limits.pipeline + 1 do
        p:Ping()
      end
      assert.are.equal("ENOBUFS", (select(3, p:Execute())))
    end)
  )

  it(
    "waits for room while others are under way",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server, { send_limit = 400 * 1024 })
      assert(client:Ready())
      server:Freeze()
      local done, text = 0, ("x"):rep(100 * 1024)
      co.scope(function(children)
        for n = 1, 30 do
          children:Spawn(function()
            local results = assert(client:Pipeline():Set("k" .. n, text):StrLen("k" .. n):Execute())
            assert.are.same({ "OK", #text }, results)
            done = done + 1
          end)
        end
        co.sleep(20)
        assert.are.equal(0, done)
        server:Thaw()
      end)
      assert.are.equal(30, done)
    end)
  )

  it(
    "goes through the transforms of its client, a command at a time",
    tasks.spec(function()
      local client = client_of(servers.shared(), {
        arguments = function(_, key, ...)
          return "mine:" .. key, ...
        end,
        replies = function(name, value)
          return name == "GET" and value .. "!" or value
        end,
      })
      local p = client:Pipeline():Set("a", "x"):Get("a"):Get("nobody"):LPush("a", 1)
      local results = p:Execute()
      assert.are.same({ "OK", "x!", redis.null }, { results[1], results[2], results[3] })
      assert.are.equal("WRONGTYPE", results[4].code)
    end)
  )

  it(
    "answers ESOCKCLOSE once its client is closed",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local p = client:Pipeline():Ping()
      client:Close()
      assert.are.equal("ESOCKCLOSE", (select(3, p:Execute())))
    end)
  )
end)
