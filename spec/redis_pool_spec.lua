--- Pools: several connections as one client.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis

local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own = tasks.own

local function pool_of(server, options)
  options = options or {}
  options.address = server.address
  return own(redis.pool(options))
end

describe("a pool", function()
  teardown(servers.finish)

  it(
    "has so many connections, and all that a client can",
    tasks.spec(function()
      local server = servers.shared()
      local pool = pool_of(server, { size = 3, client_name = "mine" })
      assert.is_true(pool:Ready(5000))
      local _, count = server:Cli("CLIENT", "LIST"):gsub("name=mine", "")
      assert.are.equal(3, count)
      assert.are.equal("OK", pool:Set("a", 1))
      assert.are.equal("1", pool:get("a"))
      assert.are.equal("1", pool:Call("get", "a"))
      assert.are.equal("1", pool:CallWith({ timeout_ms = 100 }, "GET", "a"))
      assert.are.same({ 2 }, pool:Pipeline():Incr("a"):Execute())
      assert.are.same({ 3 }, (pool:Multi(function(tx)
        tx:Incr("a")
      end)))
      assert.are.same({ "OK" }, (pool:Watch("a", function(session, tx)
        tx:Set("a", session:Get("a") + 1)
      end)))
      assert.are.equal("4", (pool:Get("a")))
      assert.are.equal(7, pool:Run(redis.script("return 7")))
      assert.are.equal("a", pool:Scan():Next())
      for _ = 1, 4 do
        assert.are.equal("4", pool:Cached("a"))
        assert.are.equal("4", pool:CachedCall("GET", "a"))
      end
      server:Cli("SET", "a", "5")
      tasks.wait("the news", function()
        return pool:Cached("a") == "5"
      end)
    end)
  )

  it(
    "chooses the connection that has the least to do",
    tasks.spec(function()
      local pool = pool_of(servers.shared(), { size = 3 })
      assert(pool:Ready())
      local ids = {}
      for _ = 1, 6 do
        ids[pool:ClientId()] = true
      end
      local count = 0
      for _ in pairs(ids) do
        count = count + 1
      end
      assert.are.equal(3, count)
      pool:With(function(client)
        local own_id = client:ClientId()
        co.scope(function(children)
          children:Spawn(client.Pipeline, client, function(p)
            for _ = 1, 100 do
              p:Ping()
            end
          end)
          for _ = 1, 6 do
            children:Spawn(function()
              assert.are_not.equal(own_id, pool:ClientId())
            end)
          end
        end)
      end)
    end)
  )

  it(
    "gives one connection to a function, and returns what that does",
    tasks.spec(function()
      local pool = pool_of(servers.shared(), { size = 4 })
      local same, more = pool:With(function(client, given)
        return client:ClientId() == client:ClientId(), given
      end, "given")
      assert.is_true(same)
      assert.are.equal("given", more)
      local fine, why = co.pcall(pool.With, pool, function()
        error({ mine = true })
      end)
      assert.is_false(fine)
      assert.is_true(why.mine)
    end)
  )

  it(
    "adds the counters of its clients up",
    tasks.spec(function()
      local pool = pool_of(servers.shared(), { size = 2 })
      assert(pool:Ready())
      for n = 1, 10 do
        pool:Set("k", n)
        pool:LPush("k", n)
      end
      local stats = pool:Stats()
      assert.are.same(
        { 2, 2, 2, 10 },
        { stats.size, stats.connected, stats.connects, stats.errors }
      )
      assert.is_true(stats.replies >= 20)
    end)
  )

  it(
    "goes on while connections break, one by one and all",
    tasks.spec(function()
      local server = servers.server()
      local pool = pool_of(server, { size = 3, backoff_ms = 5, in_flight = "retry" })
      assert(pool:Ready())
      server:Cli("CLIENT", "KILL", "TYPE", "normal")
      for n = 1, 6 do
        assert.are.equal("OK", pool:Set("k" .. n, n))
      end
      server:Kill()
      local _, _, code = pool:CallWith({ timeout_ms = 50 }, "GET", "k1")
      assert.matches("^E", code)
      server:Restart()
      assert.is_true(pool:Ready(10000))
      assert.is_nil((pool:Get("k1")))
      assert.are.equal(3, pool:Stats().connected)
    end)
  )

  it(
    "is refused as its connections are",
    tasks.spec(function()
      local server = servers.server({ password = "secret" })
      local pool = pool_of(server, { size = 2, password = "wrong" })
      assert.are.equal("WRONGPASS", (select(3, pool:Ready())))
      assert.are.equal("WRONGPASS", (select(3, pool:Get("a"))))
    end)
  )

  it(
    "ends all of them at once, and who waits",
    tasks.spec(function()
      local server = servers.shared()
      local pool = pool_of(server, { size = 2 })
      assert(pool:Ready())
      server:Freeze()
      local waiting = tasks.parked(pool.Get, pool, "a")
      local cancelled = tasks.parked(pool.Get, pool, "a")
      cancelled.task:Cancel()
      pool:Close()
      pool:Close()
      server:Thaw()
      tasks.finished(waiting)
      assert.are.equal("ESOCKCLOSE", waiting[3])
      assert.is_true(pool:IsClosed())
      assert.are.equal("ESOCKCLOSE", (select(3, pool:Get("a"))))
      assert.are.equal("ESOCKCLOSE", (select(3, pool:Ready())))
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    tasks.spec(function()
      local pool = pool_of(servers.shared(), { size = 1 })
      for message, wrong in pairs({
        ["bad argument #1 to 'pool' %(option size: positive integer expected, got 0%)"] = function()
          redis.pool({ size = 0 })
        end,
        ["bad argument #1 to 'pool' %(option size: 1001 connections, limit is 1000%)"] = function()
          redis.pool({ size = 1001 })
        end,
        ["bad argument #1 to 'pool' %(unknown option sizes%)"] = function()
          redis.pool({ sizes = 1 })
        end,
        ["bad argument #1 to 'With' %(function expected, got nil%)"] = function()
          pool:With()
        end,
        ["bad argument #1 to 'Ready'"] = function()
          pool:Ready("soon")
        end,
        ["bad argument #1 to 'Get'"] = function()
          pool:Get(nil)
        end,
        ["bad argument #1 to 'Multi'"] = function()
          pool:Multi()
        end,
        ["SELECT changes the connection"] = function()
          pool:Select(1)
        end,
        ["calling 'Stats' on bad self"] = function()
          pool.Stats({})
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert(not fine, message)
        assert.matches("^%S*redis_pool_spec.lua:%d+: " .. message, why)
      end
    end)
  )
end)
