--- A client of a real cluster of six: three masters, each with a replica.
local assert = require("luassert")
local chuck = require("chuck")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis

describe("a client of a cluster", function()
  local nodes

  setup(function()
    nodes = servers.cluster(3, 3)
  end)

  teardown(servers.finish)

  before_each(function()
    for _, node in ipairs(nodes.nodes) do
      if node.pid then
        node:Cli("FLUSHALL")
      end
    end
  end)

  --- A client that knows one node, the first that runs.
  local function open(options)
    options = options or {}
    for _, node in ipairs(nodes.nodes) do
      if node.pid and not options.nodes then
        options.nodes = { node.address }
      end
    end
    return tasks.own(redis.cluster(options))
  end

  --- Keys of three masters: one in each third of the slots.
  local KEYS = { "bar", "qux", "foo" }

  it(
    "knows the map after it has asked any node",
    tasks.spec(function()
      local cluster = open()
      assert.is_true(cluster:Ready())
      local stats = cluster:Stats()
      assert.are.equal(3, stats.masters)
      assert.are.equal(1, stats.refreshes)
      assert.is_true(#cluster:Nodes() >= 3)
    end)
  )

  it(
    "takes one address, a URI, and nodes of which some are dead",
    tasks.spec(function()
      local address = nodes.nodes[1].address
      for _, given in ipairs({
        address,
        "redis://" .. address,
        { uri = "redis://" .. address .. "/0" },
        { nodes = { "127.0.0.1:1", "redis://" .. address } },
        { nodes = { { host = "127.0.0.1", port = nodes.nodes[1].port } } },
        { "127.0.0.1:1", address, timeout_ms = 5000 },
      }) do
        local cluster = tasks.own(redis.cluster(given))
        assert.is_true(cluster:Ready())
        assert.are.equal("OK", cluster:Set("key", "value"))
      end
    end)
  )

  it(
    "sends each command to the node of its key, at once",
    tasks.spec(function()
      local cluster = open()
      for i, key in ipairs(KEYS) do
        assert.are.equal("OK", cluster:Set(key, i))
        assert.are.equal(tostring(i), cluster:Get(key))
        assert.are.equal(i, cluster:LPush("{" .. key .. "}:list", "x") and i)
        assert.are.equal("2", nodes.nodes[i]:Cli("DBSIZE"))
      end
      assert.are.equal(0, cluster:Stats().redirections)
      assert.is_nil(cluster:Get("nobody"))
      local value, message, code, err = cluster:LPop("foo")
      assert.is_nil(value)
      assert.is_truthy(message:find("WRONGTYPE", 1, true))
      assert.are.equal("WRONGTYPE", code)
      assert.is_true(redis.is_error(err))
    end)
  )

  it(
    "finds the keys of commands wherever they stand",
    tasks.spec(function()
      local cluster = open()
      assert.are.equal(7, cluster:Eval("return #KEYS[1] + ARGV[1]", 1, "foo", 4))
      assert.are.equal(2, cluster:ZAdd("{foo}z", 1, "a", 2, "b"))
      assert.are.equal(2, cluster:ZUnionStore("{foo}sum", 2, "{foo}z", "{foo}none"))
      assert.is_string(cluster:XAdd("{foo}stream", "*", "a", "1"))
      assert.is_table(cluster:Call("XREAD", "COUNT", 1, "STREAMS", "{foo}stream", 0))
      assert.are.equal(
        "skiplist",
        cluster:Call("OBJECT", "ENCODING", "{foo}z"):gsub("listpack", "skiplist")
      )
      assert.are.equal("OK", cluster:MSet({ ["{foo}1"] = 1, ["{foo}2"] = 2 }))
      assert.are.equal(2, cluster:Sort("{foo}z", "BY", "nosort", "STORE", "{foo}sorted"))
      assert.are.equal("OK", cluster:Set(12, 13))
      assert.are.equal("13", cluster:Get("12"))
      assert.are.equal(0, cluster:Stats().redirections)
    end)
  )

  it(
    "sends commands without a key to any master, and what it does not know where told",
    tasks.spec(function()
      local cluster = open()
      assert.are.equal("PONG", cluster:Ping())
      assert.are.equal("hey", cluster:Echo("hey"))
      local value, _, code = cluster:Call("NOSUCH", "foo")
      assert.is_nil(value)
      assert.are.equal("ERR", code)
    end)
  )

  it(
    "splits commands of many keys and joins their answers in order",
    tasks.spec(function()
      local cluster = open()
      local pairs_of, keys, expected = {}, {}, {}
      for i = 1, 300 do
        keys[i], expected[i] = "key" .. i, tostring(i)
        pairs_of["key" .. i] = i
      end
      assert.are.equal("OK", cluster:MSet(pairs_of))
      assert.are.same(expected, cluster:MGet(keys))
      assert.are.same({ "3", redis.null, "1" }, cluster:MGet("key3", "nobody", "key1"))
      assert.are.equal(3, cluster:Exists("key1", "key2", "nobody", "key3"))
      assert.are.equal(300, cluster:Touch(keys))
      assert.are.equal(300, cluster:DbSize())
      assert.are.equal(300, #cluster:Keys("*"))
      assert.is_string(cluster:RandomKey())
      assert.are.equal(2, cluster:Del("key1", "key2", "nobody"))
      assert.are.equal(2, cluster:Unlink("key3", "key4"))
      assert.are.equal("OK", cluster:FlushAll())
      assert.are.equal(0, cluster:DbSize())
      local value, _, code = cluster:MSet("a", 1, "b")
      assert.is_nil(value)
      assert.is_truthy(code == "CROSSSLOT" or code == "ERR")
    end)
  )

  it(
    "tells an error of one part of a split command",
    tasks.spec(function()
      local cluster = open()
      local value, message, code = cluster:Rename("a", "b")
      assert.is_nil(value)
      assert.are.equal("CROSSSLOT", code)
      assert.is_truthy(message:find("RENAME: its keys are in several slots", 1, true))
      assert.are.equal(0, cluster:Stats().errors)
    end)
  )

  it(
    "raises at the caller's line for wrong arguments",
    tasks.spec(function()
      local cluster = open()
      cluster:Ready()
      local function complains(text, fn)
        local fine, problem = co.pcall(fn)
        assert.is_false(fine)
        assert.is_truthy(problem:find("redis_cluster_spec.lua:%d+: "), problem)
        assert.is_truthy(problem:find(text, 1, true), problem)
      end
      complains("bad argument #2 to 'Set' (string or number expected, got boolean)", function()
        local _ = cluster:Set("key", true)
      end)
      complains("bad argument #1 to 'Del' (list expected, got a table with key 1", function()
        local _ = cluster:Del({ "foo", "bar", n = 2 })
      end)
      complains("bad argument #1 to 'Get'", function()
        local _ = cluster:Get(nil)
      end)
      complains("bad argument #2 to 'MSet'", function()
        local _ = cluster:MSet("a", true, "b", 1)
      end)
      complains("queue it in a pipeline", function()
        local _ = cluster:Wait(1, 10)
      end)
      for _, name in ipairs({ "Monitor", "Cached", "CachedCall" }) do
        complains(("'%s' is for one server: use the client of a node"):format(name), function()
          cluster[name](cluster, "key")
        end)
      end
      local lost = tasks.own(redis.cluster({ "127.0.0.1:1" }))
      complains("bad argument #1 to 'Watch' (key or list of keys expected, got nil)", function()
        lost:Watch(nil, print)
      end)
      complains("bad argument #2 to 'Watch' (function expected, got nil)", function()
        lost:Watch("key")
      end)
      complains("bad argument #2 to 'BLPop' (string or number expected, got boolean)", function()
        lost:BLPop("key", true)
      end)
      complains("bad argument #1 to 'Ready' (milliseconds expected, got string)", function()
        lost:Ready("soon")
      end)
      complains("use the options username and password", function()
        local _ = cluster:Auth("x")
      end)
      complains('option reads: "master", "replica" or "any" expected, got "some"', function()
        redis.cluster({ nodes = { "127.0.0.1:1" }, reads = "some" })
      end)
      complains("option nodes: host:port or URI expected, got nowhere", function()
        redis.cluster({ nodes = { "nowhere" } })
      end)
      complains("option nodes: list of strings expected", function()
        redis.cluster({ nodes = { { host = "127.0.0.1", port = "x" } } })
      end)
      complains("database 0 only", function()
        redis.cluster({ nodes = { "127.0.0.1:1" }, db = 1 })
      end)
      complains("one database", function()
        redis.cluster("redis://127.0.0.1:1/2")
      end)
      complains("no Unix socket, no TLS and one database)", function()
        redis.cluster("redis://:secret@127.0.0.1:1/2")
      end)
      complains("unknown option nope", function()
        redis.cluster({ nope = 1 })
      end)
      complains("calling 'Get' on bad self (redis.cluster expected, got table)", function()
        cluster.Get({}, "a")
      end)
    end)
  )

  it(
    "splits pipelines by node and joins their results in order",
    tasks.spec(function()
      local cluster = open()
      local p = cluster:Pipeline()
      for i = 1, 100 do
        p:Set("key" .. i, i)
      end
      p:MGet("key1", "key2", "key3"):Get("nobody"):LPush("key1", "x"):DbSize():Ping():HGetAll("h")
      local results = assert(p:Execute())
      assert.are.equal(106, #results)
      assert.are.equal("OK", results[100])
      assert.are.same({ "1", "2", "3" }, results[101])
      assert.are.equal(redis.null, results[102])
      assert.are.equal("WRONGTYPE", results[103].code)
      assert.are.equal(100, results[104])
      assert.are.equal("PONG", results[105])
      assert.are.same({}, results[106])
      local none, _, code = cluster:Pipeline(function(tx)
        tx:Set("a", 1)
        tx:Rename("a", "b")
      end)
      assert.is_nil(none)
      assert.are.equal("CROSSSLOT", code)
      assert.is_nil(cluster:Get("a"))
    end)
  )

  it(
    "sends WAIT behind the write that it is about",
    tasks.spec(function()
      local cluster = open()
      for _, key in ipairs(KEYS) do
        local results = assert(cluster:Pipeline(function(p)
          p:Set(key, 1)
          p:Wait(1, 5000)
        end))
        assert.are.same({ "OK", 1 }, results)
      end
    end)
  )

  it(
    "carries out a transaction in one slot, and none in two",
    tasks.spec(function()
      local cluster = open()
      local results = assert(cluster:Multi(function(tx)
        tx:Set("{foo}a", 1)
        tx:Incr("{foo}a")
        tx:HGetAll("{foo}none")
      end))
      assert.are.same({ "OK", 2, {} }, results)
      local none, _, code = cluster:Multi(function(tx)
        tx:Incr("a")
        tx:Incr("b")
      end)
      assert.is_nil(none)
      assert.are.equal("CROSSSLOT", code)
      assert.is_nil(cluster:Get("a"))
      for _, key in ipairs(KEYS) do
        key = "{" .. key .. "}number"
        cluster:Set(key, 1)
        results = assert(cluster:Multi(function(tx)
          tx:Object("ENCODING", key)
        end))
        assert.are.same({ "int" }, results)
      end
      assert.are.equal(0, cluster:Stats().redirections)
      none, _, code = cluster:Multi(function(tx)
        tx:Call("NOSUCH", "foo")
      end)
      assert.is_nil(none)
      assert.are.equal("EXECABORT", code)
      local watched = cluster:Watch("foo", function(session, tx)
        tx:Set("foo", (tonumber(session:Get("foo")) or 0) + 1)
      end)
      assert.are.same({ "OK" }, watched)
      assert.are.equal("1", cluster:Get("foo"))
    end)
  )

  it(
    "runs scripts on the node of their keys",
    tasks.spec(function()
      local cluster = open()
      local made = redis.script("return { KEYS[1], ARGV[1] }")
      for i, key in ipairs(KEYS) do
        assert.are.same({ key, tostring(i) }, cluster:Run(made, { key }, { i }))
        assert.are.same({ key, tostring(i) }, cluster:Run(made, { key }, { i }))
      end
      local results = assert(cluster:Pipeline(function(p)
        for i, key in ipairs(KEYS) do
          p:Run(made, { key }, { i })
        end
      end))
      assert.are.same({ "foo", "3" }, results[3])
      local sha = cluster:Script("LOAD", "return 7")
      assert.are.same({ 1, 0 }, cluster:Script("EXISTS", sha, ("0"):rep(40)))
    end)
  )

  it(
    "scans all masters",
    tasks.spec(function()
      local cluster = open()
      local seen, count = {}, 0
      for i = 1, 200 do
        cluster:Set("key" .. i, i)
      end
      local scan = cluster:Scan({ match = "key*", count = 20 })
      local key, message = scan:Next()
      while key do
        count = count + (seen[key] and 0 or 1)
        seen[key] = true
        key, message = scan:Next()
      end
      assert.is_nil(message)
      assert.are.equal(200, count)
    end)
  )

  it(
    "lets blocking commands wait at the node of their keys",
    tasks.spec(function()
      local cluster = open()
      cluster:Ready()
      local waiting = tasks.parked(function()
        return cluster:BLPop("foo", 5)
      end)
      assert.are.equal(1, cluster:RPush("foo", "x"))
      assert.are.same({ "foo", "x" }, tasks.finished(waiting)[1])
      local none, _, code = cluster:BLPop("a", "b", 1)
      assert.is_nil(none)
      assert.are.equal("CROSSSLOT", code)
    end)
  )

  it(
    "brings messages of channels, sharded ones from the node of their slot",
    tasks.spec(function()
      local cluster = open()
      for _, channel in ipairs(KEYS) do
        local sub = tasks.own(assert(cluster:Ssubscribe(channel)))
        assert.are.equal(1, cluster:SPublish(channel, "hello"))
        assert.are.equal("hello", sub:Next(2000).payload)
      end
      local none, _, code = cluster:Ssubscribe("a", "b")
      assert.is_nil(none)
      assert.are.equal("CROSSSLOT", code)
      local sub = tasks.own(assert(cluster:Subscribe("news")))
      assert.is_number(cluster:Publish("news", "all"))
      assert.are.equal("all", sub:Next(2000).payload)
      cluster:Close()
      local message, _, why = sub:Next(2000)
      assert.is_nil(message)
      assert.are.equal("ESOCKCLOSE", why)
    end)
  )

  it(
    "reads from replicas when it is told to",
    tasks.spec(function()
      local cluster = open({ reads = "replica" })
      tasks.wait("the replicas in the map", function()
        cluster:Ready()
        return #cluster:Nodes() == 6
      end)
      local read_before = nodes.nodes[6]:Info("total_commands_processed")
      assert.is_string(read_before)
      cluster:Set("foo", "bar")
      tasks.wait("the replica to have it", function()
        return cluster:Get("foo") == "bar"
      end)
      local calls = nodes.nodes[6]:Cli("INFO", "commandstats"):match("cmdstat_get:calls=(%d+)")
      assert.is_true(tonumber(calls) >= 1)
      assert.are.equal(0, cluster:Stats().redirections)
    end)
  )

  it(
    "changes arguments and replies, and tells of what took long",
    tasks.spec(function()
      local told
      local cluster = open({
        arguments = function(_, key, ...)
          return "{foo}" .. key, ...
        end,
        replies = function(name, value)
          return name == "GET" and value .. "!" or value
        end,
        slow_ms = 0,
        on_slow = function(name)
          told = name
        end,
      })
      assert.are.equal("OK", cluster:Set("a", "1"))
      assert.are.equal("1!", cluster:Get("a"))
      tasks.wait("what took long", function()
        return told == "GET"
      end)
      assert.are.equal("1", nodes.nodes[3]:Cli("GET", "{foo}a"))
      assert.are.same(
        { "1!" },
        cluster:Pipeline(function(p)
          p:Get("a")
        end)
      )
    end)
  )

  it(
    "ends for everyone at Close, and with the scope that it was made in",
    tasks.spec(function()
      local cluster = open()
      cluster:Ready()
      local waiting = tasks.parked(function()
        return cluster:BLPop("foo", 10)
      end)
      cluster:Close()
      cluster:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waiting)[3])
      assert.is_true(cluster:IsClosed())
      local value, message, code = cluster:Get("foo")
      assert.is_nil(value)
      assert.is_truthy(message:find("the client is closed", 1, true))
      assert.are.equal("ESOCKCLOSE", code)
      local inner
      co.scope(function(scope)
        inner = redis.cluster({ nodes = { nodes.nodes[1].address } })
        -- Clients of nodes are made in whichever task needs them first.
        co.scope(function()
          co.spawn(inner.Set, inner, "foo", "1")
        end)
        assert.are.equal("1", inner:Get("foo"))
        scope:Cancel()
      end)
      assert.is_true(inner:IsClosed())
    end)
  )
end)
