--- The redis package of 2015: callbacks, one line or argument by argument, and its tasks. D61 to
--- D67 and D72 are defects of the original.
local chuck = require("chuck")
local compat = require("chuck.support.compat")
local fake = require("spec.helper.fake_redis")
local net = require("spec.helper.net")
local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")
local words = require("chuck.redis.words")

local co, redis = chuck.co, chuck.redis

teardown(servers.finish)

describe("a command line", function()
  local function split(line)
    local list, why = words.split(line)
    return list and table.concat(list, "|") or why
  end

  it("is separated by any white space", function()
    assert.are.equal("set|key|value", split(" set\tkey\r\n value "))
  end)

  it("keeps white space between quotes, without the quotes (D64)", function()
    assert.are.equal("set|q|hello world", split([[set q "hello world"]]))
    assert.are.equal("set|q|hello  world", split("set q 'hello  world'"))
  end)

  it("joins pieces that touch", function()
    assert.are.equal("abcde f", split([[a"b"c'd'e\ f]]))
  end)

  it("has empty words by empty quotes", function()
    assert.are.same({ "set", "key", "", "" }, words.split([[set key "" '']]))
    assert.are.same({ "" }, words.split([[""]]))
  end)

  it("takes what a backslash protects", function()
    assert.are.equal([[a"b'c\d]], split([[a\"b\'c\\d]]))
    assert.are.equal([[say "hi" \]], split([["say \"hi\" \\"]]))
  end)

  it("knows the bytes that redis-cli knows between double quotes", function()
    assert.are.equal("\n\r\t\a\bA\0\255xg", split([["\n\r\t\a\b\x41\x00\xfF\xg"]]))
  end)

  it("leaves backslashes alone between single quotes", function()
    assert.are.equal([[\n\]], split([['\n\']]))
  end)

  it("may hold NUL and any other byte", function()
    assert.are.same({ "a\0b", "\255\128" }, words.split("a\0b \255\128"))
  end)

  it("is refused with a quote that has no end, and with no word", function()
    assert.are.equal("the quote at byte 7 has no end", split([[set a "b]]))
    assert.are.equal("the quote at byte 9 has no end", split([[set 'a\']] .. "'"))
    assert.are.equal("the quote at byte 1 has no end", split([["\]]))
    assert.are.equal("nothing stands behind the last backslash", split([[a \]]))
    assert.are.equal("the command is empty", split(""))
    assert.are.equal("the command is empty", split(" \t\r\n"))
  end)

  it("of a million words is as good as any", function()
    local list = words.split(("word "):rep(1000000))
    assert.are.equal(1000000, #list)
  end)
end)

describe("a connection for callbacks", function()
  local world, server

  setup(function()
    server = servers.server()
  end)

  before_each(function()
    server:Cli("FLUSHALL")
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  local function connect(options, port)
    local err, client = redis.Connect(world.engine, "127.0.0.1", port or server.port, options)
    assert.is_nil(err)
    return world:own(client)
  end

  --- Executes, waits for the outcome and returns it: reply, err, code.
  local function ask(client, ...)
    local outcome
    local function callback(who, ...)
      assert.are.equal(client, who)
      outcome = { n = select("#", ...), ... }
    end
    if select("#", ...) == 1 then
      assert.are.equal("ok", client:Execute(..., callback))
    else
      assert.are.equal("ok", client:Execute(callback, ...))
    end
    world:wait("a reply", function()
      return outcome
    end)
    return outcome[1], outcome[2], outcome[3]
  end

  --- A connection to a server that answers as `answer` says.
  local function to_fake(answer, options, greet)
    local false_server = world:own(fake.listen(world.engine, answer, greet))
    return connect(options, false_server.port), false_server
  end

  local function wait_gone(client)
    world:wait("the end", function()
      return client:IsClosed()
    end)
  end

  it("is made while the caller waits: nil, client", function()
    local err, client = redis.Connect(world.engine, "127.0.0.1", server.port)
    assert.is_nil(err)
    assert.are.equal("redis.connection", getmetatable(client))
    client:Close()
  end)

  it("is made to a name, to IPv6 and to a Unix socket", function()
    for _, place in ipairs({ "localhost", "127.0.0.1", server.path, "unix:" .. server.path }) do
      local err, client = redis.Connect(world.engine, place, server.port)
      assert.is_nil(err)
      assert.are.equal("PONG", (ask(client, "PING")))
      client:Close()
    end
    local err = redis.Connect(world.engine, "::1", server.port)
    assert.matches("%[::1%]:" .. server.port, err)
  end)

  it("is one error string when there is no server", function()
    local listener = fake.listen(world.engine)
    listener:Close()
    local err, client, code = redis.Connect(world.engine, "127.0.0.1", listener.port)
    assert.matches("Connection refused", err)
    assert.is_nil(client)
    assert.are.equal("ECONNREFUSED", code)
  end)

  it("is an error string when the engine is closed", function()
    local engine = world:new_engine()
    engine:Close()
    local err, client, code = redis.Connect(engine, "127.0.0.1", server.port)
    assert.is_string(err)
    assert.is_nil(client)
    assert.are.equal("EENGCLOSE", code)
    local later, _, name = redis.Connect(engine, "127.0.0.1", server.port, nil, function() end)
    assert.is_nil(later or name)
  end)

  it("is made within a time limit (D65)", function()
    local secret = servers.server({ password = "secret" })
    secret:Freeze()
    local began = chuck.systick()
    local err, client, code = redis.Connect(world.engine, "127.0.0.1", secret.port, {
      password = "secret",
      connect_ms = 50,
    })
    secret:Thaw()
    assert.matches("no greeting in 50 ms", err)
    assert.is_nil(client)
    assert.are.equal("ETIMEDOUT", code)
    assert.is_true(chuck.systick() - began >= 50)
  end)

  it("is made inside of a callback of the very engine", function()
    local reply
    world.engine:Post(function()
      local err, client = redis.Connect(world.engine, "127.0.0.1", server.port)
      assert(not err, err)
      world:own(client):Execute("PING", function(_, text)
        reply = text
      end)
    end)
    world:wait("a reply", function()
      return reply
    end)
    assert.are.equal("PONG", reply)
  end)

  it("is made without waiting, and told in a callback (D65)", function()
    local told
    local err, made = redis.Connect(world.engine, "127.0.0.1", server.port, nil, function(...)
      told = { n = select("#", ...), ... }
    end)
    assert.is_nil(err)
    assert.is_nil(told)
    local answer, message, code = made:Execute("PING")
    assert.are.same({ "query error", "ENOTCONN" }, { answer, code })
    assert.matches("not connected yet", message)
    world:wait("a connection", function()
      return told
    end)
    assert.is_nil(told[1])
    assert.are.equal(made, told[2])
    assert.are.equal("PONG", (ask(made, "PING")))
    made:Close()
  end)

  it("that cannot be made later is told of in a callback", function()
    local listener = fake.listen(world.engine)
    listener:Close()
    local told
    redis.Connect(world.engine, "127.0.0.1", listener.port, nil, function(...)
      told = { ... }
    end)
    world:wait("the failure", function()
      return told
    end)
    assert.matches("refused", told[1])
    assert.is_nil(told[2])
    assert.are.equal("ECONNREFUSED", told[3])
  end)

  it("that is closed while it is made is not told of", function()
    local told = 0
    for _, place in ipairs({ "127.0.0.1", "localhost", server.path }) do
      local _, client = redis.Connect(world.engine, place, server.port, nil, function()
        told = told + 1
      end)
      client:Close()
      client:Close()
    end
    world:run(20)
    assert.are.equal(0, told)
  end)

  it("that is closed while it greets leaves no timer behind", function()
    local silent = world:own(fake.listen(world.engine))
    local timers = world.engine:Stats().timers
    local options = { password = "secret", connect_ms = 100000 }
    local _, client = redis.Connect(world.engine, "127.0.0.1", silent.port, options, function() end)
    world:wait("the greeting", function()
      return silent.peers[1] and silent.peers[1].commands[1]
    end)
    client:Close()
    assert.are.equal(timers, world.engine:Stats().timers)
  end)

  it("whose callback raises lives on, and the error is that of a callback", function()
    world.keeps_errors = true
    local _, client = redis.Connect(world.engine, "127.0.0.1", server.port, nil, function()
      error("mine", 0)
    end)
    world:wait("the error", function()
      return world.errors[1]
    end)
    assert.are.equal("mine", world:take_errors()[1].err)
    assert.are.equal("PONG", (ask(client, "PING")))
    client:Close()
  end)

  it("gives its password, its user and its database (D65)", function()
    local secret = servers.server({
      password = "secret",
      users = { "alice on >pw ~* &* +@all" },
    })
    local err, client, code = redis.Connect(world.engine, "127.0.0.1", secret.port, {
      password = "wrong",
    })
    assert.matches("WRONGPASS", err)
    assert.is_nil(client)
    assert.are.equal("WRONGPASS", code)
    for _, protocol in ipairs({ 2, 3 }) do
      client = connect({
        username = "alice",
        password = "pw",
        db = 5,
        client_name = "bob",
        protocol = protocol,
      }, secret.port)
      assert.are.equal("alice", (ask(client, "ACL WHOAMI")))
      assert.are.equal("bob", (ask(client, "CLIENT GETNAME")))
      assert.matches("db=5", (ask(client, "CLIENT INFO")))
    end
    err, client, code = redis.Connect(world.engine, "127.0.0.1", secret.port, {
      password = "secret",
      db = 99,
    })
    assert.matches("SELECT: ERR DB index is out of range", err)
    assert.is_nil(client)
    assert.are.equal("ERR", code)
  end)

  it("answers ok, and calls back with the client and the reply", function()
    local client = connect()
    assert.are.equal("OK", (ask(client, "set greeting 'hello world'")))
    assert.are.equal("hello world", (ask(client, "get greeting")))
    assert.are.equal("hello world", (ask(client, "GET", "greeting")))
  end)

  it("takes integers, null and lists as they are", function()
    local client = connect()
    assert.are.equal(1, (ask(client, "incr n")))
    assert.are.equal(-41, (ask(client, "DECRBY", "n", 42)))
    assert.is_nil((ask(client, "get nobody")))
    assert.are.same({}, (ask(client, "lrange nobody 0 -1")))
    ask(client, "RPUSH", "list", "a", "b")
    assert.are.same({ "a", "b" }, (ask(client, "lrange list 0 -1")))
  end)

  it("has redis.null for nil inside of lists, so that they have no holes (D63)", function()
    local client = connect()
    ask(client, "hmset", "h", { a = 1, c = 3 })
    assert.are.same({ "1", redis.null, "3" }, (ask(client, "hmget h a b c")))
  end)

  it("tells errors from data (D63)", function()
    local client = connect()
    ask(client, "set text 'ERR not an error'")
    local reply, err, code = ask(client, "get text")
    assert.are.same({ "ERR not an error" }, { reply, err, code })
    reply, err, code = ask(client, "LPUSH", "text", "x")
    assert.is_nil(reply)
    assert.matches("^WRONGTYPE Operation", err)
    assert.are.equal("WRONGTYPE", code)
    reply, err, code = ask(client, "nonsense")
    assert.is_nil(reply)
    assert.matches("^ERR unknown command", err)
    assert.are.equal("ERR", code)
  end)

  it("has status, errors and null inside of lists as they are (D63)", function()
    local client = connect()
    ask(client, "set text x")
    client:Execute("multi")
    client:Execute("set a 1")
    client:Execute("lpush text x")
    client:Execute("get nobody")
    client:Execute("incr a")
    local replies = ask(client, "exec")
    assert.are.equal("OK", replies[1])
    assert.is_true(redis.is_error(replies[2]))
    assert.are.equal("WRONGTYPE", replies[2].code)
    assert.are.equal(redis.null, replies[3])
    assert.are.equal(2, replies[4])
  end)

  it("understands a null list (D63)", function()
    local client = connect({ timeout_ms = 5000 })
    assert.is_nil((ask(client, "blpop nobody 0.01")))
    assert.are.equal("PONG", (ask(client, "ping")))
  end)

  it("carries any bytes (D62)", function()
    local client = connect()
    local all = {}
    for byte in ("\r\n\0\rx\n$-1\r\n*1\r\n\255\"' "):gmatch(".") do
      all[#all + 1] = byte
    end
    for byte = 0, 255 do
      all[#all + 1] = string.char(byte)
    end
    local value = table.concat(all)
    assert.are.equal("OK", (ask(client, "SET", value, value)))
    assert.are.equal(value, (ask(client, "GET", value)))
    assert.are.equal("", (ask(client, "ECHO", "")))
  end)

  it("carries a megabyte, again and again (D62, D66)", function()
    local client = connect()
    local value = net.pattern(1024 * 1024)
    for _ = 1, 5 do
      assert.are.equal("OK", (ask(client, "SET", "big", value)))
      net.assert_same_bytes(value, (ask(client, "GET", "big")))
    end
  end)

  it("takes status and error lines of any length (D61)", function()
    local long = ("x"):rep(5000)
    local client = to_fake(function(_, command)
      return (command[1] == "status" and "+" or "-ERR ") .. long .. "\r\n"
    end)
    assert.are.equal(long, (ask(client, "status")))
    local reply, err = ask(client, "error")
    assert.is_nil(reply)
    assert.are.equal("ERR " .. long, err)
  end)

  it("does not fall for a value with spaces, quotes and commands in it (D64)", function()
    local client = connect()
    local evil = "x\r\nFLUSHALL\r\n\" ' set b c"
    ask(client, "SET", "a", evil)
    assert.are.equal(evil, (ask(client, "GET", "a")))
    assert.are.equal(1, (ask(client, "dbsize")))
  end)

  it("never sends an empty command, whose reply would be missing (D64)", function()
    local client = connect()
    local called = false
    for _, line in ipairs({ "", "  ", "\r\n", "set a 'b", "a \\" }) do
      local answer, message, code = client:Execute(line, function()
        called = true
      end)
      assert.are.equal("query error", answer)
      assert.is_string(message)
      assert.are.equal("EINVAL", code)
    end
    assert.are.equal("PONG", (ask(client, "ping")))
    assert.is_false(called)
  end)

  it("keeps the order of many in flight, with and without a callback", function()
    local client = connect()
    local got = {}
    for i = 1, 5000 do
      assert.are.equal("ok", client:Execute("ECHO no" .. i))
      client:Execute(nil, "ECHO", "none")
      client:Execute(function(_, reply)
        got[#got + 1] = reply
      end, "ECHO", i)
    end
    world:wait("all replies", function()
      return #got == 5000
    end)
    for i = 1, 5000 do
      assert.are.equal(tostring(i), got[i])
    end
  end)

  it("writes once what is executed in one pass", function()
    local client = connect()
    ask(client, "ping")
    local before = tonumber(server:Info("total_reads_processed"))
    for _ = 1, 100 do
      client:Execute("ECHO x")
    end
    ask(client, "ping")
    -- One of the reads is that of redis-cli.
    assert.is_true(tonumber(server:Info("total_reads_processed")) - before <= 4)
  end)

  it("may be used and closed in its own callbacks", function()
    local client = connect()
    local depth, closed = 0, nil
    local function again(_, reply)
      depth = depth + 1
      assert.are.equal("PONG", reply)
      if depth < 10 then
        client:Execute("ping", again)
      else
        client:Execute("ping", function(_, _, _, code)
          closed = code
        end)
        client:Close()
        client:Close()
      end
    end
    client:Execute("ping", again)
    world:wait("the end", function()
      return closed
    end)
    assert.are.equal(10, depth)
    assert.are.equal("ESOCKCLOSE", closed)
  end)

  it("goes on when a callback raises, which is told as every error of a callback", function()
    world.keeps_errors = true
    local client = connect()
    client:Execute("ping", function()
      error("mine", 0)
    end)
    local reply
    client:Execute("echo on", function(_, text)
      reply = text
    end)
    world:wait("the reply", function()
      return reply
    end)
    assert.are.equal("mine", world:take_errors()[1].err)
    assert.are.equal("on", reply)
  end)

  it(
    "fails what is pending when it is closed, each once, after Close has returned (D65)",
    function()
      world.keeps_errors = true
      local client = to_fake(nil, {
        on_error = function()
          error("no error of the connection")
        end,
      })
      local told = {}
      for i = 1, 3 do
        client:Execute("ping", function(_, reply, err, code)
          assert.is_nil(reply)
          assert.matches("closed", err)
          told[#told + 1] = code
          if i == 1 then
            error("mine", 0)
          end
        end)
      end
      client:Execute("ping")
      client:Close()
      assert.are.equal(0, #told)
      world:wait("the callbacks", function()
        return #told == 3
      end)
      world:run(5)
      assert.are.same({ "ESOCKCLOSE", "ESOCKCLOSE", "ESOCKCLOSE" }, told)
      assert.are.equal("mine", world:take_errors()[1].err)
      local answer, _, code = client:Execute("ping")
      assert.are.same({ "query error", "ESOCKCLOSE" }, { answer, code })
    end
  )

  it("is closed for a reason, which is told", function()
    local client = to_fake()
    local told
    client:Execute("ping", function(_, _, err)
      told = err
    end)
    client:Close("enough")
    world:wait("the callback", function()
      return told
    end)
    assert.are.equal("enough", told)
  end)

  it("fails what is pending when the server closes, then calls on_error with 0 (D65)", function()
    local told = {}
    local client = to_fake(function(peer)
      peer:Close()
    end, function(who, number, message)
      told[#told + 1] = { who, number, message }
    end)
    client:Execute("ping", function(_, reply, err, code)
      told[#told + 1] = { reply, err, code }
    end)
    world:wait("both", function()
      return #told == 2
    end)
    assert.are.equal("EOF", told[1][3])
    assert.matches("the server has closed the connection", told[1][2])
    assert.are.equal(client, told[2][1])
    assert.are.equal(0, told[2][2])
    assert.matches("127.0.0.1:%d+: the server has closed the connection", told[2][3])
    local answer, message, code = client:Execute("ping")
    assert.are.same({ "query error", "EOF" }, { answer, code })
    assert.is_string(message)
  end)

  it("calls on_error with the number of a broken connection", function()
    local number
    local client = to_fake(function(peer)
      -- What is not read when a socket is closed resets the connection.
      peer.conn:PauseRead()
      world.engine:Post(function()
        peer.conn:Close()
      end)
    end, function(_, code)
      number = code
    end)
    client:Execute("ping")
    client:Execute(nil, "ECHO", ("x"):rep(1000000))
    world:wait("on_error", function()
      return number
    end)
    assert.are.equal(chuck.error.ECONNRESET, number)
  end)

  it("calls on_error with 146 for a reply that cannot be parsed", function()
    local told = {}
    local client = to_fake(function()
      return "what?\r\n"
    end, function(_, number)
      told[#told + 1] = number
    end)
    client:Execute("ping", function(_, reply, _, code)
      assert.is_nil(reply)
      told[#told + 1] = code
    end)
    wait_gone(client)
    world:run(5)
    assert.are.same({ "ERDISPERROR", 146 }, told)
  end)

  it("does without on_error, whatever happens (D67)", function()
    for _, answer in ipairs({ "what?\r\n", "", "+OK\r\n+more\r\n", ">1\r\n+push\r\n+OK\r\n" }) do
      local client = to_fake(function(peer)
        if answer == "" then
          peer:Close()
        end
        return answer
      end)
      client:Execute("ping")
      world:run(5)
      client:Execute("ping")
      client:Close()
    end
  end)

  it("blames the caller's line for whatever is no command (D67)", function()
    local client = connect()
    local function blames(pattern, ...)
      local fine, problem = pcall(function(...)
        client:Execute(...)
      end, ...)
      assert.is_false(fine)
      assert.matches("redis_seed_spec.lua:%d+: bad argument " .. pattern, problem)
    end
    blames("#1 to 'Execute' %(string or function expected, got nil")
    blames("#1 to 'Execute' %(string or function expected, got table%)", {}, "x")
    blames("#1 to 'Execute' %(string or function expected, got 12%)", 12, "x")
    blames("#2 to 'Execute' %(function expected, got string", "set", "a")
    blames("#2 to 'Execute' %(function expected, got table", "set", {})
    blames("#3 to 'Execute' %(function expected, got string", "set", print, "b")
    blames("#3 to 'Execute'", print, "set", nil)
    blames("#4 to 'Execute'", print, "set", "a", true)
    blames("#3 to 'Execute'", nil, "set", print)
    blames("#2 to 'Execute'", print)
    assert.are.equal("PONG", (ask(client, "ping")))
  end)

  it("tells a command without a reply in time, and never gives its reply to another", function()
    local peer
    local client = to_fake(function(from, command)
      peer = from
      return command[1] == "late" and "" or "+" .. command[1] .. "\r\n"
    end, { timeout_ms = 20 })
    local reply, err, code = ask(client, "late")
    assert.is_nil(reply)
    assert.matches("no reply in 20 ms", err)
    assert.are.equal("ETIMEDOUT", code)
    peer:Send("+the late one\r\n")
    assert.are.equal("next", (ask(client, "next")))
  end)

  it("tells each of many commands after its own time", function()
    local client = to_fake(nil, { timeout_ms = 30 })
    local began, told = chuck.systick(), {}
    local function execute(n)
      client:Execute(function(_, _, _, code)
        told[#told + 1] = { n, code, chuck.systick() - began }
      end, "x")
    end
    execute(1)
    execute(2)
    chuck.RegTimer(world.engine, 15, function()
      execute(3)
      return -1
    end)
    world:wait("all", function()
      return #told == 3
    end)
    for n = 1, 3 do
      assert.are.same({ n, "ETIMEDOUT" }, { told[n][1], told[n][2] })
    end
    assert.is_true(told[1][3] >= 30)
    assert.is_true(told[3][3] >= 45)
  end)

  it("has no time limit that is infinite", function()
    local client = to_fake(nil, { timeout_ms = math.huge, connect_ms = math.huge })
    client:Execute("x", function() end)
    assert.is_false(client.timer)
  end)

  it("refuses more commands than may wait", function()
    local client = to_fake(nil, { pending = 3 })
    for _ = 1, 3 do
      assert.are.equal("ok", client:Execute("ping"))
    end
    local answer, message, code = client:Execute("ping")
    assert.are.same({ "query error", "ENOBUFS" }, { answer, code })
    assert.matches("3 commands wait for a reply", message)
  end)

  it("refuses more bytes than may wait", function()
    local client = to_fake(function(peer)
      peer.conn:PauseRead()
    end, { send_limit = 1000 })
    local answer, _, code = client:Execute(nil, "SET", "a", ("x"):rep(3000000))
    assert.are.same({ "query error", "ENOBUFS" }, { answer, code })
  end)

  it("is as silent as it can be when its engine is closed, and tells what is pending", function()
    local engine = world:new_engine()
    local err, client = redis.Connect(engine, "127.0.0.1", server.port, function()
      error("no error of the connection")
    end)
    assert.is_nil(err)
    local told = {}
    for _ = 1, 2 do
      client:Execute("ping", function(_, _, _, code)
        told[#told + 1] = code
      end)
    end
    engine:Close()
    assert.are.same({ "EENGCLOSE", "EENGCLOSE" }, told)
    assert.are.equal("query error", (client:Execute("ping")))
    client:Close()
  end)

  it("is collected with its engine, without a word", function()
    local weak = setmetatable({}, { __mode = "v" })
    local called = false
    do
      local engine = chuck.engine()
      local err, client = redis.Connect(engine, "127.0.0.1", server.port, function()
        called = true
      end)
      assert.is_nil(err)
      client:Execute("ping", function()
        called = true
      end)
      weak[1], weak[2] = client, engine
    end
    for _ = 1, 4 do
      collectgarbage()
    end
    assert.is_nil(weak[1])
    assert.is_nil(weak[2])
    assert.is_false(called)
  end)

  it("gives messages to the callback that has subscribed, past commands in line (D61)", function()
    for _, protocol in ipairs({ 2, 3 }) do
      local client, other = connect({ protocol = protocol }), connect()
      local heard, order = {}, {}
      local function listener(_, items)
        heard[#heard + 1] = ("%s %s %s"):format(items[1], tostring(items[2]), tostring(items[3]))
      end
      client:Execute("subscribe a b", listener)
      client:Execute(listener, "PSUBSCRIBE", { "c*" })
      client:Execute("ping", function()
        order[#order + 1] = #heard
      end)
      world:wait("the subscriptions", function()
        return order[1]
      end)
      assert.are.same({ "subscribe a 1", "subscribe b 2", "psubscribe c* 3" }, heard)
      other:Execute("publish a one")
      other:Execute("publish cx two")
      world:wait("messages", function()
        return #heard == 5
      end)
      assert.are.equal("message a one", heard[4])
      assert.are.equal("pmessage c* cx", heard[5])
      client:Execute("unsubscribe a")
      assert.are.same({ "unsubscribe", "b", 1 }, (ask(client, "unsubscribe b")))
      ask(client, "punsubscribe")
      other:Execute("publish a three")
      assert.are.equal(1, (ask(client, "rpush l message")))
      assert.are.same({ "message" }, (ask(client, "lrange l 0 -1")))
      assert.are.equal(5, #heard)
      ask(client, "del l")
      client:Close()
      other:Close()
    end
  end)

  it("ends all subscriptions at once, each confirmed", function()
    local client = connect()
    ask(client, "subscribe a")
    ask(client, "subscribe b")
    local ended = {}
    client:Execute("unsubscribe", function(_, items)
      ended[#ended + 1] = items[3]
    end)
    assert.are.equal("PONG", (ask(client, "ping")))
    assert.are.same({ 1, 0 }, ended)
    assert.are.same({ "unsubscribe", redis.null, 0 }, (ask(client, "unsubscribe")))
    assert.are.equal("PONG", (ask(client, "ping")))
  end)

  it("takes the error of a subscription that is not allowed", function()
    server:Cli("ACL", "SETUSER", "bob", "on", ">pw", "~*", "+@all", "resetchannels", "&yes")
    for _, protocol in ipairs({ 2, 3 }) do
      local client = connect({ username = "bob", password = "pw", protocol = protocol })
      local _, _, code = ask(client, "subscribe no1 no2")
      assert.are.equal("NOPERM", code)
      assert.are.equal("PONG", (ask(client, "ping")))
    end
  end)

  it("tells pushes that nobody has asked for to on_push, or nobody", function()
    local pushed
    local push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n"
    local client = to_fake(function()
      return push .. "+PONG\r\n"
    end, {
      on_push = function(_, items)
        pushed = items
      end,
    })
    assert.are.equal("PONG", (ask(client, "ping")))
    assert.are.same({ "invalidate", { "a" } }, pushed)
    local deaf = to_fake(function()
      return push .. "+PONG\r\n"
    end)
    assert.are.equal("PONG", (ask(deaf, "ping")))
  end)

  it("speaks RESP3 when told to", function()
    local client = connect({ protocol = 3 })
    ask(client, "hset h a 1")
    assert.are.same({ a = "1" }, (ask(client, "hgetall h")))
    local plain = connect()
    assert.are.same({ "a", "1" }, (ask(plain, "hgetall h")))
    ask(plain, "hello 3")
    assert.are.same({ a = "1" }, (ask(plain, "hgetall h")))
  end)

  it("refuses what would put its replies out of step", function()
    local client = connect()
    for _, line in ipairs({
      "monitor",
      "client reply off",
      "CLIENT Reply skip",
      "sync",
      "PSYNC ? -1",
    }) do
      local answer, message, code = client:Execute(line, print)
      assert.are.same({ "query error", "EINVAL" }, { answer, code })
      assert.is_string(message)
    end
    assert.are.equal("PONG", (ask(client, "ping")))
  end)

  it("knows such commands however they are given", function()
    local client = connect()
    local bytes = chuck.packet.rawpacket
    for _, command in ipairs({
      { bytes("MONITOR") },
      { { bytes("monitor") } },
      { bytes("client"), { bytes("reply"), "off" } },
      { { CLIENT = "REPLY" }, "OFF" },
    }) do
      local answer, _, code = client:Execute(print, compat.unpack(command))
      assert.are.same({ "query error", "EINVAL" }, { answer, code })
    end
    assert.are.equal("subscribe", ask(client, { SUBSCRIBE = "a" }, {})[1])
    assert.are.equal("unsubscribe", ask(client, bytes("UNSUBSCRIBE"), {})[1])
    assert.are.equal("PONG", (ask(client, { "ping" }, {})))
  end)

  it("raises for methods on what is no connection", function()
    local client = connect()
    local names = { "Execute", "Close", "IsClosed", "Get", "Set", "Hmget", "Hmset", "Do" }
    for _, name in ipairs(names) do
      for _, self in ipairs({ false, 1, {}, "x" }) do
        local fine, problem = pcall(function()
          client[name](self, "x")
        end)
        assert.is_false(fine)
        assert.matches("redis_seed_spec.lua:%d+: calling '" .. name .. "' on bad self", problem)
      end
    end
  end)

  it("is not connected by wrong arguments, which blame the caller's line", function()
    local engine = world.engine
    local function blames(n, ...)
      local fine, problem = pcall(function(...)
        local err, client = redis.Connect(...)
        return err, client
      end, ...)
      assert.is_false(fine)
      assert.matches("redis_seed_spec.lua:%d+: bad argument #" .. n .. " to 'Connect'", problem)
    end
    blames(1)
    blames(1, {}, "127.0.0.1", 1)
    blames(2, engine)
    blames(2, engine, 5, 1)
    blames(2, engine, "", 1)
    blames(3, engine, "127.0.0.1")
    for _, port in ipairs({ 0, -1, 65536, 1.5, 0 / 0, "x", {} }) do
      blames(3, engine, "127.0.0.1", port)
    end
    blames(4, engine, "127.0.0.1", 1, "x")
    blames(4, engine, "127.0.0.1", 1, { on_error = 1 })
    blames(4, engine, "127.0.0.1", 1, { nonsense = 1 })
    blames(4, engine, "127.0.0.1", 1, { protocol = 4 })
    blames(4, engine, "127.0.0.1", 1, { username = "x" })
    blames(4, engine, "127.0.0.1", 1, { depth = 129 })
    blames(5, engine, "127.0.0.1", 1, nil, {})
  end)
end)

describe("a connection in tasks", function()
  local server

  setup(function()
    server = servers.server()
  end)

  local function spec(body)
    return tasks.spec(function()
      server:Cli("FLUSHALL")
      local err, client = redis.Connect("127.0.0.1", server.port)
      assert.is_nil(err)
      tasks.own({
        Close = function()
          client:Close()
        end,
      })
      body(client)
    end)
  end

  it(
    "connects without an engine: err, client",
    spec(function()
      local listener = fake.listen(require("chuck.co.sched").engine())
      listener:Close()
      local err, client, code = redis.Connect("127.0.0.1", listener.port)
      assert.matches("refused", err)
      assert.are.same({ nil, "ECONNREFUSED" }, { client, code })
    end)
  )

  it(
    "gives up connecting when the task is cancelled",
    tasks.spec(function()
      server:Freeze()
      local task = co.spawn(function()
        redis.Connect("127.0.0.1", server.port, { password = "x", connect_ms = 20000 })
      end)
      co.sleep(5)
      task:Cancel()
      task:Join()
      server:Thaw()
    end)
  )

  it("needs a task", function()
    local fine, problem = pcall(function()
      local err = redis.Connect("127.0.0.1", server.port)
      return err
    end)
    assert.is_false(fine)
    assert.matches("redis_seed_spec.lua:%d+: 'Connect' without an engine waits", problem)
  end)

  it(
    "answers err, reply",
    spec(function(client)
      assert.are.same({ nil, "OK" }, { client:Set("key", "a value") })
      assert.are.same({ nil, "a value" }, { client:Get("key") })
      local err, reply = client:Get("nobody")
      assert.is_nil(err)
      assert.is_nil(reply)
      local why, none, code = client:Hmget("key", { "a" })
      assert.matches("^WRONGTYPE", why)
      assert.is_nil(none)
      assert.are.equal("WRONGTYPE", code)
    end)
  )

  it(
    "uses the key that it was given (D72)",
    spec(function(client)
      assert.are.same({ nil, "OK" }, { client:Hmset("mine", { "a", "b" }, { "1", "x y" }) })
      assert.are.same({ nil, "OK" }, { client:Hmset("mine", { c = 3 }) })
      local err, values = client:Hmget("mine", { "a", "b", "c", "d" })
      assert.is_nil(err)
      assert.are.same({ "1", "x y", "3", redis.null }, values)
      assert.are.same({ nil, { "mine" } }, { client:Do("keys *") })
    end)
  )

  it(
    "carries any bytes (D72)",
    spec(function(client)
      local evil = "a b\r\n\0'\"\\ 100%s"
      client:Set(evil, evil)
      assert.are.same({ nil, evil }, { client:Get(evil) })
      client:Hmset("h", { evil }, { evil })
      assert.are.same({ nil, { evil } }, { client:Hmget("h", { evil }) })
    end)
  )

  it(
    "does a line",
    spec(function(client)
      assert.are.same({ nil, "OK" }, { client:Do("set a 'b c'") })
      assert.are.same({ nil, "b c" }, { client:Do("GET a") })
      local err, reply, code = client:Do("'")
      assert.are.same({ "the quote at byte 1 has no end", nil, "EINVAL" }, { err, reply, code })
      for _, line in ipairs({ "", "monitor", "subscribe x", "hello 3" }) do
        assert.is_string((client:Do(line)))
      end
      assert.are.same({ nil, "b c" }, { client:Get("a") })
    end)
  )

  it(
    "serves any number of tasks, in order with callbacks",
    spec(function(client)
      local got = 0
      for i = 1, 200 do
        co.spawn(function()
          assert.are.same({ nil, tostring(i) }, { client:Do("echo " .. i) })
          got = got + 1
        end)
        client:Execute("echo x" .. i, function(_, reply)
          assert(reply == "x" .. i)
          got = got + 1
        end)
      end
      tasks.wait("all of them", function()
        return got == 400
      end)
    end)
  )

  it(
    "is woken by Close, with the reason (4.10)",
    spec(function(client)
      local parked = tasks.parked(client.Do, client, "blpop nobody 0")
      client:Close("enough")
      tasks.finished(parked)
      assert.are.same({ "enough", nil, "ESOCKCLOSE" }, { parked[1], parked[2], parked[3] })
      local err, reply, code = client:Get("a")
      assert.are.same({ "enough", nil, "ESOCKCLOSE" }, { err, reply, code })
    end)
  )

  it(
    "leaves its place in line when it is cancelled",
    spec(function(client)
      local parked = tasks.parked(client.Do, client, "blpop l 0.05")
      parked.task:Cancel()
      assert.are.same({ nil, "OK" }, { client:Set("a", "b") })
      assert.are.same({ nil, "b" }, { client:Get("a") })
    end)
  )

  it(
    "blames the caller's line",
    spec(function(client)
      local function blames(pattern, name, ...)
        local fine, problem = co.pcall(function(...)
          local err, reply = client[name](client, ...)
          return err, reply
        end, ...)
        assert.is_false(fine)
        assert.matches("redis_seed_spec.lua:%d+: bad argument " .. pattern, problem)
      end
      blames("#1 to 'Get'", "Get")
      blames("#1 to 'Get'", "Get", true)
      blames("#2 to 'Set'", "Set", "key")
      blames("#2 to 'Set'", "Set", "key", print)
      blames("#2 to 'Hmget'", "Hmget", "key", "field")
      blames("#2 to 'Hmset'", "Hmset", "key", "field")
      blames("#3 to 'Hmset'", "Hmset", "key", { "a" }, "x")
      blames("#3 to 'Hmset'", "Hmset", "key", { "a", "b" }, { "1" })
      blames("#1 to 'Do'", "Do", 5)
      assert.are.same({ nil, nil }, { client:Get("a") })
    end)
  )

  it("waits only in a task", function()
    local client
    co.run(function()
      client = select(2, redis.Connect("127.0.0.1", server.port))
      client:Close()
    end)
    local fine, problem = pcall(function()
      local err = client:Get("a")
      return err
    end)
    assert.is_false(fine)
    assert.matches("redis_seed_spec.lua:%d+: 'Get' waits, and only a task can", problem)
  end)
end)
