--- The client for tasks, against a real server: outcomes, protocols, places, limits, hooks.
local chuck = require("chuck")
local commands = require("chuck.redis.commands")
local compat = require("chuck.support.compat")
local fake = require("spec.helper.fake_redis")
local idempotent = require("chuck.redis.idempotent")
local net = require("spec.helper.net")
local options = require("chuck.redis.options")
local sched = require("chuck.co.sched")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis

teardown(servers.finish)

--- A script that takes so many milliseconds.
local BUSY = [[
  local function now()
    local time = redis.call("TIME")
    return time[1] * 1000 + time[2] / 1000
  end
  local until_ = now() + ARGV[1]
  while now() < until_ do end
]]

--- The server of most specs, and one that wants a password and knows a user alice.
local server, secret

local function client_with(given)
  local client = redis.client(given)
  tasks.own({
    Close = function()
      client:Close()
    end,
  })
  return client
end

--- A client of the server, with more options.
local function connect(more)
  local all = { address = server.address, backoff_ms = 5, backoff_max_ms = 20 }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return client_with(all)
end

local function to_fake(answer, more)
  local false_server = tasks.own(fake.listen(sched.engine(), answer))
  more = more or {}
  more.address = false_server.address
  return connect(more), false_server
end

--- A body in a task, with a client and an empty database.
local function spec(body)
  return tasks.spec(function()
    server:Cli("FLUSHALL")
    body(connect())
  end)
end

setup(function()
  server = servers.server()
  secret = servers.server({ password = "secret", users = { "alice on >p@ss:/word ~* &* +@all" } })
end)

describe("a client", function()
  it(
    "has every command as a method, in any case of letters",
    spec(function(client)
      assert.are.equal("OK", client:Set("key", "value"))
      assert.are.equal("value", client:get("key"))
      assert.are.equal("value", client:GET("key"))
      assert.are.equal(1, client:HSet("h", "a", 1))
      assert.are.equal(1, client:hset("h", { b = 2 }))
      assert.are.same({ a = "1", b = "2" }, client:hGetAll("h"))
      assert.are.same({ maxclients = server:Cli("CONFIG", "GET", "maxclients"):match("%d+") }, {
        maxclients = client:ConfigGet("maxclients").maxclients,
      })
      assert.is_nil(client.NoSuchCommand)
    end)
  )

  it(
    "calls any command by its name",
    spec(function(client)
      assert.are.equal("OK", client:Call("SET", "key", "value"))
      assert.are.equal("value", client:Call("get", "key"))
      assert.is_string(client:Call("config get", "save").save)
      assert.is_string(client:Call("CONFIG", "GET", "save").save)
      local value, message, code = client:Call("NONSENSE", 1)
      assert.is_nil(value)
      assert.matches("unknown command", message)
      assert.are.equal("ERR", code)
    end)
  )

  it(
    "does a line, as a shell would read it",
    spec(function(client)
      assert.are.equal("OK", client:Do([[set 'my key' "a\tb"]]))
      assert.are.equal("a\tb", client:Do("GET my' 'key"))
      assert.is_string(client:Do("config get save").save)
      local value, message, code = client:Do("set 'a")
      assert.is_nil(value)
      assert.are.same({ "Do: the quote at byte 5 has no end", "EINVAL" }, { message, code })
      assert.are.equal("EINVAL", (select(3, client:Do(" "))))
      local line = { "rpush l" }
      for i = 1, 20000 do
        line[i + 1] = tostring(i)
      end
      assert.are.equal(20000, client:Do(table.concat(line, " ")))
    end)
  )

  it(
    "finds commands of two words by their name, however it is written",
    spec(function(client)
      client:Set("a", "1")
      assert.are.equal("int", client:Call("object", "encoding", "a"))
      assert.are.equal("int", client:Call("OBJECT ENCODING", "a"))
      assert.are.equal("int", client:CallWith({}, "Object", "Encoding", "a"))
      assert.are.equal("int", client:Do("object encoding a"))
      assert.are.equal("int", client:ObjectEncoding("a"))
      assert.are.equal("int", client:Object("encoding", "a"))
      assert.are.equal("int", client:Call("OBJECT", { "ENCODING", "a" }))
      assert.is_true(#client:Command() > 100)
      assert.are.equal("port", client:Call("echo", "port"))
    end)
  )

  it(
    "answers a value, nil, an error of the server, or no reply: each told apart",
    spec(function(client)
      client:Set("text", "x")
      assert.are.equal("x", client:Get("text"))
      assert.are.equal(
        0,
        select(
          "#",
          (function(first, ...)
            assert.is_nil(first)
            return ...
          end)(client:Get("nobody"))
        )
      )
      local value, message, code, err = client:LPop("text")
      assert.is_nil(value)
      assert.matches("^WRONGTYPE Operation", message)
      assert.are.equal("WRONGTYPE", code)
      assert.is_true(redis.is_error(err))
      assert.are.same({ message, code }, { err.message, err.code })
      assert.are.equal(message, tostring(err))
      value, message, code, err = client:CallWith({ timeout_ms = 5 }, "BLPOP", "nobody", 0)
      assert.is_nil(value)
      assert.is_string(message)
      assert.are.equal("ETIMEDOUT", code)
      assert.is_nil(err)
    end)
  )

  it(
    "has redis.null and errors inside of lists",
    spec(function(client)
      client:Set("a", "1")
      assert.are.same({ "1", redis.null }, client:MGet("a", "nobody"))
      local list = client:Eval("return { redis.error_reply('MINE own'), false, 3 }", 0)
      assert.is_true(redis.is_error(list[1]))
      assert.are.equal("MINE", list[1].code)
      assert.are.equal(redis.null, list[2])
      assert.are.equal(3, list[3])
      assert.is_false(redis.is_error(list[2]) or redis.is_error("x") or redis.is_error({}))
      assert.are.equal("redis.null", tostring(redis.null))
    end)
  )

  it(
    "carries any bytes, in keys and values, and a megabyte",
    spec(function(client)
      local evil = "a b\r\n\0\"'\\ 100%s\255"
      assert.are.equal("OK", client:Set(evil, evil))
      assert.are.equal(evil, client:Get(evil))
      assert.are.equal("", client:Echo(""))
      local big = net.pattern(1024 * 1024)
      client:Set("big", big)
      net.assert_same_bytes(big, client:Get("big"))
    end)
  )

  it(
    "takes numbers, lists and tables by key as arguments",
    spec(function(client)
      client:Set(1, 2.5)
      assert.are.equal("2.5", client:Get("1"))
      client:RPush("l", { "a", "b" }, "c")
      assert.are.same({ "a", "b", "c" }, client:LRange("l", 0, -1))
      client:MSet({ x = 1, y = 2 })
      assert.are.same({ "1", "2" }, client:MGet({ "x", "y" }))
    end)
  )

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "gives replies the same shape by RESP" .. protocol,
      spec(function()
        local client = connect({ protocol = protocol })
        client:HSet("h", "a", 1, "b", 2)
        client:ZAdd("z", 1.5, "one")
        client:SAdd("s", "m")
        assert.are.same({ a = "1", b = "2" }, client:HGetAll("h"))
        assert.are.equal(1.5, client:ZScore("z", "one"))
        assert.are.same({ "m" }, client:SMembers("s"))
        assert.is_string(client:Config("GET", "save").save)
        assert.is_string(client:Call("CONFIG", { "GET", "save" }).save)
        assert.is_nil(client:Get("nobody"))
        assert.are.equal(protocol, client:Stats().protocol)
      end)
    )
  end

  it(
    "shares one connection among tasks, whose commands of a pass leave in one write",
    spec(function(client)
      client:Ping()
      local reads = tonumber(server:Info("total_reads_processed"))
      local connections = tonumber(server:Info("total_connections_received"))
      local got = 0
      for i = 1, 1000 do
        co.spawn(function()
          assert(client:Echo(i) == tostring(i))
          got = got + 1
        end)
      end
      tasks.wait("all of them", function()
        return got == 1000
      end)
      assert.is_true(tonumber(server:Info("total_reads_processed")) - reads <= 10)
      -- Those are of redis-cli.
      assert.are.equal(2, tonumber(server:Info("total_connections_received")) - connections)
    end)
  )

  it(
    "counts what it does",
    spec(function(client)
      client:Set("a", "b")
      client:LPop("a")
      assert.are.equal(
        "ETIMEDOUT",
        (select(3, client:CallWith({ timeout_ms = 5 }, "EVAL", BUSY, 0, 50)))
      )
      client:Get("a")
      local stats = client:Stats()
      assert.is_true(stats.is_connected)
      assert.are.equal(server.address, stats.place)
      assert.are.equal(3, stats.protocol)
      assert.are.same({ 1, 1, 0, 1, 1, 0, 0, 0, 0 }, {
        stats.attempts,
        stats.connects,
        stats.losses,
        stats.errors,
        stats.timeouts,
        stats.repeats,
        stats.slow,
        stats.in_flight,
        stats.waiting,
      })
      -- The greeting is one of them, and so is what came too late.
      assert.are.equal(5, stats.replies)
    end)
  )

  it(
    "is ready when it is connected",
    spec(function(client)
      assert.is_false(client:Stats().is_connected)
      assert.is_true(client:Ready())
      assert.is_true(client:Stats().is_connected)
      assert.is_true(client:Ready(0))
    end)
  )

  it(
    "is ready though no command may wait for that",
    tasks.spec(function()
      local client = connect({ queue = 0 })
      assert.are.equal("ENOBUFS", (select(3, client:Ping())))
      assert.is_true(client:Ready())
      assert.are.equal("PONG", client:Ping())
    end)
  )

  it(
    "waits for the next connection when the first ends with its greeting",
    tasks.spec(function()
      local connections = 0
      local client = to_fake(function(peer, command)
        if command[1] == "PING" then
          return "+PONG\r\n"
        end
        peer:Send("*0\r\n")
        connections = connections + 1
        if connections == 1 then
          peer:Close()
        end
      end)
      assert.are.equal("PONG", client:Ping())
      assert.are.equal(1, client:Stats().losses)
    end)
  )

  it(
    "is closed once, and then says so",
    spec(function(client)
      client:Ping()
      local parked = tasks.parked(client.BLPop, client, "nobody", 0)
      assert.is_false(client:IsClosed())
      client:Close()
      client:Close()
      assert.is_true(client:IsClosed())
      tasks.finished(parked)
      assert.is_nil(parked[1])
      assert.are.equal("ESOCKCLOSE", parked[3])
      local value, message, code = client:Get("a")
      assert.is_nil(value)
      assert.matches("the client is closed", message)
      assert.are.equal("ESOCKCLOSE", code)
      assert.are.equal("ESOCKCLOSE", (select(3, client:Ready())))
      assert.is_false(client:Stats().is_connected)
    end)
  )

  it(
    "refuses what would change the connection that tasks share, at the caller's line",
    spec(function(client)
      client:Ping()
      local function refuses(name, ...)
        local fine, problem = co.pcall(function(...)
          local value, message = client[name](client, ...)
          return value, message
        end, ...)
        assert.is_false(fine)
        assert.matches("redis_client_spec.lua:%d+: .*[:,] use ", problem)
      end
      refuses("Select", 1)
      refuses("AUTH", "x")
      refuses("ClientReply", "OFF")
      refuses("Call", "CLIENT REPLY", "OFF")
      refuses("Call", "client", "reply", "off")
      refuses("CallWith", {}, "CLIENT", "REPLY", "SKIP")
      refuses("Do", "client reply off")
      refuses("Sync")
      refuses("Call", "PSYNC", "?", -1)
      refuses("Client", "REPLY", "SKIP")
      refuses("client", "reply", "off")
      refuses("Client", { "REPLY", "SKIP" })
      refuses("Call", "CLIENT", { "REPLY", "SKIP" })
      refuses("Do", "quit")
      assert.are.equal("PONG", client:Ping())
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    spec(function(client)
      local function blames(pattern, name, ...)
        local fine, problem = co.pcall(function(...)
          local value, message = client[name](client, ...)
          return value, message
        end, ...)
        assert.is_false(fine)
        assert.matches("redis_client_spec.lua:%d+: bad argument " .. pattern, problem)
      end
      for _, is_up in ipairs({ false, true }) do
        assert.are.equal(is_up, client:Stats().is_connected)
        blames("#2 to 'Set' %(string or number expected, got nil%)", "Set", "key", nil)
        blames("#1 to 'Get'", "Get", true)
        blames("#1 to 'Get'", "Get", { "a", print })
        blames("#2 to 'HSet'", "HSet", "h", { a = {} })
        blames("#1 to 'Del' %(list expected, got a table with key 1", "Del", { "a", nil, "c" })
        blames("#2 to 'MSet' %(list expected, got a table with key 1", "MSet", "a", { "b", n = 1 })
        blames("#1 to 'ConfigGet'", "ConfigGet", print)
        client:Ready()
      end
      blames("#1 to 'Call' %(string expected, got 5%)", "Call", 5)
      blames("#1 to 'Call' %(string expected, got nil%)", "Call")
      blames("#1 to 'Do' %(string expected, got table%)", "Do", {})
      blames("#1 to 'CallWith'", "CallWith", { nonsense = 1 }, "GET", "a")
      blames("#1 to 'CallWith'", "CallWith", { timeout_ms = -1 }, "GET", "a")
      blames("#2 to 'CallWith'", "CallWith", {}, 5)
      blames("#1 to 'Ready' %(milliseconds expected, got string%)", "Ready", "1")
      blames("#1 to 'Ready' %(milliseconds expected, got %-1%)", "Ready", -1)
      blames("#2 to 'Set'", "Set", "a", print)
      blames("#1 to 'Client' %(string expected, got table%)", "Client", { { "REPLY" } })
      assert.are.equal("PONG", client:Ping())
    end)
  )

  it(
    "raises for methods on what is no client",
    spec(function(client)
      for _, name in ipairs({
        "Get",
        "Call",
        "CallWith",
        "Do",
        "Ready",
        "Stats",
        "Close",
        "IsClosed",
      }) do
        for _, self in ipairs({ false, 1, {}, "x" }) do
          local fine, problem = co.pcall(function()
            local value, message = client[name](self, "x", "y")
            return value, message
          end)
          assert.is_false(fine)
          assert.matches("redis_client_spec.lua:%d+: calling '" .. name .. "' on bad self", problem)
        end
      end
    end)
  )

  it("is made in a task", function()
    local fine, problem = pcall(function()
      local client = redis.client("redis://127.0.0.1:1")
      return client
    end)
    assert.is_false(fine)
    assert.matches("redis_client_spec.lua:%d+: 'client' is for tasks", problem)
  end)

  it("called outside of tasks raises", function()
    local client
    tasks.run(function()
      client = connect()
      client:Ping()
    end)
    local fine, problem = pcall(function()
      local value = client:Get("a")
      return value
    end)
    assert.is_true(not fine and problem:find("task") or fine)
  end)

  it(
    "called in a callback raises at its line",
    spec(function(client)
      client:Ready()
      local problems = {}
      local function try(fn)
        local _, problem = pcall(fn)
        problems[#problems + 1] = problem
      end
      chuck.RegTimer(sched.engine(), 1, function()
        try(function()
          local value = client:Get("a")
          return value
        end)
        try(function()
          local value = client:Call("CONFIG", "GET", "save")
          return value
        end)
        try(function()
          local value = client:Pipeline():Ping():Execute()
          return value
        end)
        try(function()
          local value = client:Multi(function(tx)
            tx:Ping()
          end)
          return value
        end)
        try(function()
          local value = client:Watch("a", function() end)
          return value
        end)
        try(function()
          local value = client:BLPop("a", 1)
          return value
        end)
        return -1
      end)
      tasks.wait("the callback", function()
        return #problems == 6
      end)
      for i, problem in ipairs(problems) do
        assert.matches("^%S*redis_client_spec.lua:%d+: this call waits", problem, i)
      end
      assert.are.equal("PONG", client:Ping())
    end)
  )
end)

describe("a place", function()
  --- The fields of a URI.
  local function parse(uri)
    local found, why = options.parse(uri)
    return found or why
  end

  it("is a URI", function()
    assert.are.same({ host = "h" }, parse("redis://h"))
    assert.are.same({ host = "h", port = 1 }, parse("redis://h:1"))
    assert.are.same({ host = "h", port = 1 }, parse("redis://h:1/"))
    assert.are.same({ host = "h", port = 1, db = 7 }, parse("redis://h:1/7"))
    assert.are.same({}, parse("redis://"))
    assert.are.same({ db = 2 }, parse("redis:///2"))
    assert.are.same({ host = "::1", port = 1 }, parse("redis://[::1]:1"))
    assert.are.same({ host = "::1" }, parse("redis://[::1]"))
    assert.are.same({ host = "h", password = "p" }, parse("redis://:p@h"))
    assert.are.same({ host = "h", username = "u", password = "p:q" }, parse("redis://u:p:q@h"))
    assert.are.same(
      { host = "h", username = "a@b", password = "p@ss:/word" },
      parse("redis://a%40b:p%40ss:%2fword@h")
    )
    assert.are.same({ host = "h", password = "p@q" }, parse("redis://:p@q@h"))
    assert.are.same({ host = "h" }, parse("redis://:@h"))
    assert.are.same({ host = "h", username = "u", password = "" }, parse("redis://u:@h"))
    assert.are.same({ host = "h" }, parse("Redis://h"))
    assert.are.same({ path = "/tmp/x" }, parse("unix:///tmp/x"))
    assert.are.same(
      { path = "/tmp/x", password = "p", db = 3 },
      parse("redis+unix://:p@/tmp/x?db=3")
    )
    assert.are.same(
      { host = "h", client_name = "a b", timeout_ms = 50, protocol = 2 },
      parse("redis://h?client_name=a%20b&timeout_ms=50&protocol=2")
    )
    assert.are.same({ host = "h", tls = true }, parse("rediss://h"))
  end)

  it("has an IPv6 address with or without brackets", function()
    assert.are.equal("[::1]:6379", options.make("client", { host = "::1" }).place)
    assert.are.equal("[::1]:6379", options.make("client", { host = "[::1]" }).place)
  end)

  it("that is no URI is refused", function()
    for _, uri in ipairs({
      "",
      "h:1",
      "http://h",
      "redis://h:99999",
      "redis://h:x",
      "redis://h/x",
      "redis://h/-1",
      "redis://::1",
      "redis://h?nonsense=1",
      "redis://h?timeout_ms=x",
      "redis://h?timeout_ms",
      "redis://h?nonsense",
      "redis://h?=1",
    }) do
      assert.is_string(parse(uri))
    end
  end)

  it("that is no URI is refused without a word of its password", function()
    for _, uri in ipairs({
      "redis://:secret/word@h:6379/0",
      "redis://:word/secret@h:6379",
      "redis://user:secret?word@h",
      "redis://user:word?secret@h",
      "redis://user:secret#word@h",
      "redis://user:word#secret@h",
      "redis://:p@secret/word@h",
      "redis://:p@h/secret@h",
      "unix://:secret#word@/tmp/x",
      "redis+unix://:secret?word@/tmp/x",
      "redis:/:secret@h",
      "user:secret@h:6379",
    }) do
      local why = parse(uri)
      assert.is_string(why, uri)
      assert.is_nil(why:find("secret", 1, true), why)
    end
    assert.are.same({ host = "h", client_name = "a@b" }, parse("redis://h?client_name=a@b"))
  end)

  it(
    "in options that are wrong blames the caller's line",
    tasks.spec(function()
      for _, given in ipairs({
        5,
        "h:1",
        "rediss://h",
        "redis://h?timeout_ms=-1",
        "redis://h?db=1.5",
        "redis://h?protocol=4",
        { nonsense = 1 },
        { port = "6379" },
        { port = 0 },
        { port = 65536 },
        { host = "" },
        { path = "" },
        { address = "" },
        { address = "127.0.0.1" },
        "unix://",
        { db = -1 },
        { tls = true },
        { protocol = 4 },
        { in_flight = "maybe" },
        { username = "alice" },
        { timeout_ms = -1 },
        { on_slow = 1 },
        { uri = "http://h" },
      }) do
        local fine, problem = co.pcall(function()
          local client = redis.client(given)
          return client
        end)
        assert.is_false(fine)
        assert.matches("redis_client_spec.lua:%d+: bad argument #1 to 'client'", problem)
      end
    end)
  )

  it(
    "is reached in every form",
    tasks.spec(function()
      for _, given in ipairs({
        "redis://127.0.0.1:" .. server.port,
        "redis://localhost:" .. server.port .. "/0",
        "unix://" .. server.path,
        { host = "127.0.0.1", port = server.port },
        { uri = "redis://127.0.0.1:1", port = server.port },
        { path = server.path },
        { address = server.address },
        { address = "unix:" .. server.path },
      }) do
        local client = client_with(given)
        assert.are.equal("PONG", client:Ping())
        client:Close()
      end
    end)
  )

  it(
    "with a password, a user, a database and a name, by RESP2 and RESP3",
    tasks.spec(function()
      for _, protocol in ipairs({ 2, 3 }) do
        local uri = "redis://%s127.0.0.1:%d/5?client_name=bob&protocol=%d"
        for user, who in pairs({ [":secret@"] = "default", ["alice:p%40ss:%2fword@"] = "alice" }) do
          local client = client_with(uri:format(user, secret.port, protocol))
          assert.are.equal(who, client:AclWhoAmI())
          assert.are.equal("bob", client:ClientGetName())
          assert.matches("db=5", client:ClientInfo())
          client:Close()
        end
      end
    end)
  )

  it(
    "that refuses us is told apart",
    tasks.spec(function()
      for _, case in ipairs({
        { { password = "wrong" }, "WRONGPASS" },
        { { username = "nobody", password = "x" }, "WRONGPASS" },
        { {}, "NOAUTH" },
        { { password = "secret", db = 99 }, "ERR" },
        { { protocol = 2, password = "wrong" }, "WRONGPASS" },
      }) do
        local given, expected = case[1], case[2]
        given.address = secret.address
        local client = client_with(given)
        local value, message, code, err = client:Get("a")
        if not code and given.protocol ~= 2 then
          value, message, code, err = client:Ready()
        end
        assert.is_nil(value)
        assert.is_string(message)
        assert.are.equal(expected, code)
        assert.is_true(redis.is_error(err))
        client:Close()
      end
    end)
  )
end)

describe("a server that does not know HELLO", function()
  for name, refusal in pairs({
    ["because it is old"] = "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n",
    ["of version 3"] = "-NOPROTO unsupported protocol version\r\n",
  }) do
    it(
      name .. " is greeted by RESP2",
      tasks.spec(function()
        local client, old = to_fake(function(_, command)
          return command[1] == "HELLO" and refusal or "+OK\r\n"
        end, { username = "u", password = "p", client_name = "n", db = 2 })
        assert.are.equal("OK", client:Ping())
        assert.are.same({
          { "HELLO", "3", "AUTH", "u", "p", "SETNAME", "n" },
          { "AUTH", "u", "p" },
          { "CLIENT", "SETNAME", "n" },
          { "SELECT", "2" },
          { "PING" },
        }, old.peers[1].commands)
        assert.are.equal(2, client:Stats().protocol)
      end)
    )
  end

  it(
    "is no server for who wants RESP3",
    tasks.spec(function()
      local client = to_fake(function()
        return "-NOPROTO no\r\n"
      end, { protocol = 3 })
      local value, message, code = client:Ping()
      assert.is_nil(value)
      assert.matches("HELLO: NOPROTO no", message)
      assert.are.equal("NOPROTO", code)
    end)
  )
end)

describe("a wait of a client", function()
  --- Cancels a call that is parked; it has ended then, and the client works.
  local function cancels(client, call)
    local parked = tasks.parked(call)
    parked.task:Cancel()
    local fine = parked.task:Join()
    assert.is_nil(fine)
    assert.is_false(parked.done)
    assert.are.equal(0, client:Stats().waiting)
  end

  it(
    "for a reply is cancelled, and by a deadline, and shifts nothing",
    spec(function(client)
      client:Ping()
      for i = 1, 10 do
        cancels(client, function()
          client:BLPop("nobody" .. i, 0.1)
        end)
        assert.is_true(co.scope(function()
          client:Call("BLPOP", "nobody", 0.01)
        end, { deadline_ms = 2 }) == nil)
        assert.are.equal(tostring(i), client:Echo(i))
      end
      assert.are.equal(0, client:Stats().in_flight)
    end)
  )

  it(
    "is none in a coroutine of the program's own, and shifts nothing",
    spec(function(client)
      client:Set("a", "not mine")
      for i = 1, 3 do
        local own = coroutine.create(function()
          local value = client:Get("a")
          return value
        end)
        coroutine.resume(own)
        assert.are.equal(tostring(i), client:Echo(i))
        assert.are.same({ "x" }, client:Pipeline():Echo("x"):Execute())
      end
      assert.are.equal(0, client:Stats().in_flight)
    end)
  )

  it(
    "for a connection is cancelled",
    tasks.spec(function()
      local client = to_fake(nil, { connect_ms = 10000 })
      cancels(client, function()
        client:Get("a")
      end)
      cancels(client, function()
        client:Ready()
      end)
    end)
  )

  it(
    "for a connection ends with the client, or its scope, though that has not begun to connect",
    tasks.spec(function()
      local client, codes = nil, {}
      co.spawn(function()
        codes[1] = select(3, client:Get("a"))
      end)
      co.spawn(function()
        client:Close()
      end)
      client = client_with({ address = server.address })
      tasks.wait("the end of the wait", function()
        return codes[1]
      end)
      co.scope(function(scope)
        client = client_with({ address = server.address, timeout_ms = 60000 })
        scope:Cancel()
      end)
      codes[2] = select(3, client:Get("a"))
      assert.are.same({ "ESOCKCLOSE", "ESOCKCLOSE" }, codes)
      assert.is_true(client:IsClosed())
    end)
  )

  it(
    "for room to send is cancelled",
    tasks.spec(function()
      local client, full = to_fake(nil, { protocol = 2, send_limit = 1024 })
      client:Ready()
      tasks.wait("the peer", function()
        return full.peers[1]
      end)
      full.peers[1].conn:PauseRead()
      local big = ("x"):rep(1024 * 1024)
      for _ = 1, 20 do
        co.spawn(client.Set, client, "a", big)
      end
      co.sleep(20)
      cancels(client, function()
        client:Set("a", big)
      end)
      client:Close()
    end)
  )

  it(
    "of its keeper ends with the scope that the client was made in",
    tasks.spec(function()
      local client
      co.scope(function(scope)
        client = connect()
        assert.are.equal("PONG", client:Ping())
        scope:Cancel()
      end)
      local _, _, code = client:Ping()
      assert.are.equal("ESOCKCLOSE", code)
    end)
  )
end)

describe("a server that answers what nobody expects", function()
  --- What calls come to when HELLO, and all that follows, is answered so.
  local function answers(greeting, reply)
    local client = to_fake(function(_, command)
      return command[1] == "HELLO" and greeting or reply
    end, { timeout_ms = 50 })
    local codes = {
      (select(3, client:Ping())),
      (select(3, client:Scan():Next())),
      (select(
        3,
        client:Multi(function(tx)
          tx:Get("a")
        end)
      )),
    }
    client:Close()
    return codes
  end

  it(
    "is told apart, and nothing raises",
    tasks.spec(function()
      local code = "ERDISPERROR"
      assert.are.same({ code, code, code }, answers("#f\r\n", "+PONG\r\n"))
      for _, reply in ipairs({ "#f", "#t", "_", "+OK", ":1", "%0", "*2\r\n*0\r\n*0", "*0" }) do
        local codes = answers("%0\r\n", reply .. "\r\n")
        assert.are.same({ [2] = code, [3] = code }, codes, reply)
      end
    end)
  )
end)

describe("a server that is heard of", function()
  it(
    "is not silent, though its reply takes long",
    tasks.spec(function()
      local pieces = { "$64\r\n" }
      for _ = 1, 32 do
        pieces[#pieces + 1] = "xx"
      end
      pieces[#pieces + 1] = "\r\n"
      local client = to_fake(function(peer, command)
        if command[1] ~= "GET" then
          -- Whether the server is there is asked while it answers: that would come behind.
          return command[1] ~= "PING" and "+OK\r\n" or nil
        end
        local i = 0
        chuck.RegTimer(sched.engine(), 10, function()
          i = i + 1
          if peer.is_closed or not pieces[i] then
            return -1
          end
          peer:Send(pieces[i])
        end)
      end, { protocol = 2, heartbeat_ms = 60 })
      assert.are.equal(("x"):rep(64), client:Get("a"))
      assert.are.equal(0, client:Stats().losses)
    end)
  )

  it(
    "no more is gone after two times heartbeat_ms",
    tasks.spec(function()
      local client = to_fake(function(_, command)
        return command[1] ~= "GET" and command[1] ~= "PING" and "+OK\r\n" or nil
      end, { protocol = 2, heartbeat_ms = 30, timeout_ms = 5000 })
      client:Ready()
      local value, message, code = client:Get("a")
      assert.is_nil(value)
      assert.matches("silent for 60 ms", message)
      assert.are.equal("ETIMEDOUT", code)
    end)
  )
end)

describe("a command larger than may be sent", function()
  it(
    "is refused at once, also while others wait for replies",
    tasks.spec(function()
      local client = to_fake(nil, { protocol = 2, send_limit = 1024 })
      client:Ready()
      co.spawn(client.Get, client, "a")
      co.yield()
      assert.are.equal(1, client:Stats().in_flight)
      local big = ("x"):rep(2 * 1024 * 1024)
      for _, arguments in ipairs({ { "a", big }, { { "a", big } } }) do
        local value, message, code = client:Set(compat.unpack(arguments))
        assert.is_nil(value)
        assert.matches("^SET: .*: %d+ bytes to send, limit is 1049600$", message)
        assert.are.equal("ENOBUFS", code)
      end
      client:Close()
    end)
  )
end)

describe("a command that is sent again", function()
  --- A client of a server that ends each connection at a GET, `after_ms` later; and how many.
  local function counting(after_ms, more)
    local gets = { count = 0 }
    more.in_flight, more.protocol = "retry", 2
    local client = to_fake(function(peer, command)
      if command[1] ~= "GET" then
        return "+OK\r\n"
      end
      gets.count = gets.count + 1
      chuck.RegTimer(sched.engine(), after_ms, function()
        peer:Close(true)
        return -1
      end)
    end, more)
    assert.is_true(client:Ready())
    return client, gets
  end

  it(
    "leaves the same behind: what a server did not do twice as once is not sent again",
    spec(function(client)
      --- What is there after a command was carried out so many times.
      local function left_by(times, command)
        client:FlushDB()
        client:RPush("list", "a", "b", "c")
        client:ZAdd("z", 1, "a", 2, "b")
        client:ZAdd("y", 1, "a")
        client:SAdd("s", "a", "b")
        client:SAdd("r", "a", "c")
        for _ = 1, times do
          assert(client:Call(compat.unpack(command)))
        end
        local found = { client:LRange("list", 0, -1) }
        for _, key in ipairs({ "z", "y" }) do
          found[key] = client:ZRange(key, 0, -1, "WITHSCORES")
        end
        for _, key in ipairs({ "r", "s" }) do
          found[key] = client:SMembers(key)
          table.sort(found[key])
        end
        return found
      end
      for _, command in ipairs({
        { "LTRIM", "list", 1, -1 },
        { "ZUNIONSTORE", "z", 2, "z", "y" },
        { "ZINTERSTORE", "z", 2, "z", "y" },
        { "ZDIFFSTORE", "y", 2, "z", "y" },
        { "ZRANGESTORE", "z", "z", 1, -1 },
        { "SDIFFSTORE", "r", "s", "r" },
        { "SINTERSTORE", "r", "s", "r" },
        { "SUNIONSTORE", "r", "s", "r" },
      }) do
        local is_same = pcall(assert.are.same, left_by(1, command), left_by(2, command))
        if idempotent.is(commands.specs[command[1]], compat.unpack(command, 2)) then
          assert.is_true(is_same, command[1])
        end
      end
    end)
  )

  for _, retries in ipairs({ 0, 1, 3 }) do
    it(
      ("is so %d times when that is how often it may be"):format(retries),
      tasks.spec(function()
        local client, gets = counting(1, { retries = retries })
        local _, _, code = client:Get("a")
        assert.are.equal("EOF", code)
        assert.are.equal(1 + retries, gets.count)
        assert.are.equal(retries, client:Stats().repeats)
      end)
    )
  end

  it(
    "has the time of one",
    tasks.spec(function()
      local client = counting(80, { retries = 100, timeout_ms = 100 })
      local began = sched.now()
      client:Get("a")
      assert.is_true(sched.now() - began < 160)
    end)
  )
end)

describe("what a program hooks in", function()
  it(
    "changes arguments and replies",
    spec(function()
      local seen = {}
      local client = connect({
        arguments = function(name, key, ...)
          seen[#seen + 1] = name
          return key and "app:" .. key, ...
        end,
        replies = function(name, value)
          return type(value) == "string" and name .. "=" .. value or value
        end,
      })
      assert.are.equal("SET=OK", client:Set("a", "1"))
      assert.are.equal("GET=1", client:Get("a"))
      assert.is_nil(client:Get("nobody"))
      assert.are.equal("1", server:Cli("GET", "app:a"))
      assert.are.equal("WRONGTYPE", (select(3, client:LPop("a"))))
      assert.are.same({ "SET", "GET", "GET", "LPOP" }, seen)
    end)
  )

  it(
    "sees what takes long, and errors in that do not harm the call",
    spec(function()
      local slow = {}
      local client = connect({
        slow_ms = 50,
        on_slow = function(name, took, ...)
          slow[#slow + 1] = { name, took, ... }
          error("mine")
        end,
      })
      assert.is_true(client:Ready())
      assert.are.equal("PONG", client:Ping())
      client:Eval(BUSY, {}, { 100, "last" })
      tasks.wait("on_slow", function()
        return slow[1]
      end)
      assert.are.equal("EVAL", slow[1][1])
      assert.is_true(slow[1][2] >= 50)
      assert.are.equal(BUSY, slow[1][3])
      assert.are.equal(1, client:Stats().slow)
    end)
  )

  it(
    "is told of connections and their ends, with the client, and may call it",
    spec(function()
      local told = {}
      local client = connect({
        on_connect = function(client)
          told[#told + 1] = client:Echo("connected")
        end,
        on_disconnect = function(_, message, code)
          told[#told + 1] = code
          assert(message:find(server.address, 1, true))
          error("mine")
        end,
      })
      client:Ping()
      server:Cli("CLIENT", "KILL", "TYPE", "normal")
      tasks.wait("the second connection", function()
        return #told == 3
      end)
      assert.are.same({ "connected", "EOF", "connected" }, told)
      client:Close()
    end)
  )
end)
