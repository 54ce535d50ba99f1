--- Servers that do what they should not: nothing hangs, nothing grows, no reply goes to another.
local chuck = require("chuck")
local fake = require("spec.helper.fake_redis")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, redis = chuck.co, chuck.redis
local spec = tasks.spec

--- Quick to connect again, and to see that nobody answers.
local QUICK = {
  backoff_ms = 5,
  backoff_max_ms = 20,
  connect_ms = 2000,
  protocol = 2,
  timeout_ms = 5000,
}

--- A server in this very engine.
local function serve(answer, greet, is_raw)
  return tasks.own(fake.listen(sched.engine(), answer, greet, is_raw))
end

local function connect(server, options)
  local all = { address = server.address }
  for _, list in ipairs({ QUICK, options or {} }) do
    for name, value in pairs(list) do
      all[name] = value
    end
  end
  local client = redis.client(all)
  tasks.own({
    Close = function()
      client:Close()
    end,
  })
  return client
end

--- One of every type, and what becomes of it.
local EVERY = {
  { "+OK\r\n", "OK" },
  { "$5\r\na\r\nbc\r\n", "a\r\nbc" },
  { "$0\r\n\r\n", "" },
  { ":-12\r\n", -12 },
  { "$-1\r\n", nil },
  { "*-1\r\n", nil },
  { "*0\r\n", {} },
  { "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n+y\r\n$2\r\n\r\n\r\n", { 1, { "x", "y" }, "\r\n" } },
  { "_\r\n", nil },
  { ",1.5\r\n", 1.5 },
  { "#t\r\n", true },
  { "#f\r\n", false },
  { "=7\r\ntxt:a\rb\r\n", "a\rb" },
  {
    "(3492890328409238509324850943850943825024385\r\n",
    "3492890328409238509324850943850943825024385",
  },
  { "%2\r\n+a\r\n:1\r\n$1\r\nb\r\n,2.5\r\n", { a = 1, b = 2.5 } },
  { "~2\r\n+a\r\n+b\r\n", { "a", "b" } },
  { "|1\r\n+ttl\r\n:3600\r\n+OK\r\n", "OK" },
}

describe("a server that sends in pieces", function()
  it(
    "gives every reply whole, wherever it is cut",
    spec(function()
      local pieces
      local server = serve(function()
        return pieces
      end)
      local client = connect(server)
      for _, case in ipairs(EVERY) do
        local bytes, expected = case[1], case[2]
        for cut = 1, #bytes - 1 do
          pieces = fake.pieces(bytes, cut)
          local value, message = client:Call("x")
          assert.are.same(expected, value)
          assert.is_nil(message)
        end
        pieces = fake.pieces(bytes)
        assert.are.same(expected, (client:Call("x")))
      end
      assert.are.equal(1, #server.peers)
    end)
  )

  it(
    "gives an error whole, wherever it is cut",
    spec(function()
      local cut
      local server = serve(function()
        return fake.pieces("-WRONGTYPE no\r\n", cut)
      end)
      local client = connect(server)
      for at = 1, 14 do
        cut = at
        local value, message, code, err = client:Get("x")
        assert.is_nil(value)
        assert.are.same({ "WRONGTYPE no", "WRONGTYPE" }, { message, code })
        assert.is_true(redis.is_error(err))
      end
    end)
  )
end)

--- What a connection ends for, by each answer.
local LIES = {
  ["arrays in arrays, ten thousand deep"] = { ("*1\r\n"):rep(10000) .. ":1\r\n", "EPKTOOLARGE" },
  ["a string of 4 GB"] = { "$4294967296\r\nabc", "EPKTOOLARGE" },
  ["a string of more bytes than there are"] = { "$99999999999999999999\r\n", "ERDISPERROR" },
  ["a list of a thousand million"] = { "*1000000000\r\n", "EPKTOOLARGE" },
  ["a map of a thousand million"] = { "%1000000000\r\n", "EPKTOOLARGE" },
  ["lists that together are too many"] = { ("*16000000\r\n"):rep(3), "EPKTOOLARGE" },
  ["a negative length"] = { "$-2\r\n", "ERDISPERROR" },
  ["a length that is no number"] = { "$abc\r\n", "ERDISPERROR" },
  ["a string without its end"] = { "$3\r\nabcdef", "ERDISPERROR" },
  ["an integer that is none"] = { ":1-2\r\n", "ERDISPERROR" },
  ["an integer beyond 64 bits"] = { ":99999999999999999999\r\n", "ERDISPERROR" },
  ["a boolean that is none"] = { "#x\r\n", "ERDISPERROR" },
  ["a type that is none"] = { "?what\r\n", "ERDISPERROR" },
  ["garbage"] = { "\0\1\2\255\254", "ERDISPERROR" },
  ["a web page"] = { "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "ERDISPERROR" },
  ["one reply too many"] = { "+OK\r\n+OK\r\n", "ERDISPERROR", true },
}

describe("a server that answers with", function()
  for name, lie in pairs(LIES) do
    it(
      name .. " loses its connection, and the next is as good as new",
      spec(function()
        local server = serve(function()
          return lie[1]
        end)
        local ends = {}
        local client = connect(server, {
          on_disconnect = function(_, message, code)
            ends[#ends + 1] = { message, code }
          end,
        })
        collectgarbage()
        local before = collectgarbage("count")
        local value, message, code, err = client:Get("x")
        if lie[3] then
          assert.are.equal("OK", value)
        else
          assert.is_nil(value)
          assert.matches("GET: 127.0.0.1:%d+: .*it may have been carried out", message)
          assert.are.equal(lie[2], code)
          assert.is_nil(err)
        end
        assert.is_true(collectgarbage("count") - before < 4096)
        tasks.wait("the end", function()
          return ends[1]
        end)
        assert.are.equal(lie[2], ends[1][2])
        server.answer = function()
          return "+fine\r\n"
        end
        assert.are.equal("fine", client:Get("x"))
        assert.are.equal(2, #server.peers)
      end)
    )
  end
end)

describe("a server that answers late", function()
  it(
    "does not shift replies: each goes to the one who has asked, or nobody",
    spec(function()
      local held = {}
      local server = serve(function(peer, command)
        if command[2] == "late" then
          held[#held + 1] = function()
            peer:Send(fake.bulk("late"))
          end
        elseif #held > 0 then
          held[#held + 1] = function()
            peer:Send(fake.bulk(command[2]))
          end
        else
          return fake.bulk(command[2])
        end
      end)
      local client = connect(server, { timeout_ms = 100 })
      assert.are.equal("a", client:Get("a"))
      for round = 1, 10 do
        local value, message, code = client:Get("late")
        assert.is_nil(value)
        assert.matches("GET: 127.0.0.1:%d+: no reply in 100 ms", message)
        assert.are.equal("ETIMEDOUT", code)
        local outcome = tasks.parked(client.Get, client, "on time" .. round)
        for _, answer in ipairs(held) do
          answer()
        end
        held = {}
        assert.are.equal("on time" .. round, tasks.finished(outcome)[1])
      end
      assert.are.equal(10, client:Stats().timeouts)
      assert.are.equal(1, #server.peers)
    end)
  )

  it(
    "does not answer the next question of the task that has given up",
    spec(function()
      local waiting
      local server = serve(function(peer, command)
        waiting = command[2] == "late" or waiting
        if command[2] == "on time" then
          peer:Send(fake.bulk("late"))
          return fake.bulk("on time")
        end
      end)
      local client = connect(server)
      assert.is_true(client:Ready())
      assert.are.equal("ETIMEDOUT", (select(3, client:CallWith({ timeout_ms = 5 }, "GET", "late"))))
      tasks.wait("the first question", function()
        return waiting
      end)
      assert.are.equal("on time", client:Get("on time"))
    end)
  )

  it(
    "does not shift replies of cancelled tasks",
    spec(function()
      local waiting
      local server = serve(function(peer)
        waiting = peer
      end)
      local client = connect(server)
      local first = tasks.parked(client.Get, client, "first")
      local second = tasks.parked(client.Get, client, "second")
      local third = tasks.parked(client.Get, client, "third")
      first.task:Cancel()
      second.task:Cancel()
      second.task:Join()
      waiting:Send("+1\r\n+2\r\n")
      co.sleep(5)
      assert.is_false(third.done)
      waiting:Send("+3\r\n")
      assert.are.equal("3", tasks.finished(third)[1])
      assert.is_false(first.done or second.done)
    end)
  )

  it(
    "never: the line does not grow for ever, for silence ends the connection",
    spec(function()
      local server = serve(function() end)
      local client = connect(server, { timeout_ms = 10, heartbeat_ms = 30 })
      for _ = 1, 5 do
        local _, _, code = client:Get("x")
        assert.are.equal("ETIMEDOUT", code)
      end
      tasks.wait("another connection", function()
        return #server.peers > 1
      end)
      assert.are.equal(1, client:Stats().losses)
    end)
  )
end)

describe("a server that says what nobody has asked for", function()
  it(
    "as pushes, is listened to without harm",
    spec(function()
      local push = ">3\r\n+message\r\n+a\r\n+b\r\n>0\r\n>1\r\n*1\r\n+x\r\n"
      local server = serve(function()
        return push .. "+OK\r\n" .. push
      end)
      local client = connect(server)
      for _ = 1, 50 do
        assert.are.equal("OK", client:Get("x"))
      end
      assert.are.equal(1, #server.peers)
    end)
  )

  it(
    "as replies, loses its connection",
    spec(function()
      local server = serve(nil, function(peer)
        peer:Send("+hello\r\n")
      end)
      local client = connect(server)
      tasks.wait("the third connection", function()
        return #server.peers >= 3
      end)
      assert.is_true(client:Stats().losses >= 2)
      client:Close()
    end)
  )
end)

describe("a server that leaves", function()
  it(
    "in the middle of a reply: nil, message, EOF",
    spec(function()
      local server = serve(function(peer)
        peer:Send("*3\r\n$3\r\nabc\r\n$10\r\nab")
        peer:Close()
      end)
      local client = connect(server)
      local value, message, code = client:LRange("l", 0, -1)
      assert.is_nil(value)
      assert.matches("LRANGE: 127.0.0.1:%d+: the server has closed the connection", message)
      assert.are.equal("EOF", code)
    end)
  )

  it(
    "is told to everyone who waits, and the replies that came before count",
    spec(function()
      local server = serve(function(peer, _, n)
        if n == 5 then
          peer:Close()
        end
        return n < 3 and ":" .. n .. "\r\n" or nil
      end)
      local client = connect(server)
      assert.is_true(client:Ready())
      local outcomes = {}
      for i = 1, 5 do
        co.spawn(function()
          outcomes[i] = { client:Incr("n") }
        end)
      end
      tasks.wait("all of them", function()
        return #outcomes == 5
      end)
      assert.are.same({ { 1 }, { 2 } }, { outcomes[1], outcomes[2] })
      for i = 3, 5 do
        assert.is_nil(outcomes[i][1])
        assert.are.equal("EOF", outcomes[i][3])
      end
    end)
  )

  it(
    "as soon as we come: the calls time out, and say why there is no connection",
    spec(function()
      local server = serve(nil, function(peer)
        peer:Close(true)
      end)
      local client = connect(server, { protocol = 3, timeout_ms = 50 })
      local value, message, code = client:Get("x")
      assert.is_nil(value)
      assert.matches("GET: .*no connection in %d+ ms", message)
      assert.is_string(code)
    end)
  )
end)

describe("a server that takes connections and greets nobody", function()
  it(
    "costs connect_ms at a time, and the calls their own time",
    spec(function()
      local server = serve(function() end)
      local client = connect(server, { protocol = 3, timeout_ms = 60, connect_ms = 20 })
      local began = sched.now()
      local value, message, code = client:Get("x")
      assert.is_nil(value)
      assert.matches("GET: ", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.is_true(sched.now() - began >= 60)
      assert.is_true(client:Stats().attempts >= 2)
    end)
  )

  it(
    "is not waited for by Close",
    spec(function()
      local server = serve(function() end)
      local client = connect(server, { protocol = 3 })
      local outcome = tasks.parked(client.Get, client, "x")
      client:Close()
      tasks.finished(outcome)
      assert.are.equal("ESOCKCLOSE", outcome[3])
    end)
  )
end)

describe("a server that does not read", function()
  it(
    "makes callers wait, within limits",
    spec(function()
      local server = serve(nil, function(peer)
        peer.conn:PauseRead()
      end)
      local client = connect(server, { timeout_ms = 100, send_limit = 1024 * 1024 })
      assert.is_true(client:Ready())
      local value, codes = ("x"):rep(512 * 1024), {}
      for _ = 1, 40 do
        co.spawn(function()
          local _, _, code = client:Set("a", value)
          codes[#codes + 1] = code
        end)
      end
      tasks.wait("all of them", function()
        return #codes == 40
      end)
      for _, code in ipairs(codes) do
        assert.are.equal("ETIMEDOUT", code)
      end
    end)
  )
end)

describe("a web server", function()
  it(
    "is no server of Redis, for the greeting too",
    spec(function()
      local server = serve(nil, function(peer)
        peer:Send("HTTP/1.1 400 Bad Request\r\n\r\n")
      end)
      local client = connect(server, { protocol = 3, timeout_ms = 50 })
      local value, message, code = client:Get("x")
      assert.is_nil(value)
      assert.matches("redis reply cannot be parsed", message)
      assert.are.equal("ERDISPERROR", code)
    end)
  )
end)

describe("a connection for callbacks, to a hostile server,", function()
  --- What the callbacks of two commands and on_error are told.
  local function outcome_of(answer)
    local server = serve(answer)
    local told = {}
    local err, client = redis.Connect("127.0.0.1", server.port, {
      timeout_ms = 50,
      on_error = function(_, number)
        told.number = number
      end,
    })
    assert.is_nil(err)
    for i = 1, 2 do
      client:Execute("get x", function(_, reply, _, code)
        told[i] = reply or code
      end)
    end
    tasks.wait("both replies", function()
      return told[1] and told[2]
    end)
    co.sleep(1)
    client:Close()
    return told
  end

  for name, lie in pairs(LIES) do
    it(
      "is told of " .. name,
      spec(function()
        local told = outcome_of(function(_, _, n)
          return (n == 1 or lie[3]) and lie[1] or nil
        end)
        assert.are.equal(lie[3] and "OK" or lie[2], told[1])
        if not lie[3] then
          assert.are.equal(lie[2], told[2])
          assert.are.equal(chuck.error[lie[2]], told.number)
        end
      end)
    )
  end

  it(
    "is told that it has closed, in the middle of a reply too",
    spec(function()
      local told = outcome_of(function(peer)
        peer:Send("$10\r\nabc")
        peer:Close()
      end)
      assert.are.same({ "EOF", "EOF", number = 0 }, told)
    end)
  )

  it(
    "is told that nobody answers",
    spec(function()
      assert.are.same({ "ETIMEDOUT", "ETIMEDOUT" }, outcome_of(function() end))
    end)
  )

  it(
    "takes confirmations that nobody asked for as replies of their own",
    spec(function()
      local told = outcome_of(function()
        return "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
      end)
      assert.are.same({ "subscribe", "a", 1 }, told[1])
      assert.are.same({ "subscribe", "a", 1 }, told[2])
    end)
  )

  it(
    "is not filled with subscriptions that it did not make",
    spec(function()
      local err, client = redis.Connect(
        "127.0.0.1",
        serve(function()
          local push = ">3\r\n+subscribe\r\n+c%d\r\n:1\r\n>3\r\n+message\r\n+c%d\r\n+x\r\n"
          local parts = {}
          for i = 1, 1000 do
            parts[i] = push:format(i, i)
          end
          return table.concat(parts) .. ">1\r\n+subscribe\r\n>0\r\n>2\r\n_\r\n_\r\n+OK\r\n"
        end).port
      )
      assert.is_nil(err)
      assert.are.same({ nil, "OK" }, { client:Get("x") })
      assert.are.equal(0, client.messages.count)
      client:Close()
    end)
  )
end)
