--- Transactions: MULTI and EXEC in one piece, and WATCH until nobody was faster.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis
local compat = require("chuck.support.compat")

local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own, pack = tasks.own, compat.pack

local function client_of(server, options)
  options = options or {}
  options.address = options.address or server.address
  return own(redis.client(options))
end

--- How many connections a server has, without the one that asks.
local function connections(server)
  return tonumber(server:Info("connected_clients")) - 1
end

describe("a transaction", function()
  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "answers with its results and what its function returned, in RESP" .. protocol,
      tasks.spec(function()
        local client = client_of(servers.shared(), { protocol = protocol })
        local answer = pack(client:Multi(function(tx, key)
          tx:Incr(key):HSet("h", "x", "y"):HGetAll("h"):Get("nobody")
          return "more", nil
        end, "n"))
        assert.are.same({ n = 3, { 1, 1, { x = "y" }, redis.null }, "more", nil }, answer)
      end)
    )
  end

  it(
    "has errors of its commands in their places",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local results = client:Multi(function(tx)
        tx:Set("a", "x"):LPush("a", 1):Get("a")
      end)
      assert.are.same({ "OK", "x" }, { results[1], results[3] })
      assert.are.equal("WRONGTYPE", results[2].code)
    end)
  )

  it(
    "is not carried out when the server refuses a command, and says which",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local results, message, code, err = client:Multi(function(tx)
        tx:Set("a", 1):Call("NOSUCH", 1):Get("a"):Call("GET")
      end)
      assert.is_nil(results)
      assert.matches("command 2, NOSUCH: ERR unknown command", message)
      assert.matches("command 4, GET: ERR wrong number of arguments", message)
      assert.are.equal("EXECABORT", code)
      assert.is_true(redis.is_error(err))
      assert.are.equal(0, client:Exists("a"))
    end)
  )

  it(
    "is given up when its function returns false, raises, or queues nothing",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert.is_false(client:Multi(function(tx)
        tx:Set("a", 1)
        return false
      end))
      local fine, why = co.pcall(client.Multi, client, function(tx)
        tx:Set("a", 1)
        error({ mine = true })
      end)
      assert.is_false(fine)
      assert.is_true(why.mine)
      assert.are.same(
        { n = 2, {}, 7 },
        pack(client:Multi(function()
          return 7
        end))
      )
      assert.are.equal(0, client:Exists("a"))
    end)
  )

  it(
    "is nothing that others come between",
    tasks.spec(function()
      local client = client_of(servers.shared())
      co.scope(function(children)
        for _ = 1, 20 do
          children:Spawn(function()
            local results = client:Multi(function(tx)
              tx:Incr("n"):Incr("n")
            end)
            assert.are.equal(results[1] + 1, results[2])
          end)
          children:Spawn(client.Incr, client, "n")
        end
      end)
      assert.are.equal("60", client:Get("n"))
    end)
  )

  it(
    "says so when MULTI itself is refused",
    tasks.spec(function()
      local server = servers.server({ users = { "alice on >pw ~* +@all -multi" } })
      local client = client_of(server, { username = "alice", password = "pw" })
      local results, message, code, err = client:Multi(function(tx)
        tx:Set("a", 1)
      end)
      assert.is_nil(results)
      assert.matches("MULTI was refused, the commands were not kept together", message)
      assert.are.equal("NOPERM", code)
      assert.is_true(redis.is_error(err))
      server:Stop()
    end)
  )

  it(
    "tells of a server that is killed before it has answered",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local waiting = tasks.parked(client.Multi, client, function(tx)
        tx:Incr("a")
      end)
      server:Kill()
      tasks.finished(waiting)
      assert.is_nil(waiting[1])
      assert.matches("may have been carried out", waiting[2])
      assert.is_truthy(({ EOF = true, ECONNRESET = true })[waiting[3]])
    end)
  )

  it(
    "has every kind of wrong argument blame the caller's line",
    tasks.spec(function()
      local client = client_of(servers.shared())
      for message, wrong in pairs({
        ["bad argument #1 to 'Multi' %(function expected, got nil%)"] = function()
          client:Multi()
        end,
        ["a transaction is executed when its function has returned"] = function()
          client:Multi(function(tx)
            tx:Ping():Execute()
          end)
        end,
        ["bad argument #1 to 'Get'"] = function()
          client:Multi(function(tx)
            tx:Get(nil)
          end)
        end,
        ["BLPOP waits"] = function()
          client:Multi(function(tx)
            tx:BLPop("a", 1)
          end)
        end,
        ["bad argument #1 to 'Watch' %(key or list of keys expected, got table%)"] = function()
          client:Watch({}, print)
        end,
        ["bad argument #1 to 'Watch' %(string expected in place 2, got boolean%)"] = function()
          client:Watch({ "a", true }, print)
        end,
        ["bad argument #2 to 'Watch' %(function expected, got nil%)"] = function()
          client:Watch("a")
        end,
        ["bad argument #3 to 'Watch' %(positive integer expected, got 0%)"] = function()
          client:Watch("a", print, 0)
        end,
        ["SUBSCRIBE changes the connection"] = function()
          client:Watch("a", function(session)
            session:Subscribe("x")
          end)
        end,
        ["MULTI changes the connection"] = function()
          client:Watch("a", function(session)
            session:Call("MULTI")
          end)
        end,
        ["calling 'Get' on bad self"] = function()
          client:Watch("a", function(session)
            session.Get(client, "x")
          end)
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert(not fine, message)
        assert.matches("^%S*redis_multi_spec.lua:%d+: " .. message, why)
      end
    end)
  )
end)

describe("a watched transaction", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "begins anew when somebody was faster, in RESP" .. protocol,
      tasks.spec(function()
        local client = client_of(servers.shared(), { protocol = protocol })
        client:Set("n", 5)
        client:HSet("h", "x", "y")
        local tries = 0
        local answer = pack(client:Watch({ "n", "m" }, function(session, tx)
          tries = tries + 1
          local n = tonumber(session:Get("n"))
          assert.are.same({ x = "y" }, session:HGetAll("h"))
          assert.is_number(session:client("id"))
          if tries < 3 then
            client:Incr("n")
          end
          tx:Set("n", n * 2):HGetAll("h")
          return n, "more"
        end))
        assert.are.same({ n = 3, { "OK", { x = "y" } }, 7, "more" }, answer)
        assert.are.equal(3, tries)
        assert.are.equal("14", client:Get("n"))
      end)
    )
  end

  it(
    "gives up after so many tries",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local tries = 0
      local results, message, code = client:Watch("n", function(_, tx)
        tries = tries + 1
        client:Incr("n")
        tx:Set("n", 0)
      end, 3)
      assert.is_nil(results)
      assert.matches("changed what is watched in each of 3 tries", message)
      assert.are.equal("EAGAIN", code)
      assert.are.equal(3, tries)
      assert.are.equal("3", client:Get("n"))
    end)
  )

  it(
    "loses no change of many tasks, and keeps few connections",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      co.scope(function(children)
        for _ = 1, 8 do
          children:Spawn(function()
            for _ = 1, 5 do
              assert(client:Watch("n", function(session, tx)
                tx:Set("n", (tonumber(session:Get("n")) or 0) + 1)
              end, 1000))
            end
          end)
        end
      end)
      assert.are.equal("40", client:Get("n"))
      assert.is_true(connections(server) <= 1 + redis.limits.watch_idle)
    end)
  )

  it(
    "is given up when its function returns false, and leaves nothing watched",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert.is_false(client:Watch("n", function(_, tx)
        tx:Set("n", 1)
        return false
      end))
      client:Incr("n")
      local tries = 0
      assert(client:Watch("other", function(_, tx)
        tries = tries + 1
        tx:Set("other", 1)
      end))
      assert.are.equal(1, tries)
      assert.are.equal(2, connections(server))
    end)
  )

  it(
    "passes errors of its function on, and closes its connection",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      local fine, why = co.pcall(client.Watch, client, "n", function()
        error({ mine = true })
      end)
      assert.is_false(fine)
      assert.is_true(why.mine)
      tasks.wait("the connection to be closed", function()
        return connections(server) == 1
      end)
    end)
  )

  it(
    "ends with its task, at every wait",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert(client:Ready())
      local waiting = tasks.parked(client.Watch, client, "n", function()
        co.sleep(10000)
      end)
      waiting.task:Cancel()
      server:Freeze()
      local blocked = tasks.parked(client.Watch, client, "n", print)
      blocked.task:Cancel()
      server:Thaw()
      tasks.wait("the connections to be closed", function()
        return connections(server) == 1
      end)
      assert(client:Watch("n", function(_, tx)
        tx:Set("n", 1)
      end))
    end)
  )

  it(
    "has a session that ends with it",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local kept
      assert(client:Watch("n", function(session)
        kept = session
      end))
      local value, message, code = kept:Get("n")
      assert.is_nil(value)
      assert.matches("the session has ended", message)
      assert.are.equal("ESOCKCLOSE", code)
    end)
  )

  it(
    "takes another connection when the server has ended the one that was kept",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      local function set(_, tx)
        tx:Set("n", 1)
      end
      assert(client:Watch("n", set))
      server:Cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
      assert.are.same({ "OK" }, client:Watch("n", set))
    end)
  )

  it(
    "tells its function, and its caller, of a server that is killed",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { timeout_ms = 300 })
      local inner
      local results, message, code = client:Watch("n", function(session, tx)
        server:Kill()
        inner = pack(session:Get("n"))
        tx:Set("n", 1)
      end)
      assert.is_nil(inner[1])
      assert.is_truthy(({ EOF = true, ECONNRESET = true, EPIPE = true })[inner[3]])
      assert.is_nil(results)
      assert.matches("^transaction: ", message)
      assert.is_truthy(({ EOF = true, ECONNRESET = true, EPIPE = true })[code])
    end)
  )

  it(
    "is refused as its connection is",
    tasks.spec(function()
      local server = servers.server({ password = "secret" })
      local client = client_of(server, { password = "wrong" })
      local results, message, code, err = client:Watch("n", print)
      assert.is_nil(results)
      assert.matches("WRONGPASS", message)
      assert.are.equal("WRONGPASS", code)
      assert.is_true(redis.is_error(err))
    end)
  )

  it(
    "keeps no connection that comes when its client is closed already",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      assert(client:Ready())
      server:Freeze()
      local waiting = tasks.parked(client.Watch, client, "n", print)
      client:Close()
      server:Thaw()
      tasks.finished(waiting)
      assert.are.equal("ESOCKCLOSE", waiting[3])
      tasks.wait("the connections to be closed", function()
        return connections(server) == 0
      end)
    end)
  )

  it(
    "keeps no connection once its client is closed",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      client:Watch("n", function(_, tx)
        client:Close()
        tx:Set("n", 1)
      end)
      assert.are.equal("ESOCKCLOSE", (select(3, client:Watch("n", print))))
      tasks.wait("the connections to be closed", function()
        return connections(server) == 0
      end)
    end)
  )
end)
