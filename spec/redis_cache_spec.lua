--- Replies that are kept here: told once, forgotten when the server says so.
local chuck = require("chuck")
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

local function counted(client)
  return client:Stats().cache
end

--- Waits until the server has told of so many keys.
local function wait_told(client, count)
  tasks.wait("news of the server", function()
    return counted(client).invalidations >= count
  end)
end

--- How often the server was asked for a key since it began.
local function asked(server, name)
  return tonumber(server:Cli("INFO", "commandstats"):match("cmdstat_" .. name .. ":calls=(%d+)"))
    or 0
end

describe("a reply that is kept", function()
  teardown(servers.finish)

  it(
    "is asked for once, null included",
    spec(function()
      local server = servers.shared()
      local client = connect(server)
      server:Cli("CONFIG", "RESETSTAT")
      client:Set("key", "a\0b")
      for _ = 1, 10 do
        assert.are.equal("a\0b", client:Cached("key"))
        assert.is_nil((client:Cached("nobody")))
      end
      assert.are.equal(2, asked(server, "get"))
      local stats = counted(client)
      assert.is_true(stats.is_tracking)
      assert.are.equal(2, stats.entries)
      assert.are.equal(2, stats.misses)
      assert.are.equal(18, stats.hits)
    end)
  )

  it(
    "is forgotten when the key changes, is deleted, runs out, or everything is flushed",
    spec(function()
      local server = servers.shared()
      local client = connect(server)
      client:Set("key", "1")
      assert.are.equal("1", client:Cached("key"))
      server:Cli("SET", "key", "2")
      wait_told(client, 1)
      assert.are.equal("2", client:Cached("key"))
      server:Cli("DEL", "key")
      wait_told(client, 2)
      assert.is_nil((client:Cached("key")))
      client:Set("key", "3", "PX", 20)
      wait_told(client, 3)
      assert.are.equal("3", client:Cached("key"))
      wait_told(client, 4)
      assert.is_nil((client:Cached("key")))
      server:Cli("FLUSHALL")
      tasks.wait("an empty cache", function()
        return counted(client).entries == 0
      end)
    end)
  )

  it(
    "is forgotten after a write of the same client",
    spec(function()
      local client = connect(servers.shared())
      for i = 1, 100 do
        client:Set("key", i)
        assert.are.equal(tostring(i), client:Cached("key"))
        assert.are.equal(tostring(i), client:Cached("key"))
      end
      assert.are.equal(100, counted(client).hits)
    end)
  )

  it(
    "may be that of any command that reads keys, and is forgotten with each of them",
    spec(function()
      local client = connect(servers.shared())
      client:HSet("hash", "a", "1")
      local hash = client:CachedCall("HGETALL", "hash")
      assert.are.same({ a = "1" }, hash)
      assert.are.equal(hash, client:CachedCall("hgetall", "hash"))
      client:MSet("x", 1, "y", 2)
      assert.are.same({ "1", "2", redis.null }, client:CachedCall("MGET", "x", { "y", "z" }))
      client:Set("z", 3)
      wait_told(client, 1)
      assert.are.same({ "1", "2", "3" }, client:CachedCall("MGET", { "x", "y", "z" }))
      assert.are.equal("2", client:CachedCall("GETRANGE", "y", 0, 5))
      client:Del("y")
      wait_told(client, 2)
      assert.are.equal("", client:CachedCall("GETRANGE", "y", 0, 5))
      client:Set(5, "five")
      assert.are.equal("five", client:Cached(5))
      client:Set("5", "again")
      wait_told(client, 3)
      assert.are.equal("again", client:Cached(5))
      client:SAdd("s", "m")
      client:SAdd("t", "m")
      assert.are.same(1, client:CachedCall("SINTERCARD", 2, "s", "t"))
      client:SRem("t", "m")
      wait_told(client, 4)
      assert.are.same(0, client:CachedCall("SINTERCARD", 2, "s", "t"))
    end)
  )

  it(
    "is asked for once by many tasks, also when the first of them gives up",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      client:Set("key", "value")
      client:Cached("other")
      server:Freeze()
      local first = tasks.parked(client.Cached, client, "key")
      local others = {}
      for i = 1, 20 do
        others[i] = tasks.parked(client.Cached, client, "key")
      end
      first.task:Cancel()
      co.sleep(1)
      server:Thaw()
      for i = 1, 20 do
        assert.are.equal("value", tasks.finished(others[i])[1])
      end
      local stats = counted(client)
      assert.are.equal(2, stats.misses)
      assert.are.equal(20, stats.joins)
      assert.are.equal("value", client:Cached("key"))
      server:Kill()
    end)
  )

  it(
    "is not kept when it was changed on its way",
    spec(function()
      local client = connect(servers.shared())
      client:Set("key", "old")
      -- What the server would say to a proxy that brings things out of order.
      local from = client.keeper.link
      local value
      local reading = co.spawn(function()
        value = client:CachedCall("STRLEN", "key")
      end)
      co.yield()
      from.on_push(from, { "invalidate", { "key" } })
      reading:Join()
      assert.are.equal(3, value)
      assert.are.equal(0, counted(client).entries)
      assert.are.equal(3, client:CachedCall("STRLEN", "key"))
      assert.are.equal(1, counted(client).entries)
      reading = co.spawn(function()
        value = client:CachedCall("GETRANGE", "key", 0, 0)
      end)
      co.yield()
      from.on_push(from, { "invalidate", redis.null })
      reading:Join()
      assert.are.equal("o", value)
      assert.are.equal(0, counted(client).entries)
    end)
  )

  it(
    "goes with its connection",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      client:Set("key", "before")
      assert.are.equal("before", client:Cached("key"))
      server:Restart()
      tasks.wait("the loss", function()
        return client:Stats().losses == 1
      end)
      assert.are.equal(0, counted(client).entries)
      assert.is_nil((client:Cached("key")))
      client:Set("key", "after")
      wait_told(client, 1)
      assert.are.equal("after", client:Cached("key"))
      assert.are.equal("after", client:Cached("key"))
      server:Kill()
    end)
  )

  it(
    "is told as lost with the connection, or asked for again",
    spec(function()
      local server = servers.server()
      local client = connect(server)
      local again = connect(server, { in_flight = "retry" })
      client:Cached("other")
      again:Cached("other")
      server:Freeze()
      local lost = tasks.parked(client.Cached, client, "key")
      local kept = tasks.parked(again.Cached, again, "key")
      server:Restart()
      server:Cli("SET", "key", "new")
      local outcome = tasks.finished(lost)
      assert.is_nil(outcome[1])
      assert.is_truthy(outcome[3] == "EOF" or outcome[3] == "ECONNRESET", outcome[3])
      assert.are.equal(1, tasks.finished(kept).n)
      server:Kill()
    end)
  )

  it(
    "has to be there in time",
    spec(function()
      local server = servers.server()
      local client = connect(server, { timeout_ms = 40 })
      client:Cached("other")
      server:Freeze()
      local value, why, code = client:Cached("key")
      assert.is_nil(value)
      assert.are.equal("ETIMEDOUT", code, why)
      server:Thaw()
      tasks.wait("the reply", function()
        return counted(client).entries == 2
      end)
      client:Close()
      assert.are.equal("ESOCKCLOSE", select(3, client:Cached("key")))
      server:Kill()
    end)
  )

  it(
    "makes room for others: by number and by bytes, used last goes last",
    spec(function()
      local client = connect(servers.shared(), { cache = { entries = 3 } })
      for _, key in ipairs({ "a", "b", "c", "a", "d", "a", "e" }) do
        client:Cached(key)
      end
      local stats = counted(client)
      assert.are.equal(3, stats.entries)
      assert.are.equal(2, stats.evictions)
      assert.are.equal(2, stats.hits)
      client:Cached("a")
      assert.are.equal(3, counted(client).hits)
      local small = connect(servers.shared(), { cache = { bytes = 10000 } })
      small:Set("large", ("x"):rep(20000))
      assert.are.equal(20000, #small:Cached("large"))
      assert.are.equal(0, counted(small).entries)
      for i = 1, 200 do
        small:Set(i, ("x"):rep(1000))
        small:Cached(i)
        assert.is_true(counted(small).bytes <= 10000)
      end
      assert.is_true(counted(small).entries >= 7)
    end)
  )

  it(
    "is no error of the server",
    spec(function()
      local client = connect(servers.shared())
      client:Set("key", "text")
      for _ = 1, 2 do
        assert.are.equal("WRONGTYPE", select(3, client:CachedCall("LRANGE", "key", 0, -1)))
      end
      assert.are.equal(2, counted(client).misses)
      assert.are.equal(0, counted(client).entries)
    end)
  )

  it(
    "is none by RESP2, and where the server does not track",
    spec(function()
      local server = servers.server({
        users = { "alice on >pw ~* &* +@all -client|tracking", "bob on >pw ~a* &* +@all" },
      })
      server:Cli("SET", "a", "1")
      for _, options in ipairs({
        { protocol = 2 },
        { username = "alice", password = "pw" },
      }) do
        local client = connect(server, options)
        for _ = 1, 3 do
          assert.are.equal("1", client:Cached("a"))
          assert.are.equal(1, client:CachedCall("STRLEN", "a"))
        end
        assert.is_false(counted(client).is_tracking)
        assert.are.equal(0, counted(client).entries)
        client:Close()
      end
      local bob = connect(server, { username = "bob", password = "pw" })
      assert.are.equal("1", bob:Cached("a"))
      assert.are.equal("NOPERM", select(3, bob:Cached("b")))
      server:Kill()
    end)
  )

  it(
    "has its arguments and replies changed as others",
    spec(function()
      local client = connect(servers.shared(), {
        arguments = function(_, key, ...)
          return "my:" .. key, ...
        end,
        replies = function(_, value)
          return "<" .. value .. ">"
        end,
      })
      client:Set("key", "v")
      assert.are.equal("<v>", client:Cached("key"))
      assert.are.equal("<v>", client:Cached("key"))
      assert.are.equal(1, counted(client).hits)
    end)
  )

  it(
    "has its arguments changed once where nothing is kept",
    spec(function()
      local client = connect(servers.shared(), {
        protocol = 2,
        arguments = function(_, key, ...)
          return "my:" .. key, ...
        end,
      })
      client:Set("key", "v")
      assert.are.equal("v", client:Cached("key"))
      assert.are.equal("v", client:CachedCall("GET", "key"))
    end)
  )

  it(
    "costs a table look-up: thousands are flat in memory",
    spec(function()
      local client = connect(servers.shared(), { cache = { entries = 100 } })
      local function round()
        for i = 1, 2000 do
          client:Cached("key " .. i)
        end
        collectgarbage()
        collectgarbage()
        return collectgarbage("count")
      end
      round()
      local before = round()
      assert.is_true(round() < before + 64)
      assert.are.equal(100, counted(client).entries)
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function()
      local client = connect(servers.shared())
      for _, call in ipairs({
        { client.Cached, client },
        { client.Cached, client, {} },
        { client.Cached, {}, "key" },
        { client.CachedCall, client },
        { client.CachedCall, client, 5 },
        { client.CachedCall, client, "SET", "a", 1 },
        { client.CachedCall, client, "PING" },
        { client.CachedCall, client, "GET" },
        { client.CachedCall, client, "GET", false },
        { client.CachedCall, client, "NO SUCH", "a" },
        { redis.client, { cache = { entries = 0 } } },
        { redis.client, { cache = { size = 1 } } },
        { redis.client, { cache = 5 } },
      }) do
        local fine, problem = co.pcall(function()
          local value = call[1](compat.unpack(call, 2, 5))
          return value
        end)
        assert.is_false(fine)
        assert.is_truthy(tostring(problem):find("redis_cache_spec.lua", 1, true), problem)
      end
    end)
  )
end)
